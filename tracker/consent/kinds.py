"""What consent and its end log on the timeline of a case. Whoever spoke is named by their role, never otherwise."""

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from tracker.base.audience import Audience
from tracker.base.labels import announce, label
from tracker.consent.rules import ALL
from tracker.timeline.kinds import entry_kind

#: Why publicity may be stopped: neutral words, which say nothing about who asked.
STOP_REASONS = ("asked", "safety", "quiet", "legal", "review")

#: Why staff may open a case without any name.
WITHOUT_NAME_REASONS = ("out_of_reach", "danger_to_ask", "nobody_to_ask")

announce(
    "consent_subject",
    {
        "public": _l("being known of at all"),
        "name": _l("the name"),
        "photo": _l("a picture"),
        "medical": _l("their health"),
        "location": _l("where they are"),
    },
)
announce(
    "consent_speaker",
    {
        "person": _l("the person"),
        "family": _l("the family"),
        "lawyer": _l("the lawyer"),
        ALL: _l("not noted"),
        "staff": _l("the desk"),
    },
)
announce(
    "consent_answer",
    {
        "agreed": _l("agreed"),
        "refused": _l("refused"),
        "withdrawn": _l("withdrawn"),
        "without_name": _l("opened without a name"),
    },
)
announce(
    "consent_how",
    {
        "call": _l("by phone"),
        "message": _l("by message"),
        "paper": _l("on paper"),
        "meeting": _l("face to face"),
    },
)
announce(
    "stop_reason",
    {
        "asked": _l("We were asked to"),
        "safety": _l("Somebody's safety"),
        "quiet": _l("Quiet is useful just now"),
        "legal": _l("Legal advice"),
        "review": _l("What we say is being checked"),
    },
)
announce(
    "without_name_reason",
    {
        "out_of_reach": _l("held or disappeared without any contact"),
        "danger_to_ask": _l("asking would put somebody in danger"),
        "nobody_to_ask": _l("nobody is known who could speak for them"),
    },
)


def in_list(subjects: tuple[str, ...] | list[str]) -> str:
    """`the name, a picture`, in the language spoken now."""
    return _(", ").join(label(subject, "consent_subject") for subject in subjects)


@entry_kind("consent.recorded", news=False)
@dataclass(frozen=True, slots=True)
class ConsentRecorded:
    """Somebody agreed or refused: the role of who did, to what, up to which audience."""

    answer: str = "agreed"
    speaker: str = ""
    subjects: tuple[str, ...] = ()
    up_to: int = int(Audience.DESK)

    def sentence(self) -> str:
        """`Consent recorded: agreed (the family): the name, a picture; up to volunteers`."""
        answer, who = label(self.answer, "consent_answer"), label(self.speaker, "consent_speaker")
        said = _(
            "Consent recorded: %(answer)s (%(who)s): %(what)s", answer=answer, who=who, what=in_list(self.subjects)
        )
        if self.answer != "agreed":
            return said
        return _("%(said)s; up to: %(whom)s", said=said, whom=label(Audience(self.up_to).code, "audience"))


@entry_kind("consent.withdrawn", news=False)
@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """What was agreed to is withdrawn: the role of who did, and how."""

    speaker: str = ""
    subjects: tuple[str, ...] = ()
    how: str = ""

    def sentence(self) -> str:
        """`Consent withdrawn (by phone): being known of at all`."""
        if self.how:
            how, what = label(self.how, "consent_how"), in_list(self.subjects)
            return _("Consent withdrawn (%(how)s): %(what)s", how=how, what=what)
        return _("Consent withdrawn: %(what)s", what=in_list(self.subjects))


@entry_kind("consent.without_name", news=False)
@dataclass(frozen=True, slots=True)
class OpenedWithoutName:
    """The desk decided that the case may be open to volunteers without a name, because the person cannot be asked."""

    reason: str = ""

    def sentence(self) -> str:
        """`May be open to volunteers without any name: held or disappeared without any contact`."""
        why = label(self.reason, "without_name_reason")
        return _("May be open to volunteers without any name: %(why)s", why=why)


@entry_kind("publicity.stopped", news=False)
@dataclass(frozen=True, slots=True)
class PublicityStopped:
    """All publicity of the case was stopped at once."""

    reason: str = ""

    def sentence(self) -> str:
        """`Publicity stopped`."""
        return _("Publicity stopped")


@entry_kind("publicity.resumed", news=False)
@dataclass(frozen=True, slots=True)
class PublicityResumed:
    """A second person agreed that publicity may be resumed: the case stays closed until it is opened anew."""

    def sentence(self) -> str:
        """`Publicity may be resumed: two people agreed`."""
        return _("Publicity may be resumed: two people agreed")
