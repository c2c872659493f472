"""Who wants to be reminded of what."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, JSONText, UTCDateTime
from tracker.base.db import Model


class Subscription(Model):
    """A recipient follows one case or one desk. Owner and deputy follow their cases without a row; a row with
    stopped_at ends even that."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("(case_id IS NULL) <> (desk_id IS NULL)", name="one_subject"),
        Index(
            "uq_subscriptions_case",
            "recipient_id",
            "case_id",
            unique=True,
            sqlite_where=text("case_id IS NOT NULL"),
            postgresql_where=text("case_id IS NOT NULL"),
        ),
        Index(
            "uq_subscriptions_desk",
            "recipient_id",
            "desk_id",
            unique=True,
            sqlite_where=text("desk_id IS NOT NULL"),
            postgresql_where=text("desk_id IS NOT NULL"),
        ),
        Index("ix_subscriptions_case_id", "case_id"),
        Index("ix_subscriptions_desk_id", "desk_id"),
    )

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random word in the "stop" link of each mail.
    token: Mapped[str] = mapped_column(String(32), unique=True)
    #: Who.
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipients.id"))
    #: The case followed; or
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    #: the desk followed.
    desk_id: Mapped[int | None] = mapped_column(ForeignKey("desks.id"))
    #: Days before, chosen; None: as the kind of hearing says.
    days_before: Mapped[list[int] | None] = mapped_column(JSONText)
    #: When it was made.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it was stopped; None: it holds.
    stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
