"""The list of accounts and the page of one: who sees whom, and what an admin does there."""

from datetime import timedelta
from typing import Any

import pytest
from house_of_cases import NOW, Lived, statements
from signed_in import form_token, make_account, sign_in

from tracker.accounts import service
from tracker.accounts.models import User
from tracker.accounts.queries import get_account
from tracker.administration.queries import list_accounts
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work


def send(lived: Lived, by: User, path: str, **fields: str) -> Any:
    """What somebody gets who sends a form."""
    browser = sign_in(lived.app, by, NOW)
    with clock.fixed_at(NOW):
        return browser.post(path, data={"csrf_token": form_token(browser), **fields})


def test_an_admin_sees_all_and_a_coordinator_the_desks_people(lived: Lived) -> None:
    chief = make_account("chief@example.org", desk="iopt", coordinator=True)
    everybody = lived.browser(lived.admin).get("/accounts").text
    for user in (lived.owner, lived.outsider, lived.volunteer, lived.admin, chief):
        assert user.email in everybody
    theirs = lived.browser(chief).get("/accounts").text
    for user in (lived.owner, lived.colleague, chief):
        assert user.email in theirs
    for user in (lived.outsider, lived.volunteer, lived.admin):
        assert user.email not in theirs
    assert lived.browser(chief).get(f"/accounts/{lived.owner.id}").status_code == 403
    assert lived.browser(lived.colleague).get("/accounts").status_code == 403


def test_the_list_says_how_it_stands_with_each(lived: Lived) -> None:
    sign_in(lived.app, lived.owner, NOW - timedelta(hours=3))
    with unit_of_work("close", COMMAND, now=NOW):
        service.disable(db.session(), get_account(db.session(), lived.outsider.email), NOW)
    page = lived.browser(lived.admin).get("/accounts").text
    assert "3 hours ago" in page
    assert "closed" in page


def test_a_page_of_accounts_costs_the_same_however_many_there_are(lived: Lived) -> None:
    counts = []
    for _ in range(2):
        db.session.rollback()
        with statements() as sent:
            list_accounts(db.session(), lived.admin)
        counts.append(len(sent.said))
        for number in range(3):
            make_account(f"more{len(counts)}{number}@example.org", desk="iopt")
    assert counts[0] == counts[1] <= 3


def test_pages_follow_one_another_and_words_narrow_them(lived: Lived) -> None:
    first = list_accounts(db.session(), lived.admin, limit=2)
    assert [one.user.email for one in first.rows] == ["admin@example.org", "colleague@example.org"]
    second = list_accounts(db.session(), lived.admin, after=first.next, limit=2)
    assert [one.user.email for one in second.rows] == ["outsider@example.org", "owner@example.org"]
    third = list_accounts(db.session(), lived.admin, after=second.next, limit=2)
    assert ([one.user.email for one in third.rows], third.next) == (["volunteer@example.org"], "")
    assert [one.user.name for one in list_accounts(db.session(), lived.admin, words="DOR").rows] == ["Dora"]
    assert list_accounts(db.session(), lived.admin, words="%").rows == []


def test_an_admin_does_all_of_it_in_pages(lived: Lived) -> None:
    path = f"/accounts/{lived.colleague.id}"
    for act, fields, check in (
        ("desks", {"desk": "mena"}, lambda u: len(u.memberships) == 2),
        ("desks/mena/duty", {"duty": "deputy"}, lambda u: any(m.deputy for m in u.memberships)),
        ("desks/mena/duty", {"duty": "coordinator"}, lambda u: any(m.coordinator for m in u.memberships)),
        ("role", {"role": "admin"}, lambda u: u.role == "admin"),
        ("role", {"role": "staff"}, lambda u: u.role == "staff"),
        ("disable", {}, lambda u: u.active),  # refused: the last coordinator of mena
        ("revoke", {}, lambda u: u.active),
    ):
        answer = send(lived, lived.admin, f"{path}/{act}", **fields)
        assert answer.status_code == (422 if act == "disable" else 303), act
        assert check(lived.fresh(lived.colleague)), act
        if act == "disable":
            assert "last coordinator of Elsewhere" in answer.text
    send(lived, lived.admin, f"/accounts/{lived.outsider.id}/desks/mena/duty", duty="coordinator")
    assert send(lived, lived.admin, f"{path}/desks/mena/leave").status_code == 303
    assert len(lived.fresh(lived.colleague).memberships) == 1
    assert send(lived, lived.admin, f"{path}/disable").status_code == 303
    assert not lived.fresh(lived.colleague).active
    assert send(lived, lived.admin, f"{path}/enable").status_code == 303
    assert lived.fresh(lived.colleague).active


@pytest.mark.parametrize(
    ("act", "fields", "said"),
    [
        ("role", {"role": "king"}, "Not a valid choice"),
        ("desks", {"desk": "nowhere"}, "Not a valid choice"),
        ("desks", {"desk": "iopt"}, "is on that desk already"),
        ("desks/iopt/duty", {"duty": "king"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_is_said_on_the_page(lived: Lived, act: str, fields: dict[str, str], said: str) -> None:
    answer = send(lived, lived.admin, f"/accounts/{lived.colleague.id}/{act}", **fields)
    assert answer.status_code == 422
    assert said in answer.text


def test_only_admins_act_and_a_forged_or_missing_account_is_not_there(lived: Lived) -> None:
    chief = make_account("chief@example.org", desk="iopt", coordinator=True)
    for act in ("disable", "enable", "role", "desks", "desks/iopt/leave", "desks/iopt/duty", "revoke", "reset"):
        assert send(lived, chief, f"/accounts/{lived.colleague.id}/{act}").status_code == 403, act
        assert send(lived, lived.admin, f"/accounts/999999/{act}").status_code == 404, act


def test_every_view_that_changes_an_account_asks_again_who_it_is(lived: Lived) -> None:
    for endpoint, view in lived.app.view_functions.items():
        posts = any("POST" in (r.methods or ()) for r in lived.app.url_map.iter_rules(endpoint))
        if posts and endpoint.startswith(("administration.", "invitations.")) and view.opened_to != "anyone":
            assert view.asks_again, endpoint


def test_a_volunteer_leaves_every_desk(lived: Lived) -> None:
    send(lived, lived.admin, f"/accounts/{lived.colleague.id}/role", role="volunteer")
    stored = lived.fresh(lived.colleague)
    assert (stored.role, stored.memberships) == ("volunteer", [])
    answer = send(lived, lived.admin, f"/accounts/{lived.colleague.id}/desks", desk="iopt")
    assert answer.status_code == 422
