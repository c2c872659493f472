"""Statements about `now`, built once and run at any instant.

Building the SELECTs of all rules takes ten times as long as running them for one case, and every write of a person
waits for it. A rule only sees a `datetime`; what it made of two different ones shows where its statement holds `now`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Dialect, bindparam
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter, ClauseElement

_now: ContextVar[datetime] = ContextVar("now_of_the_sweep")

#: Two instants with nothing in common: weekday, day, hour, minute and distance to any boundary differ.
_ONE = datetime(1871, 3, 18, 4, 17, 31, 113, tzinfo=UTC)
_OTHER = datetime(1936, 7, 19, 17, 42, 3, 977, tzinfo=UTC)


@contextmanager
def at(now: datetime) -> Iterator[None]:
    """Run prepared statements at this instant inside the block."""
    token = _now.set(now)
    try:
        yield
    finally:
        _now.reset(token)


def prepare(build: Callable[[datetime], Any], dialect: Dialect) -> Any:
    """The statement `build(now)` for whatever instant `at` names when it runs.

    None when it cannot be: when it holds more of `now` than instants at fixed distances from it, such as a weekday.
    """
    one: ClauseElement = build(_ONE)
    other: ClauseElement = build(_OTHER)
    # As they are written out: aliases of classes, such as the question who may see makes them, compare to nothing.
    if str(one.compile(dialect=dialect)) != str(other.compile(dialect=dialect)):
        return None
    spans: dict[int, timedelta] = {}
    for bound, twin in zip(_bound(one), _bound(other), strict=True):
        if bound.value == twin.value:
            continue
        first, second = bound.value, twin.value
        if not isinstance(first, datetime) or not isinstance(second, datetime) or first - _ONE != second - _OTHER:
            return None
        spans[id(bound)] = first - _ONE

    def moving(element: Any, **_kw: Any) -> Any:
        span = spans.get(id(element))
        if span is None:
            return None
        return bindparam("now", callable_=lambda: _now.get() + span, type_=element.type, unique=True)

    made: Any = visitors.replacement_traverse(one, {}, moving)
    # Whatever was not seen on the way would be an instant of long ago, for ever.
    if any(isinstance(bound.value, datetime) for bound in made.compile(dialect=dialect).binds.values()):
        return None
    return made


def _bound(statement: ClauseElement) -> list[BindParameter[Any]]:
    return [element for element in visitors.iterate(statement) if isinstance(element, BindParameter)]
