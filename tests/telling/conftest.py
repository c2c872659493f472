"""People who wrote for actions and read them, with a mail server that takes what they are told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from actions_ground import open_case
from flask import Flask
from house_of_cases import NOW, Lived, lived
from mail_sink import Mail, MailSink
from signed_in import make_account
from sqlalchemy import select

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base import clock
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.clockwork.runner import tick
from tracker.outbox.models import Message
from tracker.steps.models import ActionReading
from tracker.steps.service import record_step

#: An hour after actions are made: when somebody wrote, or read.
HOUR = timedelta(hours=1)


class Telling:
    """A case that is open to volunteers, people who act, and the clock."""

    def __init__(self, app: Flask, lived: Lived, sink: MailSink) -> None:
        self.app, self.lived, self.sink = app, lived, sink
        self.case: Case = open_case(lived)

    def volunteer(self, name: str, zone: str | None = None) -> User:
        """Somebody more who writes letters."""
        made: User = make_account(f"{name.lower()}@example.org", "volunteer", name=name)
        if zone is not None:
            with self.lived.at() as session:
                session.get_one(User, made.id).zone = zone
        return made

    def wrote(self, user: User, action: UrgentAction, now: datetime = NOW + HOUR) -> None:
        """Somebody says that they wrote."""
        with self.lived.at(now, by=user) as session:
            record_step(
                session,
                session.get_one(UrgentAction, action.id),
                channel="email",
                user=session.get_one(User, user.id),
            )

    def read(self, user: User, action: UrgentAction, now: datetime = NOW + HOUR) -> None:
        """Somebody opens it."""
        with self.lived.at(now) as session:
            session.add(ActionReading(action_id=action.id, user_id=user.id, opened_at=now))

    def tick(self, now: datetime) -> list[Mail]:
        """Let the clock run once; what left about actions."""
        before = len(self.sink.mails)
        with clock.fixed_at(now):
            tick(self.app, now)
        db.session.rollback()
        return [mail for mail in self.sink.mails[before:] if mail.kind.startswith("action.")]

    def planned(self, kind: str) -> list[Message]:
        """The messages of a kind, in the order they were planned."""
        db.session.rollback()
        return list(db.session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


@pytest.fixture
def telling(app: Flask, lived: Lived, mail_sink: MailSink) -> Telling:
    """The case and its people."""
    return Telling(app, lived, mail_sink)


@pytest.fixture
def of_kind() -> Callable[[list[Mail], str], list[Any]]:
    """Those of some mails that are of a kind."""
    return lambda mails, kind: [mail for mail in mails if mail.kind == kind]


__all__ = ["lived"]
