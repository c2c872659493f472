"""An outbox under test: recipients to write to, notes to send, and children that deliver and can be ended."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import note_kind
from flask import Flask
from mail_sink import MailSink
from sqlalchemy import ColumnElement, Executable, select

from tracker.accounts.models import User
from tracker.base import clock
from tracker.base.columns import new_public_id
from tracker.base.db import WRITES, db
from tracker.base.house import HouseFact
from tracker.base.work import short_transaction
from tracker.outbox.deliver import deliver
from tracker.outbox.models import Attempt, Envelope, Message
from tracker.outbox.packing import list_packable, pack
from tracker.outbox.protocol import Claimed, claim
from tracker.outbox.service import cancel_messages, plan_messages, recipient_for

TESTS = Path(__file__).resolve().parent

#: The instant at which the clock stands unless a test says otherwise.
NOW = datetime(2026, 4, 7, 6, 0, tzinfo=UTC)


def later(**span: float) -> datetime:
    """So much after NOW."""
    return NOW + timedelta(**span)


class WatchedSink(MailSink):
    """A mail server that does something else when it has taken a recipient: each thing in `at_rcpt` once."""

    def __init__(self) -> None:
        super().__init__()
        self.at_rcpt: list[Callable[[], None]] = []

    async def handle_RCPT(self, *said: Any) -> str:
        """Keep the recipient, and do it."""
        answer = await super().handle_RCPT(*said)
        if self.at_rcpt:
            self.at_rcpt.pop(0)()
        return answer


class Outbox:
    """Plans notes, delivers, and reads what became of them."""

    def __init__(self, app: Flask, env: dict[str, str]) -> None:
        self.app = app
        self.env = env
        self.engine = db.engine
        self.recipients: list[int] = []

    def add_recipient(self, email: str, name: str = "Some One") -> int:
        """A new account's recipient."""
        with short_transaction() as session:
            user = User(
                email=email,
                email_key=email.lower(),
                name=name,
                password="",
                fs_uniquifier=new_public_id(),
                role="staff",
                created_at=NOW,
            )
            session.add(user)
            session.flush()
            self.recipients.append(recipient_for(session, user.id).id)
        return self.recipients[-1]

    def plan(self, *numbers: int, to: int | None = None, due_at: datetime = NOW, **more: Any) -> int:
        """Plan notes with these numbers; returns how many are new."""
        if to is None and not self.recipients:
            self.add_recipient("reader@example.org")
        recipient = to or self.recipients[0]
        with short_transaction() as session:
            return plan_messages(session, [note_kind.row(n, recipient, due_at, **more) for n in numbers])

    def deliver(self, at: datetime = NOW) -> dict[str, int]:
        """Deliver in this process."""
        with clock.fixed_at(at):
            return dict(deliver(at))

    def child(self, at: datetime = NOW, failpoint: str = "") -> subprocess.Popen[str]:
        """Start a process that delivers."""
        env = {**self.env, "PYTHONPATH": str(TESTS), "FAILPOINT_FOR_TESTS": failpoint}
        return subprocess.Popen(
            [sys.executable, str(TESTS / "note_kind.py"), at.isoformat()],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.env["TRACKER_INSTANCE"],
        )

    def deliver_in_child(self, at: datetime = NOW) -> dict[str, int]:
        """Deliver in a process of its own."""
        child = self.child(at)
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
        answer: dict[str, int] = json.loads(out)
        return answer

    def kill_at(self, failpoint: str, at: datetime = NOW) -> None:
        """Let a process deliver until it comes by `failpoint`, where it is killed."""
        assert self.dies_at(failpoint, at), f"it did not come by {failpoint}"

    def dies_at(self, failpoint: str, at: datetime = NOW) -> bool:
        """The same for a process that need not come by it."""
        child = self.child(at, failpoint)
        _, err = child.communicate(timeout=60)
        assert child.returncode in (0, -9), err
        return child.returncode == -9

    def write_beside(self, statement: Executable) -> None:
        """Write in a transaction of its own, from any thread."""
        with self.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            connection.execute(statement)

    def move(self, number: int) -> None:
        """Make note `number` untrue."""
        with short_transaction() as session:
            session.add(HouseFact(key=f"moved:{number}", value="yes"))

    def settings_smtp_url(self, url: str | None) -> None:
        """Deliver to another relay from now on."""
        self.app.extensions["settings"] = replace(self.app.extensions["settings"], smtp_url=url)
        self.env["TRACKER_SMTP_URL"] = url or ""

    def cancel(self, number: int) -> int:
        """Take back note `number`; returns how many messages that were."""
        with short_transaction() as session:
            return cancel_messages(session, Message.subject_id == number, "taken back", NOW)

    def meets(self, message_id: int, condition: ColumnElement[bool]) -> bool:
        """Whether a message meets an SQL condition."""
        db.session.rollback()
        return db.session.scalar(select(Message.id).where(Message.id == message_id, condition)) is not None

    def pack(self) -> None:
        """Put what is due into envelopes."""
        self.pack_at(clock.now())

    def pack_at(self, at: datetime) -> None:
        """Put what is due at an instant into envelopes."""
        with short_transaction() as session:
            ready, _ = list_packable(session, at)
            pack(session, ready, "example.org", at)

    def claim(self) -> list[Claimed]:
        """Claim what is due, as a deliverer in this process."""
        with short_transaction() as session:
            return claim(session, clock.now(), clock.true_now(), tried=False)

    def rehearse(self) -> None:
        """Make this a rehearsal database, in which failpoints work."""
        with short_transaction() as session:
            session.merge(HouseFact(key="rehearsal", value="yes"))

    def messages(self) -> Sequence[Message]:
        """All messages, as they stand now."""
        db.session.rollback()
        return db.session.scalars(select(Message).order_by(Message.subject_id, Message.id)).all()

    def states(self) -> list[str]:
        """Where the messages stand, in the order of their numbers."""
        return [m.state for m in self.messages()]

    def envelopes(self) -> Sequence[Envelope]:
        """All envelopes, as they stand now."""
        db.session.rollback()
        return db.session.scalars(select(Envelope).order_by(Envelope.id)).all()

    def attempts(self) -> list[tuple[str, str]]:
        """How far each try came, and how it ended."""
        db.session.rollback()
        rows = db.session.execute(select(Attempt.reached, Attempt.outcome).order_by(Attempt.id))
        return [(reached, outcome) for reached, outcome in rows]
