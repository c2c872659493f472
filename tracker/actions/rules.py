"""What is decided about urgent actions: UA numbers as they are printed, states, deadlines. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tracker.base.dates import instant_of

#: How long an action runs unless another day is named: six weeks, as its forms have had it since 2017.
RUNS_DAYS = 42

#: How much *extend* adds.
EXTENDS_DAYS = 14

#: No action runs longer: what is asked for years is another thing.
LONGEST_DAYS = 731

#: How many minutes an action takes unless somebody says otherwise.
MINUTES = 10

#: The first urgent action was issued in 1973: a year before that is another number.
FIRST_YEAR = 1973

#: From which state which may follow.
FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "draft": ("active", "stopped", "closed"),
    "active": ("on_hold", "expired", "stopped", "closed"),
    "on_hold": ("active", "expired", "stopped", "closed"),
    "expired": ("active", "stopped", "closed"),
    "stopped": (),
    "closed": (),
}

#: States in which somebody wrote, or may have: who did hears of what follows.
LIVED = ("active", "on_hold", "expired")

#: Why it is on hold. The first four follow from the timeline.
HOLD_REASONS = ("death", "release", "death_reported", "release_reported", "checking", "safety")

#: Of them those of which whoever acted is told by mail; what is only reported or checked is said on the page.
TOLD_HOLDS = ("death", "release", "safety")

#: Why it goes on after a hold.
RESUME_REASONS = ("still_needed", "checked", "mistake")

#: Why it ended though nobody asked to stop.
CLOSE_REASONS = ("no_further", "replaced", "duplicate")

_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth"),
)

_PRINTED = re.compile(
    r"""
    (?:(?P<ordinal>\d{1,2}(?:st|nd|rd|th)|(?!ua\b|fi\b|ex\b|urgent\b|further\b)[a-z]+)\s+)?      # 17th, second
    (?P<update>update\s+(?:on|to)\s+|further\s+information\s+(?:on|to)?\s*)?
    (?P<prefix>urgent\s+action|ua|fi|ex)?\s*[:\-–.]?\s*
    (?P<sequence>\d{1,4})\s*(?P<mark>[/.])\s*(?P<year>\d{4}|\d{2})
    (?:\s*-\s*(?P<suffix>\d{1,2}))?
    (?:\s+index\b.*)?                                           # the rest of a printed header
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

#: Words that belong to courts and offices: `Case 480/2018` is no UA number.
_OTHER_NUMBERS = re.compile(r"\b(case|court|file|docket|decree|law|article|no|nr|cause|petition)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UaNumber:
    """A UA number: sequence within a year, and which update of the chain it is (0: the first action)."""

    sequence: int
    year: int
    update: int = 0

    def __str__(self) -> str:
        return f"UA {self.sequence}/{self.year % 100:02d}"


class NoUaNumber(ValueError):
    """A text is no UA number. `why`: `court` (the number of a court or an office), `bare` (a four-digit year without
    UA before it, as courts write theirs), `year` (before 1973, or to come), `form`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def parse_ua_number(text: str, today: date) -> UaNumber:
    """Read a UA number as it is printed: `52/24`, `UA 161.19`, `044/22`, `FI 005/18-3`, `UA-112/2023`,
    `17th update on UA: 249/14`, `Further information on UA: 9/16`, `THIRD UA 60/16`. NoUaNumber says why it is none."""
    said = " ".join(text.split())
    found = _PRINTED.fullmatch(said)
    if _OTHER_NUMBERS.search(said.partition(" Index")[0]):
        raise NoUaNumber("court")
    if found is None:
        raise NoUaNumber("form")
    year = int(found["year"])
    if len(found["year"]) == 4 and not found["prefix"]:
        raise NoUaNumber("bare")
    if len(found["year"]) == 2:
        year += 1900 if year >= FIRST_YEAR % 100 else 2000
    sequence = int(found["sequence"])
    if not FIRST_YEAR <= year <= today.year + 1 or sequence == 0:
        raise NoUaNumber("year")
    return UaNumber(sequence, year, _update(found))


def _update(found: re.Match[str]) -> int:
    """Which update it is. The *second UA* is the first update; the *second update* the second."""
    if found["suffix"]:
        return int(found["suffix"])
    ordinal = (found["ordinal"] or "").lower()
    if not ordinal:
        return 1 if found["update"] or (found["prefix"] or "").lower() == "fi" else 0
    digits = re.match(r"\d+", ordinal)
    if digits is None and ordinal not in _ORDINALS:
        raise NoUaNumber("form")
    number = int(digits[0]) if digits else _ORDINALS.index(ordinal) + 1
    return number if found["update"] else max(number - 1, 0)


def default_act_until(issued_on: date) -> date:
    """The last day on which writing helps, unless another is named."""
    return issued_on + timedelta(days=RUNS_DAYS)


def ends_at(act_until: date, zone: str) -> datetime:
    """The instant at which the last day on which letters help is over, in the zone of its desk."""
    return instant_of(act_until + timedelta(days=1), None, zone)


def stands(state: str, act_until_at: datetime, now: datetime) -> str:
    """The state at an instant: what is active has expired once its last day is over, whether or not the clock has
    written that down."""
    return "expired" if state == "active" and act_until_at <= now else state


def may_follow(state: str, wanted: str) -> bool:
    """Whether one state may follow another."""
    return wanted in FOLLOWS[state]
