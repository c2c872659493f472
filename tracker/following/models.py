"""Who follows a public case without an account, and who asked to. No address stands here: it is sealed with the
recipient."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, JSONText, UTCDateTime
from tracker.base.db import Model


class Follow(Model):
    """An address without an account follows a public case, because whoever reads its mail said so."""

    __tablename__ = "follows"
    __table_args__ = (UniqueConstraint("recipient_id", "case_id"),)
    # By hand (`service`): whoever follows is nobody's to know, and leaving takes rows away.
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The address.
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipients.id"))
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    #: Days before a hearing on which a reminder goes out, longest first.
    days_before: Mapped[list[int]] = mapped_column(JSONText)
    #: When it was confirmed.
    since: Mapped[datetime] = mapped_column(UTCDateTime)


class FollowAsk(Model):
    """Somebody wrote an address into the form of a public case. The word of the link that goes there stands nowhere: it
    is made from `nonce` with the keyring when the mail is written."""

    __tablename__ = "follow_asks"
    # What strangers ask for must not make the chain grow.
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The address.
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipients.id"), index=True)
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    #: The days before that were chosen, longest first.
    days_before: Mapped[list[int]] = mapped_column(JSONText)
    #: The language that was chosen.
    language: Mapped[str] = mapped_column(String(12))
    #: 256 random bits, hex: what the word is made from.
    nonce: Mapped[str] = mapped_column(String(64))
    #: SHA-256 of the word, hex: what it is found by.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: When it was asked.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: From when on the link confirms nothing any more.
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    #: When it was used.
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
