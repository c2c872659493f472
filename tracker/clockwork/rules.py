"""When the clock of a machine is not believed, when a step is silent, when the clock had stopped. Pure.

A wrong clock does harm in silence: an hour ahead, mail leaves early; a year ahead, everything is too late and is given
up. So a jump stops all steps until the clock is right again, or somebody says that it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A difference beyond this is a jump. Clocks that are kept right by the network are moved by seconds.
JUMP = timedelta(minutes=2)

#: A clock that stood still for longer than this is not believed without being asked: it is more likely wrong.
LONGEST_STOP = timedelta(days=30)

#: From this difference to the database's clock on, staff are told; beyond JUMP nothing runs.
SKEW_TOLD = timedelta(seconds=30)

#: A time without any step of this length is told as a stop of the clock.
OUTAGE_FROM = timedelta(minutes=10)

#: A step is silent when it has not begun this long after it was due.
SILENT_STEP = timedelta(minutes=2)

#: A step that failed so often in a row is told to whoever watches from outside.
FAILING = 3


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the clock of a machine is not believed. `why`: `jumped` (while a process ran), `behind` or `ahead` (of when a
    clock last ran), `database` (of the database's clock). `against`: what it was compared with."""

    why: str
    says: datetime
    against: datetime


def doubt_while_running(wall: datetime, expected: datetime) -> Doubt | None:
    """Whether the clock was set while the process ran: `expected` is counted by a clock that cannot be set."""
    return Doubt("jumped", wall, expected) if abs(wall - expected) > JUMP else None


def doubt_since_last_run(wall: datetime, last_ran: datetime | None) -> Doubt | None:
    """Whether a clock can be so far from when one last ran. None for `last_ran`: none ever did."""
    if last_ran is None:
        return None
    if last_ran - wall > JUMP:
        return Doubt("behind", wall, last_ran)
    return Doubt("ahead", wall, last_ran) if wall - last_ran > LONGEST_STOP else None


def doubt_beside_database(wall: datetime, database: datetime | None) -> Doubt | None:
    """Whether machine and database disagree beyond a jump. None for `database`: it has no clock of its own."""
    if database is None:
        return None
    return Doubt("database", wall, database) if abs(wall - database) > JUMP else None


def is_outage(last_ran: datetime | None, now: datetime) -> bool:
    """Whether a clock that works again had stopped for long enough to be told."""
    return last_ran is not None and now - last_ran > OUTAGE_FROM


# Steps ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat, as these rules see it."""

    step: str
    started_at: datetime
    ended_at: datetime | None
    failures: int


def silent_steps(
    beats: Sequence[Beat], every: Mapping[str, timedelta], now: datetime, pulse_at: datetime | None
) -> list[str]:
    """Which of the steps in `every` (code, time between two runs) are silent: not begun for that time and two minutes.

    Steps run one after the other: while one of them is at work, and its process gave a sign of life (`pulse_at`) within
    two minutes, the others merely wait for it.
    """
    alive = pulse_at is not None and abs(now - pulse_at) <= SILENT_STEP
    if alive and any(is_running(beat) for beat in beats):
        return []
    last = {beat.step: beat.started_at for beat in beats}
    return [step for step, span in every.items() if step not in last or now - last[step] > span + SILENT_STEP]


def is_running(beat: Beat) -> bool:
    """Whether a step has begun and not ended; one that fails is not taken for one that runs."""
    return beat.failures == 0 and (beat.ended_at is None or beat.ended_at < beat.started_at)
