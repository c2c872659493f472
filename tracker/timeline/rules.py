"""The fold: what entries mean together. Pure: values in, values out.

Order: the latest day the precision allows, then the clock time, then when it was written down, then its number. Only
entries that count move anybody; what is reported but not accepted stands beside it. A death stands until the entry that
tells it is put right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tracker.base.audience import Audience
from tracker.timeline.codes import DEATHS, headline

#: Kinds that speak of another entry.
ACCEPTED, WITHDRAWN, AUDIENCE_CHANGED = "entry.accepted", "entry.withdrawn", "entry.audience_changed"


@dataclass(frozen=True, slots=True)
class Told:
    """One entry, as much of it as the fold needs. `custody`, `proceedings`, `conditions` come from its kind and
    payload; `persons` empty means everybody in the case."""

    id: int
    kind: str
    latest_on: date
    recorded_at: datetime
    happened_on: date | None = None
    precision: str = "day"
    local_time: str = ""
    confidence: str = "confirmed"
    audience: Audience = Audience.DESK
    supersedes_id: int | None = None
    about_id: int | None = None
    new_audience: Audience | None = None
    persons: frozenset[int] = frozenset()
    custody: str | None = None
    proceedings: str | None = None
    conditions: tuple[str, ...] = ()
    clears_conditions: bool = False
    public_id: str = ""

    @property
    def order(self) -> tuple[date, str, datetime, int]:
        """Its place on the timeline."""
        return (self.latest_on, self.local_time, self.recorded_at, self.id)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an entry now means."""

    counts: bool
    accepted: bool
    audience: Audience
    superseded_by: int | None = None
    withdrawn_by: int | None = None


@dataclass(slots=True)
class WhereTheyStand:
    """One person on both axes, with what is claimed but not accepted beside it."""

    custody: str | None = None
    custody_since: date | None = None
    custody_precision: str | None = None
    proceedings: str | None = None
    proceedings_since: date | None = None
    conditions: list[str] = field(default_factory=list)
    reported: list[dict[str, object]] = field(default_factory=list)

    @property
    def status(self) -> str | None:
        """The headline of both axes."""
        return headline(self.custody, self.proceedings)


def meanings(entries: Iterable[Told]) -> dict[int, Meaning]:
    """What each entry means, by id: superseded, withdrawn, accepted, for whom.

    A withdrawn correction no longer supersedes: what it put right stands again. Later words about an entry win.
    """
    told = sorted(entries, key=lambda e: e.id)
    withdrawn = {e.about_id: e.id for e in told if e.kind == WITHDRAWN and e.about_id}
    accepted = {e.about_id for e in told if e.kind == ACCEPTED and e.id not in withdrawn}
    audience = {
        e.about_id: e.new_audience
        for e in told
        if e.kind == AUDIENCE_CHANGED and e.new_audience is not None and e.id not in withdrawn
    }
    superseded = {e.supersedes_id: e.id for e in told if e.supersedes_id and e.id not in withdrawn}
    return {
        e.id: Meaning(
            counts=e.id not in withdrawn
            and e.id not in superseded
            and (e.confidence == "confirmed" or e.id in accepted),
            accepted=e.id in accepted,
            audience=Audience(audience.get(e.id, e.audience)),
            superseded_by=superseded.get(e.id),
            withdrawn_by=withdrawn.get(e.id),
        )
        for e in told
    }


def stand(
    entries: Iterable[Told],
    meaning: Mapping[int, Meaning],
    persons: Sequence[int],
    seen_from: Audience = Audience.NAMED,
) -> dict[int, WhereTheyStand]:
    """Where each person stands, by id, folded from what the rung `seen_from` may see."""
    standing = {person: WhereTheyStand() for person in persons}
    for entry in sorted((e for e in entries if meaning[e.id].audience >= seen_from), key=lambda e: e.order):
        if not (entry.custody or entry.proceedings or entry.conditions or entry.clears_conditions):
            continue
        means = meaning[entry.id]
        for person in entry.persons or standing.keys():
            where = standing.get(person)
            if where is None or where.custody in DEATHS:
                continue
            if means.counts:
                _move(where, entry)
            elif not means.superseded_by and not means.withdrawn_by:
                where.reported.append(_claim(entry))
    for where in standing.values():
        where.reported = [] if where.custody in DEATHS else where.reported
    return standing


def _move(where: WhereTheyStand, entry: Told) -> None:
    since = None if entry.precision == "by" else entry.happened_on
    if entry.custody:
        where.custody, where.custody_since, where.custody_precision = entry.custody, since, entry.precision
        # A claim of the very thing that is now established, or older than it, has nothing left to say.
        where.reported.clear()
    if entry.proceedings:
        where.proceedings, where.proceedings_since = entry.proceedings, since
        if entry.proceedings in ("charged", "on_trial") and where.custody == "detained_without_charge":
            where.custody = "pre_trial_detention"
    if entry.clears_conditions:
        where.conditions.clear()
    where.conditions.extend(c for c in entry.conditions if c not in where.conditions)


def _claim(entry: Told) -> dict[str, object]:
    return {
        "entry": entry.public_id,
        "custody": entry.custody,
        "proceedings": entry.proceedings,
        "on": entry.happened_on.isoformat() if entry.happened_on and entry.precision != "by" else None,
        "recorded_at": entry.recorded_at.isoformat(),
    }
