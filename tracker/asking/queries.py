"""Reading what is to be asked about, and who stands in line for it. The conditions here decide in the plan and in the
last look before sending alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.rules import is_away
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.agenda.service import chunks
from tracker.asking import rules
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import Message, Recipient
from tracker.reminders.queries import REMINDED_ROLES, REMINDED_STAGES
from tracker.timeline.models import Entry

#: What questions are about, as agenda and messages call it.
SUBJECT = "hearing"

#: Why somebody is asked: who they are to the case, in words for staff.
OWNER, DEPUTY, COORDINATOR = "owner", "deputy", "coordinates the desk"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be asked."""

    user_id: int
    recipient_id: int
    zone: str


def may_be_asked(now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a question what happened: nobody has said, the hearing stands as the question says, its time has come, and
    the recipient is still who is to be asked; and no later question asks it."""
    return and_(_asks(now, message, lambda item: item.starts_at <= now), ~overtaken(now, message))


def overtaken(now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a question: the next one has fallen due, and is written down. One without a next is not overtaken, however
    late it is: then a human must be told."""
    later = aliased(Message)
    follows = exists(
        select(1)
        .where(
            later.subject_kind == message.subject_kind,
            later.subject_id == message.subject_id,
            later.subject_rev == message.subject_rev,
            later.kind == message.kind,
            later.due_at > message.due_at,
            later.state.in_(("waiting", "paused", "sending", "sent", "may_have_arrived")),
        )
        .correlate_except(later)
    )
    return and_(message.give_up_at <= now + rules.OVERLAP, follows)


def may_be_asked_for_date(now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a question for a date: none is known still, and it lies ahead."""
    in_time = or_(message.give_up_at.is_(None), message.give_up_at > now)
    return and_(_asks(now, message, lambda item: and_(item.local_date.is_(None), _not_over(item, now))), in_time)


def _asks(now: datetime, message: Any, stands: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    item, case, recipient, user = aliased(AgendaItem), aliased(Case), aliased(Recipient), aliased(User)
    return exists(
        select(1)
        .select_from(item)
        .join(case, case.id == item.case_id)
        .join(recipient, recipient.id == message.recipient_id)
        .join(user, user.id == recipient.user_id)
        .where(
            item.kind == message.subject_kind,
            item.subject_id == message.subject_id,
            item.rev == message.subject_rev,
            item.state == OPEN_STATE,
            stands(item),
            case.stage.in_(REMINDED_STAGES),
            recipient.suppressed_at.is_(None),
            user.role.in_(REMINDED_ROLES),
            level(recipient.user_id, case) <= item.audience,
            stands_in_line(message.cause, recipient.user_id, case),
        )
        .correlate_except(item, case, recipient, user)
    )


def stands_in_line(cause: Any, user_id: Any, case: Any) -> ColumnElement[bool]:
    """SQL: an account (a column) still is to the case what it was asked as."""
    member = aliased(Membership)
    coordinates = exists(
        select(1)
        .where(member.user_id == user_id, member.desk_id == case.desk_id, or_(member.coordinator, member.deputy))
        .correlate_except(member)
    )
    return or_(
        and_(cause == OWNER, case.owner_id == user_id),
        and_(cause == DEPUTY, case.deputy_id == user_id),
        and_(cause == COORDINATOR, coordinates),
    )


def _not_over(item: Any, now: datetime) -> ColumnElement[bool]:
    return or_(item.outcome_due_at.is_(None), item.outcome_due_at > now)


def list_passed(session: Session, now: datetime) -> Sequence[Any]:
    """Hearings, case by case, whose court is done or begins to be, of which nobody has said what happened, and that are
    not history: rows of what the steps are reckoned from. One statement; its index gives those weeks alone."""
    found = _items().where(
        AgendaItem.outcome_due_at > now - timedelta(days=rules.HORIZON_DAYS),
        AgendaItem.outcome_due_at <= now + rules.EARLIEST,
        AgendaItem.starts_at <= now,
        or_(Hearing.tell_from.is_(None), Hearing.tell_from <= now),
    )
    return session.execute(found).all()


def list_without_day(session: Session, now: datetime, desk_ids: Sequence[int]) -> Sequence[Any]:
    """Hearings of these desks that lie ahead and have a window or no date, case by case; `told_at`: when anybody last
    recorded something about a hearing of that case."""
    told_at = (
        select(func.max(Entry.recorded_at, type_=Entry.recorded_at.type))
        .where(Entry.case_id == AgendaItem.case_id, Entry.kind.like("hearing.%"))
        .correlate(AgendaItem.__table__)
        .scalar_subquery()
    )
    found = (
        _items()
        .add_columns(told_at.label("told_at"))
        .where(
            AgendaItem.local_date.is_(None),
            _not_over(AgendaItem, now),
            Case.desk_id.in_(desk_ids),
        )
    )
    return session.execute(found).all()


def _items() -> Any:
    owner, deputy = aliased(User), aliased(User)
    return (
        select(
            AgendaItem.subject_id,
            AgendaItem.rev,
            AgendaItem.case_id,
            AgendaItem.zone,
            AgendaItem.local_date,
            AgendaItem.local_time,
            AgendaItem.latest_on,
            AgendaItem.starts_at,
            Case.risk,
            Case.owner_id,
            Case.deputy_id,
            Case.desk_id,
            Desk.zone.label("desk_zone"),
            Desk.working_days,
            owner.zone.label("owner_zone"),
            deputy.zone.label("deputy_zone"),
        )
        .join(Case, Case.id == AgendaItem.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .join(Hearing, Hearing.id == AgendaItem.subject_id)
        .outerjoin(owner, owner.id == Case.owner_id)
        .outerjoin(deputy, deputy.id == Case.deputy_id)
        .where(AgendaItem.kind == SUBJECT, AgendaItem.state == OPEN_STATE, Case.stage.in_(REMINDED_STAGES))
        .order_by(AgendaItem.subject_id, AgendaItem.case_id)
    )


class Lines:
    """Who can be asked about some hearings of some cases at an instant: those in line who are active, reachable and not
    away. Two statements for each 500 hearings."""

    def __init__(self, session: Session, rows: Iterable[Any], now: datetime) -> None:
        rows = list(rows)
        self._coordinators: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        wanted = {person for row in rows for person in (row.owner_id, row.deputy_id) if person is not None}
        for chunk in chunks(sorted({row.subject_id for row in rows})):
            for found in session.execute(_coordinating().where(AgendaItem.subject_id.in_(chunk))):
                rungs = self._coordinators.setdefault((found.subject_id, found.case_id), ([], []))
                rungs[0 if found.coordinator else 1].append(found.user_id)
                wanted.add(found.user_id)
        self._people = _here(session, sorted(wanted), now, {row.desk_id: row.desk_zone for row in rows})

    def of(self, row: Any) -> tuple[tuple[tuple[Person, str], ...], ...]:
        """The line for a row: on each rung those asked together, each with who they are to the case."""
        coordinators, standing_in = self._coordinators.get((row.subject_id, row.case_id), ([], []))
        causes: dict[int, str] = {}
        rungs: list[list[int]] = []
        for people, cause in (
            ([row.owner_id], OWNER),
            ([row.deputy_id], DEPUTY),
            (coordinators, COORDINATOR),
            (standing_in, COORDINATOR),
        ):
            here = [person for person in people if person in self._people]
            rungs.append(here)
            for person in here:
                causes.setdefault(person, cause)
        # Whoever stands in for the coordinators is asked where none of them is here.
        line = rules.line_of(*rungs[:2], rungs[2] or rungs[3])
        return tuple(tuple((self._people[p], causes[p]) for p in rung) for rung in line)


def _coordinating() -> Any:
    return (
        select(AgendaItem.subject_id, AgendaItem.case_id, Membership.user_id, Membership.coordinator)
        .join(Case, Case.id == AgendaItem.case_id)
        .join(Membership, Membership.desk_id == Case.desk_id)
        .where(
            AgendaItem.kind == SUBJECT,
            or_(Membership.coordinator, Membership.deputy),
            level(Membership.user_id, Case) <= AgendaItem.audience,
        )
        .order_by(Membership.id)
    )


def _here(session: Session, user_ids: Sequence[int], now: datetime, desks: dict[int, str]) -> dict[int, Person]:
    found: dict[int, Person] = {}
    fallback = next(iter(desks.values()), "UTC")
    for chunk in chunks(user_ids):
        for row in session.execute(
            select(User.id, Recipient.id, User.zone, User.away_until, Desk.zone)
            .join(Recipient, Recipient.user_id == User.id)
            .outerjoin(
                Membership,
                Membership.id
                == select(func.min(Membership.id))
                .where(Membership.user_id == User.id)
                .correlate(User)
                .scalar_subquery(),
            )
            .outerjoin(Desk, Desk.id == Membership.desk_id)
            .where(
                User.id.in_(chunk),
                User.active,
                User.role.in_(REMINDED_ROLES),
                Recipient.suppressed_at.is_(None),
            )
        ):
            user_id, recipient_id, own, away_until, desk_zone = row
            zone = own or desk_zone or fallback
            if not is_away(away_until, zone, now):
                found[user_id] = Person(user_id, recipient_id, zone)
    return found


def list_questions(session: Session, kind: str, hearing_ids: Sequence[int]) -> Sequence[Any]:
    """Questions of a kind that stand about these hearings, whatever became of them."""
    return [
        row
        for chunk in chunks(hearing_ids)
        for row in session.execute(
            select(
                Message.subject_id,
                Message.subject_rev,
                Message.recipient_id,
                Message.state,
                Message.reason,
                Message.tells,
            ).where(Message.subject_kind == SUBJECT, Message.subject_id.in_(chunk), Message.kind == kind)
        )
    ]


def list_waiting(session: Session, kinds: Sequence[str], cases: Sequence[int] | None) -> Sequence[Any]:
    """Questions of these kinds that wait, about the hearings of some cases or (None) all, with how their hearing stands
    now: `state`, whether it is `current`, and whether one of its cases is in hand."""
    in_hand = exists(
        select(1)
        .select_from(Appearance)
        .join(Case, Case.id == Appearance.case_id)
        .where(Appearance.hearing_id == Hearing.id, Case.stage.in_(REMINDED_STAGES))
        .correlate(Hearing.__table__)
    )
    waiting = (
        select(
            Message.id,
            Hearing.state,
            (Message.subject_rev == Hearing.schedule_rev).label("current"),
            in_hand.label("in_hand"),
        )
        .join(Hearing, Hearing.id == Message.subject_id)
        .where(Message.subject_kind == SUBJECT, Message.state.in_(("waiting", "paused")), Message.kind.in_(kinds))
    )
    if cases is None:
        return session.execute(waiting).all()
    concerned = [
        waiting.where(Message.subject_id.in_(select(Appearance.hearing_id).where(Appearance.case_id.in_(chunk))))
        for chunk in chunks(cases)
    ]
    return [row for statement in concerned for row in session.execute(statement)]
