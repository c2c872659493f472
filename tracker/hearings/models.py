"""Hearings at a court's local time, and who appears. A row is the projection of its `hearing.*` entries."""

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, UTCDateTime, WallTime
from tracker.base.db import Model

#: What a hearing can be.
KINDS = (
    "hearing",
    "trial_session",
    "verdict",
    "sentencing",
    "appeal",
    "detention_review",
    "renewal",
    "remand",
    "bail",
    "mention",
    "other",
)

#: scheduled until somebody says what became of it. Adjourned sat and goes on another day; postponed did not sit.
STATES = ("scheduled", "took_place", "adjourned", "postponed", "cancelled", "not_known")


class Hearing(Model):
    """One sitting of a court, perhaps about many people of many cases."""

    __tablename__ = "hearings"
    __table_args__ = (
        Index("ix_hearings_state_starts_at", "state", "starts_at"),
        Index("ix_hearings_tell_from", "tell_from"),
    )

    #: Row number; what commands call its ID.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: One of KINDS.
    kind: Mapped[str] = mapped_column(String(20))
    #: Which court.
    court: Mapped[str] = mapped_column(String(200), default="")
    #: City or room.
    place: Mapped[str] = mapped_column(String(200), default="")
    #: The day there; None where only a window, or nothing, is known.
    local_date: Mapped[date | None]
    #: The clock time there; None: not announced.
    local_time: Mapped[time | None] = mapped_column(WallTime)
    #: 0 or 1 where that wall time comes twice; None elsewhere.
    fold: Mapped[int | None]
    #: IANA zone of the court.
    zone: Mapped[str] = mapped_column(String(60))
    #: day, week, month or not_set: how the date is known.
    precision: Mapped[str] = mapped_column(String(10), default="day")
    #: First day of the window.
    earliest_on: Mapped[date | None]
    #: Last day of the window.
    latest_on: Mapped[date | None]
    #: First instant it can begin; None: no date is known. Written when saved.
    starts_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: End of the last day it can be, there: from then on somebody should know what happened.
    outcome_due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: confirmed or provisional.
    certainty: Mapped[str] = mapped_column(String(12), default="confirmed")
    #: When somebody last made sure of the date; None: nobody has.
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Who made sure; None: a page that was read, named in confirmed_from.
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: By whom it was confirmed, as a role or a source (lawyer, court list, a page's name).
    confirmed_from: Mapped[str] = mapped_column(String(120), default="")
    #: One of STATES.
    state: Mapped[str] = mapped_column(String(12), default="scheduled")
    #: Who may see it.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: Who goes and watches, in words; empty: nobody yet.
    observer: Mapped[str] = mapped_column(String(200), default="")
    #: Notes for the desk: changing them tells nobody.
    note: Mapped[str] = mapped_column(Text, default="")
    #: Moves only when the when, the where or the state moves: what reminders are counted by.
    schedule_rev: Mapped[int] = mapped_column(default=1)
    #: Why the last move was made: moved, corrected. Correct: we had it wrong; move: the court moved it.
    last_change: Mapped[str] = mapped_column(String(12), default="")
    #: Notices of the last change, and reminders of what it made, wait until this instant, so that what was done in a
    #: page can be undone. None: everybody concerned has been seen to.
    tell_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: The hearing that follows from this one's outcome.
    next_hearing_id: Mapped[int | None] = mapped_column(ForeignKey("hearings.id"))
    #: When recorded.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)


class Appearance(Model):
    """A person of a case at a hearing, with an outcome of their own."""

    __tablename__ = "appearances"
    __table_args__ = (UniqueConstraint("hearing_id", "case_id", "person_id"),)

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The hearing.
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearings.id"))
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    #: The person.
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    #: took_place, adjourned, postponed, cancelled or not_known; None: nobody has said.
    outcome: Mapped[str | None] = mapped_column(String(12))
    #: Why: judge_absent, not_brought, lawyers_absent, other, in words or code.
    outcome_reason: Mapped[str] = mapped_column(String(200), default="")
    #: What was decided about them, in words.
    outcome_text: Mapped[str] = mapped_column(Text, default="")
    #: Role of who told it.
    told_by: Mapped[str] = mapped_column(String(120), default="")
    #: When it was recorded.
    recorded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
