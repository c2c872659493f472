"""What a stop of the clock has done to somebody's cases: what went late, what was left out and why, which hearings
passed without a reminder. Read from the rows as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Membership, User
from tracker.accounts.queries import name_to
from tracker.agenda.models import AgendaItem
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.clockwork.models import Outage
from tracker.clockwork.queries import latest_outage
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import Message, Recipient
from tracker.reminders.queries import IS_OVER, REMINDED_ROLES, REMINDED_STAGES

#: How long staff see on Today that the clock had stopped.
SHOWN_FOR = timedelta(hours=24)

#: What was due so shortly before the stop was not sent in time either.
JUST_BEFORE = timedelta(minutes=2)

#: How a hearing ends that did not pass: nobody had to be reminded of it.
DID_NOT_PASS = ("cancelled", "postponed")

#: Messages of one report: more is read on the page of service health.
MOST = 200


@dataclass(frozen=True, slots=True)
class Concerned:
    """A mail about a hearing that the stop has kept back. `reader`: whose it is."""

    message: Message
    hearing: Hearing
    case: Case
    reader: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one reader is told of one stop of the clock."""

    outage: Outage
    #: Sent late, or waiting still.
    late: Sequence[Concerned]
    #: Left out, not delivered, or perhaps arrived: each says why.
    left_out: Sequence[Concerned]
    #: Hearings that passed meanwhile and of which the reminder did not go out, each with one of its cases.
    unreminded: Sequence[tuple[Hearing, Case]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing of this reader was concerned."""
        return not (self.late or self.left_out or self.unreminded)

    @property
    def cases(self) -> list[Case]:
        """The cases concerned, by reference."""
        found = {c.case.id: c.case for c in (*self.late, *self.left_out)} | {
            case.id: case for _, case in self.unreminded
        }
        return sorted(found.values(), key=lambda case: case.ref)


def responsible(user_id: Any, case: Any = Case) -> ColumnElement[bool]:
    """SQL: who is told of a case: its owner; where nobody can be reached as such, the desk's coordinators."""
    owner, member = aliased(User), aliased(Membership)
    kept = exists(select(1).where(owner.id == case.owner_id, owner.active.is_(True)).correlate_except(owner))
    coordinates = exists(
        select(1)
        .where(member.user_id == user_id, member.desk_id == case.desk_id, member.coordinator.is_(True))
        .correlate_except(member)
    )
    return or_(and_(case.owner_id == user_id, kept), and_(~kept, coordinates))


def read_report(session: Session, user: User, outage: Outage) -> Report:
    """What an account is told of a stop: about cases it is responsible for, as far as it may see them. Two
    statements."""
    sees = and_(responsible(user.id), level(user.id) <= Hearing.audience)
    passed: dict[int, tuple[Hearing, Case]] = {}
    unreminded = _unreminded(outage).with_only_columns(Hearing, Case).where(sees)
    for hearing, case in session.execute(unreminded.order_by(Hearing.starts_at, Hearing.id, Case.ref).limit(MOST)):
        passed.setdefault(hearing.id, (hearing, case))
    late: list[Concerned] = []
    left_out: list[Concerned] = []
    reader = aliased(User)
    told = (
        _kept_back(outage)
        .with_only_columns(Message, Hearing, Case, name_to(None, reader))
        .join(Recipient, Recipient.id == Message.recipient_id)
        .join(reader, reader.id == Recipient.user_id)
        .where(sees)
    )
    seen: set[int] = set()
    for message, hearing, case, name in session.execute(
        told.order_by(Message.due_at, Message.id, Case.ref).limit(MOST)
    ):
        if message.id in seen:
            continue
        seen.add(message.id)
        if message.state in ("sent", "waiting", "sending", "paused"):
            late.append(Concerned(message, hearing, case, name))
        elif hearing.id not in passed:
            left_out.append(Concerned(message, hearing, case, name))
    return Report(outage, late, left_out, list(passed.values()))


def report_on_today(session: Session, user: User, now: datetime) -> Report | None:
    """What staff see on Today for a day after the clock has stopped; None: it has not."""
    outage = latest_outage(session, now - SHOWN_FOR)
    return read_report(session, user, outage) if outage is not None else None


def list_concerned(session: Session, outage: Outage) -> list[User]:
    """Who is responsible for a case that a stop has concerned, and can be written to. What each may see of it is left
    to their report."""
    cases = or_(
        Case.id.in_(_kept_back(outage).with_only_columns(Case.id)),
        Case.id.in_(_unreminded(outage).with_only_columns(Case.id)),
    )
    concerned = exists(select(1).select_from(Case).where(cases, responsible(User.id)).correlate(User))
    people = select(User).where(User.active.is_(True), User.role.in_(REMINDED_ROLES), concerned)
    return list(session.scalars(people.order_by(User.id)))


def _kept_back(outage: Outage) -> Select[Any]:
    """Mails about hearings that were due while the clock stood still, and have not ended before it went on."""
    return (
        select(Message.id)
        .join(Hearing, and_(Message.subject_kind == "hearing", Hearing.id == Message.subject_id))
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .where(
            Message.due_at > outage.began_at - JUST_BEFORE,
            Message.due_at <= outage.ended_at,
            Message.state != "cancelled",
            or_(Message.ended_at.is_(None), Message.ended_at >= outage.ended_at),
        )
    )


def _unreminded(outage: Outage) -> Select[Any]:
    """Hearings that passed while the clock stood still: a reminder of them was kept back and did not go out, or nobody
    was ever told."""
    kept, sent = aliased(Message), aliased(Message)
    of = (AgendaItem.kind, AgendaItem.subject_id, AgendaItem.rev)
    until_the_end = and_(
        kept.subject_rev == AgendaItem.rev,
        kept.state.in_(("not_delivered", "skipped")),
        kept.ended_at >= outage.ended_at,
    )
    # Whoever recorded the outcome while the clock stood still has ended the reminder, and moved the version by one.
    until_its_outcome = and_(
        kept.subject_rev == AgendaItem.rev - 1, AgendaItem.state.in_(IS_OVER), kept.state == "not_delivered"
    )
    kept_back = exists(
        select(1)
        .where(
            kept.subject_kind == AgendaItem.kind,
            kept.subject_id == AgendaItem.subject_id,
            or_(until_the_end, until_its_outcome),
            kept.due_at > outage.began_at - JUST_BEFORE,
            kept.due_at <= outage.ended_at,
            kept.days_before.is_not(None),
        )
        .correlate_except(kept)
    )
    told = exists(
        select(1)
        .where(
            *(a == b for a, b in zip((sent.subject_kind, sent.subject_id, sent.subject_rev), of, strict=True)),
            sent.state.in_(("sent", "may_have_arrived")),
        )
        .correlate_except(sent)
    )
    return (
        select(Hearing.id)
        .select_from(AgendaItem)
        .join(Hearing, Hearing.id == AgendaItem.subject_id)
        .join(Case, Case.id == AgendaItem.case_id)
        .where(
            AgendaItem.kind == "hearing",
            AgendaItem.remind_until > outage.began_at,
            AgendaItem.remind_until <= outage.ended_at,
            Hearing.state.not_in(DID_NOT_PASS),
            Case.stage.in_(REMINDED_STAGES),
            or_(kept_back, ~told),
        )
    )
