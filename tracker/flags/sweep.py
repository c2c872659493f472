"""The sweep: the one writer of flags. Compares what the rules find with the flags that are open, and writes the
difference in a few statements for each rule, however many cases there are.

Each rule is first only counted against the open flags, served by indexes; where the counts agree nothing is written,
so that a tick with nothing to do takes no lock.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.agenda.service import chunks
from tracker.base.columns import UTCDateTime
from tracker.base.dates import today_in
from tracker.base.db import db
from tracker.base.work import CLOCK, settles, unit_of_work
from tracker.cases.faces import follow_flags
from tracker.clockwork.kinds import PartlyFailed, clock_step, progress
from tracker.flags import prepared
from tracker.flags.finders import load
from tracker.flags.kinds import COLUMNS, finders
from tracker.flags.models import Flag
from tracker.flags.rules import LONGEST_WINDOW, SOON_DAYS, WIDEST_OFFSET

log = logging.getLogger(__name__)

load()

#: Flags the clock raises or clears in one transaction, so that people who write wait a moment and not a minute.
AT_MOST = 2_000

#: From so many changes on, what PostgreSQL thinks of the table is out of date.
MANY = 500

#: Which cases a statement is about: their ids, a parameter that names them, or None: all.
Cases = Sequence[int] | BindParameter[Any] | None

_flags: Any = Flag.__table__

#: Of a flag, what the rule says; the rest is what became of it.
_SAID = tuple(name for name in COLUMNS if name not in ("case_id", "subject"))

#: The parameter of prepared statements that names the cases.
_SOME: BindParameter[Any] = bindparam("cases", expanding=True)

#: Prepared statements by what they are; None: must be built for each instant.
_ready: dict[tuple[Any, ...], Any] = {}


@dataclass(frozen=True, slots=True)
class Count:
    """How a rule's findings compare with its open flags: how many it finds, how many of those have an open flag
    (`held`), how many of these say just the same, and how many flags of the rule are open."""

    found: int
    held: int
    same: int
    open: int

    @property
    def settled(self) -> bool:
        """Whether there is nothing to write."""
        return self.found == self.held == self.same == self.open


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to write: a count for each rule that could be asked, the kind of failure of those that could not,
    how many flags come back into sight, and the parameter `today_there`."""

    counts: Mapping[str, Count]
    failed: Mapping[str, str]
    waking: int
    today_there: str

    @property
    def settled(self) -> bool:
        """Whether there is nothing to write."""
        return not self.waking and all(count.settled for count in self.counts.values())

    @property
    def open(self) -> int:
        """How many flags are open."""
        return sum(count.open for count in self.counts.values())


@dataclass(slots=True)
class Swept:
    """What a sweep did. A new occasion of an open flag counts as raised."""

    raised: int = 0
    cleared: int = 0
    open: int = 0
    #: Of the raised, how many were not open before.
    added: int = 0
    #: Cases whose flags changed.
    changed: set[int] = field(default_factory=set)
    #: Rules that failed, with the kind of failure.
    failed: dict[str, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """{"raised", "cleared", "open"}."""
        return {"raised": self.raised, "cleared": self.cleared, "open": self.open}


@settles("flags")
def settle_flags(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Bring the flags of `cases` up to date; with None, all of them, and the faces with them."""
    sweep(session, now, cases)


@clock_step("flags.sweep", every=timedelta(seconds=60), turn="flags")
def sweep_flags(now: datetime) -> Mapping[str, int]:
    """Raise and clear flags, in transactions of at most 2,000. Answers {"raised", "cleared", "open"}.

    PartlyFailed, naming the rules, when some failed; the others have done their work.
    """
    session = db.session()
    whole = Swept()
    while True:
        seen = look(session, now, None)
        session.rollback()
        whole.failed.update(seen.failed)
        whole.open = seen.open
        if seen.settled:
            break
        with unit_of_work("flags.sweep", CLOCK, now=now):
            part = _write(session, now, None, seen, AT_MOST)
            _follow(session, now, part.changed)
            if len(part.changed) >= MANY and _dialect(session) == "postgresql":
                # It would take the table for empty until autovacuum looks, and the next comparison for a short one.
                session.execute(text("ANALYZE flags"))
        whole.raised += part.raised
        whole.cleared += part.cleared
        whole.open += part.added - part.cleared
        whole.failed.update(part.failed)
        progress.made()
        if not part.changed or progress.must_end():
            break
    if whole.failed:
        said = ", ".join(f"{code} ({kind})" for code, kind in sorted(whole.failed.items()))
        raise PartlyFailed(f"Rules that failed: {said}", whole.counts())
    return whole.counts()


def sweep(session: Session, now: datetime, cases: Sequence[int] | None = None) -> Swept:
    """Make the open flags what the rules find at `now`: of `cases`, or of all (then faces follow, too).

    A rule that fails is left out and named in `failed`; its flags stay as they are.
    """
    whole = Swept()
    for part in [None] if cases is None else chunks(cases):
        seen = look(session, now, part)
        done = Swept() if seen.settled else _write(session, now, part, seen, None)
        whole.raised += done.raised
        whole.cleared += done.cleared
        whole.added += done.added
        whole.open += seen.open + done.added - done.cleared
        whole.changed |= done.changed
        whole.failed.update({**seen.failed, **done.failed})
    if cases is None:
        _follow(session, now, whole.changed)
    return whole


def look(session: Session, now: datetime, cases: Sequence[int] | None) -> Look:
    """Compare, and write nothing. For some cases all rules are asked in one statement; for all cases one by one."""
    zones = _today_there(session, now, cases)
    if cases is not None:
        codes = finders.codes()

        def build(at: datetime) -> Any:
            return union_all(*(counting(code, at, _SOME) for code in codes), _waking(at, _SOME))

        try:
            # PostgreSQL gives a transaction up over a statement that fails; a savepoint keeps it.
            with session.begin_nested() if _dialect(session) == "postgresql" else nullcontext():
                rows = _run(session, now, ("count", *codes), build, cases=cases, today_there=zones).all()
            counts = {code: Count(*numbers) for code, *numbers in rows}
            return Look(counts, {}, counts.pop("").found, zones)
        except Exception:
            # One of them is at fault; asked one by one, the others still answer.
            log.warning("the rules are asked one by one", exc_info=True)
    answered, failed = {}, {}
    for code in finders.codes():
        try:
            with session.begin_nested():
                _code, *numbers = _count(session, code, now, cases, zones)
            answered[code] = Count(*numbers)
        except Exception as failure:
            log.exception("the rule %s has failed", code)
            failed[code] = type(failure).__name__
    return Look(answered, failed, session.execute(_waking(now, cases)).one().found, zones)


def _count(session: Session, code: str, now: datetime, cases: Sequence[int] | None, zones: str) -> Any:
    """One rule asked alone: of all cases it is what every tick asks."""
    if cases is not None:
        return session.execute(counting(code, now, cases), {"today_there": zones}).one()
    key = ("count all", code, finders.get(code))
    return _run(session, now, key, lambda at: counting(code, at, None), today_there=zones).one()


def counting(code: str, now: datetime, cases: Cases) -> Select[Any]:
    """The SELECT of one rule's Count, its code first."""
    found = _found(code, now, cases)
    open_now = select(func.count()).select_from(_flags).where(_open(_flags, code, cases)).scalar_subquery()
    return select(
        literal(code).label("rule"),
        func.count().label("found"),
        func.count(_flags.c.id).label("held"),
        func.count(case((_same(found), literal(1)))).label("same"),
        open_now.label("open"),
    ).select_from(found.outerjoin(_flags, _matches(code, found)))


def raising(code: str, now: datetime, cases: Cases, at_most: int | None, dialect: str) -> Any:
    """The INSERT of one rule's new flags. A flag somebody else raised at the same moment is left."""
    found = _found(code, now, cases)
    fresh = (
        select(*(found.c[name] for name in COLUMNS), literal(code), literal(now, UTCDateTime), literal(""))
        .select_from(found.outerjoin(_flags, _matches(code, found)))
        .where(_flags.c.id.is_(None))
    )
    if at_most is not None:
        fresh = fresh.limit(at_most)
    insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(_flags)
    into = insert.from_select([*COLUMNS, "rule", "raised_at", "snooze_reason"], fresh, include_defaults=False)
    return into.on_conflict_do_nothing().returning(_flags.c.case_id)


def changing(code: str, now: datetime, cases: Cases) -> Any:
    """The UPDATE of one rule's open flags about which it says something else now.

    A new occasion or a rise in severity reopens what was acknowledged; a rise brings back what was put out of sight.
    """
    found = _found(code, now, cases)
    another = _flags.c.episode != found.c.episode
    worse = found.c.severity > _flags.c.severity

    def unless(condition: ColumnElement[bool], column: Any) -> ColumnElement[Any]:
        return case((condition, None), else_=column)

    return (
        update(_flags)
        .where(_matches(code, found), ~_same(found))
        .values(
            **{name: found.c[name] for name in _SAID},
            raised_at=case((another, literal(now, UTCDateTime)), else_=_flags.c.raised_at),
            acknowledged_at=unless(or_(another, worse), _flags.c.acknowledged_at),
            acknowledged_by=unless(or_(another, worse), _flags.c.acknowledged_by),
            snoozed_until=unless(worse, _flags.c.snoozed_until),
        )
        .returning(_flags.c.case_id, _flags.c.raised_at)
    )


def clearing(code: str, now: datetime, cases: Cases, at_most: int | None) -> Any:
    """The UPDATE that clears one rule's open flags which it finds no longer."""
    found = _found(code, now, cases)
    held = _flags.alias("held")
    still = select(1).where(found.c.case_id == held.c.case_id, found.c.subject == held.c.subject)
    gone = select(held.c.id).where(_open(held, code, cases), ~exists(still.correlate(held)))
    if at_most is not None:
        gone = gone.limit(at_most)
    return (
        update(_flags)
        .where(_flags.c.id.in_(gone))
        .values(cleared_at=now, snoozed_until=None)
        .returning(_flags.c.case_id)
    )


def _found(code: str, now: datetime, cases: Cases) -> Subquery:
    finding = finders.get(code)(now)
    return finding.where(_among(finding.selected_columns.case_id, cases)).subquery("found")


def _open(flags: Any, code: str, cases: Cases) -> ColumnElement[bool]:
    return and_(flags.c.rule == code, flags.c.cleared_at.is_(None), _among(flags.c.case_id, cases))


def _among(case_id: Any, cases: Cases) -> ColumnElement[bool]:
    return true() if cases is None else case_id.in_(cases)


def _matches(code: str, found: Subquery) -> ColumnElement[bool]:
    return and_(
        _flags.c.case_id == found.c.case_id,
        _flags.c.rule == code,
        _flags.c.subject == found.c.subject,
        _flags.c.cleared_at.is_(None),
    )


def _same(found: Subquery) -> ColumnElement[bool]:
    return and_(*(_flags.c[name].is_not_distinct_from(found.c[name]) for name in _SAID))


def _wakes(now: datetime, cases: Cases) -> ColumnElement[bool]:
    return and_(_flags.c.snoozed_until <= now, _flags.c.cleared_at.is_(None), _among(_flags.c.case_id, cases))


def _waking(now: datetime, cases: Cases) -> Select[str, int, int, int, int]:
    """How many flags come back into sight, in the form of a Count of no rule."""
    none = literal(0)
    return select(literal("").label("rule"), func.count().label("found"), none, none, none).where(_wakes(now, cases))


def _today_there(session: Session, now: datetime, cases: Sequence[int] | None) -> str:
    """The day it is at `now` in each zone of the hearings that may be near: {"Asia/Jerusalem": "2024-04-01"}."""

    def build(at: datetime) -> Any:
        near = select(AgendaItem.zone).where(
            AgendaItem.state == OPEN_STATE,
            AgendaItem.starts_at > at - LONGEST_WINDOW,
            AgendaItem.starts_at < at + timedelta(days=SOON_DAYS + 1) + WIDEST_OFFSET,
            _among(AgendaItem.case_id, None if cases is None else _SOME),
        )
        return near.distinct()

    given = {} if cases is None else {"cases": cases}
    zones = _run(session, now, ("zones", "all" if cases is None else "some"), build, **given).scalars()
    return json.dumps({zone: today_in(zone, now).isoformat() for zone in zones})


def _run(session: Session, now: datetime, key: tuple[Any, ...], build: Callable[[datetime], Any], **given: Any) -> Any:
    """Run a statement that is built once, where it can be."""
    if key not in _ready:
        _ready[key] = prepared.prepare(build, session.get_bind().dialect)
    statement = _ready[key]
    with prepared.at(now):
        return session.connection().execute(build(now) if statement is None else statement, given)


def _write(session: Session, now: datetime, cases: Sequence[int] | None, seen: Look, at_most: int | None) -> Swept:
    """Write what differs. Counts taken a moment ago only say where to look: each statement decides for itself. At most
    `at_most` flags are added, and as many cleared, in all."""
    done = Swept()
    given = {"today_there": seen.today_there}
    for code, count in seen.counts.items():
        if count.settled:
            continue
        to_add = None if at_most is None else at_most - done.added
        to_clear = None if at_most is None else at_most - done.cleared
        try:
            with session.begin_nested():
                changed: list[int] = []
                again = added = cleared = 0
                if count.held > count.same:
                    rows = session.execute(changing(code, now, cases), given).all()
                    changed += [case_id for case_id, _raised_at in rows]
                    again = sum(raised_at == now for _case_id, raised_at in rows)
                if count.found > count.held and to_add != 0:
                    fresh = session.scalars(raising(code, now, cases, to_add, _dialect(session)), given).all()
                    changed += fresh
                    added = len(fresh)
                if count.open != count.held and to_clear != 0:
                    gone = session.scalars(clearing(code, now, cases, to_clear), given).all()
                    changed += gone
                    cleared = len(gone)
        except Exception as failure:
            log.exception("the rule %s has failed", code)
            done.failed[code] = type(failure).__name__
            continue
        done.changed.update(changed)
        done.added += added
        done.raised += again + added
        done.cleared += cleared
    if seen.waking:
        woken = update(_flags).where(_wakes(now, cases)).values(snoozed_until=None).returning(_flags.c.case_id)
        done.changed.update(session.scalars(woken))
    return done


def _follow(session: Session, now: datetime, cases: set[int]) -> None:
    """Let the faces of these cases show what changed, in the same transaction."""
    for chunk in chunks(sorted(cases)):
        follow_flags(session, now, chunk)
        progress.made()


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name
