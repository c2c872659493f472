"""A database that came back from a backup has forgotten what was sent after it. It starts paused, and is told.

Two things give it away: this machine's own record of sent mail (`ledger`) names mails that the database does not know,
or the database lies elsewhere than it did (another server, another file). What the record names is ended as sent; for
everything else an operator decides: `tracker outbox release`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import delete, event, exists, or_, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import HouseFact, read_fact, write_fact
from tracker.base.sentences import on_record
from tracker.base.work import short_transaction
from tracker.outbox.ledger import NAME, Ledger, Line, carried
from tracker.outbox.models import Envelope, Message
from tracker.outbox.packing import NAMESPACE
from tracker.outbox.pausing import pause, read_pause

#: The facts: where the database lay when it was last looked at; why the record of sent mail cannot be written.
HOME, TROUBLE = "home", "ledger_trouble"

#: How often it is looked at while a process runs. A new connection is a reason to look, too.
LOOK_EVERY = timedelta(hours=1)

#: Why a message that waited counts as sent.
SENT_BEFORE = on_record("sent before the backup was restored, says this machine's own record")

#: Names in one statement.
CHUNK = 500


@dataclass(slots=True)
class Watch:
    """What a process remembers between two looks."""

    ledger: Ledger
    #: On the clock that cannot be set; None: look now.
    looked_at: float | None = None
    file: int = 0
    #: What the record names and the database does not know, while it is paused for it.
    lost: dict[str, Line] = field(default_factory=dict)
    namespace: str | None = None
    told: str | None = None


def watch_of() -> Watch:
    """What this process remembers of its database."""
    known: Watch | None = current_app.extensions.get("restored")
    if known is None:
        known = Watch(Ledger(Path(current_app.extensions["settings"].instance) / NAME))
        current_app.extensions["restored"] = known
        watch = known

        @event.listens_for(db.engine, "connect")
        def look_again(_connection: object, _record: object) -> None:
            watch.looked_at = None

    return known


def look(now: datetime) -> None:
    """Pause what goes out when the database came back from a backup, and end what is known to be sent. Cheap: it looks
    when a process begins, every hour, and when the database may be another one."""
    watch = watch_of()
    session: Session = db.session()
    try:
        file = _inode(session)
        fresh = watch.looked_at is not None and clock.monotonic() - watch.looked_at < LOOK_EVERY.total_seconds()
        if not fresh or file != watch.file:
            # What is true now is compared with what stood there when it was last looked at.
            begins = watch.looked_at is None and not watch.file
            _compare(session, watch, now)
            watch.looked_at, watch.file = clock.monotonic(), file
            if begins:
                watch.ledger.trim(now)
    finally:
        session.rollback()
    if watch.lost:
        with short_transaction() as writing:
            if read_pause(writing) is None:
                watch.lost = {}
                _forget_lost(writing, watch)
            else:
                _end_what_was_sent(writing, watch.lost, now)


def note_sent(message_id: str, said: Sequence[str], at: datetime) -> None:
    """Keep, outside the database, that the relay took a mail with these messages (as `carried` spells them). Never
    raises for the file."""
    watch = watch_of()
    if watch.namespace is None:
        session: Session = db.session()
        watch.namespace = read_fact(session, NAMESPACE)
        session.rollback()
    watch.ledger.note(watch.namespace or "", message_id, said, at)


def run_ends() -> None:
    """Have the record on the disk, and let staff know when it cannot be written."""
    watch = watch_of()
    watch.ledger.keep()
    trouble = watch.ledger.trouble
    if trouble == watch.told:
        return
    session: Session = db.session()
    known = read_fact(session, TROUBLE) or ""
    session.rollback()
    if known != trouble:
        with short_transaction() as writing:
            if trouble:
                write_fact(writing, TROUBLE, trouble)
            else:
                writing.execute(delete(HouseFact).where(HouseFact.key == TROUBLE))
    watch.told = trouble


# Looking --------------------------------------------------------------------------------------------------------------


def _compare(session: Session, watch: Watch, now: datetime) -> None:
    if read_fact(session, "demo") is not None:
        return
    watch.namespace = read_fact(session, NAMESPACE)
    home, here = read_fact(session, HOME), whereabouts(session)
    log = watch.ledger.name()
    key = f"ledger:{log}"
    marks = json.loads(read_fact(session, key) or "{}") if log else {}
    lines = watch.ledger.read(watch.namespace or "", marks.get("seen", "")) if log else []
    unknown = _unknown(session, lines)
    in_use = session.scalar(select(exists(select(Envelope.id)))) or bool(unknown)
    moved = home is not None and home != here and bool(in_use)
    over = "lost_after" in marks and read_pause(session) is None
    if over:
        # Somebody let it go: a later pause is about something else.
        del marks["lost_after"]
    elif "lost_after" in marks:
        again = watch.ledger.read(watch.namespace or "", marks["lost_after"])
        watch.lost = {said: line for line in _unknown(session, again) for said in line.carried}
    if unknown:
        watch.lost |= {said: line for line in unknown for said in line.carried}
        marks.setdefault("lost_after", marks.get("seen", ""))
    if lines:
        marks["seen"] = lines[-1].message_id
    if not (unknown or moved or lines or over or home != here):
        return
    with short_transaction() as writing:
        if unknown or moved:
            words = "the database came back from a backup" if unknown else "the database lies elsewhere than it did"
            pause(writing, now, "restored", "", words=words)
        if log and (lines or over):
            write_fact(writing, key, json.dumps(marks))
        write_fact(writing, HOME, here)


def _forget_lost(session: Session, watch: Watch) -> None:
    """What was lost is over once somebody let the mail go: a process that begins under a later pause looks for it no
    more."""
    key = f"ledger:{watch.ledger.name()}"
    marks = json.loads(read_fact(session, key) or "{}")
    if marks.pop("lost_after", None) is not None:
        write_fact(session, key, json.dumps(marks))


def _unknown(session: Session, lines: Sequence[Line]) -> list[Line]:
    """Those of these mails that the database does not know to have left, or to be leaving."""
    known: set[str] = set()
    for start in range(0, len(lines), CHUNK):
        ids = [line.message_id for line in lines[start : start + CHUNK]]
        left = or_(Envelope.state != "waiting", Envelope.attempts > 0)
        still = Envelope.state.not_in(("paused", "cancelled", "skipped")) | (Envelope.attempts > 0)
        known.update(session.scalars(select(Envelope.message_id).where(Envelope.message_id.in_(ids), left, still)))
    return [line for line in lines if line.message_id not in known]


def whereabouts(session: Session) -> str:
    """Where the database lies: the server and the database in it, or the file."""
    if session.get_bind().dialect.name == "sqlite":
        return f"file {_inode(session)}"
    oid = session.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    try:
        with session.begin_nested():
            server = session.scalar(text("SELECT system_identifier FROM pg_control_system()"))
    except SQLAlchemyError:
        # Not every role may ask.
        server = "unknown"
    return f"server {server}, database {oid}"


def _inode(session: Session) -> int:
    """The number of the database's file; 0 where it is none."""
    engine = session.get_bind()
    if engine.dialect.name != "sqlite":
        return 0
    name = db.engine.url.database
    try:
        return Path(name or "").stat().st_ino
    except OSError:
        return 0


def _end_what_was_sent(session: Session, lost: dict[str, Line], now: datetime) -> None:
    """End as sent what waits, and what the record says has left with this very content."""
    keys = sorted({said.rpartition("#")[0] for said in lost})
    for start in range(0, len(keys), CHUNK):
        waiting = session.execute(
            select(Message.id, Message.dedupe_key, Message.tells, Message.envelope_id).where(
                Message.dedupe_key.in_(keys[start : start + CHUNK]), Message.state.in_(("waiting", "paused"))
            )
        ).all()
        by_mail: dict[str, list[int]] = {}
        for row in waiting:
            line = lost.get(carried(row.dedupe_key, row.tells))
            if line is not None:
                by_mail.setdefault(line.message_id, []).append(row.id)
        ends = {line.message_id: line.at for line in lost.values()}
        for message_id, ids in by_mail.items():
            session.execute(
                update(Message)
                .where(Message.id.in_(ids))
                .values(state="sent", sent_at=ends[message_id], ended_at=now, reason=SENT_BEFORE)
                .execution_options(synchronize_session=False)
            )
        _close_mails(session, {row.envelope_id for row in waiting if row.envelope_id is not None}, now)


def _close_mails(session: Session, envelope_ids: set[int], now: datetime) -> None:
    lives = exists(
        select(Message.id)
        .where(Message.envelope_id == Envelope.id, Message.state.in_(("waiting", "sending", "paused")))
        .correlate(Envelope)
    )
    session.execute(
        update(Envelope)
        .where(Envelope.id.in_(envelope_ids), Envelope.state.in_(("waiting", "paused")), ~lives)
        .values(state="sent", sent_at=now, reason=SENT_BEFORE)
        .execution_options(synchronize_session=False)
    )
