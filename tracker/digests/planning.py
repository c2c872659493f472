"""Planning the weekly agenda: once for each reader and week, on the first working morning of their desk."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.accounts.rules import is_away
from tracker.base.dates import name_of_week, week_began
from tracker.base.db import db
from tracker.base.sentences import on_record
from tracker.base.work import CLOCK, unit_of_work
from tracker.clockwork.kinds import clock_step
from tracker.digests.queries import Reader, list_readers, with_something
from tracker.outbox.models import Message
from tracker.outbox.service import CHUNK, plan_messages

#: The message kind, as each mail says in its header.
DIGEST = "digest"

#: What a digest is about, for the outbox: a week.
SUBJECT = "week"

#: Why somebody gets it, in words for staff.
ON_DESK = "is on the desk"

#: How late it is still of use, after a stop of the clock.
LATE = timedelta(hours=48)

#: How far on either side of a desk's week its readers' weeks begin.
ZONES_APART = timedelta(hours=26)

#: Why a week has none. Written down, so that what comes up later that morning does not make one at noon.
NOTHING = on_record("there was nothing to tell")


@clock_step("digests.plan", every=timedelta(seconds=60), turn="plan")
def plan_step(now: datetime) -> Mapping[str, int]:
    """Plan the weekly agendas that have come due. Answers {"planned"}."""
    with unit_of_work("digests.plan", CLOCK, now=now):
        return {"planned": plan(db.session(), now)}


def plan(session: Session, now: datetime) -> int:
    """Plan the weekly agendas due at `now`, inside the caller's unit of work; returns how many go out. One statement
    on other days of the week."""
    desks = [
        desk.id
        for desk in session.execute(select(Desk.id, Desk.zone, Desk.working_days))
        if now - week_began(now + ZONES_APART, desk.zone, desk.working_days) < LATE + ZONES_APART
    ]
    due = {_key(reader, began): (reader, began) for reader, began in _due(session, now, desks)} if desks else {}
    keys = list(due)
    for start in range(0, len(keys), CHUNK):
        planned = Message.dedupe_key.in_(keys[start : start + CHUNK])
        for key in session.scalars(select(Message.dedupe_key).where(planned)):
            due.pop(key, None)
    if not due:
        return 0
    told = with_something(session, [reader.recipient_id for reader, _began in due.values()], now)
    rows = [_written(key, reader, began) for key, (reader, began) in due.items()]
    plan_messages(
        session, [{**r, "state": "skipped", "reason": NOTHING} for r in rows if r["recipient_id"] not in told]
    )
    return plan_messages(session, [r for r in rows if r["recipient_id"] in told])


def _due(session: Session, now: datetime, desks: list[int]) -> list[tuple[Reader, datetime]]:
    found = []
    for reader in list_readers(session, desks):
        began = week_began(now, reader.zone, reader.working_days)
        if now - began < LATE and not is_away(reader.away_until, reader.zone, now):
            found.append((reader, began))
    return found


def _key(reader: Reader, began: datetime) -> str:
    return f"{DIGEST}:{name_of_week(began, reader.zone)}:{reader.recipient_id}"


def _written(key: str, reader: Reader, began: datetime) -> dict[str, Any]:
    week = name_of_week(began, reader.zone)
    return {
        "dedupe_key": key,
        "kind": DIGEST,
        "subject_kind": SUBJECT,
        "subject_id": int(week.replace("-W", "")),
        "subject_rev": 1,
        "recipient_id": reader.recipient_id,
        "cause": ON_DESK,
        "tells": {"week": week, "reader_zone": reader.zone},
        "due_at": began,
        "give_up_at": began + LATE,
    }
