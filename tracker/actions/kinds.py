"""What an urgent action logs on the timeline of its case, and the words for its states and their reasons."""

from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from tracker.agenda.kinds import agenda_kind
from tracker.base.labels import announce, label
from tracker.base.words import say_short_date
from tracker.timeline.kinds import entry_kind

#: The last day on which writing helps. Nobody is reminded by lead: volunteers get one mail, seven days before.
ACT_UNTIL = agenda_kind("action", days_before={"": ()}, is_next=False)

announce(
    "action_state",
    {
        "draft": _l("draft"),
        "active": _l("active"),
        "on_hold": _l("on hold"),
        "expired": _l("its day has passed"),
        "stopped": _l("stopped"),
        "closed": lazy_pgettext("action", "closed"),
    },
)
announce(
    "action_reason",
    {
        "death": _l("somebody in the case has died"),
        "release": _l("somebody in the case was released"),
        "death_reported": _l("a death is reported, unconfirmed"),
        "release_reported": _l("a release is reported, unconfirmed"),
        "checking": _l("what we say is being checked"),
        "asked": _l("we were asked to"),
        "safety": _l("somebody's safety"),
        "quiet": _l("quiet is useful just now"),
        "legal": _l("legal advice"),
        "review": _l("what we say is being checked"),
        "still_needed": _l("letters are still needed"),
        "checked": _l("checked, it goes on"),
        "mistake": _l("put on hold by mistake"),
        "no_further": _l("no further action is asked for"),
        "replaced": _l("an update takes its place"),
        "duplicate": _l("the same as another action"),
        "case_closed": _l("the case was closed"),
        "date_passed": _l("its last day is over"),
    },
)
#: What the action's page says to everybody when staff chose no words of their own: nothing about who asked, or why.
announce(
    "action_public_words",
    {
        "on_hold": _l("Please do not write just now. We are checking what has changed, and say here when it goes on."),
        "expired": _l("The day until which letters were asked for has passed. Please do not write unless we ask anew."),
        "stopped": _l("This action is stopped. Please do not write, and do not post about it."),
        "closed": _l("No further action is asked for. Thank you for every letter."),
        "death": _l("Please do not write. This action is on hold, and so is everything we publish about it."),
    },
)
announce(
    "act",
    {
        "actions.draft": _l("an urgent action drafted"),
        "actions.edit": _l("an urgent action changed"),
        "actions.letter": _l("a letter of an urgent action changed"),
        "actions.remove_letter": _l("a letter of an urgent action taken away"),
        "actions.activate": _l("an urgent action opened"),
        "actions.hold": _l("an urgent action put on hold"),
        "actions.resume": _l("an urgent action resumed"),
        "actions.stop": _l("an urgent action stopped"),
        "actions.close": _l("an urgent action closed"),
        "actions.extend": _l("an urgent action extended"),
        "actions.expire": _l("urgent actions whose last day is over"),
    },
)
announce(
    "table",
    {
        "urgent_actions": _l("an urgent action"),
        "action_letters": _l("a letter"),
        "action_targets": _l("whom an action is addressed to"),
    },
)


@dataclass(frozen=True, slots=True)
class _OfAction:
    """Payload of everything an action logs: which, by its public id and by its name in print."""

    action: str = ""
    called: str = ""
    reason: str = ""

    def _why(self, words: str) -> str:
        return f"{words} ({label(self.reason, 'action_reason')})" if self.reason else words


@entry_kind("action.issued", news=False)
@dataclass(frozen=True, slots=True)
class ActionIssued(_OfAction):
    """It can be taken from now on."""

    until: str = ""

    def sentence(self) -> str:
        """`Urgent action UA 52/24 opened, until 12 May`."""
        if not self.until:
            return _("Urgent action opened: %(called)s", called=self.called)
        until = say_short_date(date.fromisoformat(self.until))
        return _("Urgent action opened: %(called)s, until %(day)s", called=self.called, day=until)


@entry_kind("action.extended", news=False)
@dataclass(frozen=True, slots=True)
class ActionExtended(ActionIssued):
    """Its last day was put off."""

    def sentence(self) -> str:
        """`Urgent action UA 52/24 extended until 26 May`."""
        until = say_short_date(date.fromisoformat(self.until)) if self.until else ""
        return _("Urgent action extended: %(called)s, until %(day)s", called=self.called, day=until)


@entry_kind("action.held", news=False)
@dataclass(frozen=True, slots=True)
class ActionHeld(_OfAction):
    """Nobody writes until it is resumed."""

    def sentence(self) -> str:
        """`Urgent action UA 52/24 put on hold (a release is reported, unconfirmed)`."""
        return self._why(_("Urgent action put on hold: %(called)s", called=self.called))


@entry_kind("action.resumed", news=False)
@dataclass(frozen=True, slots=True)
class ActionResumed(_OfAction):
    """It goes on."""

    def sentence(self) -> str:
        """`Urgent action UA 52/24 goes on`."""
        return self._why(_("Urgent action goes on: %(called)s", called=self.called))


@entry_kind("action.stopped", news=False)
@dataclass(frozen=True, slots=True)
class ActionStopped(_OfAction):
    """Nobody may write any more."""

    def sentence(self) -> str:
        """`Urgent action UA 52/24 stopped`."""
        return _("Urgent action stopped: %(called)s", called=self.called)


@entry_kind("action.closed", news=False)
@dataclass(frozen=True, slots=True)
class ActionClosed(_OfAction):
    """It has done its work."""

    def sentence(self) -> str:
        """`Urgent action UA 52/24 closed (no further action is asked for)`."""
        return self._why(_("Urgent action closed: %(called)s", called=self.called))


@entry_kind("action.expired", news=False)
@dataclass(frozen=True, slots=True)
class ActionExpired(_OfAction):
    """Its last day is over."""

    def sentence(self) -> str:
        """`Last day of urgent action UA 52/24 is over`."""
        return _("The last day of an urgent action is over: %(called)s", called=self.called)
