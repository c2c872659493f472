"""A public case, somebody without an account who follows it, and the mail server they read their mail from."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from house_of_cases import NOW, Lived, utc
from house_of_cases import lived as lived
from mail_sink import MailSink
from public_ground import Public
from sqlalchemy import select

from tracker.base import clock
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.clockwork.runner import tick
from tracker.following.models import Follow, FollowAsk
from tracker.outbox.models import Message, Recipient

#: Whoever follows.
ADDRESS = "Qzfollower.canary@elsewhere.example"

#: The first reminder of the hearing of 8 April goes out then, at eight in the morning of the desk: seven days before.
WEEK_BEFORE = utc("2024-04-01T05:00")
DAY_BEFORE = utc("2024-04-07T05:00")

_TOKEN = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"')
_ONCE = re.compile(r'name="once" type="hidden" value="([^"]+)"')
_LINK = re.compile(r"http://127\.0\.0\.1:8000(/follow/\S+)")


class Followed(Public):
    """The desk, its public case, and strangers."""

    def __init__(self, lived: Lived, sink: MailSink) -> None:
        super().__init__(lived)
        self.sink = sink

    def open_case(self, **more: Any) -> Case:
        """A public case with a public hearing on 8 April."""
        case = self.case(**more)
        self.trial = self.hearing(case)
        return case

    def form(self, case: Case, browser: FlaskClient, now: Any = NOW, lang: str = "en") -> dict[str, str]:
        """What the form of a case holds before anything is written."""
        with clock.fixed_at(now):
            page = browser.get(f"/follow/{lang}/cases/{case.public_id}")
        assert page.status_code == 200
        return {"csrf_token": _TOKEN.search(page.text)[1], "once": _ONCE.search(page.text)[1]}

    def ask(
        self, case: Case, address: str = ADDRESS, days: tuple[int, ...] = (7, 1), now: Any = NOW, **more: Any
    ) -> Any:
        """Somebody writes an address into the form."""
        browser = more.pop("browser", None) or self.lived.app.test_client()
        lang = more.pop("lang", "en")
        held = more.pop("held", None) or self.form(case, browser, now, lang)
        said = {"sealed-email": address, "days_before": [str(d) for d in days], "language": lang} | more
        with clock.fixed_at(now):
            return browser.post(f"/follow/{lang}/cases/{case.public_id}", data=held | said)

    def tick(self, now: Any = NOW) -> None:
        """The clock runs."""
        with clock.fixed_at(now):
            tick(self.lived.app, now)
        db.session.rollback()

    def link(self, address: str = ADDRESS, place: int = -1) -> str:
        """The last link in a mail to an address."""
        return _LINK.findall(self.sink.to(address)[place].text)[-1]

    def post(self, path: str, now: Any = NOW, **said: str) -> Any:
        """Press the button of a page whose link came by mail: no cookie, no token."""
        with clock.fixed_at(now):
            return self.lived.app.test_client().post(path, data=said)

    def open(self, path: str, now: Any = NOW) -> Any:
        """Open a link."""
        with clock.fixed_at(now):
            return self.lived.app.test_client().get(path)

    def follow(self, case: Case, address: str = ADDRESS, now: Any = NOW, **more: Any) -> None:
        """Ask, get the mail, say yes."""
        assert self.ask(case, address, now=now, **more).status_code == 303
        self.tick(now)
        assert self.post(self.link(address), now + timedelta(seconds=1)).status_code == 303

    def kinds(self, address: str = ADDRESS) -> list[str]:
        """What came to an address, in order."""
        return [mail.kind for mail in self.sink.to(address)]

    def rows(self, model: Any) -> list[Any]:
        """What is stored now."""
        db.session.rollback()
        return list(db.session.scalars(select(model).order_by(model.id).execution_options(populate_existing=True)))

    def addresses(self) -> list[Recipient]:
        """Those that are kept without an account."""
        return [r for r in self.rows(Recipient) if r.address_sealed is not None]

    def messages(self, kind: str = "follow.") -> list[Message]:
        """What was planned for followers."""
        return [m for m in self.rows(Message) if m.kind.startswith(kind)]


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url, "TRACKER_BOUNCE_TO": "bounces@example.org"}


@pytest.fixture
def followed(lived: Lived, mail_sink: MailSink) -> Followed:
    """The desk, with a mail server."""
    return Followed(lived, mail_sink)


__all__ = ["ADDRESS", "DAY_BEFORE", "NOW", "WEEK_BEFORE", "Follow", "FollowAsk", "Followed", "followed", "lived"]
