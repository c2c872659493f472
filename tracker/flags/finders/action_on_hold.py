"""`action-on-hold`: nobody writes, and somebody has to say whether it goes on."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, literal, select

from tracker.actions.models import UrgentAction
from tracker.actions.rules import HOLD_REASONS
from tracker.cases.models import Case
from tracker.flags.kinds import (
    action_subject,
    day_of,
    finder,
    for_the_desk,
    hours_after,
    of_its_case,
    say_in_data,
    watched,
)
from tracker.flags.rules import SECOND_SOURCE_HOURS

#: Reasons of which only a report is known: a second source is asked for.
REPORTED = ("death_reported", "release_reported")


@finder("action-on-hold")
def action_on_hold(now: datetime) -> Select[Any]:
    """While an action is on hold. Severity 1; where a death or a release is only reported 2, and 3 from four hours
    after it was put on hold, when a second source is due."""
    reported = UrgentAction.state_reason.in_(REPORTED)
    overdue = and_(reported, UrgentAction.state_since <= now - timedelta(hours=SECOND_SOURCE_HOURS))
    due_at = case(
        (reported, hours_after(UrgentAction.state_since, SECOND_SOURCE_HOURS)), else_=UrgentAction.state_since
    )
    return (
        select(
            UrgentAction.case_id.label("case_id"),
            action_subject().label("subject"),
            (UrgentAction.state_reason + ":" + day_of(UrgentAction.state_since)).label("episode"),
            case((overdue, literal(3)), (reported, literal(2)), else_=literal(1)).label("severity"),
            for_the_desk(of_its_case(Case.audience, UrgentAction), UrgentAction.audience).label("audience"),
            due_at.label("due_at"),
            say_in_data(UrgentAction.state_reason, HOLD_REASONS).label("data"),
        )
        .select_from(UrgentAction)
        .where(UrgentAction.state == "on_hold", watched(of_its_case(Case.stage, UrgentAction)))
    )
