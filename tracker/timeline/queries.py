"""Reading a timeline: as it stands, or as it was known on a day."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.base.audience import Audience
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntryPerson, EntrySource
from tracker.timeline.rules import Meaning, Told, meanings
from tracker.timeline.service import tell


@dataclass(slots=True)
class EntrySeen:
    """One entry with what it means now, whom it concerns and where it comes from."""

    entry: Entry
    meaning: Meaning
    told: Told
    sources: list[EntrySource] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What its kind says in one line."""
        return kind_of(self.entry.kind).sentence(self.entry.payload)


def read_timeline(session: Session, case_id: int, rung: Audience, known_at: datetime | None = None) -> list[EntrySeen]:
    """The entries of a case that the rung may see, in the order of the timeline, oldest first; with `known_at`, those
    recorded by that instant, meaning what they meant then. Three statements, however long the timeline."""
    chosen = select(Entry).where(Entry.case_id == case_id)
    if known_at is not None:
        chosen = chosen.where(Entry.recorded_at <= known_at)
    entries = session.scalars(chosen.order_by(Entry.id)).all()
    concerned: dict[int, set[int]] = {}
    for entry_id, person_id in session.execute(
        select(EntryPerson.entry_id, EntryPerson.person_id)
        .join(Entry, Entry.id == EntryPerson.entry_id)
        .where(Entry.case_id == case_id)
    ):
        concerned.setdefault(entry_id, set()).add(person_id)
    told = [tell(entry, frozenset(concerned.get(entry.id, ()))) for entry in entries]
    meaning = meanings(told)
    seen = {
        entry.id: EntrySeen(entry, meaning[entry.id], said)
        for entry, said in zip(entries, told, strict=True)
        if meaning[entry.id].audience >= rung
    }
    for source in session.scalars(
        select(EntrySource)
        .join(Entry, Entry.id == EntrySource.entry_id)
        .where(Entry.case_id == case_id)
        .order_by(EntrySource.id)
    ):
        if source.entry_id in seen:
            seen[source.entry_id].sources.append(source)
    return sorted(seen.values(), key=lambda s: s.told.order)
