"""What everybody is shown, as values: no language yet, no row, and nothing that may not be told. Pure but for the words
of codes."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from tracker.actions.models import UrgentAction
from tracker.base.labels import label
from tracker.timeline.kinds import kind_of


@dataclass(frozen=True, slots=True)
class PersonShown:
    """Somebody in a case as everybody may know them, and where they stand."""

    name: str
    status: str | None
    since: date | None
    precision: str
    proceedings: str | None
    conditions: tuple[str, ...]
    #: Status codes of what is reported and not confirmed.
    reported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryShown:
    """An entry of the timeline as everybody may read it."""

    public_id: str
    kind: str
    payload: tuple[tuple[str, Any], ...]
    on: date
    precision: str
    at: time | None
    zone: str
    text: str
    is_reported: bool
    #: Whom of several it concerns; empty: everybody in the case.
    names: tuple[str, ...]
    recorded_at: datetime

    @property
    def sentence(self) -> str:
        """What happened, in one line, in the language spoken now."""
        return kind_of(self.kind).sentence(dict(self.payload))

    @property
    def confidence(self) -> str:
        """How sure it is, by its code."""
        return "reported" if self.is_reported else "confirmed"


@dataclass(frozen=True, slots=True)
class HearingShown:
    """A hearing as everybody may know it."""

    public_id: str
    kind: str
    court: str
    place: str
    local_date: date | None
    local_time: time | None
    fold: int | None
    zone: str
    precision: str
    earliest_on: date | None
    latest_on: date | None
    certainty: str
    state: str
    schedule_rev: int
    created_at: datetime

    def is_ahead(self, today: date) -> bool:
        """Whether it is still to come, by the calendar of the desk."""
        return self.state == "scheduled" and (self.latest_on is None or self.latest_on >= today)


@dataclass(frozen=True, slots=True)
class Told:
    """What a desk published about a case."""

    public_id: str
    kind: str
    on: date
    title: str
    paragraphs: tuple[str, ...]
    #: How the action stands for which it asks people to write; empty: it asks for nothing, or they may.
    state: str


def on_day(action: "ActionShown | UrgentAction", today: date) -> str:
    """How an action stands on a day at its desk: once its last day is over it has expired, written down or not."""
    return "expired" if action.state == "active" and action.act_until < today else action.state


@dataclass(frozen=True, slots=True)
class ActionShown:
    """An urgent action as everybody may know it."""

    public_id: str
    #: `UA 52/24`; empty: it has no number.
    number: str
    title: str
    summary: str
    cautions: str
    issued_on: date
    act_until: date
    state: str
    reason: str
    #: What staff chose to say of a hold, a stop or the end; empty: the words of the reason.
    words: str

    def stands(self, today: date) -> str:
        """Its state on a day at the desk: once its last day is over it has expired, written down or not."""
        return on_day(self, today)

    def said(self, today: date) -> str:
        """What everybody is told of one that may not be taken, in the language spoken now."""
        stands = self.stands(today)
        return self.words or words_of_end(stands, self.reason)


def words_of_end(state: str, reason: str) -> str:
    """The house's own words, in the language spoken now, for why an action may not be taken."""
    key = "death" if reason in ("death", "death_reported") else "stopped" if state == "active" else state
    return label(key, "action_public_words")


@dataclass(frozen=True, slots=True)
class CaseShown:
    """All that the open web is shown of a case, in codes and values: no language yet, and no instant of reading."""

    public_id: str
    title: str
    country: str | None
    stage: str
    closed_reason: str | None
    status: str | None
    people: tuple[PersonShown, ...]
    #: Newest first.
    timeline: tuple[EntryShown, ...]
    hearings: tuple[HearingShown, ...]
    #: Newest first.
    told: tuple[Told, ...]
    #: What can be taken first, then the latest.
    actions: tuple[ActionShown, ...]
    desk: str
    desk_code: str

    @property
    def revision(self) -> str:
        """Names all of it: 32 letters that change when anything of it does."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]

    def ahead(self, today: date) -> list[HearingShown]:
        """Hearings to come, the next one first, those without a date last."""
        return [h for h in self.hearings if h.is_ahead(today)]

    def past(self, today: date) -> list[HearingShown]:
        """The others, the last one first."""
        return [h for h in self.hearings if not h.is_ahead(today)][::-1]


def ended(kind: str, state: str) -> str:
    """How the action stands for which an entry of a page asks people to write; empty: it asks for nothing, or they may
    write. What asks for letters is withdrawn with the letter."""
    return state if kind in ("urgent_action", "update") and state != "active" else ""


@dataclass(frozen=True, slots=True)
class ActionListed:
    """An action that can be taken, in a list."""

    shown: ActionShown
    case: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a country page."""

    kind: str
    on: date
    title: str
    #: Where somebody stands, said where the words of the entry are not to be told.
    status: str | None
    paragraphs: tuple[str, ...]
    #: How the urgent action about it stands; empty: there is none, or it can be taken.
    state: str
    #: The case it is about, where that has a page.
    case: str
    #: What it is called for good.
    key: str
    changed_at: datetime
    #: Whether good news still is some for anybody it is about.
    is_good: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """What a country page lists, newest first, and the years of which there is something."""

    items: tuple[Item, ...]
    years: tuple[int, ...]
    #: Whether there is more than is listed.
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class GoodNews:
    """A release, an acquittal, charges dropped; or what the desk published as good news."""

    #: What happened, in the language spoken now.
    said: str
    on: date
    precision: str
    title: str
    #: The case it is about; empty: it is about none.
    case: str
    key: str
