"""The unit of work: one act, one transaction, its consequences and its audit row inside it.

Opened by POST views, commands and clock steps only. Services never commit; they call `touch(case_id)` for each case
whose projections must follow, and before COMMIT the settlers bring those up to date, phase by phase.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from tracker.base import clock
from tracker.base.db import begin_writing, db

#: The order in which consequences are drawn. `act` holds and stops what the fold shows must not go on.
PHASES = ("fold", "act", "agenda", "flags", "faces", "search", "plan")


class Settler(Protocol):
    """Brings one projection up to date for `cases` (ids), or with None for whatever is due at `now`."""

    def __call__(self, session: Session, now: datetime, cases: Sequence[int] | None) -> None: ...


_settlers: dict[str, list[Settler]] = {phase: [] for phase in PHASES}


def settles(phase: str) -> Callable[[Settler], Settler]:
    """Announce a settler of a phase; within a phase they run in the order announced."""

    def announce(settler: Settler) -> Settler:
        _settlers[phase].append(settler)
        return settler

    return announce


def settlers() -> dict[str, list[Settler]]:
    """All settlers by phase."""
    return _settlers


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `kind` is user, command, clock; `name` stands in the audit where there is no account."""

    kind: str
    user_id: int | None = None
    name: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether a person did it in a page: notices of such acts wait three minutes, so that it can be undone."""
        return self.kind == "user"


CLOCK = Actor("clock", name="clock")
COMMAND = Actor("command", name="command line")


@dataclass(slots=True)
class Work:
    """What the running unit of work knows. Kept in `session.info["work"]`."""

    act: str
    actor: Actor
    now: datetime
    subject: str | None
    touched: set[int] = field(default_factory=set)
    changes: list["Change"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """One row created, changed, deleted, or read where it was sealed: what the audit keeps."""

    table: str
    row_id: int | str | None
    case_id: int | None
    how: str
    fields: dict[str, tuple[object, object]]


#: Asked as an act begins, inside its transaction; raises to refuse it.
Admission = Callable[[Session, Work], None]
_admissions: list[Admission] = []


def admits_acts(admission: Admission) -> Admission:
    """Announce somebody who is asked before each act."""
    _admissions.append(admission)
    return admission


AuditWriter = Callable[[Session, Work], None]
_audit_writer: list[AuditWriter] = []


def writes_audit(writer: AuditWriter) -> AuditWriter:
    """Announce the writer of the audit row; exactly one."""
    _audit_writer[:] = [writer]
    return writer


def current_work(session: Session | None = None) -> Work:
    """The running unit of work. RuntimeError outside one: a service was called from a place that may not write."""
    work = (session or db.session).info.get("work")
    if not isinstance(work, Work):
        raise RuntimeError("no unit of work is open: only POST views, commands and clock steps may write")
    return work


def touch(*case_ids: int) -> None:
    """Say that these cases' projections must follow before COMMIT."""
    current_work().touched.update(case_ids)


def note_read(table: str, row_id: int | str, case_id: int | None, **about: object) -> None:
    """Say that this act shows something sealed: it stands in the audit like a change, in the same transaction, so that
    nothing is shown without its record. `about`: what is to be kept of it (the reason given), never the value."""
    fields: dict[str, tuple[object, object]] = {name: (None, value) for name, value in about.items()}
    current_work().changes.append(Change(table, row_id, case_id, "read", fields))


@contextmanager
def unit_of_work(
    act: str, actor: Actor, subject: str | None = None, now: datetime | None = None, *, leaves_out: Sequence[str] = ()
) -> Iterator[datetime]:
    """Do one act: yields `now`; commits with all its consequences, or leaves nothing behind.

    `act` names it in the audit (`hearings.move`), `subject` what it is about (`hearing:12`). Inside, read rows afresh:
    what was read before may be old. `leaves_out` names phases of settling that are left to the clock: history that is
    told afterwards plans no mail of its time.
    """
    session = db.session()
    if "work" in session.info:
        raise RuntimeError("units of work do not nest: compose services inside one")
    begin_writing(session)
    work = Work(act, actor, now or clock.now(), subject)
    session.info["work"] = work
    try:
        for admission in _admissions:
            admission(session, work)
        yield work.now
        session.flush()
        settle(session, work.now, sorted(work.touched), leaves_out)
        session.flush()
        if _audit_writer:
            _audit_writer[0](session, work)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("work", None)
        session.expire_all()


@contextmanager
def short_transaction() -> Iterator[Session]:
    """One write of a clock step that is its own record (a mail claimed, marked, settled): no act, no settlers.

    Commits at the end, or leaves nothing behind. Keep it short: nothing is rendered, sent or hashed inside.
    """
    session = db.session()
    if "work" in session.info:
        raise RuntimeError("a unit of work is open: write within it")
    begin_writing(session)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def end_reading(session: Session) -> None:
    """End what has only read: nothing is kept, and what is read next is read anew, as after a rollback. It is a COMMIT
    all the same: after a ROLLBACK psycopg has the server forget every statement that it holds ready."""
    if session.new or session.deleted:
        session.rollback()
        return
    session.expire_all()
    session.commit()


def settle(session: Session, now: datetime, cases: Sequence[int], leaves_out: Sequence[str] = ()) -> None:
    """Bring every projection of `cases` up to date, phase by phase. Nothing touched: nothing done."""
    if not cases:
        return
    for phase in PHASES:
        if phase in leaves_out:
            continue
        for settler in _settlers[phase]:
            settler(session, now, cases)
            session.flush()
