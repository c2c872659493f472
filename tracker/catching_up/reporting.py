"""Planning the report of a stop of the clock, once what it kept back has been seen to."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.base.db import db
from tracker.base.work import CLOCK, unit_of_work
from tracker.catching_up import kinds
from tracker.catching_up.queries import list_concerned
from tracker.clockwork.kinds import clock_step
from tracker.clockwork.models import Heartbeat, Outage
from tracker.outbox import deliver
from tracker.outbox.models import Recipient
from tracker.outbox.service import ensure_recipients, plan_messages

#: Minutes after the clock went on: the late reminders themselves come first.
AFTER = timedelta(minutes=5)

#: The steps that must have done their part.
CAUGHT_UP_BY = ("reminders.plan", "outbox.deliver")

# Within a turn steps run in the order announced: delivery is, before this one.
__all__ = ["deliver", "kinds", "report_step"]


@clock_step("catching_up.report", every=timedelta(seconds=60), turn="deliver")
def report_step(now: datetime) -> Mapping[str, int]:
    """Plan the reports of stops that nobody was told of yet. Answers {"reported"}: mails planned."""
    session: Session = db.session()
    try:
        open_ids = list(session.scalars(select(Outage.id).where(Outage.reported_at.is_(None)).order_by(Outage.id)))
    finally:
        session.rollback()
    if not open_ids:
        return {"reported": 0}
    with unit_of_work("catching_up.report", CLOCK, now=now):
        return {"reported": sum(_report(db.session(), outage_id, now) for outage_id in open_ids)}


def _report(session: Session, outage_id: int, now: datetime) -> int:
    outage = session.get(Outage, outage_id, populate_existing=True, with_for_update=True)
    if outage is None or outage.reported_at is not None or not _caught_up(session, outage):
        return 0
    outage.reported_at = now
    people = {user.id: user for user in list_concerned(session, outage)}
    ensure_recipients(session, people)
    recipients = session.execute(select(Recipient.id, Recipient.user_id).where(Recipient.user_id.in_(people)))
    return plan_messages(
        session,
        [
            {
                "dedupe_key": f"outage.report:{outage.id}:{recipient_id}",
                "kind": "outage.report",
                "subject_kind": "outage",
                "subject_id": outage.id,
                "subject_rev": 1,
                "recipient_id": recipient_id,
                "cause": "keeps a case",
                "tells": {"zone": people[user_id].reading_zone},
                "due_at": max(now, outage.ended_at + AFTER),
            }
            for recipient_id, user_id in recipients
            if user_id is not None
        ],
    )


def _caught_up(session: Session, outage: Outage) -> bool:
    """Whether each step that sees to what was kept back has ended well since."""
    done = select(Heartbeat.step).where(Heartbeat.step.in_(CAUGHT_UP_BY), Heartbeat.ended_at >= outage.ended_at)
    return set(session.scalars(done)) == set(CAUGHT_UP_BY)
