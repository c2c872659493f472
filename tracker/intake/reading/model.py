"""What reading a page yields: entries, and in each the people, events, hearings and status, with their sentences.

Everything is frozen and knows nothing of the database. `start` and `end` are character offsets into the text that was
read, such that `text[start:end] == quote`.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

#: What an entry of a page may be.
ENTRY_KINDS = ("urgent_action", "update", "good_news", "news", "open_letter", "education", "case_profile")

#: Kinds that never describe one person's case.
GENERAL_KINDS = ("open_letter", "education")

#: What may have happened to a person. `other`: something dated that no cue names.
EVENT_KINDS = (
    "arrest",
    "disappearance",
    "whereabouts_disclosed",
    "detention_order",
    "detention_extended",
    "charge",
    "charges_dropped",
    "house_arrest",
    "bail_denied",
    "release_conditional",
    "release",
    "transfer",
    "interrogation",
    "trial_start",
    "adjournment",
    "conviction",
    "sentence",
    "acquittal",
    "appeal",
    "court_decision",
    "torture_or_illtreatment",
    "threat_or_attack",
    "raid_or_search",
    "health",
    "visit",
    "death",
    "other",
)

#: What a hearing may be for.
HEARING_KINDS = (
    "hearing",
    "trial_session",
    "verdict",
    "sentencing",
    "appeal",
    "detention_appeal",
    "detention_confirmation",
    "detention_renewal",
    "remand",
    "bail_hearing",
)

#: One word for how a person stands on the day of publication.
STATUS_CODES = (
    "enforced_disappearance",
    "incommunicado",
    "detained_without_charge",
    "detained_unlawful_combatant",
    "administrative_detention",
    "pretrial_detention",
    "on_trial_detained",
    "on_trial_at_liberty",
    "convicted_imprisoned",
    "convicted_at_liberty",
    "death_sentence",
    "house_arrest",
    "released_on_conditions",
    "released",
    "died_in_custody",
    "died",
    "at_risk",
)

#: What the text did not print of a date: the reader worked it out from what stands around it, but for `month`, which
#: says that no day is printed, only the month or the year (see the precision).
INFERRED = ("year", "weekday", "relative", "month")


def _iso(day: dt.date | None, precision: str) -> str | None:
    """`2024-04-08`, `2024-04` or `2024`, as far as the precision goes; None where no date is stated."""
    if day is None:
        return None
    return day.isoformat()[: {"month": 7, "year": 4}.get(precision, 10)]


@dataclass(frozen=True, slots=True)
class Quote:
    """A stretch of the text that was read: `text[start:end] == text_of_the_quote`."""

    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PersonRead:
    """A person named in an entry; `variants` are the other spellings the entry prints for the same person."""

    name: str
    variants: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """`{"name"}`."""
        return {"name": self.name}


@dataclass(frozen=True, slots=True)
class EventRead:
    """Something that happened. `date` is None with precision `by` where the text states no date.

    `text` is the sentence in one line, for display; `persons` are the names of those the sentence names, empty when it
    names none of them (then it concerns whoever the entry is about).
    """

    date: dt.date | None
    precision: str
    kind: str
    text: str
    quote: str
    start: int
    end: int
    inferred: str | None = None
    persons: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """`{"date","precision","kind","quote","start","end","inferred"}`."""
        return {
            "date": _iso(self.date, self.precision),
            "precision": self.precision,
            "kind": self.kind,
            "quote": self.quote,
            "start": self.start,
            "end": self.end,
            "inferred": self.inferred,
        }


@dataclass(frozen=True, slots=True)
class HearingRead:
    """A sitting of a court. `precision` is `day`, `month` or, with no date, `not_set`; `time` is local to the court.

    `tense` goes by the day of publication; `announced` is whether the sentence speaks of what is to come: a hearing
    that was announced and whose day has passed may not have sat. `no_such_day` is what is printed for its date where
    no month has that day.
    """

    date: dt.date | None
    precision: str
    time: dt.time | None
    court: str | None
    kind: str
    tense: str
    quote: str
    start: int
    end: int
    inferred: str | None = None
    persons: tuple[str, ...] = ()
    announced: bool = False
    no_such_day: str | None = None

    def as_json(self) -> dict[str, Any]:
        """`{"date","precision","time","court","kind","tense","quote","start","end","inferred"}`, and
        `"no_such_day"` where there is one."""
        return {
            "date": _iso(self.date, self.precision),
            "precision": self.precision,
            "time": f"{self.time:%H:%M}" if self.time else None,
            "court": self.court,
            "kind": self.kind,
            "tense": self.tense,
            "quote": self.quote,
            "start": self.start,
            "end": self.end,
            "inferred": self.inferred,
            **({"no_such_day": self.no_such_day} if self.no_such_day else {}),
        }


@dataclass(frozen=True, slots=True)
class EntryRead:
    """One entry of a page: its heading, and what it says of the people it is about.

    `start` and `end` span heading and body; `body` is the body as printed. `status_from` is the sentence the status was
    taken from. An entry that is no individual case has no persons, events, hearings or status.
    """

    title: str
    kind: str
    published: dt.date | None
    country: str | None
    ua_number: str | None
    index_number: str | None
    persons: tuple[PersonRead, ...]
    events: tuple[EventRead, ...]
    hearings: tuple[HearingRead, ...]
    status: str | None
    action_deadline: dt.date | None
    individual_case: bool
    start: int
    end: int
    body: str
    status_from: Quote | None = field(default=None)

    def as_json(self) -> dict[str, Any]:
        """The entry as the command prints it."""
        return {
            "title": self.title,
            "kind": self.kind,
            "published": self.published.isoformat() if self.published else None,
            "country": self.country,
            "ua_number": self.ua_number,
            "index_number": self.index_number,
            "persons": [p.as_json() for p in self.persons],
            "events": [e.as_json() for e in self.events],
            "hearings": [h.as_json() for h in self.hearings],
            "status": self.status,
            "action_deadline": self.action_deadline.isoformat() if self.action_deadline else None,
            "individual_case": self.individual_case,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as read. `country` is the page's (ISO 3166, several joined by `/`), `updated` the date it gives itself."""

    language: str
    country: str | None
    updated: dt.date | None
    entries: tuple[EntryRead, ...]

    def as_json(self) -> dict[str, Any]:
        """`{"language","entries"}`: what `tracker intake read FILE --json` prints."""
        return {"language": self.language, "entries": [e.as_json() for e in self.entries]}
