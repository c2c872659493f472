"""Writing the catch-up mail: what a stop of the clock has done to the reader's cases, worded as reminders are."""

from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.labels import label
from tracker.base.languages import speaking
from tracker.base.markup import fill
from tracker.base.words import say_instant, say_list, say_record, say_short_date, say_time, say_window, say_zone
from tracker.catching_up.queries import Concerned, Report, read_report
from tracker.clockwork.models import Outage
from tracker.hearings.models import Hearing
from tracker.outbox.kinds import Mail, NoLonger
from tracker.outbox.models import Message, Recipient

#: Cases named in a subject; further ones are counted.
NAMED_IN_SUBJECT = 2


def write_report(session: Session, message: Message) -> Mail:
    """The mail of one reader, from the rows as they are. NoLonger when nothing of theirs is concerned any more."""
    outage = session.get(Outage, message.subject_id)
    reader = session.scalar(
        select(User)
        .join(Recipient, Recipient.user_id == User.id)
        .where(Recipient.id == message.recipient_id)
        .execution_options(populate_existing=True)
    )
    if outage is None or reader is None:
        raise NoLonger
    report = read_report(session, reader, outage)
    if report.is_empty:
        raise NoLonger
    with speaking(reader.language):
        zone = reader.reading_zone
        said = {
            "sentence": say_stop(outage, zone),
            "parts": say_parts(report, zone),
            "links": [(f"{c.nickname} ({c.ref})", f"{_base()}/cases/{c.ref}") for c in report.cases],
            "service": f"{_base()}/service",
            "zone": say_zone(zone),
        }
        subject = _("After a stop of the clock: %(cases)s", cases=_named(report))
        return Mail(
            subject=" ".join(subject.split()),
            text=fill("catching_up/mail.txt", **said),
            html=fill("catching_up/mail.html", subject=subject, **said),
        )


def say_stop(outage: Outage, zone: str) -> str:
    """When the clock stood still, on the reader's own clock, and for how long."""
    return _(
        "The clock stood still from %(from)s to %(until)s (%(span)s). No reminder left in that time.",
        **{
            "from": say_instant(outage.began_at, zone),
            "until": say_instant(outage.ended_at, zone),
            "span": say_span(outage.ended_at - outage.began_at),
        },
    )


def say_span(span: timedelta) -> str:
    """`2 days`, `5 hours`, `40 minutes`: rounded down to what matters."""
    if span >= timedelta(days=2):
        return ngettext("%(num)d day", "%(num)d days", span.days)
    hours = int(span / timedelta(hours=1))
    if hours >= 1:
        return ngettext("%(num)d hour", "%(num)d hours", hours)
    return ngettext("%(num)d minute", "%(num)d minutes", int(span / timedelta(minutes=1)))


def say_parts(report: Report, zone: str) -> list[tuple[str, list[str]]]:
    """The report as headings with lines under each; what is empty is left out."""
    parts = [
        (
            _("Hearings that passed, and the reminder did not go out"),
            [f"{_case(case)}: {_hearing(hearing)}" for hearing, case in report.unreminded],
        ),
        (_("Went late"), [_late(concerned, zone) for concerned in report.late]),
        (_("Left out, and why"), [_left_out(concerned, zone) for concerned in report.left_out]),
    ]
    return [(heading, lines) for heading, lines in parts if lines]


def _late(concerned: Concerned, zone: str) -> str:
    message = concerned.message
    about = {"what": _what(concerned), "due": say_instant(message.due_at, zone)}
    if message.sent_at is None:
        return _("%(what)s, due %(due)s, has not left yet", **about)
    return _("%(what)s, due %(due)s, left %(sent)s", sent=say_instant(message.sent_at, zone), **about)


def _left_out(concerned: Concerned, zone: str) -> str:
    message = concerned.message
    return _(
        "%(what)s, due %(due)s: %(state)s (%(reason)s)",
        what=_what(concerned),
        due=say_instant(message.due_at, zone),
        state=label(message.state, "message_state"),
        reason=say_record(message.reason) or "–",
    )


def _what(concerned: Concerned) -> str:
    days = concerned.message.days_before
    kind = (
        ngettext("%(num)d-day reminder", "%(num)d-day reminder", days)
        if days
        else label(concerned.message.kind, "message_kind")
    )
    return _(
        "%(case)s: %(hearing)s; %(kind)s to %(reader)s",
        case=_case(concerned.case),
        hearing=_hearing(concerned.hearing),
        kind=kind,
        reader=concerned.reader,
    )


def _case(case: Any) -> str:
    return f"{case.nickname} ({case.ref})"


def _hearing(hearing: Hearing) -> str:
    if hearing.local_date is None:
        when = say_window(hearing.precision, hearing.earliest_on, hearing.latest_on)
    else:
        when = say_short_date(hearing.local_date)
        if hearing.local_time:
            when = f"{when} {say_time(hearing.local_time)}"
    where = hearing.place or hearing.court
    return " ".join(filter(None, (label(hearing.kind, "hearing_kind"), when, where)))


def _named(report: Report) -> str:
    names = [_case(case) for case in report.cases]
    if len(names) > NAMED_IN_SUBJECT:
        more = len(names) - NAMED_IN_SUBJECT
        names = [*names[:NAMED_IN_SUBJECT], ngettext("%(num)d more", "%(num)d more", more)]
    return names[0] if len(names) == 1 else say_list(names)


def _base() -> str:
    return str(current_app.extensions["settings"].base_url)
