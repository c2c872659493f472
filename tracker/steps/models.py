"""Steps that people say they took, and who read or printed an action with an account."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model

#: How somebody wrote or spoke.
CHANNELS = ("email", "letter", "call", "fax", "post", "other")

#: Who says so: the volunteer, a group's log, staff, the command line.
SOURCES = ("self", "group", "staff", "command")


class Step(Model):
    """Something that was done for an action, as told: nobody checks it."""

    __tablename__ = "steps"
    __table_args__ = (
        Index("ix_steps_action_id_done_on", "action_id", "done_on"),
        Index("ix_steps_user_id_action_id", "user_id", "action_id"),
    )

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The action.
    action_id: Mapped[int] = mapped_column(ForeignKey("urgent_actions.id"))
    #: Who says so; None: the command line.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: The group whose log it stands in; None: it is nobody's but the account's.
    group_id: Mapped[int | None] = mapped_column(ForeignKey("volunteer_groups.id"), index=True)
    #: Whom it went to; None: not said.
    target_id: Mapped[int | None] = mapped_column(ForeignKey("targets.id"), index=True)
    #: One of CHANNELS.
    channel: Mapped[str] = mapped_column(String(10))
    #: How many letters, mails or calls.
    count: Mapped[int]
    #: The day it was done.
    done_on: Mapped[date]
    #: One of SOURCES.
    source: Mapped[str] = mapped_column(String(10), default="self")
    #: When it was said.
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was taken back; None: it counts.
    undone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ActionReading(Model):
    """An account opened an action: who must hear first when it is stopped."""

    __tablename__ = "action_readings"
    audited = False

    #: The action.
    action_id: Mapped[int] = mapped_column(ForeignKey("urgent_actions.id"), primary_key=True)
    #: The account.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    #: When it was last opened.
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When its letter was last printed; None: never.
    printed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
