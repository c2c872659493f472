"""The clock's part: actions whose last day is over are written down as expired."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from tracker.actions.models import UrgentAction
from tracker.actions.service import expire_action
from tracker.base.db import db
from tracker.base.labels import announce
from tracker.base.work import CLOCK, unit_of_work
from tracker.cases.models import Case
from tracker.clockwork.kinds import clock_step

#: Actions that are looked at in one run.
AT_MOST = 500

announce("step", {"actions.expire": _l("writes down that an action's last day is over")})


@clock_step("actions.expire", every=timedelta(seconds=60))
def expire(now: datetime) -> Mapping[str, int]:
    """Write down which active actions have had their last day. Pages know it without: they ask for the instant. Answers
    {"expired"}."""
    past = (
        select(UrgentAction.id)
        .where(UrgentAction.state == "active", UrgentAction.act_until_at <= now)
        .order_by(UrgentAction.act_until_at)
        .limit(AT_MOST)
    )
    if not db.session.scalars(past).all():
        return {"expired": 0}
    with unit_of_work("actions.expire", CLOCK, now=now):
        session = db.session()
        rows = session.execute(
            select(UrgentAction, Case)
            .join(Case, Case.id == UrgentAction.case_id)
            .where(UrgentAction.id.in_(session.scalars(past).all()))
        ).all()
        for action, case in rows:
            expire_action(session, case, action)
    return {"expired": len(rows)}
