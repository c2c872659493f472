"""Reading a timeline: as it stands, or as it was known on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from tracker.audit.kinds import rungs
from tracker.base.audience import Audience
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntryPerson, EntrySource, EntryState
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
    def told_in_quote(self) -> bool:
        """Whether its words are the very words of a source: shown once."""
        return any(source.quote.split() == self.entry.text.split() for source in self.sources if source.quote)

    @property
    def sentence(self) -> str:
        """What its kind says in one line."""
        return kind_of(self.entry.kind).sentence(self.entry.payload)


def read_timeline(session: Session, case_id: int, rung: Audience, known_at: datetime | None = None) -> list[EntrySeen]:
    """The entries of a case that the rung may see, in the order of the timeline, oldest first; with `known_at`, those
    recorded by that instant, meaning what they meant then. Who may see an entry is never a thing of the past: what was
    closed since stays closed. One statement, however long the timeline."""
    concerned = (
        select(func.aggregate_strings(cast(EntryPerson.person_id, String), ","))
        .where(EntryPerson.entry_id == Entry.id)
        .correlate(Entry)
        .scalar_subquery()
    )
    chosen = (
        select(Entry, EntrySource, concerned)
        .outerjoin(EntrySource, EntrySource.entry_id == Entry.id)
        .where(Entry.case_id == case_id)
        .order_by(Entry.id, EntrySource.id)
    )
    entries: dict[int, tuple[Entry, Told, list[EntrySource]]] = {}
    for entry, source, persons in session.execute(chosen):
        if entry.id not in entries:
            entries[entry.id] = (entry, tell(entry, frozenset(map(int, persons.split(",") if persons else ()))), [])
        if source is not None:
            entries[entry.id][2].append(source)
    audience = {n: m.audience for n, m in meanings(told for _entry, told, _sources in entries.values()).items()}
    if known_at is not None:
        entries = {n: row for n, row in entries.items() if row[0].recorded_at <= known_at}
    meaning = {
        n: replace(m, audience=audience[n])
        for n, m in meanings(told for _entry, told, _sources in entries.values()).items()
    }
    seen = (
        EntrySeen(entry, meaning[number], told, sources)
        for number, (entry, told, sources) in entries.items()
        if meaning[number].audience >= rung
    )
    return sorted(seen, key=lambda s: s.told.order)


@rungs.adds("entries")
def rungs_of_entries(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """To which rung each of these entries is open now, whatever it was written for."""
    rows = session.execute(select(EntryState.entry_id, EntryState.audience).where(EntryState.entry_id.in_(ids)))
    return {row.entry_id: row.audience for row in rows}
