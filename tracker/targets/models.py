"""Whom letters are written to. One row for an office and who holds it; used by every action that names it."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model

#: An official of the state that is written to; or an embassy of that state in the country of the one who writes.
KINDS = ("official", "embassy")

#: What somebody found about an address of a target.
REPORTS = ("email_bounced", "post_returned", "call_not_answered")


class Target(Model):
    """Somebody who can act: an official by name and office, or an embassy."""

    __tablename__ = "targets"
    __table_args__ = (Index("ix_targets_country_kind", "country", "kind"),)

    #: Row number; what commands call its ID.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: One of KINDS.
    kind: Mapped[str] = mapped_column(String(10))
    #: The state they serve (ISO 3166-1 alpha-2).
    country: Mapped[str] = mapped_column(String(2))
    #: An embassy: the country it stands in (ISO 3166-1 alpha-2), whose writers send it a copy. None: no embassy.
    hosted_in: Mapped[str | None] = mapped_column(String(2))
    #: Who holds the office; empty: the office alone is written to.
    name: Mapped[str] = mapped_column(String(200), default="")
    #: The office, such as Minister of Justice; of an embassy, its name.
    office: Mapped[str] = mapped_column(String(200))
    #: How they are addressed, such as `Your Excellency`.
    salutation: Mapped[str] = mapped_column(String(200), default="")
    #: Language they are best written to in (ISO 639-1).
    language: Mapped[str] = mapped_column(String(10), default="en")
    #: Postal address, one line each; empty: none is known.
    postal: Mapped[str] = mapped_column(Text, default="")
    #: Mail address; empty: none is known.
    email: Mapped[str] = mapped_column(String(254), default="")
    #: Telephone; empty: none is known.
    phone: Mapped[str] = mapped_column(String(40), default="")
    #: First day in office; None: not known.
    valid_from: Mapped[date | None]
    #: Last day in office; None: until somebody says otherwise.
    valid_to: Mapped[date | None]
    #: When recorded.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)

    @property
    def title(self) -> str:
        """`Name, office`, or the office alone."""
        return f"{self.name}, {self.office}" if self.name else self.office

    @property
    def has_address(self) -> bool:
        """Whether anything can reach them."""
        return bool(self.postal or self.email or self.phone)


class TargetReport(Model):
    """Somebody found that an address does not work."""

    __tablename__ = "target_reports"

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The target.
    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id"), index=True)
    #: One of REPORTS.
    what: Mapped[str] = mapped_column(String(20))
    #: When it was said.
    reported_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: By whom.
    reported_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: When staff had seen to it; None: nobody has.
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: By whom.
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
