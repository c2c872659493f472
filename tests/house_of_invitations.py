"""People who invite, a mail server, and what the mails say."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from mail_sink import MailSink
from signed_in import form_token, make_account, make_desk, sign_in
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.invitations import service
from tracker.invitations.models import AccountLink
from tracker.invitations.steps import answer
from tracker.outbox.deliver import deliver

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)

#: A password nobody would try.
CHOSEN = "marble-canyon-fiddle"

FORM_TOKEN = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"')


class House:
    """A desk with its coordinator, an admin, somebody on another desk; and what comes of what they do."""

    def __init__(self, app: Flask, sink: MailSink) -> None:
        self.app, self.sink = app, sink
        make_desk()
        make_desk("egypt", "Egypt", ("EG",), "Africa/Cairo")
        self.admin = make_account("admin@example.org", "admin", name="Emil")
        self.coordinator = make_account("chief@example.org", desk="iopt", coordinator=True, name="Carol")
        self.staff = make_account("staff@example.org", desk="iopt", name="Basel")

    def invite(self, email: str = "new@example.org", role: str = "staff", now: datetime = NOW, **how: Any) -> int:
        """Invite somebody; the number of the link. `by`: None, a command."""
        by = how.pop("by", None)
        how = {"desk": "iopt" if role == "staff" else None} | how
        with unit_of_work("invite", COMMAND, now=now):
            return service.invite(db.session(), by, email, role, now=now, **how).id

    def deliver(self, now: datetime = NOW) -> dict[str, int]:
        """What the clock does."""
        with clock.fixed_at(now):
            answer(now)
            said = dict(deliver(now))
        db.session.rollback()
        return said

    def path(self, email: str = "new@example.org") -> str:
        """The address in the last mail that came, without its host."""
        mail = self.sink.to(email)[-1]
        return re.search(r"http://127\.0\.0\.1:8000(/\S+)", mail.text)[1]  # type: ignore[index]

    def link(self, link_id: int) -> AccountLink:
        """A link as it is stored now."""
        db.session.rollback()
        return db.session.get_one(AccountLink, link_id, populate_existing=True)

    def account(self, email: str = "new@example.org") -> User | None:
        """An account as it is stored now."""
        db.session.rollback()
        found = select(User).where(User.email_key == email).execution_options(populate_existing=True)
        return db.session.scalar(found)

    def page(self, path: str, now: datetime = NOW, browser: FlaskClient | None = None) -> Any:
        """The answer to somebody who opens an address."""
        with clock.fixed_at(now):
            return (browser or self.app.test_client()).get(path)

    def send(self, path: str, now: datetime = NOW, **fields: str) -> Any:
        """Open an address in a browser that is not signed in, and send its form."""
        browser = self.app.test_client()
        with clock.fixed_at(now):
            found = FORM_TOKEN.search(browser.get(path).text) or FORM_TOKEN.search(browser.get("/sign-in").text)
            assert found
            return browser.post(path, data={"csrf_token": found[1], **fields})

    def as_user(self, user: User, path: str, now: datetime = NOW, **fields: str) -> Any:
        """What somebody who is signed in gets who sends a form."""
        with clock.fixed_at(now):
            browser = sign_in(self.app, user, now)
            return browser.post(path, data={"csrf_token": form_token(browser), **fields})

    def signs_in(self, email: str, password: str, now: datetime = NOW) -> bool:
        """Whether somebody gets in so."""
        return bool(self.send("/sign-in", now, email=email, password=password).status_code == 303)


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


@pytest.fixture
def house(app: Flask, mail_sink: MailSink) -> House:
    """The house before anybody is invited."""
    return House(app, mail_sink)


#: What is given to threads.
Do = Callable[[], None]

__all__ = ["CHOSEN", "NOW", "Do", "House"]
