"""The personal calendar feed of an account."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model


class Feed(Model):
    """An address that calendar programs read without signing in. Only its hash is kept: whoever has lost it makes a new
    one, and the old one ends."""

    __tablename__ = "calendar_feeds"
    audit_hides = frozenset({"token_hash"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Whose; one each.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    #: SHA-256 of the secret in the address, hex.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: When this secret was made.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When a program last read it, to the hour; None: never.
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it ends unless it is read: reading moves it on.
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
