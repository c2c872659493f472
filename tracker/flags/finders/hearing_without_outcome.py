"""`hearing-without-outcome`: a hearing's day is over where the court is, and nobody has said what happened."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.cases.models import Case
from tracker.flags.kinds import by_risk, finder, for_the_desk, no_data, of_its_case, revision_of, subject_of, watched


@finder("hearing-without-outcome")
def hearing_without_outcome(now: datetime) -> Select[Any]:
    """From the first moment of the day after it (after the last day of its window) in the court's zone, for as long as
    it is still scheduled. Severity 3 in critical and high cases, else 2."""
    return (
        select(
            AgendaItem.case_id.label("case_id"),
            subject_of().label("subject"),
            revision_of().label("episode"),
            by_risk(of_its_case(Case.risk), critical=3, high=3, other=2).label("severity"),
            for_the_desk(of_its_case(Case.audience), AgendaItem.audience).label("audience"),
            AgendaItem.outcome_due_at.label("due_at"),
            no_data().label("data"),
        )
        .select_from(AgendaItem)
        .where(
            AgendaItem.kind == "hearing",
            AgendaItem.state == OPEN_STATE,
            AgendaItem.outcome_due_at <= now,
            # Follows from the line above; said so that the hearings of one case are found by that case's index.
            AgendaItem.starts_at <= now,
            watched(of_its_case(Case.stage)),
        )
    )
