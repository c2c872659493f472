"""How an account signs in is changed: by its owner, once it is known that it is them; and its owner is told."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from mail_sink import MailSink
from signed_in import PASSWORD, form_token, give_app, make_account, sign_in
from sqlalchemy import select, update

from tracker.accounts import service
from tracker.accounts.mails import say_change
from tracker.accounts.models import User
from tracker.accounts.trying import check_password
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.clockwork.runner import tick
from tracker.outbox.kinds import kinds
from tracker.outbox.models import Message
from tracker.outbox.queries import list_messages
from tracker.outbox.service import read_former_address

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)
NEW = "harbour-walnut-seventeen"


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


@pytest.fixture
def user(app: Flask) -> User:
    """Somebody with an account."""
    return make_account("vera@example.org", "volunteer", name="Vera")


def change(browser: FlaskClient, at: datetime = NOW, **fields: str) -> Any:
    """Fill in and send the form for another password."""
    with clock.fixed_at(at):
        data = {
            "csrf_token": form_token(browser),
            "current_password": PASSWORD,
            "new_password": NEW,
            "again_password": NEW,
            **fields,
        }
        return browser.post("/account/password", data=data)


def is_in(browser: FlaskClient) -> bool:
    """Whether the browser is let in."""
    with clock.fixed_at(NOW):
        return browser.get("/account").status_code == 200


def run_clock(app: Flask, at: datetime = NOW) -> None:
    """Let the clock work once."""
    with clock.fixed_at(at):
        tick(app, at)
    db.session.rollback()


def test_another_password_ends_every_other_sign_in_and_is_told(app: Flask, user: User, mail_sink: MailSink) -> None:
    here, elsewhere = sign_in(app, user, NOW), sign_in(app, user, NOW)
    old = here.get_cookie("tracker").value  # type: ignore[union-attr]
    answer = change(here)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert here.get_cookie("tracker").value != old  # type: ignore[union-attr]
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    here.set_cookie("tracker", old)
    assert not is_in(here)
    assert check_password(db.session(), user.email, PASSWORD) is None
    assert check_password(db.session(), user.email, NEW) is not None
    run_clock(app)
    (mail,) = mail_sink.to("vera@example.org")
    said = str(mail.message)
    assert mail.message["X-Tracker-Kind"] == "account.changed"
    assert "The password of your account was changed." in mail.text
    assert "Mon 1 Apr 2024, 09:00" in mail.text
    assert not re.search(r"https?://", mail.text), "nothing to click in a mail that phishers imitate"
    assert NEW not in said


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"current_password": "not-the-password"}, "This is not your password."),
        ({"new_password": "short", "again_password": "short"}, "too short"),
        ({"again_password": "something-else-here"}, "not the same"),
        ({"new_password": "", "again_password": ""}, "Write the new password."),
        ({"new_password": "vera.example.12", "again_password": "vera.example.12"}, "words that are tried first"),
    ],
)
@pytest.mark.one_engine
def test_what_cannot_be_is_said_on_its_field_and_nothing_changes(
    app: Flask, user: User, fields: dict[str, str], says: str
) -> None:
    browser = sign_in(app, user, NOW)
    answer = change(browser, **fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert is_in(browser)
    assert not db.session.scalars(select(Message)).all()
    assert check_password(db.session(), user.email, PASSWORD) is not None


@pytest.mark.one_engine
def test_a_password_is_changed_by_who_has_just_shown_that_it_is_them(app: Flask, user: User) -> None:
    browser = sign_in(app, user, NOW)
    with clock.fixed_at(NOW + timedelta(minutes=10)):
        assert browser.get("/account/password").headers["Location"] == "/confirm?next=/account/password"
    answer = change(browser, NOW + timedelta(minutes=30))
    assert answer.headers["Location"].startswith("/confirm")
    assert check_password(db.session(), user.email, PASSWORD) is not None


def test_a_change_of_address_is_told_to_the_old_one(app: Flask, user: User, mail_sink: MailSink) -> None:
    with unit_of_work("accounts.change_address", COMMAND, now=NOW):
        service.change_address(db.session(), user, "vera@elsewhere.example", NOW)
    message = db.session.scalars(select(Message)).one()
    assert message.address_sealed is not None
    assert "vera@" not in message.address_sealed
    assert "vera@" not in str(message.tells)
    assert read_former_address(app.extensions["sealer"], message) == "vera@example.org"
    run_clock(app)
    assert [m.text.count("another mail address") for m in mail_sink.to("vera@example.org")] == [1]
    assert not mail_sink.to("vera@elsewhere.example")
    assert "elsewhere" not in mail_sink.to("vera@example.org")[0].text, "it does not say which"
    db.session.expire_all()
    assert db.session.scalars(select(Message)).one().state == "sent"


@pytest.mark.one_engine
def test_lists_of_mail_do_not_show_another_address_than_it_goes_to(app: Flask, user: User) -> None:
    with unit_of_work("accounts.change_address", COMMAND, now=NOW):
        service.change_address(db.session(), user, "vera@elsewhere.example", NOW)
    assert [row.address for row in list_messages(db.session())] == [""]


@pytest.mark.one_engine
def test_an_address_that_sends_mail_back_is_not_told(app: Flask, user: User) -> None:
    from tracker.outbox.bounces import stop_sending
    from tracker.outbox.service import recipient_for

    with unit_of_work("test", COMMAND, now=NOW):
        stop_sending(db.session(), recipient_for(db.session(), user.id), "it came back", NOW)
    with unit_of_work("accounts.change_address", COMMAND, now=NOW):
        service.change_address(db.session(), user, "vera@elsewhere.example", NOW)
    assert not db.session.scalars(select(Message)).all()


@pytest.mark.one_engine
def test_a_factor_is_told_in_its_readers_language(app: Flask, user: User, mail_sink: MailSink) -> None:
    db.session.execute(update(User).values(language="ar"))
    db.session.commit()
    give_app(user, NOW)
    run_clock(app)
    (mail,) = mail_sink.to("vera@example.org")
    assert 'dir="rtl"' in mail.html
    assert kinds.get("account.changed").if_unsure == "wait"


@pytest.mark.one_engine
def test_there_are_words_for_each_change(app: Flask) -> None:
    with app.test_request_context():
        for what in ("password", "address", "factor_added", "factor_removed", "codes_renewed", "factors_forgotten"):
            assert say_change(what).endswith(".")


@pytest.mark.one_engine
def test_no_password_is_shown_again_when_a_form_was_open_too_long(app: Flask, user: User) -> None:
    browser = sign_in(app, user, NOW)
    from_here = {"Origin": "http://localhost"}
    said = {"current_password": PASSWORD, "new_password": NEW, "again_password": NEW, "credential": "signed-by-a-key"}
    answer = browser.post("/account/password", data={"csrf_token": "old", **said}, headers=from_here)
    assert answer.status_code == 400
    assert not [value for value in said.values() if value in answer.text]
