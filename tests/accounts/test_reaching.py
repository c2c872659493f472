"""Who hears that mail does not reach somebody, and who may say that it does again."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from signed_in import form_token, make_account, make_desk, sign_in
from sqlalchemy import select, update

from tracker.accounts.models import Membership, User
from tracker.base import clock
from tracker.base.concealed import conceal
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.outbox.models import Recipient

NOW = datetime(2024, 4, 1, 7, tzinfo=UTC)
REASON = "its mail server says there is no such address (5.1.1)"

pytestmark = pytest.mark.one_engine


def lose(user: User, now: datetime = NOW) -> int:
    """Mail to somebody comes back; returns the number of their recipient."""
    with unit_of_work("tests", COMMAND, now=now):
        db.session.execute(
            update(Recipient)
            .where(Recipient.user_id == user.id)
            .values(suppressed_at=now, suppressed_reason=REASON, soft_bounces=5)
        )
        return db.session.execute(select(Recipient.id).where(Recipient.user_id == user.id)).scalar_one()


def lost(number: int) -> bool:
    """Whether it is still so."""
    db.session.rollback()
    return db.session.get_one(Recipient, number, populate_existing=True).suppressed_at is not None


def press(app: Flask, user: User, number: int) -> int:
    """Somebody says that mail arrives there again; the answer's status."""
    with clock.fixed_at(NOW):
        browser = sign_in(app, user, NOW)
        said = browser.post(
            f"/accounts/{conceal('recipient', number)}/reach-again", data={"csrf_token": form_token(browser)}
        )
    return said.status_code


def page(app: Flask, user: User, address: str) -> str:
    """What somebody reads there."""
    with clock.fixed_at(NOW):
        return sign_in(app, user, NOW).get(address).text


def test_the_person_reads_it_on_their_own_page_and_says_when_it_works_again(app: Flask) -> None:
    make_desk()
    gone = make_account("gone@example.org", desk="iopt")
    assert "comes back" not in page(app, gone, "/account")
    number = lose(gone)
    shown = page(app, gone, "/account")
    assert "Mail to your address comes back since Mon 1 Apr 2024, 10:00" in shown
    assert REASON in shown
    assert "Mail to your address comes back since Mon 1 Apr 2024, 10:00" in page(app, gone, "/")
    assert press(app, gone, number) == 303
    assert not lost(number)
    assert "comes back" not in page(app, gone, "/account")
    assert "comes back" not in page(app, gone, "/")
    assert press(app, gone, number) == 404


def test_coordinators_see_their_desks_people_admins_everybody_and_others_nobody(app: Flask) -> None:
    make_desk()
    make_desk("egypt", "Egypt", ("EG",), "Africa/Cairo")
    gone = make_account("gone@example.org", desk="iopt", name="Amal Haddad")
    lead = make_account("lead@example.org", desk="iopt", coordinator=True)
    elsewhere = make_account("elsewhere@example.org", desk="egypt", coordinator=True)
    colleague, admin = make_account("staff@example.org", desk="iopt"), make_account("admin@example.org", "admin")
    deputy = make_account("deputy@example.org", desk="iopt")
    with unit_of_work("tests", COMMAND):
        db.session.execute(update(Membership).where(Membership.user_id == deputy.id).values(deputy=True))
    number = lose(gone)
    for user in (colleague, elsewhere):
        assert "Mail does not reach them" not in page(app, user, "/service")
        assert press(app, user, number) == 404
        assert lost(number)
    for user in (lead, deputy, admin):
        lose(gone)
        shown = page(app, user, "/service")
        assert "Mail does not reach them" in shown
        assert "Amal Haddad" in shown
        assert REASON in shown
        assert press(app, user, number) == 303
        assert not lost(number)


def test_who_has_no_account_any_more_is_not_waited_for(app: Flask) -> None:
    make_desk()
    gone, admin = make_account("gone@example.org", desk="iopt"), make_account("admin@example.org", "admin")
    number = lose(gone)
    with unit_of_work("tests", COMMAND):
        db.session.get_one(User, gone.id).active = False
    assert "Mail does not reach them" not in page(app, admin, "/service")
    assert press(app, admin, number) == 404
