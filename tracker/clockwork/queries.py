"""Reading the clock's rows: when each step last ran, and whether the clock is silent."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, null, select
from sqlalchemy.orm import Session

from tracker.base.columns import UTCDateTime
from tracker.clockwork.kinds import in_turn
from tracker.clockwork.models import Heartbeat, Outage

#: A clock that ran no step for this long is silent: staff are warned.
SILENT_AFTER = timedelta(minutes=5)

#: Since when a clock is silent that has never run.
NEVER = datetime(1, 1, 1, tzinfo=UTC)

#: The heartbeat of the clock process itself: a sign of life also while no step may run, on its own clock, right or not.
PULSE = "clockwork.pulse"


def heartbeats(session: Session) -> list[Heartbeat]:
    """When each step last ran, in the order of a tick; steps nobody announces any more come last."""
    order = {code: place for place, code in enumerate(step.code for step in in_turn())}
    return sorted(session.scalars(select(Heartbeat)), key=lambda beat: (order.get(beat.step, len(order)), beat.step))


def clock_silent_since(session: Session, now: datetime) -> datetime | None:
    """Since when no step has begun, once that is five minutes or more; None: the clock works. NEVER: it has never run.

    A step that fails is not silence: its heartbeat tells of it.
    """
    last = last_ran_at(session)
    if last is None:
        return NEVER
    return last if now - last >= SILENT_AFTER else None


def last_ran_at(session: Session) -> datetime | None:
    """When a step last began; None: none ever did."""
    return session.scalar(select(func.max(Heartbeat.started_at)).where(Heartbeat.step != PULSE))


def database_clock(session: Session) -> ColumnElement[Any]:
    """SQL: the database's own clock; NULL where it is this machine's."""
    if session.get_bind().dialect.name != "postgresql":
        return null()
    return literal_column("clock_timestamp()", UTCDateTime())


def database_now(session: Session) -> datetime | None:
    """The database's own clock; None where it is this machine's."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    return session.scalar(select(database_clock(session)))


def latest_outage(session: Session, since: datetime) -> Outage | None:
    """The last time the clock stood still, if it worked again after `since`."""
    ended = select(Outage).where(Outage.ended_at > since).order_by(Outage.ended_at.desc())
    return session.scalar(ended.limit(1))
