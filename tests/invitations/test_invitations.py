"""`account.invited`: sent, looked at, accepted once; taken back, sent again, run out; and by whom."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from house_of_invitations import CHOSEN, NOW
from signed_in import PASSWORD, make_account
from sqlalchemy import select, text

from tracker.accounts import service as accounts
from tracker.accounts.models import SignIn
from tracker.base.concealed import conceal
from tracker.base.db import db
from tracker.base.errors import NotAllowed, Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.invitations import service
from tracker.invitations.kinds import Invited
from tracker.invitations.rules import hash_word
from tracker.outbox.models import Message

HOURS_72 = timedelta(hours=72)
MOMENT = timedelta(seconds=1)


def test_looking_three_times_and_then_accepting_works_once(house: Any) -> None:
    house.invite()
    assert house.deliver()["sent"] == 1
    (mail,) = house.sink.to("new@example.org")
    assert mail.kind == "account.invited"
    path = house.path()
    for _ in range(3):
        page = house.page(path)
        assert page.status_code == 200
        assert "Israel and Palestine" in page.text
    assert not house.account().active
    assert house.send(path, name="Nour", password=CHOSEN).status_code == 303
    user = house.account()
    assert (user.name, user.role, user.active, user.invited) == ("Nour", "staff", True, False)
    assert [m.desk.code for m in user.memberships] == ["iopt"]
    assert house.signs_in("new@example.org", CHOSEN)
    again = house.send(path, name="Thief", password=CHOSEN + "s")
    assert again.status_code == 410
    assert "was used" in again.text
    assert house.account().name == "Nour"


def test_a_link_is_good_just_before_72_hours_and_not_at_them(house: Any) -> None:
    for email, off in (("before@example.org", -MOMENT), ("at@example.org", 0 * MOMENT), ("after@example.org", MOMENT)):
        house.invite(email)
        house.deliver()
        answer = house.send(house.path(email), NOW + HOURS_72 + off, name="Nour", password=CHOSEN)
        assert (answer.status_code == 303) == (off < 0 * MOMENT), off
        assert house.account(email).active == (off < 0 * MOMENT)
        if off >= 0 * MOMENT:
            assert "has run out" in answer.text


def test_the_word_stands_nowhere_in_the_database(house: Any, app: Any) -> None:
    link = house.link(house.invite())
    house.deliver()
    word = house.path().rpartition("/")[2]
    assert hash_word(word) == link.token_hash
    for table in ("account_links", "messages", "envelopes", "acts", "users", "house_facts"):
        rows = str(db.session.execute(text(f"SELECT * FROM {table}")).all())
        assert word not in rows
        assert table == "account_links" or link.token_hash not in rows
    db.session.rollback()
    assert word != app.extensions["sealer"].keyring.blind(link.nonce, "account links"), "the nonce alone does not tell"


def test_what_a_link_page_says_is_kept_by_nobody(house: Any) -> None:
    house.invite()
    house.deliver()
    page = house.page(house.path())
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["Referrer-Policy"] == "strict-origin", "never the path; over https forms need the origin"
    assert page.headers["X-Robots-Tag"] == "noindex"


def test_a_link_that_is_not_whole_opens_nothing(house: Any) -> None:
    house.invite()
    house.deliver()
    path = house.path()
    for wrong in (path[:-1], path + "x", "/invitations/accept/x", path.replace("/invitations/accept", "/password/new")):
        assert house.page(wrong).status_code == 404


def test_nobody_signs_in_before_they_have_come(house: Any) -> None:
    house.invite()
    for password in ("", "!", PASSWORD):
        assert not house.signs_in("new@example.org", password)


def test_a_weak_password_is_refused_on_its_field_and_the_link_stays_good(house: Any) -> None:
    house.invite()
    house.deliver()
    for password, said in (("short", "too short"), ("new-example-tracker", "words that are tried first")):
        answer = house.send(house.path(), name="Nour", password=password)
        assert answer.status_code == 422
        assert said in answer.text
        assert 'value="Nour"' in answer.text
        assert f'value="{password}"' not in answer.text
    assert house.send(house.path(), name="Nour", password=CHOSEN).status_code == 303


@pytest.mark.parametrize("typed", ["two  spaces and more\u202ehere", "été-comme-été-1234"])
def test_the_password_is_the_one_that_was_typed(house: Any, typed: str) -> None:
    house.invite()
    house.deliver()
    assert house.send(house.path(), name="Nour", password=typed).status_code == 303
    assert house.signs_in("new@example.org", typed)


def test_taken_back_it_lets_nobody_in_and_its_mail_is_skipped(house: Any) -> None:
    link_id = house.invite()
    answer = house.as_user(house.admin, f"/invitations/{conceal('invitation', link_id)}/revoke")
    assert answer.status_code == 303
    (message,) = db.session.scalars(select(Message).where(Message.kind == "account.invited"))
    assert (message.state, message.reason) == ("skipped", "the invitation was taken back")
    assert house.deliver()["sent"] == 0
    assert house.as_user(house.admin, f"/invitations/{conceal('invitation', link_id)}/revoke").status_code == 404


def test_taken_back_after_it_left_it_says_so(house: Any) -> None:
    link_id = house.invite()
    house.deliver()
    house.as_user(house.admin, f"/invitations/{conceal('invitation', link_id)}/revoke")
    answer = house.send(house.path(), name="Nour", password=CHOSEN)
    assert answer.status_code == 410
    assert "has ended" in answer.text


def test_sent_again_only_the_new_one_is_good(house: Any) -> None:
    link_id = house.invite()
    house.deliver()
    old = house.path()
    assert house.as_user(house.admin, f"/invitations/{conceal('invitation', link_id)}/again").status_code == 303
    house.deliver()
    new = house.path()
    assert new != old
    assert house.send(old, name="Nour", password=CHOSEN).status_code == 410
    assert house.send(new, name="Nour", password=CHOSEN).status_code == 303
    assert house.account().role == "staff"


def test_inviting_anew_to_something_else_ends_the_first(house: Any) -> None:
    first = house.invite(role="admin")
    house.invite(role="volunteer")
    assert house.link(first).ended_at is not None
    house.deliver()
    house.send(house.path(), name="Nour", password=CHOSEN)
    assert house.account().role == "volunteer"


def test_a_link_goes_no_further_than_the_address_it_was_made_for(house: Any) -> None:
    house.invite()
    house.deliver()
    with unit_of_work("move", COMMAND) as now:
        accounts.change_address(db.session(), house.account(), "other@example.org", now)
    assert house.send(house.path(), name="Nour", password=CHOSEN).status_code == 410


def test_two_who_send_it_at_the_same_moment_make_one_account(house: Any) -> None:
    house.invite()
    house.deliver()
    word = house.path().rpartition("/")[2]
    came: list[str] = []

    def join(name: str) -> None:
        with house.app.app_context():
            try:
                with unit_of_work("join", COMMAND, now=NOW):
                    service.accept(db.session(), word, name=name, password_hash=f"hash of {name}", now=NOW)
                came.append(name)
            except Refused:
                pass

    threads = [threading.Thread(target=join, args=(name,)) for name in ("One", "Two", "Three", "Four")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came) == 1
    user = house.account()
    assert (user.name, user.password, len(user.memberships)) == (came[0], f"hash of {came[0]}", 1)


# Who ------------------------------------------------------------------------------------------------------------------


def test_a_coordinator_invites_to_the_desk_and_makes_no_admin(house: Any) -> None:
    form = {"email": "new@example.org", "role": "staff", "desk": "iopt", "language": "en"}
    assert house.as_user(house.coordinator, "/invitations", **form).status_code == 303
    for change in ({"role": "admin"}, {"desk": "egypt"}, {"role": "admin", "desk": ""}):
        answer = house.as_user(house.coordinator, "/invitations", **{**form, "email": "x@example.org", **change})
        assert answer.status_code in (403, 422)
        assert house.account("x@example.org") is None
    crafted = house.as_user(house.coordinator, "/invitations", **{**form, "email": "y@example.org", "coordinator": "y"})
    assert crafted.status_code == 303, "the box is not theirs, so what it says is passed over"
    house.deliver()
    house.send(house.path("y@example.org"), name="Nour", password=CHOSEN)
    assert not house.account("y@example.org").memberships[0].coordinator


@pytest.mark.parametrize(
    ("role", "how"),
    [
        ("admin", {"desk": None}),
        ("staff", {"desk": "egypt"}),
        ("staff", {"desk": None}),
        ("staff", {"coordinator": True}),
    ],
)
def test_the_service_itself_refuses_what_a_coordinator_may_not(house: Any, role: str, how: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        house.invite(role=role, by=house.coordinator, **how)
    with pytest.raises(NotAllowed):
        house.invite(role="volunteer", by=house.staff)
    assert house.account() is None


def test_an_invitation_of_an_admin_is_not_a_coordinators_to_send_take_back_or_replace(house: Any) -> None:
    for role, desk in (("admin", None), ("staff", "egypt"), ("volunteer", None)):
        link_id = house.invite(role=role, desk=desk, by=house.admin)
        for act in ("again", "revoke"):
            assert (
                house.as_user(house.coordinator, f"/invitations/{conceal('invitation', link_id)}/{act}").status_code
                == 404
            )
        with pytest.raises(Refused, match="Somebody else"):
            house.invite(role="volunteer", by=house.coordinator)
        assert house.link(link_id).ended_at is None


def test_who_has_an_account_is_not_invited(house: Any) -> None:
    form = {"email": "STAFF@example.org", "role": "volunteer", "desk": "", "language": "en"}
    answer = house.as_user(house.admin, "/invitations", **form)
    assert answer.status_code == 422
    assert "There is an account" in answer.text


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"email": "no address"}, "not a mail address"),
        ({"role": "volunteer", "desk": "iopt"}, "belongs to no desk"),
        ({"desk": "nowhere"}, "no desk nowhere"),
        ({"desk": None, "coordinator": True}, "say which"),
        ({"role": "king", "desk": None}, "no role"),
        ({"language": "tlh"}, "do not come in"),
    ],
)
def test_what_cannot_be_is_refused(house: Any, how: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        house.invite(**how)


@pytest.mark.parametrize("what", ["disable", "change_role", "leave_desk", "set_duty"])
def test_the_invitations_of_who_loses_access_end(house: Any, what: str) -> None:
    """`invitations.links`: nobody comes in on the word of somebody who has been let go."""
    make_account("second@example.org", desk="iopt", coordinator=True)
    link_id = house.invite(by=house.coordinator)
    house.deliver()
    more = {"change_role": ("volunteer",), "leave_desk": ("iopt",), "set_duty": ("iopt", "member")}.get(what, ())
    with unit_of_work("let go", COMMAND, now=NOW):
        getattr(accounts, what)(db.session(), house.coordinator, *more, NOW)
    assert house.link(link_id).ended_at == NOW
    assert house.send(house.path(), name="Nour", password=CHOSEN).status_code == 410


def test_the_list_shows_whom_one_looks_after_and_how_it_stands(house: Any) -> None:
    house.invite("of-admin@example.org", role="admin", desk=None, by=house.admin)
    house.invite("mine@example.org", by=house.coordinator)
    house.deliver()
    pages = {}
    for who, user in (("admin", house.admin), ("coordinator", house.coordinator)):
        from signed_in import sign_in

        pages[who] = house.page("/invitations", browser=sign_in(house.app, user, NOW)).text
    assert "of-admin@example.org" in pages["admin"]
    assert "mine@example.org" in pages["admin"]
    assert "of-admin@example.org" not in pages["coordinator"]
    assert "mine@example.org" in pages["coordinator"]
    assert "Mail: sent" in pages["coordinator"]


def test_accepting_begins_no_sign_in_so_that_the_second_factor_is_asked_for(house: Any) -> None:
    house.invite()
    house.deliver()
    house.send(house.path(), name="Nour", password=CHOSEN)
    assert db.session.scalar(select(SignIn)) is None


def test_a_mail_that_waits_says_nothing_once_the_link_is_over(house: Any) -> None:
    house.invite()
    assert house.deliver(NOW + HOURS_72)["sent"] == 0
    (message,) = db.session.scalars(select(Message))
    assert message.state in ("skipped", "not_delivered")
    assert Invited.why_not(db.session(), message, NOW + HOURS_72) == "its link has run out"


def test_nobody_who_was_invited_gets_other_mail(house: Any) -> None:
    from tracker.outbox.models import Recipient
    from tracker.outbox.protocol import reachable
    from tracker.outbox.service import plan_messages

    house.invite()
    row = db.session.scalar(select(Message))
    assert row is not None
    recipient_id = row.recipient_id
    with unit_of_work("plan", COMMAND, now=NOW):
        other = {"dedupe_key": "x", "kind": "digest", "subject_kind": "desk", "subject_id": 1, "subject_rev": 1}
        plan_messages(db.session(), [{**other, "recipient_id": recipient_id, "cause": "x", "tells": {}, "due_at": NOW}])
    reached = db.session.scalars(select(Message.kind).join(Recipient).where(reachable())).all()
    assert reached == ["account.invited"]
