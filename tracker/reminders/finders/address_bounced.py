"""`address-bounced`: mail to somebody who keeps, stands in for or follows a case comes back."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, literal, select

from tracker.cases.models import Case
from tracker.cases.queries import NOTHING, level
from tracker.flags.kinds import by_risk, day_of, finder, for_the_desk, no_data
from tracker.flags.queries import ACCOUNT
from tracker.reminders.bouncing import concerned


@finder("address-bounced")
def address_bounced(now: datetime) -> Select[Any]:
    """Since the instant at which their address was taken not to work, until they are reached again or have nothing to
    do with the case any more. Who only follows its desk counts while a hearing lies at most two weeks ahead. Severity
    2, and 3 where the case is critical."""
    who = concerned(now)
    return (
        select(
            who.c.case_id.label("case_id"),
            (literal(ACCOUNT, String) + cast(who.c.user_id, String)).label("subject"),
            day_of(who.c.suppressed_at).label("episode"),
            by_risk(critical=3, other=2).label("severity"),
            for_the_desk(Case.audience).label("audience"),
            who.c.suppressed_at.label("due_at"),
            no_data().label("data"),
        )
        .select_from(who)
        .join(Case, Case.id == who.c.case_id)
        .where(level(who.c.user_id, Case) < NOTHING)
    )
