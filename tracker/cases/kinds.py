"""What the timeline of a case can hold: what happened to people, and what was done about the case and its entries."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select
from sqlalchemy.orm import Session

from tracker.base.audience import Audience
from tracker.base.labels import announce
from tracker.base.registry import Registry
from tracker.cases.models import Case
from tracker.timeline.kinds import entry_kind

#: Says what is missing at an instant before a case may be opened to an audience beyond its desk, a sentence each;
#: nothing: it may. It reads and changes nothing.
OpeningCheck = Callable[[Session, Case, Audience, datetime], Iterable[str]]

#: Asked whenever a case is to be opened to volunteers or the public; announced by the rooms above that know of
#: something which must not be shown.
opening_checks: Registry[OpeningCheck] = Registry("check before opening")

#: Given the number of a case, selects what it holds for named people only. It is asked whether there is any.
ClosedPart = Callable[[int], Select[Any]]

#: Asked before somebody is let in to all of a case; announced by the rooms above that keep something there beside
#: entries and dates.
closed_parts: Registry[ClosedPart] = Registry("part closed to the desk")

announce(
    "precision",
    {
        "day": _l("that very day"),
        "month": _l("some day of that month"),
        "year": _l("some day of that year"),
        "about": _l("about then"),
        "by": _l("date not stated: known by that day"),
    },
)


@dataclass(frozen=True, slots=True)
class _Happened:
    """Payload of a kind that says all by its name; where and by whom are optional."""

    place: str = ""
    by: str = ""

    def _with_place(self, words: str) -> str:
        return f"{words} ({self.place})" if self.place else words


@entry_kind("person.arrested", label=_l("Arrested or detained"), custody="detained_without_charge")
@dataclass(frozen=True, slots=True)
class Arrested(_Happened):
    """Taken by the authorities; no charge is known."""

    def sentence(self) -> str:
        """`Arrested or detained (place)`."""
        return self._with_place(_("Arrested or detained"))


@entry_kind("person.disappeared", label=_l("Forcibly disappeared"), custody="enforced_disappearance")
@dataclass(frozen=True, slots=True)
class Disappeared(_Happened):
    """Taken, and the authorities conceal fate or whereabouts (preamble of the UN Declaration on enforced
    disappearance)."""

    def sentence(self) -> str:
        """`Forcibly disappeared (place)`."""
        return self._with_place(_("Forcibly disappeared"))


@entry_kind("person.held_incommunicado", label=_l("Held incommunicado"), custody="incommunicado")
@dataclass(frozen=True, slots=True)
class HeldIncommunicado(_Happened):
    """Held without contact to family or lawyer; the place is known."""

    def sentence(self) -> str:
        """`Held incommunicado (place)`."""
        return self._with_place(_("Held incommunicado"))


@entry_kind("person.located", label=_l("Whereabouts confirmed"), custody="detained_without_charge")
@dataclass(frozen=True, slots=True)
class Located(_Happened):
    """A disappeared person's whereabouts are known; they are still held."""

    def sentence(self) -> str:
        """`Whereabouts confirmed (place)`."""
        return self._with_place(_("Whereabouts confirmed"))


@entry_kind(
    "person.detention_ordered",
    label=_l("Administrative detention ordered or renewed"),
    custody="administrative_detention",
)
@dataclass(frozen=True, slots=True)
class DetentionOrdered:
    """An order of administrative detention: its length in months and its printed end, as far as told."""

    months: int | None = None
    printed_end: str = ""
    place: str = ""

    def sentence(self) -> str:
        """`Administrative detention ordered for 4 months`."""
        if self.months:
            return _("Administrative detention ordered for %(months)s months", months=self.months)
        return _("Administrative detention ordered")


@entry_kind("person.remanded", label=_l("Remanded in pre-trial detention"), custody="pre_trial_detention")
@dataclass(frozen=True, slots=True)
class Remanded(_Happened):
    """Kept in custody by a court before or during trial."""

    def sentence(self) -> str:
        """`Remanded in pre-trial detention`."""
        return self._with_place(_("Remanded in pre-trial detention"))


@entry_kind("person.placed_under_house_arrest", label=_l("Placed under house arrest"), custody="house_arrest")
@dataclass(frozen=True, slots=True)
class PlacedUnderHouseArrest:
    """House arrest; conditions such as electronic_tag are part of it."""

    conditions: tuple[str, ...] = ()
    place: str = ""

    def sentence(self) -> str:
        """`Placed under house arrest, electronic tag`."""
        words = _("Placed under house arrest")
        return words + (_(", ") + _("electronic tag") if "electronic_tag" in self.conditions else "")


@entry_kind("person.imprisoned", label=_l("Imprisoned to serve a sentence"), custody="imprisoned")
@dataclass(frozen=True, slots=True)
class Imprisoned(_Happened):
    """Serving a sentence."""

    def sentence(self) -> str:
        """`Imprisoned (place)`."""
        return self._with_place(_("Imprisoned"))


@entry_kind("person.released", label=_l("Released"), custody="released", clears_conditions=True)
@dataclass(frozen=True, slots=True)
class Released(_Happened):
    """Free, without conditions known to us."""

    def sentence(self) -> str:
        """`Released (place)`."""
        return self._with_place(_("Released"))


@entry_kind("person.released_on_conditions", label=_l("Released on conditions"), custody="released_on_conditions")
@dataclass(frozen=True, slots=True)
class ReleasedOnConditions:
    """Out, but bound: bail, travel ban, reporting."""

    conditions: tuple[str, ...] = ()
    place: str = ""

    def sentence(self) -> str:
        """`Released on conditions`."""
        return _("Released on conditions")


@entry_kind("person.deported", label=_l("Deported"), custody="deported")
@dataclass(frozen=True, slots=True)
class Deported(_Happened):
    """Sent out of the country."""

    def sentence(self) -> str:
        """`Deported (place)`."""
        return self._with_place(_("Deported"))


@entry_kind("person.died_in_custody", label=_l("Died in custody"), custody="died_in_custody")
@dataclass(frozen=True, slots=True)
class DiedInCustody(_Happened):
    """Died while held."""

    def sentence(self) -> str:
        """`Died in custody (place)`."""
        return self._with_place(_("Died in custody"))


@entry_kind("person.executed", label=_l("Executed"), custody="executed")
@dataclass(frozen=True, slots=True)
class Executed(_Happened):
    """Put to death under a sentence."""

    def sentence(self) -> str:
        """`Executed (place)`."""
        return self._with_place(_("Executed"))


@entry_kind("person.killed", label=_l("Killed"), custody="killed")
@dataclass(frozen=True, slots=True)
class Killed(_Happened):
    """Killed outside custody."""

    def sentence(self) -> str:
        """`Killed (place)`."""
        return self._with_place(_("Killed"))


@entry_kind("person.charged", label=_l("Charged"), proceedings="charged")
@dataclass(frozen=True, slots=True)
class Charged:
    """Charged with an offence."""

    offences: str = ""

    def sentence(self) -> str:
        """`Charged: offences`."""
        return f"{_('Charged')}: {self.offences}" if self.offences else _("Charged")


@entry_kind("person.trial_opened", label=_l("Trial opened"), proceedings="on_trial")
@dataclass(frozen=True, slots=True)
class TrialOpened(_Happened):
    """Tried before a court."""

    def sentence(self) -> str:
        """`Trial opened`."""
        return self._with_place(_("Trial opened"))


@entry_kind("person.convicted", label=_l("Convicted or sentenced"), proceedings="convicted")
@dataclass(frozen=True, slots=True)
class Convicted:
    """Found guilty; the sentence as told."""

    sentence_told: str = ""

    def sentence(self) -> str:
        """`Convicted: the sentence`."""
        return f"{_('Convicted')}: {self.sentence_told}" if self.sentence_told else _("Convicted")


@entry_kind("person.sentenced_to_death", label=_l("Sentenced to death"), proceedings="sentenced_to_death")
@dataclass(frozen=True, slots=True)
class SentencedToDeath(_Happened):
    """A death sentence stands."""

    def sentence(self) -> str:
        """`Sentenced to death`."""
        return self._with_place(_("Sentenced to death"))


@entry_kind("person.appealed", label=_l("Appeal lodged"), proceedings="on_appeal")
@dataclass(frozen=True, slots=True)
class Appealed(_Happened):
    """The judgment is under appeal."""

    def sentence(self) -> str:
        """`Appeal lodged`."""
        return self._with_place(_("Appeal lodged"))


@entry_kind("person.acquitted", label=_l("Acquitted"), proceedings="acquitted")
@dataclass(frozen=True, slots=True)
class Acquitted(_Happened):
    """Found not guilty. Custody is another axis: an acquitted person may still be held."""

    def sentence(self) -> str:
        """`Acquitted`."""
        return self._with_place(_("Acquitted"))


@entry_kind("person.charges_dropped", label=_l("Charges dropped"), proceedings="charges_dropped")
@dataclass(frozen=True, slots=True)
class ChargesDropped(_Happened):
    """The proceedings ended without judgment."""

    def sentence(self) -> str:
        """`Charges dropped`."""
        return self._with_place(_("Charges dropped"))


@entry_kind("person.transferred", label=_l("Transferred to another place"))
@dataclass(frozen=True, slots=True)
class Transferred(_Happened):
    """Moved between places of detention."""

    def sentence(self) -> str:
        """`Transferred (place)`."""
        return self._with_place(_("Transferred"))


@entry_kind("person.health_reported", label=_l("Health"))
@dataclass(frozen=True, slots=True)
class HealthReported(_Happened):
    """News of their health, hunger strike, treatment."""

    def sentence(self) -> str:
        """`Health`."""
        return _("Health")


@entry_kind("person.ill_treated", label=_l("Ill-treated or tortured"))
@dataclass(frozen=True, slots=True)
class IllTreated(_Happened):
    """Violence or ill-treatment is told."""

    def sentence(self) -> str:
        """`Ill-treated or tortured (place)`."""
        return self._with_place(_("Ill-treated or tortured"))


@entry_kind("case.news", label=_l("Other news"))
@dataclass(frozen=True, slots=True)
class News:
    """Anything else worth keeping."""

    headline: str = ""

    def sentence(self) -> str:
        """The headline, or `News`."""
        return self.headline or _("News")


@entry_kind("case.opened", news=False)
@dataclass(frozen=True, slots=True)
class Opened:
    """The case was recorded."""

    def sentence(self) -> str:
        """`Case recorded`."""
        return _("Case recorded")


@entry_kind("case.checked", news=False)
@dataclass(frozen=True, slots=True)
class Checked:
    """A human looked and found nothing new: restarts the stale clock."""

    def sentence(self) -> str:
        """`Checked, nothing new`."""
        return _("Checked, nothing new")


@entry_kind("case.closed", news=False)
@dataclass(frozen=True, slots=True)
class Closed:
    """The case was closed, with one of the reasons."""

    reason: str = ""

    def sentence(self) -> str:
        """`Case closed`."""
        return _("Case closed")


@entry_kind("case.reopened", news=False)
@dataclass(frozen=True, slots=True)
class Reopened:
    """The case was opened again."""

    def sentence(self) -> str:
        """`Case reopened`."""
        return _("Case reopened")


@entry_kind("entry.accepted", news=False)
@dataclass(frozen=True, slots=True)
class EntryAccepted:
    """A claim is accepted: it counts from now on."""

    def sentence(self) -> str:
        """`Claim accepted`."""
        return _("Claim accepted")


@entry_kind("entry.withdrawn", news=False)
@dataclass(frozen=True, slots=True)
class EntryWithdrawn:
    """An entry is taken back."""

    def sentence(self) -> str:
        """`Entry withdrawn`."""
        return _("Entry withdrawn")


@entry_kind("entry.audience_changed", news=False)
@dataclass(frozen=True, slots=True)
class EntryAudienceChanged:
    """An entry is opened or closed to a rung of the ladder."""

    to: int = 1

    def sentence(self) -> str:
        """`Who may see an entry was changed`."""
        return _("Who may see an entry was changed")
