"""`action-expiring`: the last day on which letters help is near."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, literal, select

from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.cases.models import Case
from tracker.flags.kinds import (
    finder,
    first_day,
    for_the_desk,
    in_days,
    no_data,
    of_its_case,
    revision_of,
    subject_of,
    today_there,
    watched,
)
from tracker.flags.rules import SOON_DAYS, URGENT_DAYS, WIDEST_OFFSET


@finder("action-expiring")
def action_expiring(now: datetime) -> Select[Any]:
    """From seven days before the last day of an action that can be taken until that day is over, counted where its desk
    is. Severity 2, and 3 from two days before."""
    return (
        select(
            AgendaItem.case_id.label("case_id"),
            subject_of().label("subject"),
            revision_of().label("episode"),
            case((first_day() <= in_days(URGENT_DAYS), literal(3)), else_=literal(2)).label("severity"),
            for_the_desk(of_its_case(Case.audience), AgendaItem.audience).label("audience"),
            AgendaItem.starts_at.label("due_at"),
            no_data().label("data"),
        )
        .select_from(AgendaItem)
        .join(today_there, today_there.c.key == AgendaItem.zone)
        .where(
            AgendaItem.kind == "action",
            AgendaItem.state == OPEN_STATE,
            # The instant at which the day is over: one day later than the day.
            AgendaItem.starts_at > now,
            AgendaItem.starts_at < now + timedelta(days=SOON_DAYS + 1) + WIDEST_OFFSET,
            first_day() <= in_days(SOON_DAYS),
            watched(of_its_case(Case.stage)),
        )
    )
