"""The audit: a chain of acts, each sealed to the one before it."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model


class Act(Model):
    """Who did what, when. The differences are sealed with the case's key; the hash covers the sealed text, so that a
    key that was destroyed leaves the chain whole."""

    __tablename__ = "acts"
    __table_args__ = (Index("ix_acts_case_id_seq", "case_id", "seq"),)
    audited = False

    #: Place in the chain, without gaps, from 1.
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    #: When.
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: user, command or clock.
    actor_kind: Mapped[str] = mapped_column(String(12))
    #: The account.
    actor_id: Mapped[int | None] = mapped_column(BigId)
    #: What was done, such as hearings.move.
    act: Mapped[str] = mapped_column(String(60))
    #: What it was done to, such as `hearing:12`.
    subject: Mapped[str | None] = mapped_column(String(80))
    #: The case, where it is about exactly one.
    case_id: Mapped[int | None] = mapped_column(BigId)
    #: Field differences, sealed.
    changes_sealed: Mapped[str] = mapped_column(Text)
    #: Hash of the row before; 64 zeros for the first.
    prev_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: Keyed hash of this row.
    hash: Mapped[str] = mapped_column(String(64))


class ChainHead(Model):
    """The last link: one row, locked last in every unit of work, so that writers queue there and the chain never
    forks."""

    __tablename__ = "chain_head"
    audited = False

    #: Always 1.
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Number of the last act.
    seq: Mapped[int] = mapped_column(BigId)
    #: Its hash.
    hash: Mapped[str] = mapped_column(String(64))
