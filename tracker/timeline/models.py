"""The timeline: entries are never updated (triggers see to it); what they now mean stands beside them."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, JSONText, UTCDateTime, WallTime
from tracker.base.db import Model

#: confirmed: stands on a source we stand by. reported: somebody says so; moves nothing until accepted.
CONFIDENCES = ("confirmed", "reported")

#: Who wrote it: human (restarts the stale clock when sourced), import (many at once, does not), system (never does).
ORIGINS = ("human", "import", "system")

#: What a source can be.
SOURCE_KINDS = ("press", "ngo", "court_paper", "call", "message", "visit", "own_text")


class Entry(Model):
    """Something that happened, as told, in one case. Append-only: a correction is a new entry that supersedes."""

    __tablename__ = "entries"
    __table_args__ = (Index("ix_entries_case_id_recorded_at", "case_id", "recorded_at"),)

    #: Row number; the last tie-breaker of the order.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The case it was written in.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    #: What it is, such as `person.arrested`; see the kinds of each room. A string, so that new kinds need no migration.
    kind: Mapped[str] = mapped_column(String(60))
    #: What the kind holds.
    payload: Mapped[dict[str, Any]] = mapped_column(JSONText, default=dict)
    #: The date stated; None where none is (precision `by`).
    happened_on: Mapped[date | None]
    #: day, month, year, about, by.
    precision: Mapped[str] = mapped_column(String(10), default="day")
    #: Latest day the precision allows (for `by`: the day it was known): what the order goes by.
    latest_on: Mapped[date]
    #: Clock time, where told.
    local_time: Mapped[time | None] = mapped_column(WallTime)
    #: IANA zone of that time.
    zone: Mapped[str | None] = mapped_column(String(60))
    #: When we wrote it down.
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Who wrote it down; None: the system or the command line.
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: In words.
    text: Mapped[str] = mapped_column(Text, default="")
    #: confirmed or reported, as it was written.
    confidence: Mapped[str] = mapped_column(String(10), default="confirmed")
    #: Who may see it, as it was written.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: The entry this one puts right; at most one entry does.
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"), unique=True)
    #: The entry this one speaks of (acceptance, change of audience, withdrawal).
    about_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"), index=True)
    #: human, import or system.
    origin: Mapped[str] = mapped_column(String(10), default="human")
    #: The import it came with.
    import_id: Mapped[str | None] = mapped_column(String(22))


class EntryPerson(Model):
    """A person an entry concerns. No row: it concerns everybody in the case."""

    __tablename__ = "entry_persons"
    audited = False

    #: The entry.
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    #: The person.
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), primary_key=True, index=True)


class EntrySource(Model):
    """Where an entry comes from."""

    __tablename__ = "entry_sources"
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The entry.
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), index=True)
    #: One of SOURCE_KINDS.
    kind: Mapped[str] = mapped_column(String(20))
    #: Address or title of what was read.
    address: Mapped[str] = mapped_column(String(500), default="")
    #: Role of who told it (lawyer, relative), never a name.
    told_by: Mapped[str] = mapped_column(String(120), default="")
    #: Day it was published.
    published_on: Mapped[date | None]
    #: The very sentence.
    quote: Mapped[str] = mapped_column(Text, default="")
    #: Where the sentence begins in the kept document, in characters.
    quote_start: Mapped[int | None]
    #: Where it ends.
    quote_end: Mapped[int | None]
    #: The kept document.
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))


class EntryState(Model):
    """What an entry now means: rewritten by the fold, never the entry itself."""

    __tablename__ = "entry_states"
    __table_args__ = (
        Index("ix_entry_states_timeline", "case_id", "latest_on", "local_time", "recorded_at", "entry_id"),
    )
    audited = False

    #: The entry.
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), primary_key=True)
    #: The case it now stands in (a merge moves it).
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    #: Who may see it now.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: Whether it counts: confirmed when written, or accepted since; not withdrawn, not superseded.
    counts: Mapped[bool]
    #: Whether a reported one was accepted.
    accepted: Mapped[bool] = mapped_column(default=False)
    #: The entry that puts it right.
    superseded_by: Mapped[int | None] = mapped_column(BigId)
    #: The entry that withdraws it.
    withdrawn_by: Mapped[int | None] = mapped_column(BigId)
    #: Copy of the entry's sort key: latest day.
    latest_on: Mapped[date]
    #: Copy: clock time as text, empty where none is told (sorts first, equal on both engines).
    local_time: Mapped[str] = mapped_column(String(5), default="")
    #: Copy: when written down.
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
