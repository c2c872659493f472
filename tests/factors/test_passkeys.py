"""Passkeys: made and shown for this site and this question only, once, and never by a copy."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from signed_in import make_account, sign_in, wait
from soft_key import SoftKey
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.factors import service
from tracker.factors.models import Passkey
from tracker.factors.passkeys import Shown

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)
THERE = {"base_url": "https://tracker.example.org"}
SENT_FROM = {"Referer": "https://tracker.example.org/sign-in/factor"}


@pytest.fixture
def tracker_env(tracker_env: dict[str, str]) -> dict[str, str]:
    """The tracker's address begins with https."""
    return {**tracker_env, "TRACKER_BASE_URL": "https://tracker.example.org"}


@pytest.fixture
def user(app: Flask) -> User:
    """Staff."""
    return make_account("amal@example.org")


def over_https(browser: FlaskClient) -> FlaskClient:
    """The same browser; its cookie belongs to the host of the settings."""
    for cookie in list(browser._cookies.values()):  # type: ignore[union-attr]
        browser.set_cookie(cookie.key, cookie.value, domain="tracker.example.org", secure=True)
    return browser


def asked(browser: FlaskClient, page: str, at: datetime = NOW) -> tuple[dict[str, Any], str]:
    """What a page asks the browser, and its form token."""
    with clock.fixed_at(at):
        text = browser.get(page, **THERE).text
    options = re.search(r'data-options="([^"]*)"', text)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
    assert options, text
    assert token
    return json.loads(unescape(options[1])), token[1]


def send(browser: FlaskClient, path: str, token: str, credential: str, at: datetime = NOW, **more: str) -> Any:
    """Send the browser's answer."""
    with clock.fixed_at(at):
        data = {"csrf_token": token, "credential": credential, **more}
        return browser.post(path, data=data, headers=SENT_FROM, **THERE)


def set_up(app: Flask, user: User, key: SoftKey, **more: str) -> Any:
    """Make `key` a passkey of `user` from the account page."""
    browser = over_https(sign_in(app, user, NOW))
    options, token = asked(browser, "/account/factors/passkeys")
    return send(browser, "/account/factors/passkeys", token, key.make(options), **more)


def test_a_passkey_is_set_up_in_the_waiting_room_and_lets_in_the_next_time(app: Flask, user: User) -> None:
    key = SoftKey()
    browser = over_https(wait(app, user, NOW))
    options, token = asked(browser, "/sign-in/enrol")
    assert options["rp"]["id"] == "tracker.example.org"
    assert user.email not in options["user"]["id"]
    answer = send(browser, "/sign-in/enrol/passkey", token, key.make(options), name="my phone")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/factors/codes")
    again = over_https(wait(app, user, NOW))
    options, token = asked(again, "/sign-in/factor")
    assert options["userVerification"] == "preferred"
    answer = send(again, "/sign-in/factor/passkey", token, key.show(options))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    db.session.rollback()
    kept = db.session.scalars(select(Passkey)).one()
    assert (kept.name, kept.sign_count, kept.used_at) == ("my phone", 1, NOW)


#: What a device or a page in between may lie about.
LIES: dict[str, dict[str, Any]] = {
    "another site": {"origin": "https://tracker.example.org.evil.example"},
    "plain http": {"origin": "http://tracker.example.org"},
    "another port": {"origin": "https://tracker.example.org:8443"},
    "another question": {"challenge": "c29tZXRoaW5nLWVsc2U"},
    "another act": {"type": "webauthn.create"},
    "a forged signature": {"signature": b"0" * 70},
    "a copy that counts backwards": {"count": 5},
}


@pytest.mark.one_engine
def test_no_lie_is_believed(app: Flask, user: User) -> None:
    key = SoftKey()
    assert set_up(app, user, key).status_code == 303
    for what, lies in LIES.items():
        with unit_of_work("test", COMMAND):
            db.session.scalars(select(Passkey)).one().sign_count = 5
        browser = over_https(wait(app, user, NOW))
        options, token = asked(browser, "/sign-in/factor")
        answer = send(browser, "/sign-in/factor/passkey", token, key.show(options, **{"count": 6, **lies}))
        assert answer.status_code == 422, what
    browser = over_https(wait(app, user, NOW))
    options, token = asked(browser, "/sign-in/factor")
    stranger = SoftKey()
    stranger.id = key.id
    assert send(browser, "/sign-in/factor/passkey", token, stranger.show(options, count=9)).status_code == 422
    for nonsense in ("", "{}", "[" * 40_000, "x" * 50_000, '{"id": 7}', '{"id": "' + "A" * 43 + '"}', "\udcff"[:0]):
        options, token = asked(browser, "/sign-in/factor")
        assert send(browser, "/sign-in/factor/passkey", token, nonsense).status_code in (422, 429)


@pytest.mark.one_engine
def test_a_question_is_answered_once_and_soon_and_for_what_it_was_asked(app: Flask, user: User) -> None:
    key = SoftKey()
    set_up(app, user, key)
    browser = over_https(sign_in(app, user, NOW))
    options, token = asked(browser, "/confirm")
    answered = key.show(options)
    late = NOW + timedelta(minutes=10, seconds=1)
    assert send(browser, "/confirm/passkey", token, answered, late).status_code == 422
    assert send(browser, "/confirm/passkey", token, answered).status_code == 422, "used up by the late try"
    options, token = asked(browser, "/confirm")
    answered = key.show(options)
    assert send(browser, "/confirm/passkey", token, answered, next="/account").headers["Location"] == "/account"
    assert send(browser, "/confirm/passkey", token, answered).status_code == 422
    waiting = over_https(wait(app, user, NOW))
    options, _token = asked(browser, "/confirm")
    _options, token = asked(waiting, "/sign-in/factor")
    assert send(waiting, "/sign-in/factor/passkey", token, key.show(options)).status_code == 422, "another's question"


def test_what_was_signed_is_taken_once_by_the_count(app: Flask, user: User) -> None:
    key = SoftKey()
    set_up(app, user, key)
    kept = db.session.scalars(select(Passkey)).one()
    with unit_of_work("test", COMMAND, now=NOW):
        assert service.accept_passkey(db.session(), user, Shown(kept.id, 0, 4))
        assert not service.accept_passkey(db.session(), user, Shown(kept.id, 0, 5)), "somebody was faster"
        other = make_other(user)
        assert not service.accept_passkey(db.session(), other, Shown(kept.id, 4, 5)), "somebody else's"


def make_other(user: User) -> User:
    """An account of another number, that is not stored."""
    return User(id=user.id + 1)


@pytest.mark.one_engine
def test_a_passkey_is_one_accounts_and_its_name_too(app: Flask, user: User) -> None:
    key = SoftKey()
    set_up(app, user, key, name="my phone")
    answer = set_up(app, make_account("other@example.org"), key)
    assert answer.status_code == 422
    assert "set up already" in answer.text
    answer = set_up(app, user, SoftKey(), name="my phone")
    assert answer.status_code == 422
    assert "of that name" in answer.text
    assert set_up(app, user, SoftKey()).status_code == 303
    assert [p.name for p in db.session.scalars(select(Passkey).order_by(Passkey.id))] == ["my phone", "Passkey"]


def test_one_is_taken_away_and_the_last_that_must_be_stays(app: Flask, user: User) -> None:
    set_up(app, user, SoftKey()), set_up(app, user, SoftKey())
    one, two = db.session.scalars(select(Passkey.id).order_by(Passkey.id)).all()
    with unit_of_work("factors.remove_passkey", COMMAND, now=NOW):
        service.remove_passkey(db.session(), user, one)
    with pytest.raises(Refused), unit_of_work("factors.remove_passkey", COMMAND, now=NOW):
        service.remove_passkey(db.session(), user, two)
