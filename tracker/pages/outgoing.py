"""What goes out, as the page of service health shows it and lets staff act on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.errors import NotFound
from tracker.base.words import ago, say_date, say_time, say_zone
from tracker.base.work import COMMAND
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import Message, Recipient
from tracker.outbox.pausing import Pause, read_pause

#: So close, all staff are told that there is a hearing among what waits, though not which, nor when.
SOON = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that all staff read. `closer`: what those read in its place who may see the hearing it then speaks of."""

    words: str
    closer: str = ""
    hearing_id: int | None = None

    def to(self, session: Session, user: User | None) -> str:
        """The line as this account may read it; None: a command, which acts for the house."""
        if self.closer and (user is None or sees_hearing(session, user, self.hearing_id)):
            return self.closer
        return self.words


def sees_hearing(session: Session, user: User, hearing_id: int | None) -> bool:
    """Whether an account may see a hearing: in one of its cases at least."""
    seen = (
        select(Appearance.id)
        .join(Case, Case.id == Appearance.case_id)
        .join(Hearing, Hearing.id == Appearance.hearing_id)
        .where(Appearance.hearing_id == hearing_id, level(user.id) <= Hearing.audience)
    )
    return bool(session.scalar(select(exists(seen))))


def is_soon(hearing: Hearing, now: datetime) -> bool:
    """Whether a hearing is so close that who may not see it is told that there is one."""
    return hearing.starts_at is not None and hearing.starts_at - now <= SOON


def paused_line(session: Session, now: datetime) -> Line | None:
    """That mail is paused, in one line: since when, by whom, why, how much waits that is due by now, and the first
    hearing among it, to who may see that; None while it is not."""
    pause = read_pause(session)
    if pause is None:
        return None
    said = [_since(pause, now), _why(pause)]
    due = and_(Message.state == "paused", Message.due_at <= now)
    count = session.scalar(select(func.count(Message.id)).where(due)) or 0
    said.append(ngettext("%(num)d mail waits.", "%(num)d mails wait.", count))
    first = session.scalars(
        select(Hearing)
        .join(Message, and_(Message.subject_kind == "hearing", Message.subject_id == Hearing.id))
        .where(due, Hearing.starts_at > now)
        .order_by(Hearing.starts_at)
        .limit(1)
    ).first()
    if first is None:
        return Line(" ".join(said))
    closer = list(said)
    if first.local_date is not None:
        when = say_date(first.local_date)
        if first.local_time is not None:
            when = _(
                "%(date)s, %(time)s %(zone)s", date=when, time=say_time(first.local_time), zone=say_zone(first.zone)
            )
        closer.append(_("The first hearing among them: %(when)s.", when=when))
    if is_soon(first, now):
        said.append(_("There is a hearing within 72 hours among them."))
    return Line(" ".join(said), " ".join(closer), first.id)


def _since(pause: Pause, now: datetime) -> str:
    if pause.by:
        who = _("an operator") if pause.by == COMMAND.name else pause.by
        return _("Mail has been paused by %(who)s, %(ago)s.", who=who, ago=ago(pause.since, now))
    return _("Mail has been paused, %(ago)s.", ago=ago(pause.since, now))


def _why(pause: Pause) -> str:
    if pause.why == "restored":
        return _("Why: the database came back from a backup, and some of it may have been sent already.")
    if pause.why == "clock":
        return _("Why: the clock of this machine jumped.")
    if pause.why == "closed":
        return _("Why: the tracker was closed.")
    return _("Why: %(reason)s.", reason=pause.words.rstrip(".")) if pause.words else _("No reason was given.")


def may_release(user: User) -> bool:
    """Whether an account may let paused mail go: coordinators, those who stand in for them, and admins."""
    return user.role == "admin" or (user.is_staff and any(m.coordinator or m.deputy for m in user.memberships))


def get_seen_message(session: Session, message_id: int, sees: ColumnElement[bool]) -> Message:
    """The message with this number, if `sees` (SQL on `messages`) holds of it. NotFound."""
    message = session.scalar(select(Message).where(Message.id == message_id, sees))
    if message is None:
        raise NotFound("There is no such mail.")
    return message


def says_more(session: Session, user: User, message: Message) -> bool:
    """Whether the mail would name a case to its reader that this account may not see: then it is not shown."""
    if message.subject_kind != "hearing":
        return False
    reader = session.scalar(select(Recipient.user_id).where(Recipient.id == message.recipient_id))
    return bool(
        session.scalar(
            select(
                exists(
                    select(Appearance.id)
                    .join(Case, Case.id == Appearance.case_id)
                    .join(Hearing, Hearing.id == Appearance.hearing_id)
                    .where(
                        Appearance.hearing_id == message.subject_id,
                        level(reader) <= Hearing.audience,
                        level(user.id) > Hearing.audience,
                    )
                )
            )
        )
    )
