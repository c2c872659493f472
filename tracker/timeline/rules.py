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
    proceedings_precision: str | None = None
    conditions: list[str] = field(default_factory=list)
    reported: list[dict[str, object]] = field(default_factory=list)

    @property
    def status(self) -> str | None:
        """The headline of both axes."""
        return headline(self.custody, self.proceedings)

    @property
    def status_since(self) -> tuple[date | None, str]:
        """Since when the headline holds, with the precision stated: of the axis that gave it. None: not stated."""
        if self.status is not None and self.status == self.custody:
            return self.custody_since, self.custody_precision or "day"
        return self.proceedings_since, self.proceedings_precision or "day"


def meanings(entries: Iterable[Told]) -> dict[int, Meaning]:
    """What each entry means, by id: superseded, withdrawn, accepted, for whom.

    A withdrawn correction no longer supersedes: what it put right stands again, until a correction of the correction
    stands in its place. A withdrawal that is itself withdrawn changes nothing. Later words about an entry win.
    """
    told = sorted(entries, key=lambda e: e.id)
    withdrawn: dict[int, int] = {}
    superseded: dict[int, int] = {}
    # Whatever speaks of an entry was written after it: from the last to the first, its own fate is known already.
    for e in reversed(told):
        if e.kind == WITHDRAWN and e.about_id and e.id not in withdrawn:
            withdrawn[e.about_id] = e.id
        if e.supersedes_id and (e.id not in withdrawn or e.id in superseded):
            superseded[e.supersedes_id] = e.id
    accepted = {e.about_id for e in told if e.kind == ACCEPTED and e.id not in withdrawn}
    audience = _audiences(told, withdrawn, superseded)
    return {
        e.id: Meaning(
            counts=e.id not in withdrawn
            and e.id not in superseded
            and (e.confidence == "confirmed" or e.id in accepted),
            accepted=e.id in accepted,
            audience=audience[e.id],
            superseded_by=superseded.get(e.id),
            withdrawn_by=withdrawn.get(e.id),
        )
        for e in told
    }


def _audiences(
    told: Sequence[Told], withdrawn: Mapping[int, int], superseded: Mapping[int, int]
) -> dict[int, Audience]:
    """Who may see each entry now. Words about an entry are never more open than the entry; and what was put right by
    something stricter is closed with it, so that nobody goes on reading what is known to be wrong."""
    audience = {e.id: e.audience for e in told}
    for e in told:
        if e.kind == AUDIENCE_CHANGED and e.about_id and e.new_audience is not None and e.id not in withdrawn:
            audience[e.about_id] = e.new_audience
    for e in reversed(told):
        if (later := superseded.get(e.id)) in audience:
            audience[e.id] = min(audience[e.id], audience[later])
    for e in told:
        if e.about_id in audience:
            audience[e.id] = min(audience[e.id], audience[e.about_id])
    return {number: Audience(rung) for number, rung in audience.items()}


def stand(
    entries: Iterable[Told],
    meaning: Mapping[int, Meaning],
    persons: Sequence[int],
    seen_from: Audience = Audience.NAMED,
) -> dict[int, WhereTheyStand]:
    """Where each person stands, by id, folded from what the rung `seen_from` may see."""
    standing = {person: WhereTheyStand() for person in persons}
    claims: dict[int, list[Told]] = {person: [] for person in persons}
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
                claims[person] = [c for c in claims[person] if not _outlived(c, entry)]
            elif not means.superseded_by and not means.withdrawn_by and not _says_nothing_new(entry, where):
                claims[person].append(entry)
    for person, where in standing.items():
        where.reported = [] if where.custody in DEATHS else [_claim(c) for c in claims[person]]
    return standing


def _move(where: WhereTheyStand, entry: Told) -> None:
    since = None if entry.precision == "by" else entry.happened_on
    if entry.clears_conditions or (entry.custody and entry.custody != where.custody):
        # Bail ends with the prison it spared, and a tag with the house it was worn in.
        where.conditions.clear()
    if entry.custody:
        where.custody, where.custody_since, where.custody_precision = entry.custody, since, entry.precision
    if entry.proceedings:
        where.proceedings, where.proceedings_since = entry.proceedings, since
        where.proceedings_precision = entry.precision
    if where.custody == "detained_without_charge":
        where.custody = _HELD_WHILE.get(where.proceedings or "", where.custody)
    where.conditions.extend(c for c in entry.conditions if c not in where.conditions)


#: What being held without charge becomes once proceedings are known.
_HELD_WHILE = {
    "charged": "pre_trial_detention",
    "on_trial": "pre_trial_detention",
    "convicted": "imprisoned",
    "sentenced_to_death": "imprisoned",
    "on_appeal": "imprisoned",
}


def _outlived(claim: Told, established: Told) -> bool:
    """Whether a claim has nothing left to say once something later, or the very thing, is established on its axis."""
    return bool(claim.custody and established.custody) or bool(
        not claim.custody and claim.proceedings and established.proceedings
    )


def _says_nothing_new(claim: Told, where: WhereTheyStand) -> bool:
    """Whether what is claimed is established already, on an earlier day."""
    return (
        bool(claim.custody or claim.proceedings)
        and claim.custody in (None, where.custody)
        and claim.proceedings in (None, where.proceedings)
    )


def _claim(entry: Told) -> dict[str, object]:
    return {
        "entry": entry.public_id,
        "custody": entry.custody,
        "proceedings": entry.proceedings,
        "on": entry.happened_on.isoformat() if entry.happened_on and entry.precision != "by" else None,
        "recorded_at": entry.recorded_at.isoformat(),
    }
