"""Writing the weekly agenda: what is in court in the coming days, and which cases need somebody, worst first.

Cases are named by nickname and reference alone: a mail may be read over a shoulder.
"""

from collections.abc import Sequence
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.rules import is_away
from tracker.base.labels import label
from tracker.base.languages import speaking, spoken
from tracker.base.words import isolate, say_list, say_short_date, say_time, say_window, say_zone
from tracker.cases.models import Case
from tracker.digests.queries import Agenda, Needing, Sitting, read_agenda
from tracker.digests.service import stop_word
from tracker.outbox.kinds import Mail, NoLonger
from tracker.outbox.models import Message, Recipient
from tracker.reminders.queries import holds


def write_digest(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
    """The mail, as things stand at `now`. NoLonger when there is nothing to tell any more, or nobody to tell it to."""
    message = messages[0]
    reader = session.scalar(
        select(User)
        .join(Recipient, Recipient.user_id == User.id)
        .where(Recipient.id == message.recipient_id)
        .execution_options(populate_existing=True)
    )
    agenda = read_agenda(session, message.recipient_id, now)
    if reader is None or agenda.is_empty or is_away(reader.away_until, message.tells["reader_zone"], now):
        raise NoLonger
    with speaking(reader.language):
        return _mail(agenda, _desks(session, message.recipient_id), message.recipient_id)


def _desks(session: Session, recipient_id: int) -> list[str]:
    return list(
        session.scalars(
            select(Desk.name)
            .join(Membership, Membership.desk_id == Desk.id)
            .join(Recipient, Recipient.user_id == Membership.user_id)
            .where(Recipient.id == recipient_id, ~holds(Recipient.id, desk_id=Desk.id))
            .order_by(Desk.name)
        )
    )


def _mail(agenda: Agenda, desks: Sequence[str], recipient_id: int) -> Mail:
    base = current_app.extensions["settings"].base_url
    stop = f"{base}/digests/stop/{stop_word(recipient_id)}"
    sittings, needing = (
        len(agenda.sittings) + agenda.more_sittings,
        len(agenda.needing) + agenda.more_needing,
    )
    told = []
    if sittings:
        told.append(ngettext("%(num)d hearing", "%(num)d hearings", sittings))
    if needing:
        told.append(ngettext("%(num)d case needs somebody", "%(num)d cases need somebody", needing))
    subject = _("This week: %(what)s", what=_(", ").join(told))
    what = {
        "subject": subject,
        "desks": say_list(desks),
        "sittings": [(_sitting(s), f"{base}/cases/{s.cases[0].ref}") for s in agenda.sittings],
        "more_sittings": _more(agenda.more_sittings),
        "needing": [(_needing(n), f"{base}/cases/{n.case.ref}") for n in agenda.needing],
        "more_needing": _more(agenda.more_needing),
        "today": f"{base}/",
        "stop": stop,
    }
    environment = current_app.jinja_env
    return Mail(
        subject=subject,
        text=environment.get_template("digests/mail.txt").render(**what),
        html=environment.get_template("digests/mail.html").render(**what),
    )


def _more(number: int) -> str:
    return ngettext("and %(num)d more", "and %(num)d more", number) if number else ""


def _sitting(sitting: Sitting) -> str:
    """`Mon 8 Apr 2024, 09:30 Asia/Jerusalem: hearing, Haifa, Cedar (IOPT-0004)`."""
    hearing = sitting.hearing
    if hearing.local_date is None:
        when = say_window(hearing.precision, hearing.earliest_on, hearing.latest_on)
    elif hearing.local_time is None:
        when = _("%(date)s, time not announced", date=say_short_date(hearing.local_date))
    else:
        when = _(
            "%(date)s, %(time)s %(zone)s",
            date=say_short_date(hearing.local_date),
            time=say_time(hearing.local_time),
            zone=say_zone(hearing.zone),
        )
    where = hearing.place or hearing.court
    told = [label(hearing.kind, "hearing_kind"), _apart(where), say_list(_named(c) for c in sitting.cases)]
    return _("%(when)s: %(what)s", when=when, what=_(", ").join(part for part in told if part))


def _needing(needing: Needing) -> str:
    """`Cedar (IOPT-0004), high risk: not checked lately`."""
    return _(
        "%(case)s, %(risk)s: %(why)s",
        case=_apart(_named(needing.case)),
        risk=label(needing.case.risk, "risk"),
        why=_(", ").join(label(rule, "flag") for rule in needing.rules),
    )


def _named(case: Case) -> str:
    return f"{case.nickname} ({case.ref})"


def _apart(name: str) -> str:
    return isolate(name) if name and spoken().text_direction == "rtl" else name
