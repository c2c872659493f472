"""`target-out-of-office`: an action is addressed to somebody who has left office."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, exists, func, literal, or_, select

from tracker.actions.models import ActionTarget, UrgentAction
from tracker.base.columns import UTCDateTime
from tracker.cases.models import Case
from tracker.flags.kinds import (
    action_subject,
    day_of,
    finder,
    for_the_desk,
    no_data,
    no_instant,
    of_its_case,
    watched,
)
from tracker.targets.models import Target


@finder("target-out-of-office")
def target_out_of_office(now: datetime) -> Select[Any]:
    """While an action that can be taken, or is on hold, names somebody whose last day in office is over, by the day in
    UTC; until they are taken off or the target book says otherwise. Severity 2, and 3 where nobody it names is left in
    office."""
    # As text: a day of `now` would be no instant, and the statement be built anew for each.
    gone = cast(Target.valid_to, String) < day_of(literal(now, UTCDateTime))
    left = _addressed(gone).with_only_columns(func.max(cast(Target.valid_to, String))).scalar_subquery()
    nobody = ~exists(_addressed(or_(Target.valid_to.is_(None), ~gone)))
    return (
        select(
            UrgentAction.case_id.label("case_id"),
            action_subject().label("subject"),
            func.coalesce(left, "", type_=String).label("episode"),
            case((nobody, literal(3)), else_=literal(2)).label("severity"),
            for_the_desk(of_its_case(Case.audience, UrgentAction), UrgentAction.audience).label("audience"),
            no_instant().label("due_at"),
            no_data().label("data"),
        )
        .select_from(UrgentAction)
        .where(
            UrgentAction.state.in_(("active", "on_hold")),
            or_(exists(_addressed(gone)), nobody),
            watched(of_its_case(Case.stage, UrgentAction)),
        )
    )


def _addressed(whom: ColumnElement[bool]) -> Select[Any]:
    return (
        select(1)
        .select_from(ActionTarget)
        .join(Target, Target.id == ActionTarget.target_id)
        .where(ActionTarget.action_id == UrgentAction.id, whom)
        .correlate(UrgentAction)
    )
