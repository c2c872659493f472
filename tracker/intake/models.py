"""Documents that were read, and what each reading proposes."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, JSONText, UTCDateTime
from tracker.base.db import Model

#: open until somebody decides; accepted_unread: taken with --accept all, by command.
PROPOSAL_STATES = ("open", "accepted", "accepted_unread", "rejected", "left_out")


class Document(Model):
    """The text as it was given, kept as the source of what was taken from it."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("desk_id", "sha256"),)
    audit_hides = frozenset({"text"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The desk it was given to.
    desk_id: Mapped[int] = mapped_column(ForeignKey("desks.id"))
    #: SHA-256 of the text, hex: the same text is one document.
    sha256: Mapped[str] = mapped_column(String(64))
    #: File name, or what the page calls itself.
    name: Mapped[str] = mapped_column(String(200))
    #: The text; offsets of quotes count its characters.
    text: Mapped[str] = mapped_column(Text)
    #: Day it was published, as the page or the person says.
    published_on: Mapped[date | None]
    #: When it was given to us.
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: By whom; None: the command line.
    received_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class Proposal(Model):
    """One thing a reading would change, beside the sentence it comes from. Decided once; never proposed again."""

    __tablename__ = "proposals"
    __table_args__ = (
        UniqueConstraint("desk_id", "fingerprint"),
        Index("ix_proposals_document_id_group_key", "document_id", "group_key"),
        Index("ix_proposals_desk_id_state", "desk_id", "state"),
    )
    # What a page says of people belongs to no case before it is accepted: it is not to be sealed for the house.
    audit_hides = frozenset({"payload", "quote"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The desk.
    desk_id: Mapped[int] = mapped_column(ForeignKey("desks.id"))
    #: Where it was first read.
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    #: What makes it the same proposal in another edition of the page.
    fingerprint: Mapped[str] = mapped_column(String(64))
    #: Proposals that make one case share this.
    group_key: Mapped[str] = mapped_column(String(64))
    #: case, event or hearing.
    kind: Mapped[str] = mapped_column(String(12))
    #: Order on the page.
    position: Mapped[int]
    #: What would be written.
    payload: Mapped[dict[str, Any]] = mapped_column(JSONText)
    #: The sentence.
    quote: Mapped[str] = mapped_column(Text, default="")
    #: Where it begins in the document, in characters.
    quote_start: Mapped[int] = mapped_column(default=0)
    #: Where it ends.
    quote_end: Mapped[int] = mapped_column(default=0)
    #: One of PROPOSAL_STATES.
    state: Mapped[str] = mapped_column(String(16), default="open")
    #: The case it went into, or would go into.
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    #: The entry it became.
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"))
    #: Who decided.
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: When.
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)
