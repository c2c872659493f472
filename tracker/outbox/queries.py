"""Reading what goes out: for the page of service health, for commands, for those who plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from tracker.outbox.models import (
    NEEDS_HUMAN,
    Envelope,
    Message,
    Recipient,
    accounts,
    reader_name,
    shown_address,
)
from tracker.outbox.relay import RelayState, read_relay


@dataclass(frozen=True, slots=True)
class MailRow:
    """A message as staff see it."""

    id: int
    dedupe_key: str
    #: Message kind, such as `hearing.reminder`.
    kind: str
    subject_kind: str
    subject_id: int
    #: Whom to: name and address.
    name: str
    address: str
    #: Why this person gets it.
    cause: str
    days_before: int | None
    due_at: datetime
    give_up_at: datetime | None
    #: One of `tracker.outbox.models.STATES`.
    state: str
    #: Why it stands where it stands.
    reason: str
    sent_at: datetime | None
    ended_at: datetime | None
    #: Tries of its mail so far.
    attempts: int
    #: Of its mail; None while it is in none.
    message_id: str | None
    #: Not tried again before this; None while it is in no mail.
    not_before: datetime | None


_ROWS: Any = (
    select(
        Message.id,
        Message.dedupe_key,
        Message.kind,
        Message.subject_kind,
        Message.subject_id,
        reader_name.label("name"),
        shown_address().label("address"),
        Message.cause,
        Message.days_before,
        Message.due_at,
        Message.give_up_at,
        Message.state,
        Message.reason,
        Message.sent_at,
        Message.ended_at,
        Envelope.attempts,
        Envelope.message_id,
        Envelope.not_before,
    )
    .select_from(Message)
    .join(Recipient, Recipient.id == Message.recipient_id)
    .join(accounts, accounts.c.id == Recipient.user_id)
    .outerjoin(Envelope, Envelope.id == Message.envelope_id)
)


def _fetch(session: Session, rows: Select[tuple[object, ...]], sees: ColumnElement[bool] | None) -> Sequence[MailRow]:
    if sees is not None:
        rows = rows.where(sees)
    return [MailRow(**{**row, "attempts": row["attempts"] or 0}) for row in session.execute(rows).mappings()]


def next_week(
    session: Session, now: datetime, sees: ColumnElement[bool] | None = None, limit: int = 200
) -> Sequence[MailRow]:
    """What waits and is due within seven days, or was due and has not gone yet; soonest first. `sees`: SQL on
    `messages` that says which of them the reader may see."""
    rows = _ROWS.where(Message.state.in_(("waiting", "sending", "paused")), Message.due_at < now + timedelta(days=7))
    return _fetch(session, rows.order_by(Message.due_at, Message.id).limit(limit), sees)


def recently_sent(session: Session, sees: ColumnElement[bool] | None = None, limit: int = 50) -> Sequence[MailRow]:
    """What the relay took, newest first."""
    rows = _ROWS.where(Message.state == "sent").order_by(Message.ended_at.desc(), Message.id.desc())
    return _fetch(session, rows.limit(limit), sees)


def needing_a_human(
    session: Session, since: datetime | None = None, sees: ColumnElement[bool] | None = None, limit: int = 200
) -> Sequence[MailRow]:
    """What was not delivered or may have arrived and nobody has seen to, newest first; with `since`, only what ended so
    after it."""
    rows = _ROWS.where(needs_human())
    if since is not None:
        rows = rows.where(Message.ended_at > since)
    return _fetch(session, rows.order_by(Message.ended_at.desc(), Message.id.desc()).limit(limit), sees)


def needs_human() -> ColumnElement[bool]:
    """SQL on `messages`: it was not delivered or may have arrived, and nobody has seen to it yet."""
    return and_(Message.state.in_(NEEDS_HUMAN), Message.seen_to_at.is_(None))


def list_messages(session: Session, state: str | None = None, limit: int = 10_000) -> Sequence[MailRow]:
    """All messages, or those in one state, in the order they are due."""
    rows = _ROWS if state is None else _ROWS.where(Message.state == state)
    return _fetch(session, rows.order_by(Message.due_at, Message.id).limit(limit), None)


def relay_state(session: Session, configured: bool = True) -> RelayState:
    """How it stands with the relay; `configured`: whether the settings name one."""
    known = read_relay(session)
    return known if configured else RelayState("unset", known.since if known.state == "unset" else None, known.words)


def may_have_been_told() -> ColumnElement[bool]:
    """SQL on `messages`: its recipient has it, or perhaps has it, or is getting it at this moment. Whoever plans the
    notice of a change asks this: *sent* alone forgets those whose mail went out and was never confirmed."""
    tried = exists(
        select(Envelope.id)
        .where(Envelope.id == Message.envelope_id, Envelope.ambiguous_attempts > 0)
        .correlate(Message)
    )
    return or_(Message.state.in_(("sent", "sending", "may_have_arrived")), tried)
