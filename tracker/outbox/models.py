"""What goes out: planned as messages, sent in envelopes, every try on record."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    case,
    column,
    false,
    func,
    table,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, JSONText, UTCDateTime
from tracker.base.db import Model

#: Where a message or an envelope can stand. The last five are ends.
STATES = ("waiting", "sending", "paused", "sent", "skipped", "cancelled", "not_delivered", "may_have_arrived")

#: Ends that a human must hear of.
NEEDS_HUMAN = ("not_delivered", "may_have_arrived")

#: Accounts as the outbox sees them: their room stands above this one and is known by the name of its table only.
accounts = table(
    "users",
    column("id", BigInteger),
    column("email", String),
    column("name", String),
    column("alias", String),
    column("active", Boolean),
    column("invited", Boolean),
    column("discreet", Boolean),
    column("language", String),
)

#: SQL on `accounts`: what staff who look at mail see its reader called.
reader_name = func.coalesce(accounts.c.alias, accounts.c.name, "")


class Recipient(Model):
    """Whom mail may go to: an account, or an address without one, which is kept sealed. One that has neither any more
    asked to be forgotten: its row stays for what was sent, and says nothing of whose it was."""

    __tablename__ = "recipients"
    audit_hides = frozenset({"address_sealed", "address_index"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The account; None: an address without one.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), unique=True)
    #: The address of who has no account, sealed and bound to its fingerprint; None: an account, or forgotten.
    address_sealed: Mapped[str | None] = mapped_column(Text)
    #: Keyed fingerprint of that address, hex: what it is found by.
    address_index: Mapped[str | None] = mapped_column(String(64), unique=True)
    #: The language of who has no account; None: an account, or forgotten.
    language: Mapped[str | None] = mapped_column(String(12))
    #: When sending to it was stopped because mail bounced; None: reachable.
    suppressed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Why, in words for staff; empty: reachable.
    suppressed_reason: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    #: Days on which mail to it came back for a reason that may pass, since it last was known to arrive.
    soft_bounces: Mapped[int] = mapped_column(default=0, server_default="0")
    #: The last of these days (UTC); None: there is none.
    soft_bounced_on: Mapped[date | None]
    #: When somebody last said that mail arrives there after all: what came back from before then is no evidence any
    #: more. None: nobody had to.
    reachable_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Whether mails about a hearing carry it as a calendar file, too.
    with_ics: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Whether the weekly agenda of their desks goes to it.
    wants_digest: Mapped[bool] = mapped_column(default=True, server_default=true())


class Envelope(Model):
    """One mail to one address, carrying one message or several. Its Message-ID never changes between tries."""

    __tablename__ = "envelopes"
    __table_args__ = (Index("ix_envelopes_state_not_before", "state", "not_before"),)
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Whom to.
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipients.id"), index=True)
    #: waiting, sending, or an end.
    state: Mapped[str] = mapped_column(String(20))
    #: While sending: claimed (nothing left yet) or dispatching (it may have left).
    phase: Mapped[str | None] = mapped_column(String(12))
    #: Stable over all tries, made from the first message's key.
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    #: Not to be tried before.
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Tries so far.
    attempts: Mapped[int] = mapped_column(default=0)
    #: Tries that ended without knowing whether it arrived.
    ambiguous_attempts: Mapped[int] = mapped_column(default=0)
    #: Until when the deliverer that claimed it has it alone.
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Names that deliverer and is random; fences every later step of it (see `tracker.outbox.holder`).
    lease_token: Mapped[str | None] = mapped_column(String(32))
    #: Why it stands where it stands, in words for staff.
    reason: Mapped[str] = mapped_column(String(300), default="")
    #: When the relay took it.
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it was made.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Message(Model):
    """One due thing for one recipient. Its dedupe key makes a second plan of the same thing impossible."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_state_due_at", "state", "due_at"),
        Index("ix_messages_state_ended_at", "state", "ended_at"),
        Index("ix_messages_subject", "subject_kind", "subject_id", "recipient_id"),
    )
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: What makes it the same thing: kind, subject, version, days before, recipient.
    dedupe_key: Mapped[str] = mapped_column(String(160), unique=True)
    #: Message kind, such as `hearing.reminder`; names itself in the mail's X-Tracker-Kind.
    kind: Mapped[str] = mapped_column(String(40))
    #: What it is about, with subject_id: an agenda kind such as `hearing`.
    subject_kind: Mapped[str] = mapped_column(String(30))
    #: Row of the subject in its own room.
    subject_id: Mapped[int] = mapped_column(BigId)
    #: Version of the subject it speaks of.
    subject_rev: Mapped[int]
    #: Whom to.
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipients.id"), index=True)
    #: Days before, for reminders.
    days_before: Mapped[int | None]
    #: Why it was planned: owner, deputy, follows the case, follows the desk.
    cause: Mapped[str] = mapped_column(String(60))
    #: What it tells: when, where, state, certainty. A change of these makes a change notice.
    tells: Mapped[dict[str, Any]] = mapped_column(JSONText)
    #: When it should go out.
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: After which it must not; None: whenever.
    give_up_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: waiting, sending, or an end.
    state: Mapped[str] = mapped_column(String(20))
    #: Why it ended so, in words for staff.
    reason: Mapped[str] = mapped_column(String(300), default="")
    #: The mail that carries it.
    envelope_id: Mapped[int | None] = mapped_column(ForeignKey("envelopes.id"), index=True)
    #: The address it goes to, sealed and bound to its dedupe key, where that is the one the account had before.
    address_sealed: Mapped[str | None] = mapped_column(Text)
    #: When the relay took that mail.
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it came to its end, whichever; None while it waits or is being sent.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When somebody saw to it that its reader heard in another way; None: nobody has, or nobody had to.
    seen_to_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it was planned.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


def shown_address() -> ColumnElement[str]:
    """SQL on `messages` and `accounts`: the address a message goes to, as lists show it; empty where it is a sealed
    one."""
    return case((Message.address_sealed.is_(None), func.coalesce(accounts.c.email, "")), else_="")


class Attempt(Model):
    """One try of one envelope: evidence, never changed."""

    __tablename__ = "attempts"
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The mail.
    envelope_id: Mapped[int] = mapped_column(ForeignKey("envelopes.id"), index=True)
    #: When it began.
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: How far it came: claimed, connected, recipient, dispatching, answered.
    reached: Mapped[str] = mapped_column(String(20))
    #: The relay's code, where it gave one.
    smtp_code: Mapped[int | None]
    #: sent, retry, not_delivered, unsure, skipped, died (the deliverer ended before anything had left).
    outcome: Mapped[str] = mapped_column(String(20))
    #: The relay's words or ours, without addresses or content.
    detail: Mapped[str] = mapped_column(Text, default="")


class Bounce(Model):
    """A report that a mail of ours did not arrive: evidence, never changed. Only its status code is kept."""

    __tablename__ = "bounces"
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The mail that came back.
    envelope_id: Mapped[int] = mapped_column(ForeignKey("envelopes.id"), index=True)
    #: SHA-256 of the report, hex: the same report read twice is one.
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    #: When it was read.
    read_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: hard (the address does not work), soft (may pass), or delayed (still being tried).
    verdict: Mapped[str] = mapped_column(String(8))
    #: The status the report gives (RFC 3463), such as 5.1.1; empty: none.
    status: Mapped[str] = mapped_column(String(12), default="")
