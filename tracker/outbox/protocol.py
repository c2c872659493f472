"""The steps of a send as rows see them: claim, mark, settle, reap. Each is one short transaction of its caller's.

A mail that leaves twice, or never, is decided here and nowhere else:

* *claim* gives an envelope to one deliverer, with a lease and a token;
* *mark* is the last look: it commits "this may leave now" only if every message in it is true still, and its recipient
  may still know; whoever takes a message back has either done so before, or comes too late;
* *settle* writes down what became of it, and only the holder of the token can;
* *reap* takes back what a deliverer left behind that ended: before the mark nothing had left, after it nobody knows.

Rows are locked in one order, messages before their envelope. The settle of one mail and the mark of the next may share
a transaction; the mark then waits for nobody, so that what is known of the first is not held up.

What runs for every mail are statements of Core that were made once: making one takes longer than running it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Update,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, aliased

from tracker.base.sentences import on_record
from tracker.base.together import Step, execute_together
from tracker.outbox import rules
from tracker.outbox.holder import is_dead, new_token
from tracker.outbox.kinds import STAMP, UNSURE_WAIT, MessageKind, NoLonger, kinds
from tracker.outbox.models import Attempt, Envelope, Message, Recipient, accounts
from tracker.outbox.pausing import Pause, unchanged
from tracker.outbox.service import CHUNK, end_messages

#: How long a claim holds, so long as another machine takes nothing over that is still worked on: two minutes after a
#: whole machine has died, another one has in hand what that one had. Correctness does not hang on it: the mark is
#: fenced.
CLAIM_LEASE = timedelta(seconds=115)

#: What must be left of a claim when work on an envelope begins: three answers of 30 s (RSET, MAIL, RCPT), 5 s for who
#: holds a row of it, and 5 to spare. Connecting takes longer, and comes before the claim. Whoever waits for the one
#: lock of SQLite on top of all that may find the claim run out: then the mail goes with the next one.
CLAIM_MARGIN = timedelta(seconds=100)

#: How long a mark holds. 30 s for the answer to DATA, 30 for the mail itself, 600 for the answer to it, 31.5 for the
#: tries to write it down make 691.5; the rest is for the waits of the database.
MARK_LEASE = timedelta(seconds=780)

#: Milliseconds the mark waits for who holds a row of it, and the error by which PostgreSQL says that they are over.
#: (SQLite has one lock for all, with an end of its own.)
LOCK_WAIT_MS = 5000
_NOT_AVAILABLE = "55P03"

#: Envelopes claimed in one statement. Those that were tried before are claimed one at a time, so that one which ends
#: its deliverer is found out.
BATCH = 40

#: How long what a kind says of an instant serves for mail after mail. What is too late is looked at to the second.
SAME_LOOK = timedelta(seconds=30)

_MESSAGES: Table = Message.metadata.tables["messages"]
_ENVELOPES: Table = Envelope.metadata.tables["envelopes"]
_ATTEMPTS: Table = Attempt.metadata.tables["attempts"]


#: Why a message ends that could not be sent while it was of use.
TOO_LATE = on_record("it was too late: it could not be sent in time")

#: Why one does not leave whose reader it cannot go to.
FORGOTTEN = on_record("whoever it was for asked to be forgotten")
ACCOUNT_CLOSED = on_record("the account is not active any more")
ADDRESS_STOPPED = on_record("mail to this address was stopped because it came back")
_NOT_TRUE_FOR = on_record("it is not true any more (%(fault)s)")
_ONCE_MORE = on_record("it may have arrived; sent once more at %(time)s UTC")
_ENDED_ITS_DELIVERERS = on_record("%(number)s deliverers ended while composing it")


class Fenced(Exception):
    """Another deliverer has the envelope now, or has ended it: this one must leave it alone."""


class Held(Exception):
    """Somebody holds a row of the envelope's for longer than it is waited for: the others go first."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An envelope in hand."""

    id: int
    recipient_id: int
    message_id: str
    attempts: int
    ambiguous_attempts: int
    created_at: datetime
    token: str
    #: On the machine's own clock.
    lease_until: datetime
    #: When it was claimed.
    started_at: datetime
    #: claimed, or dispatching once it is marked.
    phase: str = "claimed"

    @property
    def dispatching(self) -> "Claimed":
        """The same, after the mark."""
        return replace(self, phase="dispatching")


@dataclass(slots=True)
class Ended:
    """How many messages came to which end."""

    sent: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Ended") -> None:
        """Count those too."""
        self.sent += other.sent
        self.failed += other.failed
        self.skipped += other.skipped


def _fence(claimed: Claimed) -> ColumnElement[bool]:
    return and_(
        Envelope.id == claimed.id,
        Envelope.lease_token == claimed.token,
        Envelope.state == "sending",
        Envelope.phase == claimed.phase,
    )


def _set(session: Session, model: Any, *where: ColumnElement[bool], **values: Any) -> int:
    done: Any = session.execute(
        update(model).where(*where).values(**values).execution_options(synchronize_session=False)
    )
    return int(done.rowcount)


def _note(
    session: Session,
    claimed: Claimed,
    reached: str,
    outcome: str,
    detail: str,
    code: int | None = None,
) -> None:
    execute_together(session, [_noted(claimed, reached, outcome, detail, code)])


def _noted(claimed: Claimed, reached: str, outcome: str, detail: str, code: int | None) -> Step:
    given = {
        "envelope_id": claimed.id,
        "started_at": claimed.started_at,
        "reached": reached,
        "smtp_code": code,
        "outcome": outcome,
        "detail": detail,
    }
    return _NOTE, given


_NOTE = insert(_ATTEMPTS).inline()

#: The fence with its values left open: `_of` gives them.
_FENCED = and_(
    Envelope.id == bindparam("of"),
    Envelope.lease_token == bindparam("held_by"),
    Envelope.state == "sending",
    Envelope.phase == bindparam("in_phase"),
)


def _of(claimed: Claimed) -> dict[str, Any]:
    return {"of": claimed.id, "held_by": claimed.token, "in_phase": claimed.phase}


# Claim ----------------------------------------------------------------------------------------------------------------


def claim(session: Session, now: datetime, true_now: datetime, *, tried: bool, at_most: int = 0) -> list[Claimed]:
    """Take envelopes that are due, oldest first: up to `at_most` fresh ones (0: BATCH), or one that was `tried`."""
    token = new_token()
    lease_until = true_now + CLAIM_LEASE
    take = _claim(tried, 1 if tried else at_most or BATCH)
    rows = session.connection().execute(take, {"at": now, "until": lease_until, "holder": token}).all()
    rows = sorted(rows, key=lambda r: (r.not_before, r.id))
    return [
        Claimed(
            r.id, r.recipient_id, r.message_id, r.attempts, r.ambiguous_attempts, r.created_at, token, lease_until, now
        )
        for r in rows
    ]


@cache
def _claim(tried: bool, at_most: int) -> Any:
    due = (
        select(Envelope.id)
        .where(
            Envelope.state == "waiting",
            Envelope.not_before <= bindparam("at"),
            Envelope.attempts > 0 if tried else Envelope.attempts == 0,
        )
        .order_by(Envelope.not_before, Envelope.id)
        .limit(at_most)
        .with_for_update(skip_locked=True)
        # Apart from the UPDATE, so that PostgreSQL runs it once: otherwise it may lock, and take, more than the limit.
        .cte("due")
    )
    return (
        update(_ENVELOPES)
        .where(Envelope.id.in_(select(due.c.id)))
        .values(state="sending", phase="claimed", lease_until=bindparam("until"), lease_token=bindparam("holder"))
        .returning(
            Envelope.id,
            Envelope.recipient_id,
            Envelope.message_id,
            Envelope.attempts,
            Envelope.ambiguous_attempts,
            Envelope.created_at,
            Envelope.not_before,
        )
    )


def give_back(session: Session, claimed: Sequence[Claimed], not_before: datetime | None = None) -> None:
    """Let go of envelopes of which nothing has left; no try is counted. `not_before`: not to be taken up sooner."""
    later = {} if not_before is None else {"not_before": not_before}
    for envelope in claimed:
        carried = (Message.envelope_id == envelope.id, Message.state == "sending", _held(envelope))
        _set(session, Message, *carried, state="waiting")
        free = {"state": "waiting", "phase": None, "lease_token": None, "lease_until": None}
        _set(session, Envelope, _fence(envelope), **free, **later)


def _held(claimed: Claimed) -> ColumnElement[bool]:
    return exists(select(Envelope.id).where(_fence(claimed)).correlate(Message))


# Mark -----------------------------------------------------------------------------------------------------------------


def reachable(address: Any = None) -> ColumnElement[bool]:
    """SQL on `messages`: its recipient's account is active (or invited, for the kinds that go there), or it has an
    address without one; mail to it is not stopped, and (where given) it still has this address, or the message goes to
    another one on purpose. An address without an account never changes: it is kept, or forgotten."""
    to_invited = or_(*(Message.kind == kind.code for kind in kinds if kind.to_invited), false())
    conditions = [
        Recipient.id == Message.recipient_id,
        Recipient.suppressed_at.is_(None),
        or_(
            accounts.c.active.is_(True),
            and_(accounts.c.invited.is_(True), to_invited),
            Recipient.address_sealed.is_not(None),
        ),
    ]
    if address is not None:
        same = (accounts.c.email == address, Message.address_sealed.is_not(None), Recipient.address_sealed.is_not(None))
        conditions.append(or_(*same))
    account = select(1).select_from(Recipient).outerjoin(accounts, accounts.c.id == Recipient.user_id)
    return exists(account.where(*conditions).correlate(Message))


def mark(
    session: Session,
    claimed: Claimed,
    kind: str,
    message_ids: Sequence[int],
    address: str,
    now: datetime,
    true_now: datetime,
    *,
    pause: Pause | None = None,
    stamp: str = "",
    waits: bool = True,
) -> Claimed:
    """The last look: from this commit on the mail may leave. NoLonger when one of its messages is not true any more,
    was taken back, comes too late, or may not go to that address, when the mail says what is not so any more (`stamp`:
    what it was written from), or when the house's `pause` is not what was read; Fenced when the envelope is somebody
    else's. Both want a rollback.

    The messages are updated first: whoever takes one back at this very moment holds its row, and this waits for it; or,
    without `waits`, answers NoLonger at once. Held when that takes longer than a few seconds.
    """
    connection = session.connection()
    if waits and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
    steps = _mark_steps(claimed, kind, message_ids, address, now, true_now, pause, stamp, waits)
    try:
        return _marked(claimed, message_ids, execute_together(session, steps))
    except OperationalError as fault:
        if getattr(fault.orig, "sqlstate", None) == _NOT_AVAILABLE:
            raise Held from fault
        raise


def settle_and_mark(
    connection: Session | Connection,
    taken: Claimed,
    said: str,
    at: datetime,
    claimed: Claimed,
    kind: str,
    message_ids: Sequence[int],
    address: str,
    now: datetime,
    true_now: datetime,
    *,
    pause: Pause | None = None,
    stamp: str = "",
) -> tuple[Ended, Claimed]:
    """`settle_sent` of the mail that was `taken`, and `mark` of the next, which waits for nobody: all statements go to
    the database together, and their answers decide. Fenced and NoLonger are of either, and want a rollback."""
    settles = _sent_steps(taken, said, at)
    marks = _mark_steps(claimed, kind, message_ids, address, now, true_now, pause, stamp, waits=False)
    counts = execute_together(connection, [*settles, *marks])
    return _sent(counts[: len(settles)]), _marked(claimed, message_ids, counts[len(settles) :])


def _mark_steps(
    claimed: Claimed,
    kind: str,
    message_ids: Sequence[int],
    address: str,
    now: datetime,
    true_now: datetime,
    pause: Pause | None,
    stamp: str,
    waits: bool,
) -> list[Step]:
    look = _last_look(kinds.get(kind), len(message_ids), pause, now, waits)
    given: dict[str, Any] = {f"m{n}": message_id for n, message_id in enumerate(message_ids)}
    if kinds.get(kind).as_written is not None:
        given[STAMP] = stamp
    return [
        (look, {"of": claimed.id, "to_address": address, "looked_at": now, **given}),
        (_DISPATCH, {**_of(claimed), "until": true_now + MARK_LEASE}),
    ]


def _marked(claimed: Claimed, message_ids: Sequence[int], counts: Sequence[int]) -> Claimed:
    marked, dispatched = counts
    if marked != len(message_ids):
        raise NoLonger
    if not dispatched:
        raise Fenced
    return claimed.dispatching


_DISPATCH = update(_ENVELOPES).where(_FENCED).values(phase="dispatching", lease_until=bindparam("until"))

_looks: dict[tuple[MessageKind, int, bool], tuple[datetime, Pause | None, Update]] = {}


def _last_look(kind: MessageKind, count: int, pause: Pause | None, now: datetime, waits: bool) -> Update:
    """The UPDATE that marks `count` messages of a kind. The one made last is taken again for as long as it says the
    same, give or take a few seconds of the instant in it: making it takes fifty times as long as running it."""
    known = _looks.get((kind, count, waits))
    if known is not None and known[1] == pause and timedelta(0) <= now - known[0] < SAME_LOOK:
        return known[2]
    ids = Message.id.in_([bindparam(f"m{n}", type_=Message.id.type) for n in range(count)])
    still = [
        ids,
        Message.envelope_id == bindparam("of"),
        Message.state == "waiting",
        kind.still_true(now),
        reachable(bindparam("to_address")),
        unchanged(pause),
        # The hearing may have begun while the relay was spoken to: then it is too late, to the second.
        or_(Message.give_up_at.is_(None), Message.give_up_at > bindparam("looked_at", type_=Message.give_up_at.type)),
    ]
    if kind.as_written is not None:
        still.append(kind.as_written())
    if not waits:
        free = aliased(Message)
        free_ids = free.id.in_([bindparam(f"m{n}", type_=Message.id.type) for n in range(count)])
        still.append(Message.id.in_(select(free.id).where(free_ids).with_for_update(skip_locked=True)))
    look = update(_MESSAGES).where(*still).values(state="sending")
    _looks[(kind, count, waits)] = (now, pause, look)
    return look


def end_untrue(session: Session, claimed: Claimed, now: datetime, *, at_least_one: bool = False) -> Ended:
    """End as skipped, with the reason, what waits in this envelope and is no longer true or may not go there; and as
    not delivered what has come too late meanwhile. `at_least_one`: where nothing is found to be so, because its kind
    had nothing to say when composing, it; of several each then shows by itself whether it is the one."""
    messages = session.scalars(
        select(Message).where(Message.envelope_id == claimed.id, Message.state == "waiting")
    ).all()
    truths = list(_truths(session, messages, now))
    untrue = [message for message, true_still in truths if not true_still]
    late = [m for m, true_still in truths if true_still and m.give_up_at is not None and m.give_up_at <= now]
    missed = sum(end_messages(session, Message.id == m.id, "not_delivered", TOO_LATE, now) for m in late)
    if at_least_one and len(messages) > 1 and not (untrue or late or claimed.ambiguous_attempts):
        split(session, claimed)
        return Ended()
    count = 0
    for message in untrue or (messages if at_least_one and not late else ()):
        reason = why_not(session, message, now)
        count += end_messages(session, Message.id == message.id, "skipped", reason, now)
    # An earlier try may have brought it: then its end is one a human must hear of.
    return Ended(failed=missed + count) if claimed.ambiguous_attempts else Ended(failed=missed, skipped=count)


def why_not(session: Session, message: Message, now: datetime) -> str:
    """Why a message will not be sent, in words for staff."""
    row = session.execute(
        select(accounts.c.active, accounts.c.invited, Recipient.suppressed_at, Recipient.address_sealed)
        .add_columns(Recipient.user_id)
        .select_from(Recipient)
        .outerjoin(accounts, accounts.c.id == Recipient.user_id)
        .where(Recipient.id == message.recipient_id)
    ).first()
    kind = kinds.find(message.kind)
    if row is not None and row.user_id is None:
        if row.address_sealed is None:
            return FORGOTTEN
    elif row is None or not (row.active or (row.invited and kind is not None and kind.to_invited)):
        return ACCOUNT_CLOSED
    if row.suppressed_at is not None:
        return ADDRESS_STOPPED
    try:
        return (kind.why_not(session, message, now) if kind else "") or on_record("it is not true any more")
    except Exception as fault:
        return _NOT_TRUE_FOR % {"fault": type(fault).__name__}


# Settle ---------------------------------------------------------------------------------------------------------------


def settle_sent(session: Session, claimed: Claimed, said: str, now: datetime) -> Ended:
    """The relay took it. Fenced when somebody else has the envelope; the try is on record all the same."""
    return _sent(execute_together(session, _sent_steps(claimed, said, now)))


def _sent_steps(claimed: Claimed, said: str, now: datetime) -> list[Step]:
    given = {**_of(claimed), "at": now}
    return [
        _noted(claimed, "answered", "sent", said, 250),
        (_SENT_MESSAGES, given),
        (_SENT_ENVELOPE, {**given, "tries": claimed.attempts + 1}),
    ]


def _sent(counts: Sequence[int]) -> Ended:
    _noted, messages, settled = counts
    if not settled:
        raise Fenced
    return Ended(sent=messages)


_SENT_MESSAGES = (
    update(_MESSAGES)
    .where(
        Message.envelope_id == bindparam("of"),
        Message.state == "sending",
        exists(select(Envelope.id).where(_FENCED).correlate(Message)),
    )
    .values(state="sent", sent_at=bindparam("at"), ended_at=bindparam("at"), reason="")
)

_SENT_ENVELOPE = (
    update(_ENVELOPES)
    .where(_FENCED)
    .values(
        state="sent",
        reason="",
        attempts=bindparam("tries"),
        phase=None,
        lease_token=None,
        lease_until=None,
        sent_at=bindparam("at"),
    )
)


def note_fenced(session: Session, claimed: Claimed, said: str) -> bool:
    """Put a send on record whose envelope was taken away meanwhile. Whether it is settled as sent all the same (this
    very settle had gone through, and only its answer was lost)."""
    settled = session.scalar(select(Envelope.state).where(Envelope.id == claimed.id)) == "sent"
    if not settled:
        _note(session, claimed, "answered", "sent", f"after another deliverer had taken it over: {said}", 250)
    return settled


def split(session: Session, claimed: Claimed) -> None:
    """Take all messages but the first out of an envelope that cannot be composed: each then shows whether it is the
    one. Not where an earlier try may have arrived: under another Message-ID they would go a second time."""
    if claimed.ambiguous_attempts:
        return
    first = (
        select(Message.id)
        .where(Message.envelope_id == claimed.id, Message.state == "waiting")
        .order_by(Message.due_at, Message.id)
        .limit(1)
    )
    keep = session.scalar(first)
    others = (Message.envelope_id == claimed.id, Message.id != keep, Message.state == "waiting", _held(claimed))
    _set(session, Message, *others, envelope_id=None)


def settle_unsure(session: Session, claimed: Claimed, said: str, now: datetime) -> Ended:
    """Nobody knows whether it arrived: once more with the same Message-ID after ten minutes, if its kind says so and
    this was the first time; else it may have arrived, and a human is told."""
    codes = set(session.scalars(select(Message.kind).where(Message.envelope_id == claimed.id)))
    again = claimed.ambiguous_attempts == 0 and all(
        (kind := kinds.find(code)) is not None and kind.if_unsure == "retry_once" for code in codes
    )
    _note(session, claimed, "dispatching", "unsure", said)
    carried = (Message.envelope_id == claimed.id, Message.state == "sending", _held(claimed))
    if again:
        reason = _ONCE_MORE % {"time": f"{now + UNSURE_WAIT:%H:%M}"}
        _set(session, Message, *carried, state="waiting", reason=reason)
        _open_again(session, claimed, now + UNSURE_WAIT, reason, ambiguous_attempts=claimed.ambiguous_attempts + 1)
        return Ended()
    reason = on_record("the relay never said whether it took the mail")
    count = _set(session, Message, *carried, state="may_have_arrived", ended_at=now, reason=reason)
    _close(session, claimed, "may_have_arrived", reason, ambiguous_attempts=claimed.ambiguous_attempts + 1)
    return Ended(failed=count)


def settle_failed(
    session: Session,
    claimed: Claimed,
    *,
    reason: str,
    detail: str,
    permanent: bool,
    reached: str,
    code: int | None,
    now: datetime,
    spread: float,
    outcome: str = "retry",
) -> Ended:
    """It did not leave: tried again later, or not delivered when that is `permanent` or would come too late."""
    next_at = rules.next_try(now, claimed.attempts + 1, spread)
    until = session.execute(
        select(func.max(Message.give_up_at), func.count(Message.id) - func.count(Message.give_up_at)).where(
            Message.envelope_id == claimed.id, Message.state.in_(("waiting", "sending"))
        )
    ).one()
    # With one message that may be sent whenever, the mail may.
    give_up_at = None if until[1] else until[0]
    carried = (Message.envelope_id == claimed.id, Message.state.in_(("waiting", "sending")), _held(claimed))
    if permanent or rules.is_hopeless(claimed.created_at, give_up_at, next_at):
        state = "may_have_arrived" if claimed.ambiguous_attempts else "not_delivered"
        _note(session, claimed, reached, "not_delivered", detail, code)
        count = _set(session, Message, *carried, state=state, ended_at=now, reason=reason[:300])
        _close(session, claimed, state, reason)
        return Ended(failed=count)
    _note(session, claimed, reached, outcome, detail, code)
    _set(session, Message, *carried, state="waiting", reason=reason[:300])
    _open_again(session, claimed, next_at, reason)
    return Ended()


def settle_empty(session: Session, claimed: Claimed, not_before: datetime) -> None:
    """Nothing is left in it to send; if something is after all (an account was opened again), it waits until
    `not_before`; what is paused goes on being so, in its envelope."""
    # Locked, so that whoever lets what is paused go at this moment comes before this, or after all of it.
    carried = (
        select(Message.state, Message.reason)
        .where(Message.envelope_id == claimed.id)
        .order_by(Message.id)
        .with_for_update()
    )
    messages = session.execute(carried).all()[::-1]
    if any(m.state == "waiting" for m in messages):
        give_back(session, [claimed], not_before)
        return
    if any(m.state == "paused" for m in messages):
        _set(session, Envelope, _fence(claimed), state="paused", phase=None, lease_token=None, lease_until=None)
        return
    _note(session, claimed, "claimed", "skipped", "nothing in it was true any more")
    state = "may_have_arrived" if claimed.ambiguous_attempts else messages[0].state if messages else "cancelled"
    _close(session, claimed, state, messages[0].reason if messages else "")


def _close(session: Session, claimed: Claimed, state: str, reason: str, **more: Any) -> None:
    done = _set(
        session,
        Envelope,
        _fence(claimed),
        state=state,
        reason=reason[:300],
        attempts=claimed.attempts + 1,
        phase=None,
        lease_token=None,
        lease_until=None,
        **more,
    )
    if not done:
        raise Fenced


def _open_again(session: Session, claimed: Claimed, not_before: datetime, reason: str, **more: Any) -> None:
    _close(session, claimed, "waiting", reason, not_before=not_before, **more)


# Reap and give up -----------------------------------------------------------------------------------------------------


def list_left_behind(session: Session, true_now: datetime) -> list[Claimed]:
    """Envelopes being sent whose lease has run out, or whose deliverer is known to have ended."""
    rows = session.execute(
        select(
            Envelope.id,
            Envelope.recipient_id,
            Envelope.message_id,
            Envelope.attempts,
            Envelope.ambiguous_attempts,
            Envelope.created_at,
            Envelope.lease_token,
            Envelope.lease_until,
            Envelope.phase,
        ).where(Envelope.state == "sending")
    )
    found = []
    for row in rows:
        until = row.lease_until or true_now
        if until <= true_now or is_dead(row.lease_token):
            lease = MARK_LEASE if row.phase == "dispatching" else CLAIM_LEASE
            found.append(
                Claimed(
                    row.id,
                    row.recipient_id,
                    row.message_id,
                    row.attempts,
                    row.ambiguous_attempts,
                    row.created_at,
                    row.lease_token or "",
                    until,
                    until - lease,
                    row.phase or "claimed",
                )
            )
    return found


def reap(session: Session, claimed: Claimed, now: datetime, spread: float) -> Ended:
    """Take back one that was left behind. Fenced when its deliverer has settled or marked it after all."""
    if claimed.phase == "dispatching":
        return settle_unsure(session, claimed, "the deliverer ended before the answer was written down", now)
    deaths = count_attempts(session, claimed, "died") + 1
    if deaths >= rules.DEATHS:
        return settle_failed(
            session,
            claimed,
            reason=_ENDED_ITS_DELIVERERS % {"number": deaths},
            detail="the deliverer ended before anything had left",
            permanent=True,
            reached="claimed",
            code=None,
            now=now,
            spread=spread,
        )
    _note(session, claimed, "claimed", "died", "the deliverer ended before anything had left")
    # The first time it is nobody's fault: at once. From then on later and later, so that the others come first.
    _open_again(session, claimed, now if deaths == 1 else rules.next_try(now, deaths, spread), "")
    return Ended()


def count_attempts(session: Session, claimed: Claimed, outcome: str) -> int:
    """How many tries of this envelope went no further than composing it and ended so, since it was last given up:
    whoever sent it again meant all of its tries."""
    given_up = aliased(Attempt)
    since = (
        select(func.coalesce(func.max(given_up.id), 0))
        .where(given_up.envelope_id == claimed.id, given_up.outcome == "not_delivered")
        .scalar_subquery()
    )
    counted = select(func.count(Attempt.id)).where(
        Attempt.envelope_id == claimed.id, Attempt.reached == "claimed", Attempt.outcome == outcome, Attempt.id > since
    )
    return session.scalar(counted) or 0


def end_too_late(session: Session, now: datetime) -> Ended:
    """End what waits although it should not be sent any more: skipped where it is no longer true anyway, else not
    delivered, for which a human must be told. At most 500 at a time."""
    late = select(Message).where(Message.state == "waiting", Message.due_at <= now, Message.give_up_at <= now)
    messages = session.scalars(late.order_by(Message.id).limit(500)).all()
    ended = Ended()
    for message, true_still in _truths(session, messages, now):
        if true_still:
            ended.failed += end_messages(session, Message.id == message.id, "not_delivered", TOO_LATE, now)
        else:
            reason = why_not(session, message, now)
            ended.skipped += end_messages(session, Message.id == message.id, "skipped", reason, now)
    return ended


def end_untrue_of(session: Session, recipient_id: int, now: datetime) -> int:
    """End as skipped, with the reason, what waits for a recipient and is no longer true or may not go there any more:
    something was just taken from them. What is being handed over at this moment, the last look decides. Returns how
    many."""
    messages = session.scalars(
        select(Message)
        .where(Message.recipient_id == recipient_id, Message.state.in_(("waiting", "paused")))
        .order_by(Message.id)
    ).all()
    reasons: dict[str, list[int]] = {}
    for message, true_still in _truths(session, messages, now):
        if not true_still:
            reasons.setdefault(why_not(session, message, now), []).append(message.id)
    return sum(
        end_messages(session, Message.id.in_(numbers[start : start + CHUNK]), "skipped", reason, now)
        for reason, numbers in reasons.items()
        for start in range(0, len(numbers), CHUNK)
    )


def _truths(session: Session, messages: Sequence[Message], now: datetime) -> Iterator[tuple[Message, bool]]:
    for code in sorted({m.kind for m in messages}):
        kind = kinds.find(code)
        those = [m for m in messages if m.kind == code]
        condition = case((and_(kind.still_true(now) if kind else Message.id.is_not(None), reachable()), 1), else_=0)
        rows = session.execute(select(Message.id, condition).where(Message.id.in_([m.id for m in those])))
        true_ids = {message_id for message_id, true_still in rows if true_still}
        for message in those:
            yield message, message.id in true_ids
