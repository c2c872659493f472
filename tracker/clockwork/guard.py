"""Whether this machine's clock can be believed, and the fact that tells everybody when it cannot.

While it cannot, no step runs: nothing is raised, planned, sent or given up at an instant that is not. Each clock
process has a guard of its own; the fact is the database's.
"""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import HouseFact, read_fact, write_fact
from tracker.base.work import short_transaction
from tracker.clockwork import rules
from tracker.clockwork.models import Heartbeat, Lease
from tracker.clockwork.queries import PULSE, database_now, last_ran_at
from tracker.clockwork.rules import Doubt

#: The fact that says that a clock is not believed, and the one with the instant somebody vouched for.
HELD, ACCEPTED = "clock_held", "clock_accepted"

#: Databases in which commands name the instant, and which are stopped on purpose for weeks.
EXEMPT = ("rehearsal", "demo")


@dataclass(frozen=True, slots=True)
class Held:
    """No step runs, because of the clock of `machine`."""

    doubt: Doubt
    machine: str


class Guard:
    """Looks after the clock of this process. `wall` and `elapsed`: the machine's clock, and seconds on one that cannot
    be set."""

    def __init__(
        self, wall: Callable[[], datetime] = clock.true_now, elapsed: Callable[[], float] = clock.elapsed
    ) -> None:
        self._wall = wall
        self._elapsed = elapsed
        #: What both showed when the clock was last believed.
        self._base: tuple[datetime, float] | None = None
        #: The instant somebody vouched for, as far as it is taken into account.
        self._accepted: str | None = None

    def has_jumped(self) -> bool:
        """Whether the clock was set since it was last believed. Asks no database."""
        return self._jump() is not None

    def look(self) -> Doubt | None:
        """Why the clock is not believed, asked of everything there is to compare it with; None: it is."""
        session: Session = db.session()
        try:
            accepted = read_fact(session, ACCEPTED)
            if accepted != self._accepted:
                self._accepted, self._base = accepted, None
            doubt = rules.doubt_beside_database(self._wall(), database_now(session)) or self._jump()
            if doubt is None and self._base is None:
                doubt = doubt_of(session, self._wall())
        finally:
            session.rollback()
        if doubt is None:
            self._base = (self._wall(), self._elapsed())
        return doubt

    def _jump(self) -> Doubt | None:
        if self._base is None:
            return None
        wall, elapsed = self._base
        return rules.doubt_while_running(self._wall(), wall + timedelta(seconds=self._elapsed() - elapsed))


def doubt_of(session: Session, wall: datetime) -> Doubt | None:
    """Why a clock that shows `wall` is not believed by a process that has just begun; None: it is. In a rehearsal or a
    demo it always is."""
    if any(read_fact(session, fact) for fact in EXEMPT):
        return None
    accepted = read_fact(session, ACCEPTED)
    known = [at for at in (last_ran_at(session), datetime.fromisoformat(accepted) if accepted else None) if at]
    beside = rules.doubt_beside_database(wall, database_now(session))
    return beside or rules.doubt_since_last_run(wall, max(known, default=None))


def find_hold(session: Session) -> Held | None:
    """Whether, and why, no step runs."""
    known = read_fact(session, HELD)
    if known is None:
        return None
    fact = json.loads(known)
    says, against = (datetime.fromisoformat(fact[part]) for part in ("says", "against"))
    return Held(Doubt(fact["why"], says, against), fact["machine"])


def say_held(doubt: Doubt) -> None:
    """Let everybody know that no step runs, unless another machine's clock does the work. Nothing is written while it
    stands there already."""
    session: Session = db.session()
    try:
        shared = database_now(session)
        until = session.scalar(select(func.max(Lease.until)))
        standing = find_hold(session)
    finally:
        session.rollback()
    # Where the database has no clock of its own, there is no other machine.
    if shared is not None and until is not None and until > shared:
        return
    machine = socket.gethostname()[:100]
    if standing is not None and (standing.doubt.why, standing.machine) == (doubt.why, machine):
        return
    fact = {"why": doubt.why, "says": doubt.says.isoformat(), "against": doubt.against.isoformat(), "machine": machine}
    with short_transaction() as writing:
        write_fact(writing, HELD, json.dumps(fact))


def say_free() -> None:
    """A clock that is believed works: whatever stood there is over."""
    session: Session = db.session()
    try:
        standing = read_fact(session, HELD)
    finally:
        session.rollback()
    if standing is not None:
        with short_transaction() as writing:
            writing.execute(delete(HouseFact).where(HouseFact.key == HELD))


def accept_clock(session: Session, now: datetime) -> None:
    """Take `now` for right, whatever was compared: the base of everything that follows. Inside the caller's unit of
    work."""
    write_fact(session, ACCEPTED, now.astimezone(UTC).isoformat())
    session.execute(delete(HouseFact).where(HouseFact.key == HELD))
    # What ran while the clock was ahead would otherwise hold it back until then.
    for column in (Heartbeat.started_at, Heartbeat.ended_at):
        ahead = update(Heartbeat).where(column > now, Heartbeat.step != PULSE)
        session.execute(ahead.values({column: now}).execution_options(synchronize_session=False))
