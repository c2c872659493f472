"""The clock's own rows: who runs it, and when each step last ran."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model


class Lease(Model):
    """Which clock process works now. Saves work only: correctness never depends on it."""

    __tablename__ = "leases"
    audited = False

    #: What is leased.
    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    #: Random name of the holder.
    holder: Mapped[str] = mapped_column(String(40))
    #: Until when.
    until: Mapped[datetime] = mapped_column(UTCDateTime)


class Heartbeat(Model):
    """When a step last ran and how it ended: shown to staff."""

    __tablename__ = "heartbeats"
    audited = False

    #: The step's code.
    step: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: When it last began.
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it last ended well; None: never.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Failures in a row.
    failures: Mapped[int] = mapped_column(default=0)
    #: The last failure in words, without content of cases; empty: none.
    fault: Mapped[str] = mapped_column(String(300), default="")


class Outage(Model):
    """A time in which no clock worked, noticed when one worked again."""

    __tablename__ = "outages"
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: When a step last began before it.
    began_at: Mapped[datetime] = mapped_column(UTCDateTime, unique=True)
    #: When a clock worked again.
    ended_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    #: When its report was planned; None: not yet.
    reported_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
