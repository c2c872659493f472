"""Writing what those who write are told. Subjects name nobody and nothing: these mails are read over shoulders and in
the country itself. Whoever may not know of the case any more reads a number at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.actions.models import UrgentAction
from tracker.actions.queries import called
from tracker.base.labels import label
from tracker.base.languages import speaking
from tracker.base.markup import fill
from tracker.outbox.kinds import Mail, NoLonger
from tracker.outbox.models import Message
from tracker.telling.queries import Known, read_known


@dataclass(frozen=True, slots=True)
class Said:
    """What one mail says: paragraphs, links as (name, address), why it goes to this reader, and ways to get fewer."""

    paragraphs: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    why: str
    fewer: tuple[tuple[str, str], ...] = ()


def known_of(session: Session, messages: Sequence[Message]) -> Known:
    """What the one message of a mail is written from. NoLonger when there is nothing to write of."""
    known = read_known(session, messages[0])
    if known is None:
        raise NoLonger
    return known


def write_stopped(session: Session, messages: Sequence[Message]) -> Mail:
    """The mail that says that an action is stopped, on hold or closed, and nothing of why but the words chosen for the
    public."""
    known = known_of(session, messages)
    action, wrote = known.action, bool(known.message.tells["wrote"])
    with speaking(known.reader.language):
        subject = {
            "stopped": _("Please do not write any more"),
            "on_hold": _("Please do not write just now"),
            "closed": _("Nothing more is asked of you"),
        }.get(action.state)
        if subject is None:
            raise NoLonger
        said = Said(
            (_which(known, wrote), _public_words(action), *_what_now(action.state, wrote)),
            ((_("What we can say"), address_of(action)),),
            _("You get this because you wrote for this action and told us so.")
            if wrote
            else _("You get this because you opened this action."),
        )
        return replace(as_mail(subject, said), stamp=known.stamp)


def name_of(known: Known) -> str:
    """What an action is called for this reader: `UA 52/24: Say where he is`; its number alone where the case is closed
    to them; empty: there is none."""
    number = called(known.action) if known.action.ua_sequence is not None else ""
    if not known.open:
        return number
    return f"{number}: {known.action.title}" if number else known.action.title


def _which(known: Known, wrote: bool) -> str:
    name = name_of(known)
    if not name:
        return _("This is about an action you wrote for.") if wrote else _("This is about an action you opened.")
    if wrote:
        return _("This is about an action you wrote for: %(name)s", name=name)
    return _("This is about an action you opened: %(name)s", name=name)


def _public_words(action: UrgentAction) -> str:
    key = "death" if action.state_reason == "death" else action.state
    return action.public_words or label(key, "action_public_words")


def _what_now(state: str, wrote: bool) -> tuple[str, ...]:
    if state == "closed":
        return (_("What you wrote counts. You need do nothing more."),) if wrote else ()
    if wrote:
        return (
            _(
                "Your letter was right when it was sent. Do not write again; if it is not posted yet, keep it. "
                "Please do not post about it."
            ),
        )
    return (_("If you have begun a letter, keep it."),)


def address_of(action: UrgentAction) -> str:
    """Where an action is read; its page goes on saying what became of it."""
    return f"{current_app.extensions['settings'].base_url}/actions/{action.public_id}"


def as_mail(subject: str, said: Said, headers: Mapping[str, str] | None = None) -> Mail:
    """A mail of these words."""
    return Mail(
        subject=" ".join(subject.split()),
        text=fill("telling/mail.txt", said=said),
        html=fill("telling/mail.html", said=said, subject=subject),
        headers=dict(headers or {}),
    )
