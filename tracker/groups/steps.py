"""The clock's part: before an evening, and while it lasts, its actions are looked at, and what differs is told."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.base.db import db
from tracker.base.work import CLOCK, unit_of_work
from tracker.clockwork.kinds import clock_step, rederives
from tracker.groups.models import GroupEvening
from tracker.groups.queries import coordinators_of, differs, evenings_to_check
from tracker.groups.rules import TOLD_UNTIL
from tracker.groups.service import check_evening, derive_start
from tracker.outbox.service import plan_messages, recipient_for

#: The message kind.
CHECKED = "evening.checked"

#: Why somebody gets it, in words for staff.
COORDINATES = "coordinates the group"


@clock_step("groups.check", every=timedelta(seconds=60), turn="plan")
def check(now: datetime) -> Mapping[str, int]:
    """Look at the actions of evenings that begin within two hours or go on; tell who coordinates the group how they
    stand, and once more when that changes. Answers {"checked", "told"}."""
    if not any(differs(db.session(), evening, now) for evening in evenings_to_check(db.session(), now)):
        return {"checked": 0, "told": 0}
    checked = told = 0
    with unit_of_work("groups.check", CLOCK, now=now):
        session = db.session()
        for evening in evenings_to_check(session, now):
            if not check_evening(session, evening):
                continue
            checked += 1
            session.flush()
            rows = [
                {
                    "dedupe_key": f"{CHECKED}:{evening.id}:{evening.version}:{user.id}",
                    "kind": CHECKED,
                    "subject_kind": "evening",
                    "subject_id": evening.id,
                    "subject_rev": evening.version,
                    "recipient_id": recipient_for(session, user.id).id,
                    "cause": COORDINATES,
                    "tells": {},
                    "due_at": now,
                    "give_up_at": evening.starts_at + TOLD_UNTIL,
                }
                for user in coordinators_of(session, evening.group_id)
            ]
            told += plan_messages(session, rows)
    return {"checked": checked, "told": told}


@rederives("groups")
def derive_evenings_anew(session: Session, now: datetime) -> int:
    """Write when evenings begin that lie ahead by the present rules of their zones; answers how many have changed. The
    hour that was agreed on stays what it is."""
    changed = 0
    for evening in session.scalars(
        select(GroupEvening).where(GroupEvening.starts_at > now, GroupEvening.cancelled_at.is_(None))
    ):
        before = evening.starts_at
        derive_start(evening)
        changed += evening.starts_at != before
    return changed
