"""The registry of flag rules, and what a rule is written with.

A rule is a function of `now` that returns one SELECT of everything that needs a human at that instant. What a day is
depends on where it is counted: `today_there` is a table of (zone, day) that the sweep fills for the zones in use.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.type_api import TypeEngine

from tracker.actions.models import UrgentAction
from tracker.agenda.models import AgendaItem
from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, JSONText, UTCDateTime
from tracker.base.registry import Registry
from tracker.cases.models import Case

#: What a rule's SELECT gives, in this order and under these names; (case_id, subject) at most once.
COLUMNS = ("case_id", "subject", "episode", "severity", "audience", "due_at", "data")

#: Stages of a case in which somebody is expected to act on flags.
WATCHED = ("open", "monitoring")

Finder = Callable[[datetime], Select[Any]]

finders: Registry[Finder] = Registry("flag rule")


def finder(code: str) -> Callable[[Finder], Finder]:
    """Announce a rule, such as `hearing-soon`: it takes `now` and returns one SELECT of COLUMNS.

    `episode` names the occasion: a new one, or a rise in severity (1 to 3, 3 worst), reopens what was acknowledged.
    """
    return finders.adds(code)


class _DayByZone(FunctionElement[Any]):
    """A table made of the parameter `today_there`: {"Asia/Jerusalem": "2024-04-01"}."""

    inherit_cache = True
    name = "day_by_zone"


@compiles(_DayByZone, "sqlite")
def _day_by_zone_sqlite(element: _DayByZone, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_DayByZone, "postgresql")
def _day_by_zone_postgresql(element: _DayByZone, compiler: Any, **kw: Any) -> str:
    return f"json_each_text(CAST({compiler.process(element.clauses, **kw)} AS json))"


#: A zone in use (`key`) and the day it is there (`value`, as text). Join it on the zone.
today_there = _DayByZone(bindparam("today_there", type_=Text)).table_valued("key", "value", name="today_there")


class _DaysFromToday(FunctionElement[Any]):
    """The day so many days after a day given as text."""

    inherit_cache = True
    name = "days_from_today"
    type: TypeEngine[Any] = Date()


@compiles(_DaysFromToday, "sqlite")
def _days_from_today_sqlite(element: _DaysFromToday, compiler: Any, **kw: Any) -> str:
    day, days = (compiler.process(part, **kw) for part in element.clauses)
    return f"date({day}, ({days}) || ' days')"


@compiles(_DaysFromToday, "postgresql")
def _days_from_today_postgresql(element: _DaysFromToday, compiler: Any, **kw: Any) -> str:
    day, days = (compiler.process(part, **kw) for part in element.clauses)
    return f"(CAST({day} AS date) + {days})"


def in_days(days: int) -> ColumnElement[Any]:
    """SQL: the day so many days after today, in the zone joined by `today_there`."""
    return _DaysFromToday(today_there.c.value, literal(days))


class _DayOf(FunctionElement[Any]):
    """The UTC day of an instant, as text."""

    inherit_cache = True
    name = "day_of"
    type: TypeEngine[Any] = String()


@compiles(_DayOf, "sqlite")
def _day_of_sqlite(element: _DayOf, compiler: Any, **kw: Any) -> str:
    return f"substr({compiler.process(element.clauses, **kw)}, 1, 10)"


@compiles(_DayOf, "postgresql")
def _day_of_postgresql(element: _DayOf, compiler: Any, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


def day_of(instant: ColumnElement[Any] | Any) -> ColumnElement[Any]:
    """SQL: the UTC day of an instant as text, for naming an episode."""
    return _DayOf(instant)


class _HoursAfter(FunctionElement[Any]):
    """The instant so many hours after another."""

    inherit_cache = True
    name = "hours_after"
    type: TypeEngine[Any] = UTCDateTime()


@compiles(_HoursAfter, "sqlite")
def _hours_after_sqlite(element: _HoursAfter, compiler: Any, **kw: Any) -> str:
    instant, hours = (compiler.process(part, **kw) for part in element.clauses)
    # What is smaller than a second stays as it is: SQLite would round it.
    whole = f"strftime('%Y-%m-%dT%H:%M:%S', substr({instant}, 1, 19), ({hours}) || ' hours')"
    return f"({whole} || substr({instant}, 20))"


@compiles(_HoursAfter, "postgresql")
def _hours_after_postgresql(element: _HoursAfter, compiler: Any, **kw: Any) -> str:
    instant, hours = (compiler.process(part, **kw) for part in element.clauses)
    return f"({instant} + make_interval(hours => {hours}))"


def hours_after(instant: Any, hours: int) -> ColumnElement[Any]:
    """SQL: the instant so many hours after another."""
    return _HoursAfter(instant, literal(hours))


def first_day() -> ColumnElement[Any]:
    """SQL: the day of an agenda item, or the first of its window."""
    return func.coalesce(AgendaItem.local_date, AgendaItem.earliest_on)


def subject_of() -> ColumnElement[str]:
    """SQL: an agenda item as a flag's subject, such as `hearing:12`."""
    return AgendaItem.kind + ":" + cast(AgendaItem.subject_id, String)


def revision_of() -> ColumnElement[str]:
    """SQL: which of its dates an agenda item has, as an episode."""
    return literal("rev:", String) + cast(AgendaItem.rev, String)


def for_the_desk(*audiences: Any) -> ColumnElement[Any]:
    """SQL: the strictest of these audiences, and the desk's at most: a flag is work for those who keep cases."""
    strict = [a < Audience.DESK for a in audiences]
    return case((and_(*(~s for s in strict)), _rung(Audience.DESK)), else_=_rung(Audience.NAMED))


def no_data() -> ColumnElement[Any]:
    """SQL: nothing more to say."""
    return literal({}, JSONText)


def no_instant() -> ColumnElement[Any]:
    """SQL: no instant it is about; PostgreSQL wants to know that it would be one."""
    return cast(null(), UTCDateTime)


def of_its_case(column: Any, of: Any = AgendaItem) -> ColumnElement[Any]:
    """SQL: a column of the case an agenda item belongs to, or whatever else has one.

    Not a join: PostgreSQL cannot know that hearings which are past and still scheduled are few, and would walk through
    all cases to meet them.
    """
    return select(column).where(Case.id == of.case_id).correlate(of).scalar_subquery()


def action_subject() -> ColumnElement[str]:
    """SQL: an urgent action as a flag's subject, such as `action:12`."""
    return literal("action:", String) + cast(UrgentAction.id, String)


def say_in_data(column: Any, codes: Iterable[str]) -> ColumnElement[Any]:
    """SQL: {"why": code} for the code a column holds, for the sentence about it."""
    return case(*((column == code, literal({"why": code}, JSONText)) for code in codes), else_=no_data())


def watched(stage: Any = Case.stage) -> ColumnElement[bool]:
    """SQL: the case is one somebody is expected to act on."""
    found: ColumnElement[bool] = stage.in_(WATCHED)
    return found


def by_risk(risk: Any = Case.risk, **severities: int) -> ColumnElement[int]:
    """SQL: a severity by the case's risk: `by_risk(critical=3, high=3, other=2)`."""
    other = severities.pop("other")
    return case({code: literal(s) for code, s in severities.items()}, value=risk, else_=literal(other))


def _rung(audience: Audience) -> ColumnElement[Any]:
    return literal(audience, AudienceType)
