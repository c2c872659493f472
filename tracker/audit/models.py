"""The audit: a chain of acts, each sealed to the one before it."""

from datetime import datetime

from sqlalchemy import Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model


class Act(Model):
    """Who did what, when. The differences are sealed with the case's key; the hash covers the sealed text, so that a
    key that was destroyed leaves the chain whole. What concerns one of several cases stands in its `ActPart`."""

    __tablename__ = "acts"
    __table_args__ = (
        Index("ix_acts_case_id_seq", "case_id", "seq"),
        Index("ix_acts_shows", "case_id", "seq", sqlite_where=text("shows"), postgresql_where=text("shows")),
    )
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
    #: The case, where all of it is about exactly one.
    case_id: Mapped[int | None] = mapped_column(BigId)
    #: Whether something sealed was shown in it.
    shows: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Field differences, sealed: with the key of the case, or else, of what concerns no case, with that of the house.
    changes_sealed: Mapped[str] = mapped_column(Text)
    #: Hash of the row before; 64 zeros for the first.
    prev_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: Keyed hash of this row.
    hash: Mapped[str] = mapped_column(String(64))


class ActPart(Model):
    """What an act that concerns several cases, or a case and the house, did in one of them: sealed with that case's
    key, so that it can be read, and be lost, with that case alone. The hash of the act covers it."""

    __tablename__ = "act_parts"
    __table_args__ = (
        Index("ix_act_parts_case_id_seq", "case_id", "seq"),
        Index("ix_act_parts_shows", "case_id", "seq", sqlite_where=text("shows"), postgresql_where=text("shows")),
    )
    audited = False

    #: The act.
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    #: The case.
    case_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    #: Whether something sealed of this case was shown in it.
    shows: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Field differences, sealed with the key of the case.
    changes_sealed: Mapped[str] = mapped_column(Text)


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
