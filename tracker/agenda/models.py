"""What lies ahead: one row per dated thing and case. Flags, reminders, calendars and "next date" read this and nothing
else."""

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, UTCDateTime, WallTime
from tracker.base.db import Model

#: scheduled: lies ahead, or passed and nobody has said what happened; the others need nothing more.
OPEN_STATE = "scheduled"


class AgendaItem(Model):
    """Something dated, projected from its own room. (kind, subject_id) names the row there; rev moves with its date."""

    __tablename__ = "agenda_items"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "case_id"),
        Index("ix_agenda_items_case_id_state_starts_at", "case_id", "state", "starts_at"),
        Index("ix_agenda_items_state_starts_at", "state", "starts_at"),
        Index("ix_agenda_items_state_outcome_due_at", "state", "outcome_due_at"),
    )
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Agenda kind, such as `hearing`.
    kind: Mapped[str] = mapped_column(String(30))
    #: Row of the subject in its own room.
    subject_id: Mapped[int] = mapped_column(BigId)
    #: Which of its dates this is: moves only when the when, the where or the state moves.
    rev: Mapped[int]
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    #: Sub-kind that chooses the days before (`verdict`, `remand` …).
    lead_kind: Mapped[str] = mapped_column(String(30))
    #: Who may see it.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: IANA zone of the local date and time.
    zone: Mapped[str] = mapped_column(String(60))
    #: The day; None where only a window, or nothing, is known.
    local_date: Mapped[date | None]
    #: The clock time; None: not announced.
    local_time: Mapped[time | None] = mapped_column(WallTime)
    #: First day it can be.
    earliest_on: Mapped[date | None]
    #: Last day it can be.
    latest_on: Mapped[date | None]
    #: First instant it can begin: of the time, of the day, or of the window. None: no date is known at all.
    starts_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: From this instant somebody should know what happened (end of the last possible day there).
    outcome_due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: After this instant reminding is pointless: the start, or noon of its day where no time is announced.
    remind_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: confirmed or provisional.
    certainty: Mapped[str] = mapped_column(String(12))
    #: When somebody last made sure of the date.
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: State in its own room's words; `scheduled` while it needs attention.
    state: Mapped[str] = mapped_column(String(20))
