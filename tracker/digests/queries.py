"""What the weekly agenda of a desk tells its readers, and who they are. The conditions decide in the plan, where they
say for whom there is anything, and when a mail is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, Membership, User
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.agenda.service import chunks
from tracker.cases.models import RISKS, Case
from tracker.cases.queries import level
from tracker.flags.models import Flag
from tracker.hearings.models import Hearing
from tracker.outbox.models import Message, Recipient
from tracker.reminders.queries import REMINDED_ROLES, REMINDED_STAGES, follows, holds, is_stopped

#: How far ahead hearings are told of.
AHEAD = timedelta(days=7)

#: Lines of each of the two lists at most; further ones are counted.
MOST_LINES = 20

#: Told by the hearing itself, which stands in the first list or in somebody's reminders.
TOLD_BY_HEARING = "hearing-soon"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody on a desk whose dates they do not follow; the desk whose week is theirs."""

    user_id: int
    recipient_id: int
    zone: str
    away_until: date | None
    working_days: tuple[int, ...]


@dataclass(slots=True)
class Sitting:
    """A hearing that is told of, with those of its cases the reader may see."""

    hearing: Hearing
    cases: list[Case] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Needing:
    """A case that needs somebody, and the rules that say why, worst first."""

    case: Case
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agenda:
    """What one mail tells; `more_sittings`, `more_needing`: how many there are beyond those listed."""

    sittings: Sequence[Sitting]
    more_sittings: int
    needing: Sequence[Needing]
    more_needing: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.sittings and not self.needing


def reads_of(recipient: Any, user: Any, member: Any) -> ColumnElement[bool]:
    """SQL: this recipient is told each week of the desk of this membership (entities or aliases, joined)."""
    return and_(
        user.active,
        user.role.in_(REMINDED_ROLES),
        recipient.wants_digest,
        recipient.suppressed_at.is_(None),
        ~holds(recipient.id, desk_id=member.desk_id),
    )


def may_be_told(now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a digest: its recipient still is on a desk that they do not follow, and wants it; and it is not too
    late."""
    recipient, user, member = aliased(Recipient), aliased(User), aliased(Membership)
    return and_(
        or_(message.give_up_at.is_(None), message.give_up_at > now),
        exists(
            select(1)
            .select_from(recipient)
            .join(user, user.id == recipient.user_id)
            .join(member, member.user_id == user.id)
            .where(recipient.id == message.recipient_id, reads_of(recipient, user, member))
            .correlate_except(recipient, user, member)
        ),
    )


def list_readers(session: Session, desk_ids: Sequence[int]) -> list[Reader]:
    """Everybody who is told of one of these desks, each once, with the first of all desks they are told of."""
    on_these = select(Membership.user_id).where(Membership.desk_id.in_(desk_ids))
    found: dict[int, Reader] = {}
    for row in session.execute(
        select(User.id, Recipient.id, User.zone, User.away_until, Desk.zone, Desk.working_days)
        .join(Recipient, Recipient.user_id == User.id)
        .join(Membership, Membership.user_id == User.id)
        .join(Desk, Desk.id == Membership.desk_id)
        .where(User.id.in_(on_these), reads_of(Recipient, User, Membership))
        .order_by(Desk.id)
    ):
        user_id, recipient_id, own, away_until, zone, working_days = row
        found.setdefault(user_id, Reader(user_id, recipient_id, own or zone, away_until, tuple(working_days)))
    return list(found.values())


def with_something(session: Session, recipient_ids: Sequence[int], now: datetime) -> set[int]:
    """Those of these recipients for whom there is anything to tell."""
    item, of_item, flag, of_flag = aliased(AgendaItem), aliased(Case), aliased(Flag), aliased(Case)
    sitting = exists(
        select(1)
        .select_from(item)
        .join(of_item, of_item.id == item.case_id)
        .where(*_sits(item, of_item, now))
        .correlate(Recipient.__table__)
    )
    needs = exists(
        select(1)
        .select_from(flag)
        .join(of_flag, of_flag.id == flag.case_id)
        .where(*_needs(flag, of_flag, now))
        .correlate(Recipient.__table__)
    )
    return {
        recipient_id
        for chunk in chunks(recipient_ids)
        for recipient_id in session.scalars(select(Recipient.id).where(Recipient.id.in_(chunk), or_(sitting, needs)))
    }


def read_agenda(session: Session, recipient_id: int, now: datetime) -> Agenda:
    """What there is to tell a recipient at `now`. Three statements, however much."""
    sittings: dict[int, Sitting] = {}
    for hearing, of in session.execute(
        select(Hearing, Case)
        .select_from(AgendaItem)
        .join(Hearing, Hearing.id == AgendaItem.subject_id)
        .join(Case, Case.id == AgendaItem.case_id)
        .join(Recipient, Recipient.id == recipient_id)
        .where(*_sits(AgendaItem, Case, now))
        .order_by(AgendaItem.starts_at, AgendaItem.subject_id, Case.ref)
        .execution_options(populate_existing=True)
    ):
        sittings.setdefault(hearing.id, Sitting(hearing)).cases.append(of)
    worst = case({risk: place for place, risk in enumerate(RISKS)}, value=Case.risk, else_=len(RISKS))
    ranked = session.execute(
        select(Case, func.count().over())
        .select_from(Flag)
        .join(Case, Case.id == Flag.case_id)
        .join(Recipient, Recipient.id == recipient_id)
        .where(*_needs(Flag, Case, now))
        .group_by(Case.id)
        .order_by(worst, func.max(Flag.severity).desc(), Case.ref)
        .limit(MOST_LINES)
        .execution_options(populate_existing=True)
    ).all()
    rules: dict[int, list[str]] = {}
    for case_id, rule in session.execute(
        select(Flag.case_id, Flag.rule)
        .join(Case, Case.id == Flag.case_id)
        .join(Recipient, Recipient.id == recipient_id)
        .where(Flag.case_id.in_([of.id for of, _count in ranked]), *_needs(Flag, Case, now))
        .order_by(Flag.severity.desc(), Flag.rule)
    ):
        if rule not in rules.setdefault(case_id, []):
            rules[case_id].append(rule)
    listed = list(sittings.values())
    return Agenda(
        listed[:MOST_LINES],
        max(0, len(listed) - MOST_LINES),
        [Needing(of, tuple(rules.get(of.id, ()))) for of, _count in ranked],
        max(0, (ranked[0][1] if ranked else 0) - MOST_LINES),
    )


def _sits(item: Any, of: Any, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """SQL: this hearing of this case may be in the coming days, and `Recipient` is told of it by nobody else."""
    return (
        item.kind == "hearing",
        item.state == OPEN_STATE,
        item.outcome_due_at > now,
        item.starts_at < now + AHEAD,
        *_of_their_desk(of),
        level(Recipient.user_id, of) <= item.audience,
        # Not `~`: of a case without an owner or deputy nobody knows whether they are it.
        follows(Recipient, of).is_not(True),
        ~is_stopped(Recipient.id, case_id=of.id),
    )


def _needs(flag: Any, of: Any, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """SQL: this flag of this case asks for somebody, and `Recipient` may see it."""
    return (
        flag.cleared_at.is_(None),
        flag.acknowledged_at.is_(None),
        or_(flag.snoozed_until.is_(None), flag.snoozed_until <= now),
        flag.rule != TOLD_BY_HEARING,
        *_of_their_desk(of),
        level(Recipient.user_id, of) <= flag.audience,
    )


def _of_their_desk(of: Any) -> tuple[ColumnElement[bool], ...]:
    member = aliased(Membership)
    on_it = select(1).where(member.user_id == Recipient.user_id, member.desk_id == of.desk_id).correlate_except(member)
    return of.stage.in_(REMINDED_STAGES), exists(on_it), ~holds(Recipient.id, desk_id=of.desk_id)
