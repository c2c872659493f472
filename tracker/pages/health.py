"""How the service does: one sentence when it is bad, and the page that shows all of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import User
from tracker.base.words import ago
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.clockwork.queries import NEVER, clock_silent_since
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import Message, Recipient
from tracker.outbox.queries import relay_state

#: Seconds a look at the service serves all pages of one process.
LOOK_LASTS = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Service:
    """The service in one sentence. `bad`: staff should know on every page."""

    bad: bool
    words: str


def service_now(session: Session, now: datetime) -> Service:
    """How the clock and the relay do, in one sentence with what to do about it."""
    silent = clock_silent_since(session, now)
    if silent is not None:
        if silent == NEVER:
            return Service(
                True,
                _("The clock has never run: no flag is raised and no reminder leaves. Start it: tracker clockwork"),
            )
        return Service(
            True,
            _("The clock last ran %(ago)s: no reminder leaves. Start it: tracker clockwork", ago=ago(silent, now)),
        )
    relay = relay_state(session, current_app.extensions["settings"].smtp_url is not None)
    waiting, first = _waiting(session, now)
    if relay.state == "unset":
        return Service(
            True, _("No mail relay is set: mail waits (%(waiting)s). Set TRACKER_SMTP_URL.", waiting=waiting)
        )
    if relay.is_bad and waiting:
        said = _("Mail does not leave: %(words)s. %(waiting)s wait.", words=relay.words, waiting=waiting)
        if first is not None:
            said += " " + _("The first was due %(ago)s.", ago=ago(first, now))
        return Service(True, said)
    return Service(False, _("Everything runs."))


def banner_for(session: Session, user: User, now: datetime) -> dict[str, str] | None:
    """The one line on top of staff's pages when the service is bad; None while it is well. Looked at every 15 s."""
    if not user.is_staff:
        return None
    seen: tuple[datetime, Service] | None = current_app.extensions.get("service_seen")
    if seen is None or not timedelta() <= now - seen[0] < LOOK_LASTS:
        seen = (now, service_now(session, now))
        current_app.extensions["service_seen"] = seen
    if not seen[1].bad:
        return None
    return {"text": seen[1].words, "url": url_for("pages.service_health"), "url_text": _("Service health")}


_reader = aliased(Recipient)


def sees_message(user: User) -> ColumnElement[bool]:
    """SQL on `messages`: may this reader know of it? Their own; and those about a hearing of a case of their desks that
    they see, whoever gets them."""
    own = Message.recipient_id.in_(select(_reader.id).where(_reader.user_id == user.id))
    about = exists(
        select(Appearance.id)
        .join(Case, Case.id == Appearance.case_id)
        .join(Hearing, Hearing.id == Appearance.hearing_id)
        .where(
            Message.subject_kind == "hearing",
            Appearance.hearing_id == Message.subject_id,
            Case.desk_id.in_(user.desk_ids()),
            level(user.id) <= Hearing.audience,
        )
    )
    return or_(own, about)


def subjects(session: Session, user: User, hearing_ids: set[int]) -> dict[int, tuple[Hearing, Case]]:
    """The hearings that mails are about, each with the first of its cases that the reader may see."""
    found: dict[int, tuple[Hearing, Case]] = {}
    for hearing, case in session.execute(
        select(Hearing, Case)
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .where(Hearing.id.in_(hearing_ids), level(user.id) <= Hearing.audience)
        .order_by(Case.ref)
    ):
        found.setdefault(hearing.id, (hearing, case))
    return found


def _waiting(session: Session, now: datetime) -> tuple[int, datetime | None]:
    """How many messages are due and have not left (counted to a hundred), and when the first was due."""
    due = session.scalars(
        select(Message.due_at)
        .where(and_(Message.state.in_(("waiting", "sending")), Message.due_at <= now))
        .order_by(Message.due_at)
        .limit(100)
    ).all()
    return len(due), due[0] if due else None
