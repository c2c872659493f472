"""`stale-case`: nobody has checked a case for longer than its risk allows."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, select

from tracker.cases.models import Case
from tracker.flags.kinds import by_risk, day_of, finder, for_the_desk, no_data, watched


@finder("stale-case")
def stale_case(now: datetime) -> Select[Any]:
    """From the instant the case goes stale, which is written when it is checked, gets a sourced entry or changes its
    risk, and is empty after a death. Severity 3 in critical cases, 2 in high ones, else 1."""
    return select(
        Case.id.label("case_id"),
        literal("").label("subject"),
        day_of(Case.stale_at).label("episode"),
        by_risk(critical=3, high=2, other=1).label("severity"),
        for_the_desk(Case.audience).label("audience"),
        Case.stale_at.label("due_at"),
        no_data().label("data"),
    ).where(watched(), Case.stale_at <= now)
