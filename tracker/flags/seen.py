"""Telling the faces which flags are open: they lie below and cannot ask."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from tracker.cases.faces import FlagSeen, tells_open_flags
from tracker.flags.models import Flag


@tells_open_flags
def open_flags(session: Session, now: datetime, cases: Sequence[int]) -> Iterable[FlagSeen]:
    """Open flags of these cases. Severity 0 while one is acknowledged or snoozed: it stands, and asks for nobody."""
    quiet = or_(Flag.acknowledged_at.is_not(None), Flag.snoozed_until > now)
    rows = session.execute(
        select(Flag.case_id, Flag.audience, Flag.rule, case((quiet, 0), else_=Flag.severity), Flag.due_at).where(
            Flag.case_id.in_(cases), Flag.cleared_at.is_(None)
        )
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
