"""A small desk with cases, hearings and followers, made by the services themselves, over a real relay."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from flask import Flask
from house_of_cases import open_up
from mail_sink import Mail, MailSink
from signed_in import make_account, make_desk
from sqlalchemy import select

from tracker.accounts.models import Desk, User
from tracker.base import clock
from tracker.base.audience import Audience
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
from tracker.reminders import service
from tracker.reminders.planning import plan_step

#: When cases and hearings are made, unless a test says otherwise.
MARCH = datetime(2024, 3, 22, 9, tzinfo=UTC)

SUN_TO_THU = (7, 1, 2, 3, 4)


def at(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)


class Court:
    """Makes cases and hearings, lets time pass, and looks at what came of it."""

    def __init__(self, app: Flask, sink: MailSink) -> None:
        self.app, self.sink = app, sink
        self.desk: Desk = make_desk(working_days=SUN_TO_THU)

    def staff(self, email: str, on_desk: bool = True, zone: str | None = None) -> User:
        """An account of the desk."""
        user = make_account(email, desk=self.desk.code if on_desk else None)
        if zone:
            with unit_of_work("accounts.change", COMMAND):
                db.session.get_one(User, user.id).zone = zone
        return user

    def follower(self, email: str, now: datetime = MARCH, **how: Any) -> User:
        """An account that follows the desk."""
        user = self.staff(email, **how)
        with unit_of_work("reminders.follow", COMMAND, now=now):
            service.follow(db.session(), user, desk=self.desk, now=now)
        return user

    def case(self, now: datetime = MARCH, **about: Any) -> Case:
        """A case with one person in it."""
        with unit_of_work("cases.open", COMMAND, now=now):
            session = db.session()
            desk = session.get_one(Desk, self.desk.id)
            audience = about.pop("audience", Audience.DESK)
            given = {"title": "A trial", "risk": "high", "audience": min(audience, Audience.DESK), **about}
            case = cases.open_case(session, desk, **given)
            person = add_person(session, [NameGiven("Nadia Halabi")])
            cases.involve(session, case, person.id)
            open_up(session, case, audience)
        return case

    def hearing(
        self,
        case: Case | Sequence[Case],
        when: When | None = None,
        now: datetime = MARCH,
        actor: Actor = COMMAND,
        **about: Any,
    ) -> Hearing:
        """A hearing of the people of these cases: Monday 8 April 2024 in Haifa, no time announced."""
        concerned = [case] if isinstance(case, Case) else list(case)
        with unit_of_work("hearings.schedule", actor, now=now):
            session = db.session()
            people = select(Involvement.case_id, Involvement.person_id).where(
                Involvement.case_id.in_([c.id for c in concerned])
            )
            return hearings.schedule_hearing(
                session,
                when or on_day("Asia/Jerusalem", date(2024, 4, 8)),
                appearing=[hearings.Appears(c, p) for c, p in session.execute(people)],
                unlikely_is_meant=True,
                **{"kind": "hearing", "court": "Magistrates' Court", "place": "Haifa", **about},
            )

    def act(
        self, now: str | datetime, what: Any, hearing: Hearing, *args: Any, by_hand: bool = False, **how: Any
    ) -> None:
        """Do something with a hearing: `act(now, move_hearing, hearing, when)`."""
        instant = at(now) if isinstance(now, str) else now
        actor = Actor("user", None, "somebody") if by_hand else COMMAND
        with unit_of_work("hearings.act", actor, now=instant):
            fresh = hearings.get_hearing(db.session(), hearing.id)
            what(db.session(), fresh, *args, version=fresh.version, **how)

    def tick(self, now: str) -> dict[str, int]:
        """Plan and deliver at an instant; what both steps answered."""
        instant = at(now)
        with clock.fixed_at(instant):
            said = {**plan_step(instant), **deliver(instant)}
        db.session.rollback()
        return said

    def mails(self, user: User) -> list[Mail]:
        """What came for somebody since they were last looked at."""
        found = self.sink.to(user.email)
        self.sink.mails = [m for m in self.sink.mails if m not in found]
        return found

    def plan_of(self, user: User, kind: str = "hearing.reminder") -> list[tuple[int | None, str, str]]:
        """(days before, state, reason) of an account's messages of a kind, first due first."""
        db.session.rollback()
        rows = db.session.execute(
            select(Message.days_before, Message.state, Message.reason)
            .join(Recipient, Recipient.id == Message.recipient_id)
            .where(Recipient.user_id == user.id, Message.kind == kind)
            .order_by(Message.subject_id, Message.subject_rev, Message.due_at, Message.days_before.desc(), Message.id)
        )
        return [(days, state, reason) for days, state, reason in rows]


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


@pytest.fixture
def court(app: Flask, mail_sink: MailSink) -> Court:
    """A desk that works from Sunday to Thursday, and nothing else."""
    return Court(app, mail_sink)


#: For tests that build dates.
__all__ = ["MARCH", "Court", "at", "date", "on_day", "time"]
