"""Groups of volunteers, who is in one, who was asked to join, and their evenings."""

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime, WallTime
from tracker.base.db import Model


class Group(Model):
    """People who write together. They keep one log; nobody reads in it who did what."""

    __tablename__ = "volunteer_groups"

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: What it is called.
    name: Mapped[str] = mapped_column(String(120))
    #: The country its members write from, whose embassies get their copies (ISO 3166-1 alpha-2).
    country: Mapped[str] = mapped_column(String(2))
    #: IANA zone in which its evenings are said.
    zone: Mapped[str] = mapped_column(String(60))
    #: When it was made.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was ended; None: it lives.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)


class GroupMember(Model):
    """An account in a group."""

    __tablename__ = "group_members"
    __table_args__ = (UniqueConstraint("group_id", "user_id"),)

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The group.
    group_id: Mapped[int] = mapped_column(ForeignKey("volunteer_groups.id"))
    #: The account.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: Whether they coordinate it.
    coordinator: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Since when.
    joined_at: Mapped[datetime] = mapped_column(UTCDateTime)


class GroupInvitation(Model):
    """Somebody was asked to join a group. There is a row whether or not the address has an account, and whoever asked
    cannot tell one from the other."""

    __tablename__ = "group_invitations"
    __table_args__ = (Index("ix_group_invitations_group_id_asked_at", "group_id", "asked_at"),)

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The group.
    group_id: Mapped[int] = mapped_column(ForeignKey("volunteer_groups.id"))
    #: Whose address it was; None: nobody's who could join. No address is kept.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    #: Whether they are to coordinate it.
    coordinator: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: By whom.
    asked_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: When.
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was answered, or taken back; None: it is open until it is too old.
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class GroupEvening(Model):
    """An evening on which a group writes together."""

    __tablename__ = "group_evenings"
    __table_args__ = (Index("ix_group_evenings_checked_at_starts_at", "checked_at", "starts_at"),)

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The group.
    group_id: Mapped[int] = mapped_column(ForeignKey("volunteer_groups.id"), index=True)
    #: The day, in the group's zone.
    local_date: Mapped[date]
    #: The time of day there.
    local_time: Mapped[time] = mapped_column(WallTime)
    #: The zone in which day and time are said.
    zone: Mapped[str] = mapped_column(String(60))
    #: When that is. Written when saved.
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Who chose it.
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: When it was chosen.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When its actions were looked at once more; None: not yet.
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it was called off; None: it takes place.
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When its result was taken down; None: not yet.
    recorded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)


class EveningAction(Model):
    """An action a group has chosen for an evening."""

    __tablename__ = "evening_actions"

    #: The evening.
    evening_id: Mapped[int] = mapped_column(ForeignKey("group_evenings.id"), primary_key=True)
    #: The action.
    action_id: Mapped[int] = mapped_column(ForeignKey("urgent_actions.id"), primary_key=True, index=True)
    #: Its number that evening: 1, 2 …
    position: Mapped[int]
    #: How it stood when it was looked at once more; empty: not yet.
    checked_state: Mapped[str] = mapped_column(String(10), default="", server_default=text("''"))
