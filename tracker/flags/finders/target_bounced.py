"""`target-bounced`: somebody found that an address of a live action does not work."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, exists, func, literal, select

from tracker.actions.models import ActionTarget, UrgentAction
from tracker.base.columns import UTCDateTime
from tracker.cases.models import Case
from tracker.flags.kinds import action_subject, finder, for_the_desk, no_data, of_its_case, watched
from tracker.targets.models import TargetReport


@finder("target-bounced")
def target_bounced(_now: datetime) -> Select[Any]:
    """While nobody has seen to a report that mail, post or calls do not reach somebody whom an action names that can be
    taken, or is on hold. Severity 2; a further report is a new occasion."""
    reports = (
        select(1)
        .select_from(ActionTarget)
        .join(TargetReport, TargetReport.target_id == ActionTarget.target_id)
        .where(ActionTarget.action_id == UrgentAction.id, TargetReport.settled_at.is_(None))
        .correlate(UrgentAction)
    )
    latest = reports.with_only_columns(func.max(TargetReport.id)).scalar_subquery()
    first_at = reports.with_only_columns(func.min(TargetReport.reported_at, type_=UTCDateTime)).scalar_subquery()
    return (
        select(
            UrgentAction.case_id.label("case_id"),
            action_subject().label("subject"),
            (literal("report:", String) + cast(latest, String)).label("episode"),
            literal(2).label("severity"),
            for_the_desk(of_its_case(Case.audience, UrgentAction), UrgentAction.audience).label("audience"),
            first_at.label("due_at"),
            no_data().label("data"),
        )
        .select_from(UrgentAction)
        .where(
            UrgentAction.state.in_(("active", "on_hold")),
            exists(reports),
            watched(of_its_case(Case.stage, UrgentAction)),
        )
    )
