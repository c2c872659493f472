"""A desk whose hearings pass: people in line for the question, a clock that ticks, a real relay."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from mail_sink import Mail, MailSink
from signed_in import make_account, make_desk
from sqlalchemy import select

from tracker.accounts.models import Membership, User
from tracker.asking.planning import DATE, OUTCOME, plan_step
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, Actor, unit_of_work
from tracker.cases import service as cases
from tracker.cases.models import Case, Involvement
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import When, on_day
from tracker.outbox.deliver import deliver
from tracker.outbox.models import Message, Recipient
from tracker.people.service import NameGiven, add_person

ZONE = "Asia/Jerusalem"

#: A Monday: the day in court, unless a test says otherwise.
MONDAY = date(2024, 4, 8)

#: When cases and hearings are made.
MARCH = datetime(2024, 3, 22, 9, tzinfo=UTC)


def at(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)


class Line:
    """A desk (Sunday to Thursday, Jerusalem) with an owner, a deputy and a coordinator; asks, and looks at the mail."""

    def __init__(self, app: Flask, sink: MailSink) -> None:
        self.app, self.sink = app, sink
        self.desk = make_desk(working_days=(7, 1, 2, 3, 4))
        self.owner = self.staff("owner@example.org")
        self.deputy = self.staff("deputy@example.org")
        self.coordinator = self.staff("coordinator@example.org", coordinator=True)

    def staff(self, email: str, **how: Any) -> User:
        """Somebody of the desk."""
        return make_account(email, **{"desk": self.desk.code, **how})

    def change(self, row: Any, **values: Any) -> None:
        """Set columns of a stored row."""
        with unit_of_work("tests", COMMAND):
            found = db.session.get_one(type(row), row.id)
            for name, value in values.items():
                setattr(found, name, value)

    def stand_in(self, user: User) -> None:
        """Let somebody stand in for the coordinators."""
        with unit_of_work("tests", COMMAND):
            found = select(Membership).where(Membership.user_id == user.id)
            db.session.execute(found).scalar_one().deputy = True

    def case(self, owner: User | None = None, deputy: User | None = None, **about: Any) -> Case:
        """A case with one person in it, of high risk."""
        with unit_of_work("cases.open", COMMAND, now=MARCH):
            session = db.session()
            given = {"title": "A trial", "risk": "high", **about}
            case = cases.open_case(session, session.merge(self.desk), **given)
            case.owner_id, case.deputy_id = owner.id if owner else None, deputy.id if deputy else None
            cases.involve(session, case, add_person(session, [NameGiven("Nadia Halabi")]).id)
        return case

    def usual_case(self, **about: Any) -> Case:
        """A case with everybody in line."""
        return self.case(self.owner, self.deputy, **about)

    def hearing(
        self, case: Case | Sequence[Case], when: When | str | None = "09:30", now: datetime = MARCH, **about: Any
    ) -> Hearing:
        """A hearing of these cases on MONDAY in Haifa, at a time (None: not announced) or whenever it is said to be."""
        concerned = [case] if isinstance(case, Case) else list(case)
        if not isinstance(when, When):
            when = on_day(ZONE, MONDAY, time.fromisoformat(when) if when else None)
        with unit_of_work("hearings.schedule", COMMAND, now=now):
            session = db.session()
            people = select(Involvement.case_id, Involvement.person_id).where(
                Involvement.case_id.in_([c.id for c in concerned])
            )
            return hearings.schedule_hearing(
                session,
                when,
                appearing=[hearings.Appears(c, p) for c, p in session.execute(people)],
                unlikely_is_meant=True,
                **{"kind": "hearing", "court": "Magistrates' Court", "place": "Haifa", **about},
            )

    def act(self, now: str, what: Any, hearing: Hearing, *args: Any, by_hand: bool = False, **how: Any) -> None:
        """Do something with a hearing: `act(now, move_hearing, hearing, when)`."""
        actor = Actor("user", None, "somebody") if by_hand else COMMAND
        with unit_of_work("hearings.act", actor, now=at(now)):
            fresh = hearings.get_hearing(db.session(), hearing.id)
            what(db.session(), fresh, *args, version=fresh.version, **how)

    def tick(self, now: str | datetime) -> list[str]:
        """Plan and deliver at an instant; whom a question came for, in order."""
        instant = at(now) if isinstance(now, str) else now
        before = len(self.sink.mails)
        with clock.fixed_at(instant):
            plan_step(instant)
            deliver(instant)
        db.session.rollback()
        return [self.name(mail) for mail in self.sink.mails[before:] if mail.kind in (OUTCOME, DATE)]

    def ticks(self, first: str, last: str, minutes: int = 240) -> list[tuple[str, str]]:
        """Tick from one instant to another: when a question came for whom, as (`2024-04-08T14:00`, name)."""
        found, instant = [], at(first)
        while instant <= at(last):
            found += [(f"{instant:%Y-%m-%dT%H:%M}", name) for name in self.tick(instant)]
            instant += timedelta(minutes=minutes)
        return found

    @staticmethod
    def name(mail: Mail) -> str:
        """Whom a mail came for: the first part of the address."""
        [address] = mail.recipients
        return address.partition("@")[0]

    def questions(self) -> list[tuple[str, str, str, str]]:
        """(name, step, state, reason) of every question, first due first."""
        db.session.rollback()
        rows = db.session.execute(
            select(User.email, Message.tells, Message.state, Message.reason)
            .join(Recipient, Recipient.id == Message.recipient_id)
            .join(User, User.id == Recipient.user_id)
            .where(Message.kind.in_((OUTCOME, DATE)))
            .order_by(Message.due_at, Message.id)
        )
        return [(email.partition("@")[0], tells["step"], state, reason) for email, tells, state, reason in rows]


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


@pytest.fixture
def line(app: Flask, mail_sink: MailSink) -> Line:
    """A desk with people in line."""
    return Line(app, mail_sink)
