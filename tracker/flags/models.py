"""Flags: what needs a human. One writer, the sweep; people acknowledge and snooze."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, JSONText, UTCDateTime
from tracker.base.db import Model


class Flag(Model):
    """A finding that holds, or held. Open while cleared_at is empty."""

    __tablename__ = "flags"
    __table_args__ = (
        Index(
            # One index for all the sweep asks, so that no planner without statistics can choose a worse one.
            "uq_flags_open",
            "rule",
            "case_id",
            "subject",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
        Index("ix_flags_snoozed_until", "snoozed_until"),
    )

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    #: Which rule found it: its code, such as hearing-soon.
    rule: Mapped[str] = mapped_column(String(40))
    #: What it is about within the case, such as `hearing:12`; empty: the case itself.
    subject: Mapped[str] = mapped_column(String(60), default="")
    #: Which occasion of it: a new episode reopens an acknowledged flag.
    episode: Mapped[str] = mapped_column(String(60), default="")
    #: 1 to 3, 3 worst: a rise reopens an acknowledged flag.
    severity: Mapped[int]
    #: Who may see it: the strictest of the case and what it is about, and never wider than the desk.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: The instant it is about: when the hearing starts, when the case went stale.
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: What the rule wants to say about it.
    data: Mapped[dict[str, Any]] = mapped_column(JSONText, default=dict)
    #: When it was first found.
    raised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was no longer found.
    cleared_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When somebody said "I have seen it".
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Who.
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: Until when it is out of sight.
    snoozed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Why, in words.
    snooze_reason: Mapped[str] = mapped_column(String(300), default="")
    #: Who put it out of sight.
    snoozed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
