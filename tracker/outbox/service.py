"""Planning what goes out, and taking it back. Nothing here sends."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, exists, select, update
from sqlalchemy.orm import Session

from tracker.base.db import insert_or_pass
from tracker.base.rotation import Sealed, sealed_columns
from tracker.base.sealing import Sealer
from tracker.base.work import current_work
from tracker.outbox.models import Envelope, Message, Recipient

#: Rows of one statement's parameters.
CHUNK = 500


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
            "address_sealed": None,
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


def former_address(sealer: Sealer, dedupe_key: str, address: str) -> str:
    """What `address_sealed` of the message with this key holds: an address the account has no more, and must be told
    of."""
    return sealer.keyring.seal(address.encode(), _place_of_address(dedupe_key))


def read_former_address(sealer: Sealer, message: Message) -> str | None:
    """The address a message goes to where that is not the account's."""
    if message.address_sealed is None:
        return None
    return sealer.keyring.unseal(message.address_sealed, _place_of_address(message.dedupe_key)).decode()


def recipient_of_address(session: Session, sealer: Sealer, key: str, address: str, language: str) -> int:
    """The number of the recipient with this address and no account, made when there is none. `key`: the address as it
    is found by. The same statements either way, so that neither answer nor time tells whether there was one."""
    index = fingerprint_of(sealer, key)
    session.execute(
        insert_or_pass(session, Recipient, "address_index").values(
            address_index=index,
            address_sealed=sealer.keyring.seal(address.encode(), _place_in_recipients(index)),
            language=language,
        )
    )
    return session.execute(select(Recipient.id).where(Recipient.address_index == index)).scalar_one()


def fingerprint_of(sealer: Sealer, key: str) -> str:
    """What an address without an account is found by."""
    return sealer.keyring.blind(key, "recipients")


def address_of(sealer: Sealer, recipient: Any) -> str:
    """The address of a recipient without an account (a row of `address_sealed` and `address_index`)."""
    return sealer.keyring.unseal(recipient.address_sealed, _place_in_recipients(recipient.address_index)).decode()


def forget_address(session: Session, recipient_id: int, reason: str, now: datetime) -> None:
    """Take back what waits for a recipient without an account, and keep nothing any more of whose it was."""
    cancel_messages(session, Message.recipient_id == recipient_id, reason, now)
    session.execute(
        update(Recipient)
        .where(Recipient.id == recipient_id, Recipient.user_id.is_(None))
        .values(address_sealed=None, address_index=None, language=None)
        .execution_options(synchronize_session=False)
    )


def _place_in_recipients(index: str) -> str:
    return f"recipients|{index}|address_sealed"


def _place_of_address(dedupe_key: str) -> str:
    return f"messages|{dedupe_key}|address_sealed"


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
    """End those of these envelopes that wait, or stand still, and carry nothing any more."""
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
            .where(Envelope.id.in_(ids[start : start + CHUNK]), Envelope.state.in_(("waiting", "paused")), ~alive)
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


sealed_columns.add(
    "messages.address_sealed", Sealed(Message.address_sealed, Message.id, Message.dedupe_key, _place_of_address)
)
sealed_columns.add(
    "recipients.address_sealed",
    Sealed(Recipient.address_sealed, Recipient.id, Recipient.address_index, _place_in_recipients),
)
