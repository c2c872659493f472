"""Reading the clock's rows: when each step last ran, and whether the clock is silent."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.clockwork.kinds import in_turn
from tracker.clockwork.models import Heartbeat

#: A clock that ran no step for this long is silent: staff are warned.
SILENT_AFTER = timedelta(minutes=5)

#: Since when a clock is silent that has never run.
NEVER = datetime(1, 1, 1, tzinfo=UTC)


def heartbeats(session: Session) -> list[Heartbeat]:
    """When each step last ran, in the order of a tick; steps nobody announces any more come last."""
    order = {code: place for place, code in enumerate(step.code for step in in_turn())}
    return sorted(session.scalars(select(Heartbeat)), key=lambda beat: (order.get(beat.step, len(order)), beat.step))


def clock_silent_since(session: Session, now: datetime) -> datetime | None:
    """Since when no step has begun, once that is five minutes or more; None: the clock works. NEVER: it has never run.

    A step that fails is not silence: its heartbeat tells of it.
    """
    last = session.scalar(select(func.max(Heartbeat.started_at)))
    if last is None:
        return NEVER
    return last if now - last >= SILENT_AFTER else None
