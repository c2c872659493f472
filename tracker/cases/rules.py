"""What is decided about cases: risk, when one is stale, its neutral nickname. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tracker.base.dates import add_working_days, zone_of
from tracker.timeline.codes import CUSTODY, DEATHS

#: Neutral words for subjects and talk: trees and plants, which say nothing about anybody.
NICKNAMES = [
    "Cedar",
    "Almond",
    "Juniper",
    "Heather",
    "Willow",
    "Clover",
    "Laurel",
    "Maple",
    "Sorrel",
    "Aspen",
    "Fennel",
    "Hazel",
    "Myrtle",
    "Thistle",
    "Rowan",
    "Bramble",
    "Larch",
    "Poplar",
    "Sage",
    "Tamarisk",
    "Alder",
    "Burdock",
    "Cypress",
    "Dogwood",
    "Elder",
    "Foxglove",
    "Gorse",
    "Hawthorn",
    "Iris",
    "Jasmine",
    "Kelp",
    "Linden",
    "Mallow",
    "Nettle",
    "Olive",
    "Primrose",
    "Quince",
    "Rosemary",
    "Spruce",
    "Teasel",
    "Umbrella-pine",
    "Verbena",
    "Walnut",
    "Yarrow",
    "Bluebell",
    "Chicory",
    "Daisy",
    "Elm",
    "Ginkgo",
    "Hemlock",
]


def nickname(number: int) -> str:
    """The nickname of a desk's n-th case (from 1): a word, then the words again with a number."""
    round_, place = divmod(number - 1, len(NICKNAMES))
    return NICKNAMES[place] if round_ == 0 else f"{NICKNAMES[place]} {round_ + 1}"


def risk_for(statuses: Iterable[str | None]) -> str:
    """The risk proposed for a case with people of these statuses: the worst of them.

    Disappeared, held incommunicado or under a death sentence: critical. Otherwise deprived of liberty, house arrest
    aside: high. House arrest, or on trial at liberty: medium. Anything else: low.
    """
    worst = "low"
    for status in statuses:
        if status in ("enforced_disappearance", "incommunicado", "sentenced_to_death"):
            return "critical"
        standing = CUSTODY.get(status or "")
        if status == "house_arrest" or status in ("charged", "on_trial", "on_appeal", "convicted"):
            worst = "medium" if worst == "low" else worst
        elif standing and standing.deprived:
            worst = "high"
    return worst


@dataclass(frozen=True, slots=True)
class StaleAfter:
    """A desk's thresholds. Days are calendar days but for high risk, whose are working days."""

    critical_days: int = 3
    high_working_days: int = 7
    medium_days: int = 21
    low_days: int = 60


def stale_at(
    base: datetime,
    risk: str,
    after: StaleAfter,
    *,
    zone: str,
    working_days: Collection[int],
    grace_working_days: int = 0,
) -> datetime:
    """When a case last checked at `base` goes stale: the same clock time in the desk's zone, so many days later."""
    wall = base.astimezone(zone_of(zone))
    day = wall.date()
    match risk:
        case "critical":
            day += timedelta(days=after.critical_days)
        case "high":
            day = add_working_days(day, after.high_working_days, working_days)
        case "medium":
            day += timedelta(days=after.medium_days)
        case _:
            day += timedelta(days=after.low_days)
    if grace_working_days:
        day = add_working_days(day, grace_working_days, working_days)
    # Wall time plus days, read in the zone: inside a gap of that later day the jump itself is meant.
    return datetime.combine(day, wall.time(), tzinfo=wall.tzinfo).astimezone(UTC)


def goes_stale(stage: str, custodies: Collection[str | None]) -> bool:
    """Whether a case can go stale at all: not as a draft, not when closed, and not after everybody in it has died."""
    if stage not in ("open", "monitoring"):
        return False
    return not custodies or any(custody not in DEATHS for custody in custodies)
