"""Writing what those who write are told. Subjects name nobody and nothing: these mails are read over shoulders and in
the country itself. Whoever may not know of the case any more reads a number at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from tracker.actions.models import UrgentAction
from tracker.actions.queries import called, languages_of
from tracker.base.dates import today_in
from tracker.base.labels import label
from tracker.base.languages import name_of_language, speaking
from tracker.base.markup import fill
from tracker.base.words import countdown, say_date, say_day_of_month, say_list, say_stated
from tracker.outbox.kinds import Mail, NoLonger, one_click
from tracker.outbox.models import Message
from tracker.reminders.mails import LONGEST_LINK
from tracker.reminders.tokens import stop_token
from tracker.telling.queries import Known, find_entry, list_followed, next_hearing, read_known
from tracker.timeline.codes import DEATHS
from tracker.timeline.kinds import kind_of


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
    in_group = bool(known.message.tells["through_group"])
    with speaking(known.reader.language):
        subject = {
            "stopped": _("Please do not write any more"),
            "on_hold": _("Please do not write just now"),
            "closed": _("Nothing more is asked of you"),
        }.get(action.state)
        if subject is None:
            raise NoLonger
        said = Said(
            (_which(known, wrote), _public_words(action, known.open), *_what_now(action.state, wrote)),
            # Whoever never opened it themselves would find no page once the case is closed to them.
            () if in_group and not known.open else ((_("What we can say"), address_of(action)),),
            _why(wrote, in_group),
        )
        return replace(as_mail(subject, said), stamp=known.stamp)


def write_updated(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The mail that tells somebody who wrote before that there is an update, and what is asked of them now."""
    known = known_of(session, messages)
    if not known.open:
        raise NoLonger
    with speaking(known.reader.language):
        said = Said(
            (
                _(
                    "You wrote before. There is an update, and a letter is asked for again: %(name)s",
                    name=name_of(known),
                ),
                *_how(session, known, now),
                *_before_posting(known),
            ),
            ((_("Read it and write"), address_of(known.action)),),
            _("You get this because you wrote for the action it follows, and told us so."),
            _fewer(session, known),
        )
        mail = as_mail(_("An update: is a letter useful again? Yes."), said, one_click(_stop(known, [known.case.id])))
        return replace(mail, stamp=known.stamp)


def write_soon(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The one mail before the last day on which a letter helps."""
    known = known_of(session, messages)
    if not known.open:
        raise NoLonger
    today = today_in(known.message.tells["reader_zone"], now)
    with speaking(known.reader.language):
        hearing = next_hearing(session, known, today)
        if hearing is not None:
            subject = _("Hearing on %(day)s: is a letter still useful? Yes.", day=say_day_of_month(hearing))
        else:
            subject = _("Until %(day)s: is a letter still useful? Yes.", day=say_day_of_month(known.action.act_until))
        said = Said(
            (
                name_of(known),
                *_how(session, known, now),
                _("If you wrote already, nothing is asked of you."),
                *_before_posting(known),
            ),
            ((_("Read it and write"), address_of(known.action)),),
            _("You get this once for each last day, because you follow this case and have not told us that you wrote."),
            _fewer(session, known),
        )
        return replace(as_mail(subject, said, one_click(_stop(known, [known.case.id]))), stamp=known.stamp)


def write_result(session: Session, messages: Sequence[Message]) -> Mail:
    """The mail that tells somebody who wrote what became of it. After a death it thanks for nothing."""
    known, entry = known_of(session, messages), find_entry(session, messages[0])
    if entry is None:
        raise NoLonger
    kind = kind_of(entry.kind)
    died = kind.custody in DEATHS
    name = name_of(known)
    with speaking(known.reader.language):
        told = _(
            "%(what)s, %(when)s.",
            what=kind.sentence(entry.payload),
            when=say_stated(entry.latest_on, entry.precision),
        )
        paragraphs = [_("You wrote for: %(name)s", name=name) if name else _("This is about an action you wrote for.")]
        if died:
            paragraphs += [_("We are sorry to have to tell you this."), told, _("Please do not write any more.")]
        else:
            paragraphs.append(told)
            if known.action.state == "on_hold":
                paragraphs.append(_("Please do not write just now. Its page says when it goes on."))
            elif known.action.state in ("closed", "expired"):
                paragraphs.append(_("Nothing more is asked of you. What you wrote counts."))
        said = Said(
            tuple(paragraphs),
            ((_("What we can say"), address_of(known.action)),),
            _("You get this because you wrote for this action and told us so."),
            () if died else _fewer(session, known),
        )
        subject = _("About somebody you wrote for") if died else _("News of somebody you wrote for")
        return replace(as_mail(subject, said, one_click(_stop(known, [known.case.id]))), stamp=known.stamp)


def _how(session: Session, known: Known, now: datetime) -> tuple[str, ...]:
    """Until when a letter helps, how long it takes, and in which languages there is one."""
    zone = known.message.tells["reader_zone"]
    action = known.action
    said = [
        _(
            "A letter helps until %(day)s (%(countdown)s).",
            day=say_date(action.act_until),
            countdown=countdown(action.act_until, now, zone),
        ),
        ngettext("It takes about %(num)d minute.", "It takes about %(num)d minutes.", action.minutes),
    ]
    languages = languages_of(session, [action.id])[action.id]
    if languages:
        said.append(
            _("There is a letter in: %(languages)s.", languages=say_list(name_of_language(each) for each in languages))
        )
    return (" ".join(said), *((_("Please mind: %(cautions)s", cautions=action.cautions),) if action.cautions else ()))


def _before_posting(known: Known) -> tuple[str, ...]:
    return (_("Look at its page before you post a letter. If we must stop, we write to you at once."),)


def _fewer(session: Session, known: Known) -> tuple[tuple[str, str], ...]:
    """Ways to get fewer of these mails: none about this case, none at all."""
    stop = _stop(known, [known.case.id])
    followed = sorted({known.case.id, *list_followed(session, known.message.recipient_id)})
    every = _stop(known, followed)
    links = [(_("Stop for this case"), stop)]
    if len(followed) > 1 and len(every) <= LONGEST_LINK:
        links.append((_("Stop all"), every))
    return tuple(links)


def _stop(known: Known, cases: Sequence[int]) -> str:
    base = current_app.extensions["settings"].base_url
    return f"{base}/reminders/stop/{stop_token(known.message.recipient_id, cases)}"


def name_of(known: Known) -> str:
    """What an action is called for this reader: `UA 52/24: Say where he is`; its number alone where the case is closed
    to them; empty: there is none."""
    number = called(known.action) if known.action.ua_sequence is not None else ""
    if not known.open:
        return number
    return f"{number}: {known.action.title}" if number else known.action.title


def _why(wrote: bool, in_group: bool) -> str:
    if in_group:
        return _("You get this because a group that you are in wrote for this action.")
    if wrote:
        return _("You get this because you wrote for this action and told us so.")
    return _("You get this because you opened this action.")


def _which(known: Known, wrote: bool) -> str:
    name = name_of(known)
    if not name:
        return _("This is about an action you wrote for.") if wrote else _("This is about an action you opened.")
    if wrote:
        return _("This is about an action you wrote for: %(name)s", name=name)
    return _("This is about an action you opened: %(name)s", name=name)


def _public_words(action: UrgentAction, open_to_reader: bool) -> str:
    """What its page says. To whom the case is closed, only the house's own words, which name nobody."""
    key = "death" if action.state_reason == "death" else action.state
    return (action.public_words if open_to_reader else "") or label(key, "action_public_words")


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
