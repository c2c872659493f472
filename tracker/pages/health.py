"""How the service does: one sentence when it is bad, and the page that shows all of it."""

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base.audience import Audience
from tracker.base.dates import wall_of
from tracker.base.house import read_fact
from tracker.base.languages import spoken
from tracker.base.mode import read_mode
from tracker.base.words import (
    ago,
    say_day_of_month,
    say_days,
    say_instant,
    say_record,
    say_time,
    say_weekday,
    say_window,
)
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.clockwork.guard import Held, find_hold
from tracker.clockwork.queries import NEVER, clock_silent_since, heartbeats
from tracker.clockwork.rules import FAILING
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import NEEDS_HUMAN, Message, Recipient
from tracker.outbox.pausing import read_pause
from tracker.outbox.queries import relay_state
from tracker.outbox.relay import RelayState
from tracker.outbox.restored import TROUBLE as LEDGER_TROUBLE
from tracker.pages.outgoing import Line, is_soon, paused_line
from tracker.reminders.queries import URGENT, unheard
from tracker.safety.checking import say_mode
from tracker.telling.queries import STOPPED

#: From so many days on the name of a weekday could be taken for another one.
WEEK = 7

#: Seconds a look at the service serves all pages of one process.
LOOK_LASTS = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Service:
    """The service in one sentence. `bad`: staff should know on every page."""

    bad: bool
    words: str
    #: What those read in place of it who may see the hearing it then speaks of.
    closer: str = ""
    hearing_id: int | None = None

    def to(self, session: Session, user: User | None) -> str:
        """The sentence as this account may read it; None: a command."""
        return Line(self.words, self.closer, self.hearing_id).to(session, user)


def service_now(session: Session, now: datetime, zone: str = "UTC") -> Service:
    """How the service does, in one sentence with what to do about it; times on the clock of `zone`."""
    trouble = _trouble(session, now, zone)
    if trouble is not None:
        return trouble
    stuck = unsettled(session, now)
    if stuck:
        return Service(
            True,
            ngettext(
                "%(num)d mail about a hearing within 72 hours was not delivered, or may not have arrived: tell its "
                "reader another way.",
                "%(num)d mails about hearings within 72 hours were not delivered, or may not have arrived: tell their "
                "readers another way.",
                stuck,
            ),
        )
    return Service(False, _("Everything runs."))


def _trouble(session: Session, now: datetime, zone: str) -> Service | None:
    """What is wrong with clock, relay or disk; None: nothing."""
    held = find_hold(session)
    if held is not None:
        return Service(True, say_hold(held))
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
    paused = paused_line(session, now)
    if paused is not None:
        return Service(True, paused.words, paused.closer, paused.hearing_id)
    relay = relay_state(session, current_app.extensions["settings"].smtp_url is not None)
    waiting, reminders, first = _waiting(session, now)
    if relay.state == "unset":
        return Service(
            True,
            _("No mail relay is set: mail waits (%(waiting)s).", waiting=waiting) + " " + _start_anew(),
        )
    if relay.is_bad and waiting:
        return _say_relay(session, relay, (waiting, reminders), first, now, zone)
    trouble = read_fact(session, LEDGER_TROUBLE)
    if trouble:
        return Service(
            True,
            _(
                "The record of sent mail in the instance folder cannot be written (%(why)s). Mail leaves; but a backup "
                "that is restored would not know what left. Free the disk, or mend the rights of sent.log.",
                why=trouble,
            ),
        )
    return None


def doctor_says(session: Session, now: datetime, configured: bool) -> Service:
    """What the operator is to do next, in one sentence; not `bad` when there is nothing. `configured`: whether the
    settings name a relay."""
    mode = read_mode(session)
    if not mode.is_open and find_hold(session) is None and clock_silent_since(session, now) is None:
        return Service(True, _("%(what)s When it is over: tracker house mode open", what=say_mode(mode, "UTC")))
    trouble = _trouble(session, now, "UTC")
    if trouble is not None:
        pause = read_pause(session)
        if pause is not None and find_hold(session) is None and clock_silent_since(session, now) is None:
            return Service(
                True,
                _(
                    "%(what)s Look with tracker outbox list --state paused, then: tracker outbox release",
                    what=trouble.to(session, None),
                ),
            )
        return Service(True, trouble.to(session, None))
    failing = [beat.step for beat in heartbeats(session) if beat.failures >= FAILING]
    if failing:
        return Service(
            True,
            _(
                "A step of the clock fails: %(steps)s. Look at its log, and at the page of service health.",
                steps=", ".join(failing),
            ),
        )
    stuck = unsettled(session, now)
    if stuck:
        ids = unsettled_messages(now).subquery()
        state = session.scalar(select(func.max(Message.state)).where(Message.id.in_(select(ids.c.id)))) or ""
        return Service(
            True,
            ngettext(
                "%(num)d mail was not delivered, or may not have arrived, and its hearing is within 72 hours. Tell its "
                "reader another way (tracker outbox list --state %(state)s), then: tracker outbox seen-to ID",
                "%(num)d mails were not delivered, or may not have arrived, and their hearings are within 72 hours. "
                "Tell their readers another way (tracker outbox list --state %(state)s), then: tracker outbox seen-to "
                "ID",
                stuck,
                # Where both are there, the next one is named once the first are seen to.
                state=state.replace("_", "-"),
            ),
        )
    return Service(False, _("Everything runs."))


def say_hold(held: Held) -> str:
    """Why no step runs, and what to do, in one line."""
    doubt = held.doubt
    machine = "" if held.machine == socket.gethostname()[:100] else held.machine
    whose = _("The clock of the machine %(name)s", name=machine) if machine else _("This machine's clock")
    says, against = _instant(doubt.says), _instant(doubt.against)
    match doubt.why:
        case "ahead":
            days = say_days((doubt.says - doubt.against).days)
            said = _("%(clock)s says %(says)s, %(days)s after it last ran.", clock=whose, says=says, days=days)
        case "behind":
            said = _("%(clock)s says %(says)s, but it ran on %(ran)s.", clock=whose, says=says, ran=against)
        case "database":
            said = _("%(clock)s says %(says)s, the database's %(its)s.", clock=whose, says=says, its=against)
        case _:
            said = _("%(clock)s was set: it says %(says)s instead of %(right)s.", clock=whose, says=says, right=against)
    return (
        said
        + " "
        + _("No mail leaves. Set the clock right: it goes on by itself. If it is right: tracker clock accept")
    )


def _instant(at: datetime) -> str:
    return _("%(instant)s UTC", instant=say_instant(at, "UTC"))


def _say_relay(
    session: Session, relay: RelayState, waits: tuple[int, int], first: datetime | None, now: datetime, zone: str
) -> Service:
    """`Mail is refused by the relay since 02:10 (password). 6 reminders wait, first hearing Tue 09:00 Haifa. …`."""
    since = relay.since or now
    clock = say_time(wall_of(since, zone)) if now - since < timedelta(hours=20) else say_instant(since, zone)
    if zone == "UTC":
        clock = _("%(instant)s UTC", instant=clock)
    why = _why(relay.words)
    if relay.state == "refused":
        said = _("Mail is refused by the relay since %(when)s (%(why)s).", when=clock, why=why)
    else:
        said = _("Mail does not leave since %(when)s (%(why)s).", when=clock, why=why)
    waiting, reminders = waits
    if reminders == waiting:
        wait = ngettext("%(num)d reminder waits", "%(num)d reminders wait", reminders)
    else:
        wait = ngettext("%(num)d mail waits", "%(num)d mails wait", waiting)
    hearing = _first_hearing(session, now)
    if relay.state == "refused":
        do = _start_anew()
    else:
        do = _("Look with: tracker mail check.") + " " + _("It resumes by itself.")
    waited = "" if first is None else _("%(wait)s, the first was due %(ago)s.", wait=wait, ago=ago(first, now))
    if hearing is None:
        return Service(True, " ".join(filter(None, (said, waited, do))))
    when = _when(hearing, now, open_to_all=_is_open_to_all(session, hearing))
    closer = _("%(wait)s, first hearing %(when)s.", wait=wait, when=when)
    if is_soon(hearing, now):
        waited = _("%(wait)s, among them about a hearing within 72 hours.", wait=wait)
    return Service(True, f"{said} {waited} {do}", f"{said} {closer} {do}", hearing.id)


def _start_anew() -> str:
    """What to do about a setting: a clock that runs keeps those it began with."""
    return _("Set TRACKER_SMTP_URL, try it with tracker mail check, then start the clock anew.")


def _why(words: str) -> str:
    """What the relay said, in a word where there is one for it."""
    if words.startswith("user or password"):
        return _("password")
    return _("certificate") if words.startswith("TLS:") else say_record(words)


def _first_hearing(session: Session, now: datetime) -> Hearing | None:
    """The first hearing ahead that mail which is due and waits is about."""
    return session.scalar(
        select(Hearing)
        .join(Message, and_(Message.subject_kind == "hearing", Message.subject_id == Hearing.id))
        .where(Message.state.in_(("waiting", "sending")), Message.due_at <= now, Hearing.starts_at > now)
        .order_by(Hearing.starts_at, Hearing.id)
        .limit(1)
    )


def _when(hearing: Hearing, now: datetime, *, open_to_all: bool) -> str:
    """`Tue 09:00 Haifa`, from a week off on `Tue 1 Dec 09:00 Haifa`. It stands on screens of many: no place of what is
    not open to every account."""
    parts = []
    if hearing.local_date:
        days = (hearing.local_date - wall_of(now, hearing.zone).date()).days
        parts.append(say_weekday(hearing.local_date) if days < WEEK else say_day_of_month(hearing.local_date))
    if hearing.local_date and hearing.local_time:
        parts.append(say_time(hearing.local_time))
    if not parts:
        parts.append(say_window(hearing.precision, hearing.earliest_on, hearing.latest_on))
    if open_to_all:
        parts.append(hearing.place or hearing.court)
    return " ".join(filter(None, parts))


def _is_open_to_all(session: Session, hearing: Hearing) -> bool:
    """Whether every account may know of a hearing: it is open to volunteers, and so is one of its cases."""
    open_case = (
        select(Appearance.id)
        .join(Case, Case.id == Appearance.case_id)
        .where(Appearance.hearing_id == hearing.id, Case.audience >= Audience.VOLUNTEERS)
    )
    return hearing.audience >= Audience.VOLUNTEERS and bool(session.scalar(select(exists(open_case))))


def unsettled(session: Session, now: datetime) -> int:
    """How many mails were not delivered or may have arrived, whose hearing is within 72 hours (or was, before it lost
    its date), and of which neither anybody has seen to it nor a later mail has told its reader."""
    return session.scalar(select(func.count()).select_from(unsettled_messages(now).distinct().subquery())) or 0


def unsettled_messages(now: datetime) -> Select[Any]:
    """The same, as SQL."""
    return unheard(now, URGENT).with_only_columns(Message.id)


def banner_for(session: Session, user: User, now: datetime) -> dict[str, str] | None:
    """The one line on top of staff's pages when the service is bad; None while it is well. Looked at every 15 s, for
    each zone and language; which hearing it may speak of is asked for each reader."""
    if not user.is_staff:
        return None
    seen: dict[tuple[str, str], tuple[datetime, Service]] = current_app.extensions.setdefault("service_seen", {})
    key = (user.reading_zone, str(spoken()))
    known = seen.get(key)
    if known is None or not timedelta() <= now - known[0] < LOOK_LASTS:
        known = seen[key] = (now, service_now(session, now, user.reading_zone))
    if not known[1].bad:
        return None
    return {"text": known[1].to(session, user), "url": url_for("pages.service_health"), "url_text": _("Service health")}


_reader = aliased(Recipient)


def sees_message(user: User) -> ColumnElement[bool]:
    """SQL on `messages`: may this reader know of it? Their own; those about a hearing of a case of their desks that
    they see, whoever gets them; and that somebody may not have heard that an action of theirs is stopped."""
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
    unheard_of = exists(
        select(UrgentAction.id)
        .join(Case, Case.id == UrgentAction.case_id)
        .where(
            Message.kind == STOPPED,
            Message.state.in_(NEEDS_HUMAN),
            UrgentAction.id == Message.subject_id,
            Case.desk_id.in_(user.desk_ids()),
            level(user.id) <= UrgentAction.audience,
        )
    )
    return or_(own, about, unheard_of)


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


def _waiting(session: Session, now: datetime) -> tuple[int, int, datetime | None]:
    """How many messages are due and have not left (counted to a hundred), how many of them are reminders, and when
    the first was due."""
    due = session.execute(
        select(Message.due_at, Message.kind)
        .where(and_(Message.state.in_(("waiting", "sending")), Message.due_at <= now))
        .order_by(Message.due_at)
        .limit(100)
    ).all()
    return len(due), sum(row.kind == "hearing.reminder" for row in due), due[0].due_at if due else None
