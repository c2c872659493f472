"""Desks, accounts and browsers that are signed in, for the tests of every room."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from flask_security import hash_password
from passlib.totp import TOTP

from tracker.accounts import service, signing_in
from tracker.accounts.models import Desk, User
from tracker.base import clock
from tracker.base.dates import MONDAY_TO_FRIDAY
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.factors.rules import new_secret
from tracker.factors.service import add_app

#: Everybody's password in tests.
PASSWORD = "kettle-orchard-lantern"

#: When what tests set up was made.
SET_UP_AT = datetime(2024, 1, 8, 9, tzinfo=UTC)


@lru_cache
def _hash(password: str) -> str:
    return hash_password(password)


@contextmanager
def hashed_once() -> Iterator[None]:
    """Real hashes, but one for a password: each costs a fifth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "hash_password", _hash)
        yield


@contextmanager
def in_one_act(act: str = "accounts.add", now: datetime = SET_UP_AT) -> Iterator[None]:
    """A unit of work; one around others makes all of them one."""
    if "work" in db.session.info:
        yield
        return
    with unit_of_work(act, COMMAND, now=now):
        yield


def make_desk(
    code: str = "iopt",
    name: str = "Israel and Palestine",
    countries: tuple[str, ...] = ("IL", "PS"),
    zone: str = "Asia/Jerusalem",
    working_days: tuple[int, ...] = MONDAY_TO_FRIDAY,
    now: datetime = SET_UP_AT,
) -> Desk:
    """A desk, stored."""
    with in_one_act("desks.add", now):
        return service.add_desk(db.session(), code, name, countries, zone, working_days, now=now)


def make_account(
    email: str = "amal@example.org",
    role: str = "staff",
    desk: str | None = None,
    coordinator: bool = False,
    name: str | None = None,
    now: datetime = SET_UP_AT,
) -> User:
    """An account with PASSWORD, stored."""
    with hashed_once(), in_one_act("accounts.add", now):
        return service.add_account(db.session(), email, name, role, PASSWORD, desk, coordinator, now=now)


def sign_in(app: Flask, user: User, now: datetime | None = None) -> FlaskClient:
    """A browser in which `user` is signed in, without the cost of a password. `now`: when that was."""
    browser = app.test_client()
    with clock.fixed_at(now), app.test_request_context("/"):
        with unit_of_work("accounts.sign_in", COMMAND):
            fresh = db.session.merge(user)
            signing_in.begin(fresh, "a test", clock.now())
        browser.set_cookie(app.session_interface.cookie, session.token)  # type: ignore[attr-defined]
    return browser


def wait(app: Flask, user: User, now: datetime | None = None) -> FlaskClient:
    """A browser in which the password of `user` was right, and that is all."""
    browser = app.test_client()
    with clock.fixed_at(now), app.test_request_context("/"):
        with unit_of_work("accounts.sign_in", COMMAND):
            assert signing_in.go_on(db.session.merge(user), "a test", None, clock.now()).startswith("/sign-in/")
        browser.set_cookie(app.session_interface.cookie, session.token)  # type: ignore[attr-defined]
    return browser


def form_token(browser: FlaskClient) -> str:
    """The form token of a browser that is signed in."""
    page = browser.get("/account").text
    return page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]


def give_app(user: User, now: datetime = SET_UP_AT) -> str:
    """Set up an app that makes codes for `user`; its secret. No code of `now` or before is accepted any more."""
    secret = new_secret()
    with unit_of_work("factors.add_app", COMMAND, now=now):
        add_app(db.session(), db.session.merge(user), secret, int(now.timestamp()) // 30)
    return secret


def code_of(secret: str, now: datetime) -> str:
    """What an app with this secret shows at an instant."""
    return str(TOTP(key=secret, format="base32").generate(now).token)
