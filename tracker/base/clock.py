"""The only reader of the clock.

Everything else takes `now` as a value: one read per request and per clock step, passed down. `outbox.deliver` reads
afresh at each claim, mark and settle, because minutes may pass between them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_fixed: ContextVar[datetime | None] = ContextVar("fixed_instant", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC, to the microsecond; or the instant fixed by `fixed_at`."""
    return _fixed.get() or datetime.now(UTC)


def true_now() -> datetime:
    """The machine's own clock, whatever `fixed_at` says: for leases, which other processes compare with theirs."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never jumps: for watchdogs and timeouts, never for dates."""
    return time.monotonic()


def elapsed() -> float:
    """Seconds on a clock that never jumps and goes on while the machine sleeps, where the system has one: for telling
    whether the clock on the wall was set while nobody looked."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@contextmanager
def fixed_at(instant: datetime | None) -> Iterator[None]:
    """Hold `now()` at `instant` (aware) for the block; `None` leaves the clock running."""
    token = _fixed.set(instant.astimezone(UTC) if instant else None)
    try:
        yield
    finally:
        _fixed.reset(token)
