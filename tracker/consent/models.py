"""What somebody said to being shown: each word a row that is never changed. What may be shown is folded from them."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, JSONText, UTCDateTime
from tracker.base.db import Model

#: How it was said.
WAYS = ("call", "message", "paper", "meeting")


class Consent(Model):
    """One word about one person in one case. Append-only: a withdrawal is another word."""

    __tablename__ = "consents"

    #: Row number; the last tie-breaker of the order.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The case it was said for.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    #: The person it concerns.
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    #: One of `rules.ANSWERS`.
    answer: Mapped[str] = mapped_column(String(12))
    #: Who said it, by their role and never by name: one of `rules.SPEAKERS`, `all` (not noted who) or `staff`.
    speaker: Mapped[str] = mapped_column(String(10))
    #: What it is about: some of `rules.SUBJECTS`.
    subjects: Mapped[list[str]] = mapped_column(JSONText)
    #: Up to which audience they agree; the desk where they do not.
    up_to: Mapped[Audience] = mapped_column(AudienceType)
    #: One of WAYS; empty: not said.
    how: Mapped[str] = mapped_column(String(10), default="")
    #: Why staff opened without a name, or publicity was stopped, by one of a few words; empty: it is neither.
    reason: Mapped[str] = mapped_column(String(20), default="")
    #: The day it was said.
    given_on: Mapped[date]
    #: The last day it holds; None: until somebody says otherwise.
    until_on: Mapped[date | None]
    #: The day from which they should be asked again; None: no need.
    review_on: Mapped[date | None]
    #: When until_on is over at the desk.
    ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When review_on begins at the desk.
    review_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: When it was written down.
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: By whom; None: the command line.
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
