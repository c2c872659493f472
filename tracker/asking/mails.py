"""Writing the questions: which hearing, one link to answer, one to say that it moved, and who is asked after that.

Cases are named by nickname and reference, people by what they are to the case: a mail may be read over a shoulder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.accounts.rules import is_away
from tracker.asking.queries import COORDINATOR, DEPUTY, OWNER
from tracker.base.labels import label
from tracker.base.languages import speaking, spoken
from tracker.base.markup import fill
from tracker.base.words import (
    isolate,
    say_instant,
    say_list,
    say_short_date,
    say_time,
    say_when,
    say_window,
    say_zone,
)
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.kinds import Mail, NoLonger
from tracker.outbox.models import Message, Recipient
from tracker.reminders.queries import REMINDED_STAGES

#: Cases named in a subject; further ones are counted.
NAMED_IN_SUBJECT = 2


@dataclass(frozen=True, slots=True)
class Part:
    """What one mail asks about one hearing: the question, facts as (what, how), links as (name, address) with the one
    to answer first, and why it goes to this reader."""

    question: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read for one message."""

    message: Message
    hearing: Hearing
    cases: Sequence[Case]
    reader: User
    zone: str


def write_outcome(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The mail that asks what became of one or several hearings, as things stand at `now`."""
    known = _read(session, messages, now)
    with speaking(known[0].reader.language):
        subject = _("What happened? %(what)s", what=_in_subject(known[0]))
        return _mail(subject, [_outcome(k, now) for k in known])


def write_date(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The mail that asks whether the date of one or several hearings has become known."""
    known = _read(session, messages, now)
    with speaking(known[0].reader.language):
        subject = _("Is the date known? %(what)s", what=_in_subject(known[0]))
        return _mail(subject, [_date(k, now) for k in known])


def _read(session: Session, messages: Sequence[Message], now: datetime) -> list[_Known]:
    """What these messages, all to one reader, are about. Three statements, however many."""
    reader = session.scalar(
        select(User)
        .join(Recipient, Recipient.user_id == User.id)
        .where(Recipient.id == messages[0].recipient_id)
        .execution_options(populate_existing=True)
    )
    if reader is None or is_away(reader.away_until, messages[0].tells["reader_zone"], now):
        raise NoLonger
    about: dict[int, tuple[Hearing, list[Case]]] = {}
    rows = session.execute(
        select(Hearing, Case)
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .where(
            Hearing.id.in_({m.subject_id for m in messages}),
            Case.stage.in_(REMINDED_STAGES),
            level(reader.id) <= Hearing.audience,
        )
        .order_by(Case.ref)
        .distinct()
        .execution_options(populate_existing=True)
    )
    for hearing, case in rows:
        about.setdefault(hearing.id, (hearing, []))[1].append(case)
    known = [
        _Known(m, *about[m.subject_id], reader, m.tells.get("reader_zone") or reader.reading_zone)
        for m in messages
        if m.subject_id in about
    ]
    if len(known) < len(messages):
        raise NoLonger
    return sorted(known, key=lambda k: (k.hearing.starts_at is None, k.hearing.starts_at or k.hearing.created_at))


def _in_subject(known: _Known) -> str:
    hearing = known.hearing
    said = " ".join(filter(None, (_short(hearing), _apart(hearing.place or hearing.court))))
    return _(
        "%(when)s: %(kind)s, %(cases)s",
        when=said,
        kind=label(hearing.kind, "hearing_kind"),
        cases=_named(known.cases, NAMED_IN_SUBJECT),
    )


def _outcome(known: _Known, now: datetime) -> Part:
    hearing = known.hearing
    following = [
        (_who(who), say_instant(datetime.fromisoformat(at), known.zone)) for who, at in known.message.tells["then"]
    ]
    facts = [
        *_facts(known, now),
        *(((_("If nobody answers")), _("%(who)s, %(when)s", who=who, when=when)) for who, when in following[:1]),
        *((_("After that"), _("%(who)s, %(when)s", who=who, when=when)) for who, when in following[1:]),
    ]
    if not following:
        facts.append((_("If nobody answers"), _("nobody else is asked; the case stays marked until somebody does")))
    question = _(
        "What happened? %(kind)s, %(cases)s.",
        kind=_capital(label(hearing.kind, "hearing_kind")),
        cases=_named(known.cases, len(known.cases)),
    )
    return _part(
        known,
        question,
        facts,
        ((_("Say what happened"), "hearings.outcome"), (_("The court moved it"), "hearings.move")),
    )


def _date(known: _Known, now: datetime) -> Part:
    question = _(
        "Is the date known by now? %(kind)s, %(cases)s.",
        kind=_capital(label(known.hearing.kind, "hearing_kind")),
        cases=_named(known.cases, len(known.cases)),
    )
    facts = [
        *_facts(known, now),
        (_("If it is not known"), _("there is nothing to do: you are asked again in a week")),
    ]
    return _part(
        known, question, facts, ((_("Write down the date"), "hearings.move"), (_("It is off"), "hearings.cancel"))
    )


def _facts(known: _Known, now: datetime) -> list[tuple[str, str]]:
    hearing = known.hearing
    if hearing.local_date is None:
        window = say_window(hearing.precision, hearing.earliest_on, hearing.latest_on)
        when = _("%(window)s, %(zone)s", window=window, zone=say_zone(hearing.zone))
    else:
        when = say_when(hearing.local_date, hearing.local_time, hearing.zone, now, known.zone, hearing.fold)
    where = _(", ").join(_apart(part) for part in (hearing.court, hearing.place) if part)
    return [(_("When"), when), (_("Where"), where or _("place not known"))]


def _part(known: _Known, question: str, facts: Sequence[tuple[str, str]], acts: Sequence[tuple[str, str]]) -> Part:
    base = current_app.extensions["settings"].base_url
    case = _answering(known)
    links = [(name, f"{base}{_path(endpoint, case, known.hearing)}") for name, endpoint in acts]
    links += [(f"{c.nickname} ({c.ref})", f"{base}/cases/{c.ref}") for c in known.cases]
    return Part(question, tuple(facts), tuple(links), _why(known.message.cause))


def _answering(known: _Known) -> Case:
    """The case under which the form is opened: one the question is about."""
    about = set(known.message.tells["cases"])
    return next((case for case in known.cases if case.id in about), known.cases[0])


def _path(endpoint: str, case: Case, hearing: Hearing) -> str:
    return f"/cases/{case.ref}/hearings/{hearing.public_id}/{endpoint.rpartition('.')[2]}"


def _who(who: str) -> str:
    return {
        "you": _("you once more"),
        OWNER: _("who keeps the case"),
        DEPUTY: _("who stands in for who keeps it"),
        COORDINATOR: _("who coordinates the desk"),
    }[who]


def _why(cause: str) -> str:
    """Why this reader is asked."""
    because = {
        OWNER: _("You are asked because you keep this case."),
        DEPUTY: _("You are asked because you stand in for who keeps this case."),
        COORDINATOR: _("You are asked because you coordinate the desk of this case."),
    }[cause]
    return f"{because} {_('If you are away, say so in your account: somebody else is asked then.')}"


def _short(hearing: Hearing) -> str:
    """When, for a subject: `Mon 8 Apr 2024 09:30`."""
    if hearing.local_date is None:
        return say_window(hearing.precision, hearing.earliest_on, hearing.latest_on)
    day = say_short_date(hearing.local_date)
    return f"{day} {say_time(hearing.local_time)}" if hearing.local_time else day


def _named(cases: Sequence[Case], at_most: int) -> str:
    """`Cedar (IOPT-0004) and Pine (IOPT-0005)`, `…, and 9 more`."""
    names = [f"{case.nickname} ({case.ref})" for case in cases]
    if len(names) > at_most:
        more = len(names) - at_most
        names = [*names[:at_most], ngettext("%(num)d more", "%(num)d more", more)]
    return names[0] if len(names) == 1 else say_list(names)


def _apart(name: str) -> str:
    """A court or place, kept in one piece where the words around it run the other way."""
    return isolate(name) if name and spoken().text_direction == "rtl" else name


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _mail(subject: str, parts: Sequence[Part]) -> Mail:
    if len(parts) > 1:
        more = len(parts) - 1
        subject = ngettext("%(subject)s, and %(num)d more", "%(subject)s, and %(num)d more", more, subject=subject)
    return Mail(
        subject=" ".join(subject.split()),
        text=fill("asking/mail.txt", parts=parts),
        html=fill("asking/mail.html", parts=parts, subject=subject),
    )
