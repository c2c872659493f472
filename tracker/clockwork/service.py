"""The clock's own small writes, each in a short transaction of its own: the lease and the heartbeats."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Insert, delete, literal_column
from sqlalchemy.dialects import postgresql, sqlite

from tracker.base import clock
from tracker.base.db import WRITES, db, insert_or_pass, note
from tracker.base.house import read_fact
from tracker.base.work import short_transaction
from tracker.clockwork import rules
from tracker.clockwork.models import Heartbeat, Lease, Outage
from tracker.clockwork.queries import last_ran_at

#: Longest text of a fault, in characters: the column's length.
LONGEST_FAULT = 300

#: What runs under a lease.
CLOCK = "clock"

#: No lease is taken for so long: one that would last longer was written while a clock was ahead, and holds nobody back.
LONGEST_LEASE = timedelta(minutes=10)


def take_lease(holder: str, span: timedelta) -> bool:
    """Take or keep the lease of the clock for `span` from now; False while another holds it.

    Machines disagree about the time: PostgreSQL's own clock is asked where there is one. Saves work only; two clocks at
    once do nothing wrong.
    """
    engine = _engine()
    shared: Any = literal_column("clock_timestamp()") if engine.dialect.name == "postgresql" else clock.true_now()
    taken = _insert(engine, Lease).values(name=CLOCK, holder=holder, until=shared + span)
    taken = taken.on_conflict_do_update(
        index_elements=[Lease.name],
        set_={"holder": taken.excluded.holder, "until": taken.excluded.until},
        where=(Lease.holder == holder) | (Lease.until < shared) | (Lease.until > shared + LONGEST_LEASE),
    ).returning(Lease.holder)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        return connection.execute(taken).first() is not None


def give_lease_back(holder: str) -> None:
    """Let another clock work at once."""
    engine = _engine()
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(delete(Lease).where(Lease.name == CLOCK, Lease.holder == holder))


def note_start(step: str, at: datetime) -> None:
    """Keep that a step has begun."""
    _note(step, {"started_at": at}, {})


def note_end(step: str, started_at: datetime, ended_at: datetime) -> None:
    """Keep that a step has ended well."""
    _note(step, {"started_at": started_at, "ended_at": ended_at, "failures": 0, "fault": ""}, {})


def note_failure(step: str, started_at: datetime, fault: str) -> None:
    """Keep that a step has failed, and why, without content of cases."""
    said = {"started_at": started_at, "fault": fault[:LONGEST_FAULT]}
    _note(step, {**said, "failures": 1}, {"failures": Heartbeat.failures + 1})


def note_outage(now: datetime) -> bool:
    """Keep that no clock worked until now, when that was longer than ten minutes; once, whoever notices it, too. A demo
    is stopped on purpose. Whether it was noticed here."""
    session = db.session()
    try:
        last = last_ran_at(session)
        demo = read_fact(session, "demo") is not None
    finally:
        session.rollback()
    if demo or not rules.is_outage(last, now):
        return False
    with short_transaction() as writing:
        noticed = insert_or_pass(writing, Outage, "began_at").returning(Outage.id)
        return writing.execute(noticed.values(began_at=last, ended_at=now)).first() is not None


def _note(step: str, values: Mapping[str, Any], again: Mapping[str, Any]) -> None:
    """Write a heartbeat; where there is one, `again` replaces what of `values` does not simply hold anew."""
    first = {"failures": 0, "fault": "", **values}
    beat: Any = _insert(_engine(), Heartbeat).values(step=step, **first)
    note(beat.on_conflict_do_update(index_elements=[Heartbeat.step], set_={**values, **again}))


def _engine() -> Engine:
    engine = db.session.get_bind()
    assert isinstance(engine, Engine)
    return engine


def _insert(engine: Engine, model: type) -> Any:
    """INSERT as the engine spells what happens on a conflict."""
    made: Insert = (postgresql if engine.dialect.name == "postgresql" else sqlite).insert(model)
    return made
