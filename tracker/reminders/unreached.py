"""Writing the mail that tells somebody to pass a hearing on, by another way than mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.labels import label
from tracker.base.languages import speaking
from tracker.base.markup import fill
from tracker.base.words import (
    isolate,
    say_instant,
    say_list,
    say_record,
    say_short_date,
    say_time,
    say_when,
    say_window,
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
    """What one mail says about one hearing: a sentence, facts as (what, how), links as (name, address), and why it goes
    to this reader."""

    sentence: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read for one message: `gone` is who cannot be reached, and `mail_to` how it stands with them."""

    message: Message
    hearing: Hearing
    cases: Sequence[Case]
    reader: User
    gone: User
    mail_to: Recipient


def write_unreached(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The mail about one or several hearings of which somebody will not hear, as things stand at `now`. NoLonger when
    the reader may know of none of them any more."""
    known = sorted(
        (_read(session, message) for message in messages), key=lambda k: (k.message.tells["starts_at"], k.message.id)
    )
    with speaking(known[0].reader.language):
        parts = [_part(k, now) for k in known]
        subject = _("Tell them another way: %(what)s", what=_in_subject(known[0]))
        if len(parts) > 1:
            more = len(parts) - 1
            subject = ngettext("%(subject)s, and %(num)d more", "%(subject)s, and %(num)d more", more, subject=subject)
        return Mail(
            subject=" ".join(subject.split()),
            text=fill("reminders/unreached.txt", parts=parts),
            html=fill("reminders/unreached.html", parts=parts, subject=subject),
        )


def _read(session: Session, message: Message) -> _Known:
    hearing = session.get(Hearing, message.subject_id, populate_existing=True)
    people = {
        recipient.id: (user, recipient)
        for user, recipient in session.execute(
            select(User, Recipient)
            .join(Recipient, Recipient.user_id == User.id)
            .where(Recipient.id.in_((message.recipient_id, message.tells["unreached"])))
            .execution_options(populate_existing=True)
        )
    }
    if hearing is None or len(people) < 2:
        raise NoLonger
    reader, (gone, mail_to) = people[message.recipient_id][0], people[message.tells["unreached"]]
    cases = session.scalars(
        select(Case)
        .where(
            Case.id.in_(select(Appearance.case_id).where(Appearance.hearing_id == hearing.id)),
            Case.stage.in_(REMINDED_STAGES),
            level(reader.id) <= int(hearing.audience),
        )
        .order_by(Case.ref)
    ).all()
    if not cases:
        raise NoLonger
    return _Known(message, hearing, cases, reader, gone, mail_to)


def _part(known: _Known, now: datetime) -> Part:
    hearing, zone = known.hearing, known.message.tells["reader_zone"]
    if hearing.local_date is None:
        when = say_window(hearing.precision, hearing.earliest_on, hearing.latest_on)
    else:
        when = say_when(hearing.local_date, hearing.local_time, hearing.zone, now, zone, hearing.fold)
    where = ", ".join(isolate(part) for part in (hearing.court, hearing.place) if part)
    facts = [
        (_("Not reached"), isolate(known.gone.alias or known.gone.name)),
        (_("Case"), _named(known.cases, len(known.cases))),
        (_("What"), label(hearing.kind, "hearing_kind")),
        (_("When"), when),
        (_("Where"), where or _("place not known")),
    ]
    if known.mail_to.suppressed_at is not None:
        facts.append((_("Mail comes back since"), say_instant(known.mail_to.suppressed_at, zone)))
        facts.append((_("Why"), isolate(say_record(known.mail_to.suppressed_reason))))
    base = current_app.extensions["settings"].base_url
    links = [(_named([case], 1), f"{base}/cases/{case.ref}") for case in known.cases]
    sentence = _(
        "Mail to %(name)s comes back, so they will not hear of this hearing from us. Tell them another way.",
        name=isolate(known.gone.alias or known.gone.name),
    )
    links.append((_("When mail reaches them again, say so here"), f"{base}/service"))
    return Part(sentence, tuple(facts), tuple(links), _why(known.message.cause))


def _why(cause: str) -> str:
    return {
        "owner": _("You get this because you keep this case."),
        "deputy": _("You get this because you stand in for who keeps this case."),
    }.get(cause, _("You get this because you coordinate the desk of this case."))


def _in_subject(known: _Known) -> str:
    """`hearing Mon 8 Apr 2024 09:30, Cedar (IOPT-0004)`: nobody's name."""
    hearing = known.hearing
    if hearing.local_date is None:
        when = say_window(hearing.precision, hearing.earliest_on, hearing.latest_on)
    else:
        when = say_short_date(hearing.local_date)
        when = f"{when} {say_time(hearing.local_time)}" if hearing.local_time else when
    return _(
        "%(kind)s %(when)s, %(cases)s",
        kind=label(hearing.kind, "hearing_kind"),
        when=when,
        cases=_named(known.cases, NAMED_IN_SUBJECT),
    )


def _named(cases: Sequence[Case], at_most: int) -> str:
    names = [f"{case.nickname} ({case.ref})" for case in cases]
    if len(names) > at_most:
        more = len(names) - at_most
        names = [*names[:at_most], ngettext("%(num)d more", "%(num)d more", more)]
    return names[0] if len(names) == 1 else say_list(names)
