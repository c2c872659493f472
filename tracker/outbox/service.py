"""Planning what goes out, taking it back, and putting what is due into envelopes. Nothing here sends."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from tracker.base.db import insert_or_pass
from tracker.base.house import HouseFact, read_fact
from tracker.base.work import current_work
from tracker.outbox.kinds import kinds
from tracker.outbox.models import Envelope, Message, Recipient

#: Rows of one statement's parameters, and messages put into envelopes in one transaction.
CHUNK = 500

#: The fact that holds this database's own name space of Message-IDs.
NAMESPACE = "mail_namespace"


@dataclass(frozen=True, slots=True)
class Due:
    """A message as packing sees it."""

    id: int
    dedupe_key: str
    kind: str
    recipient_id: int
    due_at: datetime


#: Puts messages into envelopes: each inner list shares one, and is all of one recipient and kind.
Policy = Callable[[Sequence[Due]], Iterable[Sequence[Due]]]


# Planning -------------------------------------------------------------------------------------------------------------


def plan_messages(session: Session, rows: Iterable[Mapping[str, Any]]) -> int:
    """Plan messages; what was planned before (the same `dedupe_key`) is passed over. Returns how many are new.

    A row names dedupe_key, kind, subject_kind, subject_id, subject_rev, recipient_id, cause, tells and due_at; it may
    name days_before, give_up_at, state (to record one as served by another: `skipped`, with a reason) and created_at
    (else the unit of work's instant).
    """
    written = [dict(row) for row in rows]
    if not written:
        return 0
    now = min((r["created_at"] for r in written if "created_at" in r), default=None) or current_work(session).now
    complete = [
        {
            "days_before": None,
            "give_up_at": None,
            "state": "waiting",
            "reason": "",
            "envelope_id": None,
            "sent_at": None,
            "ended_at": None if row.get("state", "waiting") in ("waiting", "paused") else now,
            "created_at": now,
            **row,
        }
        for row in written
    ]
    new = 0
    # Without the option PostgreSQL's rows go unreported.
    statement = insert_or_pass(session, Message, "dedupe_key").execution_options(preserve_rowcount=True)
    for start in range(0, len(complete), CHUNK):
        result: Any = session.execute(statement, complete[start : start + CHUNK])
        new += result.rowcount
    return new


def ended_as(state: str) -> ColumnElement[str]:
    """SQL: how a message that waits ends when it is not sent: as `state`, but as *may have arrived* when an earlier try
    ended without an answer. Whoever may have read it must hear when it is no longer true."""
    tried = exists(
        select(Envelope.id)
        .where(Envelope.id == Message.envelope_id, Envelope.ambiguous_attempts > 0)
        .correlate(Message)
    )
    return case((tried, "may_have_arrived"), else_=state)


def cancel_messages(session: Session, condition: ColumnElement[bool], reason: str, now: datetime) -> int:
    """Take back the messages that wait and meet `condition` (SQL on `messages`). Returns how many.

    One whose mail is being handed over at this moment is not touched: it is too late for it.
    """
    return end_messages(session, condition, "cancelled", reason, now)


def end_messages(session: Session, condition: ColumnElement[bool], state: str, reason: str, now: datetime) -> int:
    """End the messages that wait and meet `condition` as `state`; envelopes left empty end with them. Returns how
    many."""
    result = session.execute(
        update(Message)
        .where(Message.state.in_(("waiting", "paused")), condition)
        .values(state=ended_as(state), reason=reason[:300], ended_at=now)
        .returning(Message.id, Message.envelope_id)
        .execution_options(synchronize_session=False)
    ).all()
    close_empty(session, {row.envelope_id for row in result if row.envelope_id is not None}, state, reason)
    return len(result)


def close_empty(session: Session, envelope_ids: Iterable[int], state: str, reason: str) -> None:
    """End those of these envelopes that wait and carry nothing any more."""
    ids = sorted(envelope_ids)
    alive = exists(
        select(Message.id)
        .where(Message.envelope_id == Envelope.id, Message.state.in_(("waiting", "sending", "paused")))
        .correlate(Envelope)
    )
    ended = case((Envelope.ambiguous_attempts > 0, "may_have_arrived"), else_=state)
    for start in range(0, len(ids), CHUNK):
        session.execute(
            update(Envelope)
            .where(Envelope.id.in_(ids[start : start + CHUNK]), Envelope.state == "waiting", ~alive)
            .values(state=ended, reason=reason[:300])
            .execution_options(synchronize_session=False)
        )


def recipient_for(session: Session, user_id: int) -> Recipient:
    """The recipient of an account, made when there is none."""
    ensure_recipients(session, [user_id])
    return session.execute(select(Recipient).where(Recipient.user_id == user_id)).scalar_one()


def ensure_recipients(session: Session, user_ids: Iterable[int]) -> None:
    """Make each of these accounts a recipient, where it is none."""
    rows = [{"user_id": user_id, "suppressed_at": None} for user_id in sorted(set(user_ids))]
    if rows:
        session.execute(insert_or_pass(session, Recipient, "user_id"), rows)


# Packing --------------------------------------------------------------------------------------------------------------


def one_each(messages: Sequence[Due]) -> Iterable[Sequence[Due]]:
    """The policy that gives every message a mail of its own."""
    return ([message] for message in messages)


def list_packable(
    session: Session, now: datetime, after: tuple[datetime, int] | None = None
) -> tuple[list[Due], tuple[datetime, int] | None]:
    """One page of the messages that are due and in no envelope yet, oldest first, without those that quiet hours hold
    back; and where the next page begins (None: there is none). Reads only.

    A kind that nobody announced, or whose quiet hours cannot be told, is packed: the trouble then ends in its own
    envelope, on record, and not here before all the others.
    """
    page = select(Message).where(Message.state == "waiting", Message.due_at <= now, Message.envelope_id.is_(None))
    if after is not None:
        page = page.where(or_(Message.due_at > after[0], and_(Message.due_at == after[0], Message.id > after[1])))
    messages = session.scalars(page.order_by(Message.due_at, Message.id).limit(CHUNK)).all()
    ready = [Due(m.id, m.dedupe_key, m.kind, m.recipient_id, m.due_at) for m in messages if not is_held(m, now)]
    return ready, (messages[-1].due_at, messages[-1].id) if len(messages) == CHUNK else None


def is_held(message: Message, now: datetime) -> bool:
    """Whether quiet hours of its recipient hold it back at this instant."""
    kind = kinds.find(message.kind)
    try:
        return kind is not None and kind.waits_for_morning(message, now)
    except Exception:
        return False


def pack(session: Session, due: Sequence[Due], domain: str, now: datetime, policy: Policy = one_each) -> int:
    """Put these messages (at most CHUNK) into envelopes; those somebody else has packed or taken back meanwhile are
    left out. Returns how many envelopes there are now more.

    A mail's Message-ID is made from its first message's key, so that every try of it carries the same one. `domain`
    is the one mail is sent from.
    """
    still = set(
        session.scalars(
            select(Message.id)
            .where(Message.id.in_([m.id for m in due]), Message.state == "waiting", Message.envelope_id.is_(None))
            .with_for_update(skip_locked=True)
        )
    )
    groups = [group for group in policy([m for m in due if m.id in still]) if group]
    if not groups:
        return 0
    namespace = _namespace(session)
    by_key = {_message_id(namespace, group[0].dedupe_key, domain): group for group in groups}
    made = session.execute(
        insert(Envelope).returning(Envelope.id, Envelope.message_id),
        [
            {
                "recipient_id": group[0].recipient_id,
                "state": "waiting",
                "message_id": message_id,
                "not_before": min(m.due_at for m in group),
                "attempts": 0,
                "ambiguous_attempts": 0,
                "reason": "",
                "created_at": now,
            }
            for message_id, group in by_key.items()
        ],
    ).all()
    session.execute(
        update(Message),
        [{"id": m.id, "envelope_id": envelope_id} for envelope_id, message_id in made for m in by_key[message_id]],
    )
    return len(made)


def _namespace(session: Session) -> uuid.UUID:
    """This database's own: the first mail of another one, or of one made afresh, is not the same mail."""
    known = read_fact(session, NAMESPACE)
    if known is None:
        session.execute(insert_or_pass(session, HouseFact, "key"), [{"key": NAMESPACE, "value": str(uuid.uuid4())}])
        known = read_fact(session, NAMESPACE)
    assert known is not None
    return uuid.UUID(known)


def _message_id(namespace: uuid.UUID, dedupe_key: str, domain: str) -> str:
    return f"<{uuid.uuid5(namespace, dedupe_key)}@{domain if len(domain) <= 80 else 'tracker.invalid'}>"
