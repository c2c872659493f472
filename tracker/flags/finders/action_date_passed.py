"""`action-date-passed`: the last day of an action is over, and nobody has said what becomes of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, literal, select
from sqlalchemy.orm import aliased

from tracker.actions.models import UrgentAction
from tracker.cases.models import Case
from tracker.flags.kinds import action_subject, day_of, finder, for_the_desk, no_data, of_its_case, watched
from tracker.flags.rules import DATE_PASSED_FOR


@finder("action-date-passed")
def action_date_passed(now: datetime) -> Select[Any]:
    """For thirty days from the end of its last day, until it is extended, closed or stopped, or an update that was
    opened has taken its place. Severity 2."""
    update = aliased(UrgentAction)
    followed = exists(
        select(1).where(update.previous_id == UrgentAction.id, update.activated_at.is_not(None)).correlate(UrgentAction)
    )
    return (
        select(
            UrgentAction.case_id.label("case_id"),
            action_subject().label("subject"),
            day_of(UrgentAction.act_until_at).label("episode"),
            literal(2).label("severity"),
            for_the_desk(of_its_case(Case.audience, UrgentAction), UrgentAction.audience).label("audience"),
            UrgentAction.act_until_at.label("due_at"),
            no_data().label("data"),
        )
        .select_from(UrgentAction)
        .where(
            UrgentAction.state.in_(("active", "expired")),
            UrgentAction.act_until_at <= now,
            UrgentAction.act_until_at > now - DATE_PASSED_FOR,
            ~followed,
            watched(of_its_case(Case.stage, UrgentAction)),
        )
    )
