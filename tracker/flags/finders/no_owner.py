"""`no-owner`: a case that is watched and that nobody keeps."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, select

from tracker.cases.models import Case
from tracker.flags.kinds import by_risk, finder, for_the_desk, no_data, no_instant, watched


@finder("no-owner")
def no_owner(now: datetime) -> Select[Any]:
    """While it has no owner. Severity 2 in critical cases, else 1."""
    return select(
        Case.id.label("case_id"),
        literal("").label("subject"),
        literal("").label("episode"),
        by_risk(critical=2, other=1).label("severity"),
        for_the_desk(Case.audience).label("audience"),
        no_instant().label("due_at"),
        no_data().label("data"),
    ).where(watched(), Case.owner_id.is_(None))
