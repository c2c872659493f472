"""What may be shown of somebody, folded from what was said about it. Pure.

Several may speak for a person: they themselves, their family, their lawyer. Of each the latest word counts, and the
strictest of these words wins: who refuses, or withdraws, closes what others opened. Nothing goes further than being
known of at all. A refusal holds in every case of the person; an agreement only where it was given.
"""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tracker.base.audience import Audience

#: What can be agreed to: being known of at all, the name, a picture, their health, where they are.
SUBJECTS = ("public", "name", "photo", "medical", "location")

#: Who can speak for somebody.
SPEAKERS = ("person", "family", "lawyer")

#: The word of whoever speaks for them, said when publicity is stopped and nobody notes who asked.
ALL = "all"

#: They agree; they do not; what they agreed to is withdrawn; staff open without a name, because they cannot be asked.
ANSWERS = ("agreed", "refused", "withdrawn", "without_name")

#: Words that close.
CLOSING = ("refused", "withdrawn")

#: How long an agreement stands before somebody should ask again.
REVIEW_MONTHS = 6

#: How long before it runs out somebody hears of it.
RUNS_OUT_SOON = timedelta(days=14)

#: Why something may not be shown: nobody has said anything; what was said has run out; they agreed, but to fewer.
NOTHING, RAN_OUT, NOT_SO_FAR = "nothing", "ran_out", "not_so_far"

#: The person has died, and their family has said nothing since.
DEATH = "death"


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the fold needs it."""

    id: int
    answer: str
    speaker: str
    subjects: frozenset[str]
    up_to: Audience
    recorded_at: datetime
    ends_at: datetime | None = None
    review_at: datetime | None = None

    def ran_out(self, now: datetime) -> bool:
        """Whether it no longer holds by the clock."""
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True, slots=True)
class Standing:
    """Where consent of one person in one case stands at an instant."""

    #: Up to which audience each of SUBJECTS may be shown.
    up_to: Mapping[str, Audience]
    #: Why being known of goes no further: empty where it goes to the public; else of CLOSING or of the words above.
    why: str
    #: Whether an open case must close: a word or a death stands against it. What only ran out does not close.
    closes: bool
    #: Whether staff alone opened it, without a name.
    without_name: bool
    #: When the next agreement runs out; None: none does.
    changes_at: datetime | None
    #: From when somebody should ask again; None: no need.
    look_at: datetime | None
    #: When the last agreement to being known of ran out; None: none did.
    lost_at: datetime | None

    def lacks(self, audience: Audience) -> str:
        """Why the person may not be known of to `audience`; empty: they may."""
        if self.up_to["public"] >= audience:
            return ""
        return NOT_SO_FAR if self.up_to["public"] > Audience.DESK else self.why or NOT_SO_FAR


def stands(words: Sequence[Word], now: datetime, death_known_at: datetime | None = None) -> Standing:
    """Fold what was said about one person into what may be shown of them at `now`.

    `death_known_at`: when we learned that they died; None: they live, as far as is known. From then on what they agreed
    to themselves opens nothing: does the family know, and may we tell? Only a word of the family since then opens, and
    of the others what is stricter. What the person refused stays refused.
    """
    told = sorted(words, key=lambda w: (w.recorded_at, w.id))
    latest: dict[int, Word] = {}
    each: dict[str, tuple[Audience, str, list[Word]]] = {}
    for subject in SUBJECTS:
        mine = _latest([w for w in told if subject in w.subjects])
        latest |= {w.id: w for w in mine}
        each[subject] = _weigh(mine, now, death_known_at)
    known_of, why, holding = each["public"]
    agreed = [w for w in latest.values() if w.answer not in CLOSING]
    lost = [w.ends_at for w in agreed if "public" in w.subjects and w.ends_at and w.ran_out(now)]
    closes = why in (*CLOSING, DEATH)
    return Standing(
        up_to={s: Audience(min(each[s][0], known_of)) for s in SUBJECTS},
        why=why,
        closes=closes,
        without_name=any(w.answer == "without_name" for w in holding),
        changes_at=min((w.ends_at for w in agreed if w.ends_at and w.ends_at > now), default=None),
        look_at=None if closes else min((at for w in agreed if (at := _look_at(w)) is not None), default=None),
        lost_at=max(lost, default=None),
    )


def _latest(told: Sequence[Word]) -> list[Word]:
    """The latest word of each who speaks. A word of all outlives what each had said before it."""
    held: dict[str, Word] = {}
    for word in told:
        if word.speaker == ALL:
            held = {}
        elif word.answer not in CLOSING:
            # It was decided anew, by somebody it was asked of, what may be shown.
            held.pop(ALL, None)
        held[word.speaker] = word
    return list(held.values())


def _weigh(latest: Sequence[Word], now: datetime, death_known_at: datetime | None) -> tuple[Audience, str, list[Word]]:
    """How far these words open, why no further, and those that open it."""
    closing = [w for w in latest if w.answer in CLOSING]
    if closing:
        return Audience.DESK, max(closing, key=lambda w: (w.recorded_at, w.id)).answer, []
    holding = [w for w in latest if w.answer == "agreed" and not w.ran_out(now)]
    if death_known_at is not None:
        if not any(w.speaker == "family" and w.recorded_at >= death_known_at for w in holding):
            return Audience.DESK, DEATH, []
        holding = [
            w for w in holding if w.speaker == "lawyer" or (w.speaker == "family" and w.recorded_at >= death_known_at)
        ]
    elif not holding:
        # Only while nobody's own word holds.
        holding = [w for w in latest if w.answer == "without_name" and not w.ran_out(now)]
    if not holding:
        return Audience.DESK, RAN_OUT if latest else NOTHING, []
    up_to = min(w.up_to for w in holding)
    return up_to, "" if up_to >= Audience.PUBLIC else NOT_SO_FAR, holding


def _look_at(word: Word) -> datetime | None:
    soon = word.ends_at - RUNS_OUT_SOON if word.ends_at else None
    return min((at for at in (word.review_at, soon) if at is not None), default=None)


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
