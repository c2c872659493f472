"""The pause of the house: everything that goes out stands still until an operator lets it go.

A pause is a fact of the house. Whoever is about to let a mail leave reads it (`read_pause`), asks whether this mail
may go all the same (`Pause.lets`), and has the mark require that the fact still is what was read (`unchanged`): a
pause that was committed before the mark holds the mail back.

Messages that wait become `paused` with it; what is planned meanwhile becomes so once it is due (`hold_due`). The
messages of one mail are paused and released together: a mail half of which stands still would go twice, in halves,
under one Message-ID.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, not_, select, update
from sqlalchemy.orm import Session, aliased

from tracker.base.db import insert_or_pass
from tracker.base.house import HouseFact, read_fact
from tracker.base.sentences import on_record
from tracker.base.work import Change, Work
from tracker.outbox.models import Envelope, Message

#: The fact that holds the pause.
FACT = "pause"

#: Why mail is paused: an operator or a member of staff said so; the database came back from a backup; the clock of this
#: machine jumped; the house was closed.
WHYS = ("by_hand", "restored", "clock", "closed")

#: Why a message stands still, in words for staff.
PAUSED = on_record("mail is paused")
SET_ASIDE = on_record("set aside, because it was due long ago")


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that stands."""

    #: The fact as it was read, word for word.
    value: str
    since: datetime
    #: One of `WHYS`.
    why: str
    #: Why, as somebody put it; empty where nobody did.
    words: str
    #: Who paused it; empty for the house itself.
    by: str
    #: What was due at or before this instant may go all the same; None: nothing may.
    cut: datetime | None

    def lets(self, due_at: datetime) -> bool:
        """Whether what was due then may go although mail is paused."""
        return self.cut is not None and due_at <= self.cut


@dataclass(frozen=True, slots=True)
class SetAside:
    """What a pause has done, in messages."""

    #: Paused now.
    paused: int
    #: Being handed over to the relay at this moment: too late for them.
    under_way: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """What a release has done, in messages."""

    #: Waiting again.
    released: int
    #: Paused still.
    paused: int


def read_pause(session: Session) -> Pause | None:
    """The pause that stands; None: mail goes out."""
    value = read_fact(session, FACT)
    if value is None:
        return None
    known = json.loads(value)
    cut = known["cut"]
    return Pause(
        value=value,
        since=datetime.fromisoformat(known["since"]),
        why=known["why"],
        words=known["words"],
        by=known["by"],
        cut=datetime.fromisoformat(cut) if cut else None,
    )


def unchanged(pause: Pause | None) -> ColumnElement[bool]:
    """SQL: the pause is what was read (None: there still is none). For the mark, which may let nothing leave when it
    was paused, or paused otherwise, since."""
    if pause is None:
        return not_(exists(select(HouseFact.key).where(HouseFact.key == FACT)))
    return exists(select(HouseFact.key).where(HouseFact.key == FACT, HouseFact.value == pause.value))


def pause(
    session: Session, now: datetime, why: str, by: str, older_than: timedelta | None = None, *, words: str = ""
) -> SetAside:
    """Stop everything that goes out, until `release`. With `older_than`, only set aside what was due that long ago or
    longer; the rest goes on, and so does what comes.

    `why` is one of `WHYS`, `by` who does it (empty: the house), `words` what they say. A pause that stands already
    stays what it is, but nothing passes it any more.
    """
    if older_than is not None:
        old = Message.due_at <= now - older_than
        done = SetAside(_hold(session, old, SET_ASIDE), _under_way(session, old))
    else:
        standing = read_pause(session)
        _write(session, replace(standing, cut=None) if standing else Pause("", now, why, words[:200], by[:120], None))
        done = SetAside(_hold(session, None, PAUSED), _under_way(session, None))
    _note(session, "paused", older_than, done.paused, words)
    return done


def release(session: Session, now: datetime, older_than: timedelta | None = None) -> LetGo:
    """Lift the pause and let everything wait for its turn again. With `older_than`, only what was due that long ago or
    longer goes, and a pause that stands goes on standing for everything else.

    Nothing is sent here: what is no longer true, or comes too late, ends as such when its turn comes.
    """
    standing = read_pause(session)
    if older_than is None:
        session.execute(delete(HouseFact).where(HouseFact.key == FACT).execution_options(synchronize_session=False))
        released = _let_go(session, None)
    else:
        cut = now - older_than
        if standing:
            cut = max(cut, standing.cut or cut)
            _write(session, replace(standing, cut=cut))
        released = _let_go(session, cut)
    left = session.scalar(select(func.count(Message.id)).where(Message.state == "paused")) or 0
    _note(session, "released", older_than, released, "")
    return LetGo(released, left)


def hold_due(session: Session, pause: Pause, now: datetime) -> int:
    """Pause what has come due under this pause and may not pass it: nothing where the pause is not what was read any
    more, because what is held after a release would stand still for ever. Returns how many messages."""
    # Kept from changing until the end of the transaction: a release waits for this, or this finds it gone.
    standing = session.scalar(select(HouseFact.value).where(HouseFact.key == FACT).with_for_update(read=True))
    if standing != pause.value:
        return 0
    due = Message.due_at <= now
    return _hold(session, due if pause.cut is None else due & (Message.due_at > pause.cut), PAUSED)


def _write(session: Session, pause: Pause) -> None:
    """Set the fact. An insert that passes and an update, because two may pause at one moment."""
    value = json.dumps(
        {
            "since": pause.since.isoformat(),
            "why": pause.why,
            "words": pause.words,
            "by": pause.by,
            "cut": pause.cut.isoformat() if pause.cut else None,
        }
    )
    session.execute(insert_or_pass(session, HouseFact, "key"), [{"key": FACT, "value": value}])
    if read_fact(session, FACT) != value:
        session.execute(
            update(HouseFact)
            .where(HouseFact.key == FACT)
            .values(value=value)
            .execution_options(synchronize_session=False)
        )


def _note(session: Session, what: str, older_than: timedelta | None, count: int, words: str) -> None:
    """Put it on record by hand: neither facts of the house nor messages are watched."""
    work = session.info.get("work")
    if isinstance(work, Work):
        said: dict[str, tuple[object, object]] = {what: (None, count), "older_than": (None, str(older_than or ""))}
        work.changes.append(Change("house_facts", FACT, None, "changed", said | {"words": (None, words)}))


def _under_way(session: Session, condition: ColumnElement[bool] | None) -> int:
    counted = select(func.count(Message.id)).where(Message.state == "sending")
    return session.scalar(counted if condition is None else counted.where(condition)) or 0


def _hold(session: Session, condition: ColumnElement[bool] | None, reason: str) -> int:
    """Pause what waits and meets `condition` (None: all of it), each with the others of its mail."""
    which = Message.state == "waiting"
    if condition is not None:
        mails = (
            select(Message.envelope_id)
            .where(Message.state == "waiting", Message.envelope_id.is_not(None), condition)
            .correlate(None)
        )
        which = which & (condition | Message.envelope_id.in_(mails))
    _lock(session, which)
    held = _set(session, Message, which, state="paused", reason=reason)
    if held:
        mine, other = aliased(Message), aliased(Message)
        rests = exists(select(mine.id).where(mine.envelope_id == Envelope.id, mine.state == "paused"))
        goes = exists(select(other.id).where(other.envelope_id == Envelope.id, other.state.in_(("waiting", "sending"))))
        # One that a deliverer has claimed is left to it: it finds nothing in it to send.
        _set(session, Envelope, (Envelope.state == "waiting") & rests & not_(goes), state="paused")
    return held


def _let_go(session: Session, cut: datetime | None) -> int:
    """Let what is paused wait again: with `cut` only mails of which everything was due at or before it."""
    which = Message.state == "paused"
    if cut is not None:
        later = aliased(Message)
        kept = (
            select(later.envelope_id)
            .where(later.state == "paused", later.envelope_id.is_not(None), later.due_at > cut)
            .correlate(None)
        )
        which = which & (Message.due_at <= cut) & (Message.envelope_id.is_(None) | Message.envelope_id.not_in(kept))
    _lock(session, which)
    released = _set(session, Message, which, state="waiting", reason="")
    if released:
        waits = aliased(Message)
        carries = exists(select(waits.id).where(waits.envelope_id == Envelope.id, waits.state == "waiting"))
        # Whatever it ended as meanwhile: an earlier try may have arrived, so it keeps its Message-ID.
        ended = Envelope.state.not_in(("waiting", "sending", "sent"))
        _set(session, Envelope, ended & carries, state="waiting", reason="")
        was_sent = select(Envelope.id).where(Envelope.state == "sent").correlate(None)
        _set(session, Message, (Message.state == "waiting") & Message.envelope_id.in_(was_sent), envelope_id=None)
    return released


def _lock(session: Session, condition: ColumnElement[bool]) -> None:
    """Lock these messages upwards, as who lets go of a mail does: an UPDATE takes them in whatever order it comes upon
    them, and two that take some in different orders would wait for each other for ever (PostgreSQL)."""
    held = select(Message.id).where(condition).order_by(Message.id).with_for_update().subquery()
    session.scalar(select(func.count()).select_from(held))


def _set(session: Session, model: Any, condition: ColumnElement[bool], **values: Any) -> int:
    done: Any = session.execute(
        update(model).where(condition).values(**values).execution_options(synchronize_session=False)
    )
    return int(done.rowcount)
