"""Writing to those who follow without an account. Subjects name nobody and no case; what stands in a mail is what the
public page of the case shows, at the moment it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.base.labels import label
from tracker.base.languages import speaking
from tracker.base.markup import fill
from tracker.base.words import isolate, say_day_of_month, say_list
from tracker.following import queries
from tracker.following.models import FollowAsk
from tracker.following.tokens import hash_word, leave_word, make_word
from tracker.hearings.models import Hearing
from tracker.outbox.kinds import Mail, NoLonger, one_click
from tracker.outbox.models import Message, Recipient
from tracker.publishing.queries import public_title, read_public_hearings
from tracker.publishing.shown import HearingShown
from tracker.reminders.mails import say_when_told, say_where_told
from tracker.reminders.rules import TOOK_PLACE, tells_of


@dataclass(frozen=True, slots=True)
class Said:
    """What one mail says: paragraphs, facts as (what, how), links as (name, address), why it goes there, and ways
    out."""

    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    why: str = ""
    out: tuple[tuple[str, str], ...] = ()


def write_confirm(session: Session, message: Message) -> Mail:
    """The first mail: a link by which whoever reads it says yes. It names no case: somebody else may have written this
    address."""
    ask = session.get(FollowAsk, message.subject_id, populate_existing=True)
    if ask is None:
        raise NoLonger
    word = make_word(ask.nonce)
    if hash_word(word) != ask.token_hash:
        # Made with another keyring: it would confirm nothing.
        raise NoLonger
    with speaking(ask.language):
        said = Said(
            (
                _("Somebody, probably you, asked that mails about dates of a public case go to this address."),
                _("If that was you, open this link and press the button. It is good once, and for three days."),
                _("If it was not, do nothing: no other mail will come, and the address is deleted."),
            ),
            links=((_("Yes, I want to follow"), _address(ask.language, "confirm", word)),),
        )
        return _mail(_("Do you want to follow a case?"), said)


def write_reminder(session: Session, message: Message) -> Mail:
    """The mail some days before a hearing, as things stand now."""
    hearing, cases, shown, language = _read(session, message)
    with speaking(language):
        day = hearing.local_date or hearing.earliest_on
        if day is None:
            raise NoLonger
        said = Said(
            (_("A date lies ahead in a case you follow: %(case)s.", case=_named(cases)),),
            (
                (_("What"), label(hearing.kind, "hearing_kind")),
                (_("When"), say_when_told(tells_of(shown))),
                (_("Where"), say_where_told(tells_of(shown))),
                *(((_("How sure"), _("The date is provisional.")),) if hearing.certainty == "provisional" else ()),
            ),
            _pages(cases, language),
            _("You get this because you follow this case without an account."),
            _ways_out(message, cases, language),
        )
        mail = _mail(_("A date you follow: %(day)s", day=say_day_of_month(day)), said, one_click(said.out[0][1]))
        return replace(mail, stamp=queries.stamp_of(hearing, cases))


def write_change(session: Session, message: Message) -> Mail:
    """The mail that a date that was told has changed."""
    hearing, cases, shown, language = _read(session, message)
    with speaking(language):
        what = message.tells["what"]
        sentence = {
            "moved": _("The court moved this date."),
            "corrected": _("We gave a wrong date, time or place."),
            "postponed": _("This hearing was postponed: the court did not sit on it."),
            "adjourned": _("This hearing was adjourned: the court sat, and goes on another day."),
            "cancelled": _("This hearing was cancelled: it will not take place."),
            "reinstated": _("This hearing is on again."),
            TOOK_PLACE: _("This hearing took place. What we can say of it stands on the page of the case."),
        }[what]
        over = what == TOOK_PLACE
        facts = [
            (_("What"), label(hearing.kind, "hearing_kind")),
            (_("When"), say_when_told(tells_of(shown)))
            if over
            else (_("We told you"), say_when_told(message.tells["was"])),
        ]
        if what in ("moved", "corrected", "reinstated"):
            facts += [(_("It is now"), say_when_told(tells_of(shown))), (_("Where"), say_where_told(tells_of(shown)))]
        said = Said(
            (
                _("There is news in a case you follow: %(case)s.", case=_named(cases))
                if over
                else _("Something changed in a case you follow: %(case)s.", case=_named(cases)),
                sentence,
            ),
            tuple(facts),
            _pages(cases, language),
            _("You get this because we had told you of that date.")
            if over
            else _("You get this because we had told you otherwise."),
            _ways_out(message, cases, language),
        )
        return replace(
            _mail(
                _("A date you follow is over") if over else _("A date you follow has changed"),
                said,
                one_click(said.out[0][1]),
            ),
            stamp=queries.stamp_of(hearing, cases),
        )


def write_stopped(session: Session, message: Message) -> Mail:
    """The one mail after a case was closed to the public. It names nothing."""
    with speaking(_language(session, message)):
        return _mail(
            _("Please do not write or post"),
            Said(
                (
                    _("A case you follow: please do not write or post about it. It is not public any more."),
                    _("You need do nothing more. No further mail about it will come."),
                ),
            ),
        )


def _read(session: Session, message: Message) -> tuple[Hearing, list[Any], HearingShown, str]:
    """The hearing of a message, the cases it is told through, how everybody may know it, and the reader's language.
    NoLonger when there is nothing to tell."""
    found = queries.read_told(session, message)
    if found is None:
        raise NoLonger
    hearing, cases = found
    each = [read_public_hearings(session, case).get(hearing.public_id) for case, _desk in cases]
    if any(one is None for one in each):
        raise NoLonger
    # The place as far as it gives away nobody of any of the cases.
    places = [one for one in each if one is not None]
    court = places[0].court if all(one.court for one in places) else ""
    place = places[0].place if all(one.place for one in places) else ""
    return hearing, cases, replace(places[0], court=court, place=place), _language(session, message)


def _language(session: Session, message: Message) -> str:
    language = session.scalar(select(Recipient.language).where(Recipient.id == message.recipient_id))
    if language is None:
        raise NoLonger
    return language


def _named(cases: Sequence[Any]) -> str:
    return say_list([isolate(public_title(case)) for case, _desk in cases])


def _pages(cases: Sequence[Any], language: str) -> tuple[tuple[str, str], ...]:
    base = current_app.extensions["settings"].base_url
    return tuple((public_title(case), f"{base}/public/{language}/cases/{case.public_id}") for case, _desk in cases)


def _ways_out(message: Message, cases: Sequence[Any], language: str) -> tuple[tuple[str, str], ...]:
    word = leave_word(message.recipient_id, [case.id for case, _desk in cases])
    return ((_("Stop, or delete my address"), _address(language, "out", word)),)


def _address(language: str, what: str, word: str) -> str:
    return f"{current_app.extensions['settings'].base_url}/follow/{language}/{what}/{word}"


def _mail(subject: str, said: Said, headers: Mapping[str, str] | None = None) -> Mail:
    return Mail(
        subject=" ".join(subject.split()),
        text=fill("following/mail.txt", said=said),
        html=fill("following/mail.html", said=said, subject=subject),
        headers=dict(headers or {}),
    )
