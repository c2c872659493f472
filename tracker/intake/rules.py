"""From what a page says to what a timeline can hold. Pure.

A reading speaks of events and of a status; the timeline knows kinds. An event without a date becomes an entry known
*by* the day its page was published, never one that happened on it.
"""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracker.base.dates import StatedDate
from tracker.cases.rules import risk_for
from tracker.intake.reading.model import EntryRead, EventRead, HearingRead
from tracker.intake.reading.names import fold
from tracker.search.rules import ARTICLES
from tracker.timeline.codes import CUSTODY, headline

#: Timeline kind for an event of a reading; what is not here is other news.
KIND_OF_EVENT = {
    "arrest": "person.arrested",
    "disappearance": "person.disappeared",
    "whereabouts_disclosed": "person.located",
    "detention_order": "person.remanded",
    "detention_extended": "person.remanded",
    "bail_denied": "person.remanded",
    "charge": "person.charged",
    "charges_dropped": "person.charges_dropped",
    "house_arrest": "person.placed_under_house_arrest",
    "release_conditional": "person.released_on_conditions",
    "release": "person.released",
    "transfer": "person.transferred",
    "trial_start": "person.trial_opened",
    "conviction": "person.convicted",
    "sentence": "person.convicted",
    "acquittal": "person.acquitted",
    "appeal": "person.appealed",
    "torture_or_illtreatment": "person.ill_treated",
    "health": "person.health_reported",
    "death": "person.died_in_custody",
}

#: Timeline kind that brings about a status of a reading, and the headline it gives. `at_risk` needs none.
KIND_OF_STATUS = {
    "enforced_disappearance": ("person.disappeared", "enforced_disappearance"),
    "incommunicado": ("person.held_incommunicado", "incommunicado"),
    "detained_without_charge": ("person.arrested", "detained_without_charge"),
    "detained_unlawful_combatant": ("person.arrested", "detained_without_charge"),
    "administrative_detention": ("person.detention_ordered", "administrative_detention"),
    "pretrial_detention": ("person.remanded", "pre_trial_detention"),
    "on_trial_detained": ("person.remanded", "pre_trial_detention"),
    "on_trial_at_liberty": ("person.trial_opened", "on_trial"),
    "convicted_imprisoned": ("person.imprisoned", "imprisoned"),
    "convicted_at_liberty": ("person.convicted", "convicted"),
    "death_sentence": ("person.sentenced_to_death", "sentenced_to_death"),
    "house_arrest": ("person.placed_under_house_arrest", "house_arrest"),
    "released_on_conditions": ("person.released_on_conditions", "released_on_conditions"),
    "released": ("person.released", "released"),
    "died_in_custody": ("person.died_in_custody", "died_in_custody"),
    "died": ("person.killed", "killed"),
}

#: Our kind of hearing for a reading's.
KIND_OF_HEARING = {
    "detention_appeal": "detention_review",
    "detention_confirmation": "detention_review",
    "detention_renewal": "renewal",
    "bail_hearing": "bail",
}

#: An order of administrative detention, in the words of the languages its pages are written in.
_ADMINISTRATIVE = re.compile(r"administrat|إداري|מנהלי", re.IGNORECASE)

_TAG = re.compile(r"electronic(ally)?[\s-]+(tag|monitor)", re.IGNORECASE)

_MONTHS = re.compile(r"\b(one|two|three|four|five|six|\d{1,2})[\s-]+months?\b", re.IGNORECASE)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


@dataclass(frozen=True, slots=True)
class Suggested:
    """One thing a reading would write: `payload` in JSON's words, beside its sentence."""

    kind: str
    fingerprint: str
    payload: dict[str, Any] = field(default_factory=dict)
    quote: str = ""
    start: int = 0
    end: int = 0


def entry_of_event(event: EventRead, entry: EntryRead, known_on: dt.date) -> dict[str, Any]:
    """The timeline entry an event would become: {"kind", "date", "precision", "payload", "text", "persons"}.

    `known_on`: the day the page was published, or given to us where it prints none.
    """
    kind, payload = _kind_of(event, entry)
    stated = StatedDate(event.date, event.precision) if event.date else StatedDate(known_on, "by")
    return {
        "kind": kind,
        "date": stated.on.isoformat(),
        "precision": stated.precision,
        "payload": payload,
        "text": event.text,
        "persons": list(event.persons),
        "inferred": event.inferred,
    }


def _kind_of(event: EventRead, entry: EntryRead) -> tuple[str, dict[str, Any]]:
    kind = KIND_OF_EVENT.get(event.kind, "case.news")
    if event.kind in ("detention_order", "detention_extended") and _ADMINISTRATIVE.search(event.quote):
        months = _MONTHS.search(event.quote)
        number = months[1].lower() if months else ""
        return "person.detention_ordered", ({"months": _NUMBERS.get(number) or int(number)} if months else {})
    if event.kind == "house_arrest" and _TAG.search(event.quote):
        return kind, {"conditions": ["electronic_tag"]}
    if event.kind == "death" and entry.status == "died":
        return "person.killed", {}
    return kind, {}


def hearing_of(read: HearingRead) -> dict[str, Any]:
    """The hearing one of a reading would become: {"kind", "date", "precision", "time", "court", "tense", "persons"}.

    `tense` is `past` only where the sentence says that it took place, and not where its day has merely gone by.
    """
    return {
        "kind": KIND_OF_HEARING.get(read.kind, read.kind),
        "date": read.date.isoformat() if read.date else None,
        "precision": read.precision,
        "time": f"{read.time:%H:%M}" if read.time else None,
        "court": read.court or "",
        "tense": "upcoming" if read.announced else read.tense,
        "inferred": read.inferred,
        "no_such_day": read.no_such_day,
        "persons": list(read.persons),
        "moves": None,
    }


@dataclass(frozen=True, slots=True)
class HeldHearing:
    """A hearing that a case holds already."""

    id: int
    kind: str
    on: dt.date | None
    state: str
    confirmed_on: dt.date | None


def moved_hearing(
    read: HearingRead, held: Sequence[HeldHearing], said_on: dt.date, also: Iterable[dt.date]
) -> int | None:
    """Which scheduled hearing this one takes the place of, if it clearly does: the only one that lay ahead when the
    page was published, of the same kind (or one of them not further said), and not named beside it (`also`).

    A page older than the day on which the held date was last confirmed moves nothing: what we know is newer.
    """
    if read.tense != "upcoming" or read.date is None or read.precision != "day":
        return None
    kind, named = KIND_OF_HEARING.get(read.kind, read.kind), set(also)
    ahead = [
        h
        for h in held
        if h.state == "scheduled"
        and h.on is not None
        and h.on >= said_on
        and h.on not in named
        and (h.kind == kind or "hearing" in (h.kind, kind))
    ]
    if len(ahead) != 1 or (ahead[0].confirmed_on is not None and ahead[0].confirmed_on > said_on):
        return None
    return ahead[0].id


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """An entry that counts in a case, with the standing it brings about on either axis."""

    kind: str
    latest_on: dt.date
    custody: str | None = None
    proceedings: str | None = None


def tells_known(kind: str, said_on: dt.date, held: Sequence[HeldEntry]) -> bool:
    """Whether a page's undated news of this kind is held already: an entry of the kind lies on or before `said_on`, the
    day the page was published, and none later than it, up to that day, gave its axis another standing."""
    told = [e for e in held if e.kind == kind and e.latest_on <= said_on]
    if not told:
        return False
    last = max(told, key=lambda e: e.latest_on)
    since = [e for e in held if last.latest_on < e.latest_on <= said_on]
    return not any(
        (last.custody and e.custody and e.custody != last.custody)
        or (last.proceedings and e.proceedings and e.proceedings != last.proceedings)
        for e in since
    )


def same_name(one: str, other: str) -> bool:
    """Whether two names may be taken for one person's without asking: two words or more, spelled the same but for
    accents, hyphens, articles, doubled letters and a last h.

    Any other spelling is for a human to compare: Mahmoud and Muhammad, Samir and Samira, Jamal and Jamil share their
    consonants and are different people.
    """
    mine = _spelling(one)
    return len(mine) > 1 and mine == _spelling(other)


def _spelling(name: str) -> list[str]:
    words = [re.sub(r"(.)\1+", r"\1", word) for word in fold(name).split() if word not in ARTICLES]
    return sorted(word.removesuffix("h") or word for word in words)


def status_reached(kinds: Sequence[tuple[str | None, str | None]]) -> str | None:
    """The headline after these (custody, proceedings) moves, in order."""
    custody = proceedings = None
    for moved, tried in kinds:
        custody, proceedings = moved or custody, tried or proceedings
        if tried in ("charged", "on_trial") and custody == "detained_without_charge":
            custody = "pre_trial_detention"
    return headline(custody, proceedings)


#: Longest title that is proposed, in characters: what a case can keep.
LONGEST_TITLE = 300


def cut(text: str, longest: int) -> str:
    """`text` in one line, cut at a word where it is longer."""
    said = " ".join(text.split())
    if len(said) <= longest:
        return said
    return said[: longest - 1].rsplit(" ", 1)[0] + "…"


def proposed_risk(entry: EntryRead) -> str:
    """The risk proposed for a case made from this entry: by its status, and critical where the health of somebody held
    is told of."""
    _kind, status = KIND_OF_STATUS.get(entry.status or "", (None, None))
    standing = CUSTODY.get(status or "")
    if standing and standing.deprived and any(event.kind == "health" for event in entry.events):
        return "critical"
    return risk_for([status])


def words_of_case(entry: EntryRead) -> dict[str, Any]:
    """What a case made from this entry would be called and hold: the payload of a proposal of kind `case`."""
    names = ", ".join(p.name for p in entry.persons)
    return {
        "title": cut(entry.title or names, LONGEST_TITLE),
        "risk": proposed_risk(entry),
        "entry_kind": entry.kind,
        "published": entry.published.isoformat() if entry.published else None,
        "persons": [{"name": p.name, "variants": list(p.variants)} for p in entry.persons],
        "status": entry.status,
        "country": entry.country,
        "ua_number": entry.ua_number,
        "index_number": entry.index_number,
        "action_deadline": entry.action_deadline.isoformat() if entry.action_deadline else None,
    }
