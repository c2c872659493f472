"""Reading what was done: tallies that give nobody away, and what each reader did and opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Insert, case, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.audit.kinds import concerned, rungs
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.steps import rules
from tracker.steps.models import ActionReading, Step
from tracker.targets.models import Target
from tracker.targets.queries import find_embassy
from tracker.timeline.kinds import kind_of, kinds
from tracker.timeline.models import Entry, EntryState

#: How long what ended stands above a volunteer's first page unless they open it.
SHOWN_FOR = timedelta(days=90)

#: For how long something is news.
NEWS_OF = timedelta(days=60)

#: Opening a page again within this span is not written down anew.
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """What people say they did for one action. Self-reported: nobody checks it."""

    total: int = 0
    #: Accounts that said something for themselves.
    people: int = 0
    by_channel: Mapping[str, int | None] = field(default_factory=dict)
    by_target: Mapping[str, int | None] = field(default_factory=dict)
    #: The Monday each week begins with, as text.
    by_week: Mapping[str, int | None] = field(default_factory=dict)
    #: By the number of the group, as text; what stands in no group's log under the empty text.
    by_group: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def public(self) -> int | None:
        """The total as everybody may read it; None: too small to be shown."""
        return rules.public_count(self.total)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An action that ended since its reader last looked, and whether they wrote."""

    action: UrgentAction
    #: Whether the case is still open to this reader, so that the action may be called by its title.
    may_know: bool
    wrote: bool


def total_of(session: Session, action_ids: Sequence[int]) -> Mapping[int, int]:
    """How many letters, mails and calls were told of, by action. One statement."""
    rows = session.execute(
        select(Step.action_id, func.sum(Step.count))
        .where(Step.action_id.in_(action_ids), Step.undone_at.is_(None))
        .group_by(Step.action_id)
    )
    return {action_id: int(total) for action_id, total in rows}


def find_copy(
    session: Session, action: UrgentAction, case: Case, target: Target, writes_from: str, today: date
) -> Target | None:
    """The embassy to which a copy of a letter goes that is written in `writes_from` (ISO 3166-1 alpha-2; empty: nobody
    has said); None: no copy goes to any."""
    if not (action.copy_to_embassy and writes_from):
        return None
    return find_embassy(session, case.responsible_state or case.country or target.country, writes_from, today)


def total_told(action_id: Any) -> ColumnElement[int]:
    """SQL: how many letters, mails and calls were told of for an action."""
    return (
        select(func.coalesce(func.sum(Step.count), 0))
        .where(Step.action_id == action_id, Step.undone_at.is_(None))
        .scalar_subquery()
    )


def tally(session: Session, action: UrgentAction) -> Tally:
    """What was done for an action, split without giving anybody away. Two statements."""
    rows = session.execute(
        select(Step.channel, Step.target_id, Step.done_on, Step.group_id, func.sum(Step.count))
        .where(Step.action_id == action.id, Step.undone_at.is_(None))
        .group_by(Step.channel, Step.target_id, Step.done_on, Step.group_id)
    ).all()
    people = session.scalar(
        select(func.count(func.distinct(Step.user_id))).where(
            Step.action_id == action.id, Step.source == "self", Step.undone_at.is_(None)
        )
    )
    addressees = session.scalars(select(Target).where(Target.id.in_({row[1] for row in rows if row[1]})))
    targets = {target.id: target.title for target in addressees}
    channels: dict[str, int] = {}
    addressed: dict[str, int] = {}
    weeks: dict[str, int] = {}
    groups: dict[str, int] = {}
    for channel, target_id, done_on, group_id, count in rows:
        week = (done_on - timedelta(days=done_on.weekday())).isoformat()
        channels[channel] = channels.get(channel, 0) + int(count)
        whom = targets.get(target_id or 0, "")
        addressed[whom] = addressed.get(whom, 0) + int(count)
        weeks[week] = weeks.get(week, 0) + int(count)
        groups[str(group_id or "")] = groups.get(str(group_id or ""), 0) + int(count)
    return Tally(
        total=sum(channels.values()),
        people=people or 0,
        by_channel=rules.split(channels),
        by_target=rules.split(addressed),
        by_week=rules.split(dict(sorted(weeks.items()))),
        by_group=rules.split(groups),
    )


def list_own_steps(session: Session, user: User, action: UrgentAction, source: str = "self") -> Sequence[Step]:
    """What this account said it did itself for an action, the latest first; `staff`: what it was told."""
    return session.scalars(
        select(Step)
        .where(Step.user_id == user.id, Step.action_id == action.id, Step.source == source, Step.undone_at.is_(None))
        .order_by(Step.id.desc())
        .limit(20)
    ).all()


def wrote_for(session: Session, user: User, action_ids: Sequence[int]) -> Mapping[int, date]:
    """On which day this account last wrote, by itself or with a group, by action."""
    rows = session.execute(
        select(Step.action_id, func.max(Step.done_on))
        .where(
            Step.user_id == user.id,
            Step.action_id.in_(action_ids),
            Step.source.in_(("self", "group")),
            Step.undone_at.is_(None),
        )
        .group_by(Step.action_id)
    )
    return {row[0]: row[1] for row in rows}


def list_withdrawn(session: Session, user: User, now: datetime) -> list[Withdrawn]:
    """Actions this account opened, printed or took, and that ended or were put on hold since it last looked; the latest
    first. One statement."""
    wrote = (
        select(Step.id)
        .where(Step.action_id == UrgentAction.id, Step.user_id == user.id, Step.undone_at.is_(None))
        .exists()
    )
    may_know = level(user.id) <= UrgentAction.audience
    rows = session.execute(
        select(UrgentAction, case((may_know, 1), else_=0), case((wrote, 1), else_=0))
        .join(Case, Case.id == UrgentAction.case_id)
        .outerjoin(ActionReading, (ActionReading.action_id == UrgentAction.id) & (ActionReading.user_id == user.id))
        .where(
            UrgentAction.state.in_(("on_hold", "stopped", "closed")),
            UrgentAction.state_since > now - SHOWN_FOR,
            UrgentAction.activated_at.is_not(None),
            or_(ActionReading.opened_at < UrgentAction.state_since, ActionReading.opened_at.is_(None) & wrote),
        )
        .order_by(UrgentAction.state_since.desc(), UrgentAction.id)
        .limit(20)
    )
    return [Withdrawn(action, bool(known), bool(did)) for action, known, did in rows]


def find_told(session: Session, user: User, public_id: str) -> UrgentAction | None:
    """An action that volunteers could once take, and that this account opened, printed or took: it is told that it
    ended, though its case may be closed to it by now. None: there is none. One statement, whatever there is."""
    return session.scalar(
        select(UrgentAction).where(
            UrgentAction.public_id == public_id,
            UrgentAction.shown_to >= Audience.VOLUNTEERS,
            UrgentAction.activated_at.is_not(None),
            _touched(user),
        )
    )


def find_by_code(session: Session, user: User, code: str) -> str:
    """The random id of the action with this short code, of which the account may know that there is one: it sees it, or
    once opened or took it. NotFound otherwise. One statement, whatever there is."""
    sees = (level(user.id) <= UrgentAction.audience) & (
        (UrgentAction.state != "draft") | (level(user.id) <= Audience.DESK)
    )
    found = session.scalar(
        select(UrgentAction.public_id)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(UrgentAction.short_code == code[:10], or_(sees, _touched(user)))
    )
    if found is None:
        raise NotFound("There is no such action that you may see.")
    return found


def _touched(user: User) -> ColumnElement[bool]:
    """SQL: this account opened, printed or took the action."""
    return or_(
        exists(select(1).where(ActionReading.action_id == UrgentAction.id, ActionReading.user_id == user.id)),
        exists(select(1).where(Step.action_id == UrgentAction.id, Step.user_id == user.id)),
    )


def opened(session: Session, user: User, action: UrgentAction, now: datetime, *, printed: bool = False) -> Insert:
    """The statement that writes down that this account opened, or printed, an action."""
    table = ActionReading.__table__
    values = {"action_id": action.id, "user_id": user.id, "opened_at": now, "printed_at": now if printed else None}
    changes = {"opened_at": now} | ({"printed_at": now} if printed else {})
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return (
        dialect.insert(table)
        .values(values)
        .on_conflict_do_update(index_elements=["action_id", "user_id"], set_=changes)
    )


@dataclass(frozen=True, slots=True)
class NewsTold:
    """The latest news of a case its reader wrote for."""

    case: Case
    sentence: str
    on: date
    precision: str


def list_news(session: Session, user: User, now: datetime, limit: int = 10) -> list[NewsTold]:
    """The latest news each of cases this account wrote for, told since it first did, as far as it may know them, of
    the last sixty days; the latest first. One statement."""
    first = (
        select(UrgentAction.case_id, func.min(Step.recorded_at).label("at"))
        .join(Step, Step.action_id == UrgentAction.id)
        .where(Step.user_id == user.id, Step.undone_at.is_(None))
        .group_by(UrgentAction.case_id)
        .subquery()
    )
    news = [kind.code for kind in kinds if kind.news]
    rows = session.execute(
        select(Case, Entry)
        .join(first, first.c.case_id == Case.id)
        .join(EntryState, EntryState.case_id == Case.id)
        .join(Entry, Entry.id == EntryState.entry_id)
        .where(
            EntryState.recorded_at > first.c.at,
            EntryState.counts,
            EntryState.latest_on > now.date() - NEWS_OF,
            Entry.kind.in_(news),
            level(user.id) <= EntryState.audience,
        )
        .order_by(EntryState.latest_on.desc(), EntryState.recorded_at.desc(), Entry.id.desc())
        .limit(limit * 5)
    )
    latest: dict[int, NewsTold] = {}
    for of, entry in rows:
        said = NewsTold(of, kind_of(entry.kind).sentence(entry.payload), entry.latest_on, entry.precision)
        latest.setdefault(of.id, said)
    return list(latest.values())[:limit]


@concerned.adds("steps")
def cases_of_steps(session: Session, ids: Sequence[int]) -> Mapping[int, set[int]]:
    """The case of the action each of these steps was taken for."""
    rows = session.execute(
        select(Step.id, UrgentAction.case_id)
        .join(UrgentAction, UrgentAction.id == Step.action_id)
        .where(Step.id.in_(ids))
    )
    return {row.id: {row.case_id} for row in rows}


@rungs.adds("steps")
def rungs_of_steps(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """Who wrote is for the desk."""
    return {number: int(Audience.DESK) for number in session.scalars(select(Step.id).where(Step.id.in_(ids)))}
