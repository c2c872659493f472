"""What a hearing logs, and how many days before it people are reminded.

Every kind carries a snapshot of the hearing as it stood afterwards (`after`), so that a hearing *as known on* a day is
the last snapshot recorded by then; and `before`, so that the sentence can say what changed.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from tracker.agenda.kinds import agenda_kind
from tracker.base.labels import announce, label
from tracker.base.words import say_short_date
from tracker.timeline.kinds import entry_kind

announce(
    "window",
    {
        "day": _l("a day"),
        "week": _l("some day that week"),
        "month": _l("some day that month"),
        "between": _l("some day between two dates"),
        "not_set": _l("no date yet"),
    },
)
announce(
    "outcome_reason",
    {
        "judge_absent": _l("the judge was absent"),
        "not_brought": _l("the person was not brought"),
        "lawyers_absent": _l("the lawyers were absent"),
        "other": _l("another reason"),
    },
)

#: Days before, by kind of hearing; the empty key is for a hearing not further said and any kind not named.
HEARING = agenda_kind(
    "hearing",
    days_before={
        "": (7, 3, 1),
        "trial_session": (14, 7, 1),
        "verdict": (14, 7, 1),
        "sentencing": (14, 7, 1),
        "appeal": (14, 7, 1),
        "renewal": (3, 1),
        "remand": (3, 1),
        "detention_review": (3, 1),
        "bail": (3, 1),
        "mention": (3, 1),
    },
)


@dataclass(frozen=True, slots=True)
class _OfHearing:
    """Payload of everything a hearing logs: which, how it stood afterwards and before."""

    hearing_id: int = 0
    after: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)

    def when(self, snapshot: dict[str, Any]) -> str:
        """The when of a snapshot in words: `Mon 8 Apr 2024, 09:30`, `Mon 8 Apr 2024 – Sun 14 Apr 2024`, or no date."""
        first, last, at = snapshot.get("earliest_on"), snapshot.get("latest_on"), snapshot.get("local_time")
        if not first or not last:
            return _("no date yet")
        days = " – ".join(say_short_date(date.fromisoformat(day)) for day in dict.fromkeys((first, last)))
        return _("%(date)s, %(time)s", date=days, time=at) if at else days


@entry_kind("hearing.scheduled", news=False)
@dataclass(frozen=True, slots=True)
class HearingScheduled(_OfHearing):
    """A hearing is known."""

    def sentence(self) -> str:
        """`Hearing set for 2024-04-08`."""
        return _("Hearing set for %(when)s", when=self.when(self.after))


@entry_kind("hearing.moved", news=False)
@dataclass(frozen=True, slots=True)
class HearingMoved(_OfHearing):
    """The court moved it."""

    def sentence(self) -> str:
        """`Hearing moved from … to …`."""
        return _("Hearing moved from %(old)s to %(new)s", old=self.when(self.before), new=self.when(self.after))


@entry_kind("hearing.corrected", news=False)
@dataclass(frozen=True, slots=True)
class HearingCorrected(_OfHearing):
    """We had it wrong."""

    def sentence(self) -> str:
        """`Hearing date corrected: … not …`."""
        return _("Hearing date corrected: %(new)s, not %(old)s", old=self.when(self.before), new=self.when(self.after))


@entry_kind("hearing.undone", news=False)
@dataclass(frozen=True, slots=True)
class HearingUndone(_OfHearing):
    """A move or a correction was a slip, and taken back before anybody was told."""

    def sentence(self) -> str:
        """`Change of a hearing undone: it stands as before, …`."""
        return _("Change of a hearing undone: it stands as before, %(when)s", when=self.when(self.after))


@entry_kind("hearing.confirmed", news=False)
@dataclass(frozen=True, slots=True)
class HearingConfirmed(_OfHearing):
    """Somebody made sure of the date."""

    told_by: str = ""

    def sentence(self) -> str:
        """`Hearing date confirmed by the lawyer`."""
        words = _("Hearing date confirmed")
        return f"{words} ({self.told_by})" if self.told_by else words


@entry_kind("hearing.edited", news=False)
@dataclass(frozen=True, slots=True)
class HearingEdited(_OfHearing):
    """Kind, court, observer or audience were changed: nobody is told."""

    def sentence(self) -> str:
        """`Details of a hearing changed`."""
        return _("Details of a hearing changed")


@entry_kind("hearing.cancelled", news=False)
@dataclass(frozen=True, slots=True)
class HearingCancelled(_OfHearing):
    """It will not take place."""

    def sentence(self) -> str:
        """`Hearing cancelled`."""
        return _("Hearing of %(when)s cancelled", when=self.when(self.before))


@entry_kind("hearing.reinstated", news=False)
@dataclass(frozen=True, slots=True)
class HearingReinstated(_OfHearing):
    """It is on again, or what was recorded of it was wrong."""

    def sentence(self) -> str:
        """`Hearing of … is on again`, or that its outcome was taken back."""
        if self.before.get("state") == "cancelled":
            return _("Hearing of %(when)s is on again", when=self.when(self.after))
        return _("Outcome of the hearing of %(when)s taken back", when=self.when(self.after))


@entry_kind("hearing.outcome_recorded", news=True)
@dataclass(frozen=True, slots=True)
class HearingOutcomeRecorded(_OfHearing):
    """What became of it: took place, adjourned, postponed, not known."""

    outcome: str = ""
    reason: str = ""
    told_by: str = ""

    def sentence(self) -> str:
        """`Hearing of 2024-04-08 adjourned`."""
        words = {
            "took_place": _("Hearing of %(when)s took place", when=self.when(self.before)),
            "adjourned": _("Hearing of %(when)s adjourned", when=self.when(self.before)),
            "postponed": _("Hearing of %(when)s postponed", when=self.when(self.before)),
            "not_known": _("Outcome of the hearing of %(when)s not known yet", when=self.when(self.before)),
        }.get(self.outcome, _("Outcome of a hearing recorded"))
        return f"{words} ({label(self.reason, 'outcome_reason')})" if self.reason else words
