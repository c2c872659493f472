"""What machines ask about the service: whether pages and database answer, and whether reminders leave. Nothing here
says anything about anybody.

The clock tells an alarm outside once a minute while reminders leave (`TRACKER_ALARM_URL`), and is silent otherwise:
whoever listens there notices also a machine that cannot say any more that it is in trouble.
"""

import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import HouseFact
from tracker.base.logs import get_logger
from tracker.base.mode import Mode, mode_column, mode_of, read_mode
from tracker.clockwork import guard, rules
from tracker.clockwork.kinds import PartlyFailed, clock_step, steps
from tracker.clockwork.models import Heartbeat
from tracker.clockwork.queries import PULSE, database_clock
from tracker.clockwork.rules import Beat
from tracker.outbox import pausing
from tracker.outbox.models import Envelope, Message
from tracker.outbox.packing import is_held
from tracker.pages.health import unsettled_messages

log = get_logger(__name__)

#: For how long an answer serves whoever asks: it is open to anyone.
LASTS = timedelta(seconds=5)

#: What is due and has not left for so long is late.
LATE = timedelta(minutes=5)

#: Messages that are looked at in one statement. Quiet hours may hold back more than these before one that is late.
MOST = 500

#: The code of the step that tells the alarm; that the alarm cannot be reached is no reason to keep silent towards it.
ALARM = "pages.alarm"

#: Seconds to reach the alarm, and those a tick waits for it: the mail does not.
ALARM_SECONDS, WAITED_SECONDS = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether reminders leave. Booleans that must be False, and ages in seconds; None: there is none."""

    #: A step has not begun for two minutes more than it should, or none ever ran.
    step_silent: bool
    #: A step failed three times in a row.
    step_failing: bool
    #: Seconds since a step last began.
    step_age: int | None
    #: Something is due for five minutes, and only quiet hours or an answer that was lost may keep it.
    mail_late: bool
    #: Seconds since the oldest of that was due.
    mail_age: int | None
    #: It is late because mail is paused.
    mail_paused: bool
    #: A mail did not arrive, or may not have, its hearing is within 72 hours, and nobody has seen to it.
    mail_unsettled: bool
    #: The clock of a machine is not believed, so that no step runs.
    clock_held: bool
    #: This machine's clock and the database's differ by more than 30 seconds.
    clock_off: bool
    #: The house is read-only, or closed: nothing that is wrong, but whoever watches should know.
    read_only: bool
    closed: bool

    @property
    def is_well(self) -> bool:
        """Whether reminders leave."""
        return not (
            self.step_silent
            or self.step_failing
            or self.mail_late
            or self.mail_unsettled
            or self.clock_held
            or self.clock_off
        )

    def told(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "ok": self.is_well,
            "step_silent": self.step_silent,
            "step_failing": self.step_failing,
            "step_age_seconds": self.step_age,
            "mail_late": self.mail_late,
            "mail_age_seconds": self.mail_age,
            "mail_paused": self.mail_paused,
            "mail_unsettled": self.mail_unsettled,
            "clock_held": self.clock_held,
            "clock_off": self.clock_off,
            "read_only": self.read_only,
            "closed": self.closed,
        }


def database_answers() -> Mode | None:
    """The mode of the house, if the database answers; None: it does not."""
    session: Session = db.session()
    try:
        return read_mode(session)
    except SQLAlchemyError:
        return None
    finally:
        session.rollback()


def reminders_now(now: datetime) -> Probe | None:
    """Whether reminders leave, as looked at within the last five seconds; None: the database does not answer."""
    seen: tuple[datetime, Probe] | None = current_app.extensions.get("reminders_seen")
    if seen is not None and timedelta() <= now - seen[0] < LASTS:
        return seen[1]
    session: Session = db.session()
    try:
        probe = read_probe(session, now)
    except SQLAlchemyError as fault:
        log.error("health.unread", fault=type(fault).__name__)
        return None
    finally:
        session.rollback()
    current_app.extensions["reminders_seen"] = (now, probe)
    return probe


def read_probe(session: Session, now: datetime) -> Probe:
    """Whether reminders leave. Two statements, answered by indexes; one more for each MOST that are held back."""

    def fact(key: str) -> Any:
        return exists(select(HouseFact.key).where(HouseFact.key == key))

    rows = session.execute(
        select(
            Heartbeat.step,
            Heartbeat.started_at,
            Heartbeat.ended_at,
            Heartbeat.failures,
            database_clock(session).label("database"),
            fact(guard.HELD).label("held"),
            mode_column().label("mode"),
            exists(unsettled_messages(now)).label("unsettled"),
        )
    ).all()
    beats = [Beat(row.step, row.started_at, row.ended_at, row.failures) for row in rows if row.step != PULSE]
    pulse_at = next((row.started_at for row in rows if row.step == PULSE), None)
    every = {step.code: step.every for step in steps if step.code != ALARM}
    last = max((beat.started_at for beat in beats), default=None)
    late, paused = _late(session, now)
    database = rows[0].database if rows else None
    mode = mode_of(rows[0].mode) if rows else read_mode(session)
    return Probe(
        step_silent=not beats or bool(rules.silent_steps(beats, every, now, pulse_at)),
        step_failing=any(beat.failures >= rules.FAILING for beat in beats if beat.step in every),
        step_age=int((now - last).total_seconds()) if last is not None else None,
        mail_late=late is not None,
        mail_age=int((now - late).total_seconds()) if late is not None else None,
        mail_paused=paused,
        mail_unsettled=bool(rows and rows[0].unsettled),
        clock_held=bool(rows and rows[0].held),
        # What the database said is compared with the machine's clock, also where a test holds another instant.
        clock_off=database is not None and abs(clock.true_now() - database) > rules.SKEW_TOLD,
        read_only=mode.state == "read-only",
        closed=mode.is_closed,
    )


def _late(session: Session, now: datetime) -> tuple[datetime | None, bool]:
    """Since when the oldest is due that should have left five minutes ago, and whether a pause keeps it. Quiet hours
    hold back what they hold back; what the relay puts off again and again is late all the same. What may have arrived
    already, and is sent once more after ten minutes, is not."""
    paused_since = select(HouseFact.value).where(HouseFact.key == pausing.FACT).scalar_subquery()
    due = (
        select(Message, Envelope.not_before, Envelope.ambiguous_attempts, paused_since.label("pause"))
        .outerjoin(Envelope, Envelope.id == Message.envelope_id)
        .where(Message.state.in_(("waiting", "sending", "paused")), Message.due_at <= now - LATE)
        .order_by(Message.due_at, Message.id)
        .limit(MOST)
    )
    rows = session.execute(due).all()
    while rows:
        for message, not_before, unsure, pause in rows:
            if unsure and not_before is not None and not_before > now:
                continue
            if not is_held(message, now):
                return message.due_at, message.state == "paused" or pause is not None
        last: Message = rows[-1][0]
        behind = or_(Message.due_at > last.due_at, and_(Message.due_at == last.due_at, Message.id > last.id))
        rows = session.execute(due.where(behind)).all() if len(rows) == MOST else []
    return None, False


# The alarm ------------------------------------------------------------------------------------------------------------


class _NoWayOn(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: nothing goes anywhere but to the address that is set."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        """There is none."""
        return


class _Call(threading.Thread):
    """One call of the alarm."""

    def __init__(self, address: str) -> None:
        super().__init__(name="alarm", daemon=True)
        self._address = address
        self.fault = ""

    def run(self) -> None:
        """Fetch it, and look at nothing but whether that went well."""
        try:
            opener = urllib.request.build_opener(_NoWayOn())
            with opener.open(self._address, timeout=ALARM_SECONDS):
                pass
        except (OSError, ValueError) as fault:
            self.fault = type(fault).__name__


@clock_step(ALARM, every=timedelta(seconds=60), turn="deliver")
def tell_alarm(now: datetime) -> Mapping[str, int]:
    """Tell the alarm outside that reminders leave; say nothing while they do not. Answers {"told"}."""
    address = current_app.extensions["settings"].alarm_url
    if address is None:
        return {"told": 0}
    before: _Call | None = current_app.extensions.get("alarm_call")
    if before is not None and before.is_alive():
        raise PartlyFailed("the alarm does not answer", {"told": 0})
    session: Session = db.session()
    try:
        well = read_probe(session, now).is_well
    finally:
        session.rollback()
    if not well:
        return {"told": 0}
    call = _Call(address)
    current_app.extensions["alarm_call"] = call
    call.start()
    call.join(WAITED_SECONDS)
    fault = call.fault or (before.fault if before is not None and call.is_alive() else "")
    if fault:
        raise PartlyFailed(f"the alarm cannot be reached ({fault})", {"told": 0})
    return {"told": 1}
