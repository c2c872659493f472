"""`consent-review`: what somebody agreed to must be asked anew, or an open case has lost what it needs."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, and_, case, cast, literal, select

from tracker.base.audience import Audience
from tracker.cases.models import Case, Involvement
from tracker.flags.kinds import day_of, finder, for_the_desk, no_data, watched

#: How long before it runs out it is urgent enough to rise.
SOON = timedelta(days=14)


@finder("consent-review")
def consent_review(now: datetime) -> Select[Any]:
    """From the review date, or fourteen days before an agreement runs out, which are written when something is said.
    Severity 1; 2 while one runs out within fourteen days; 3 while the case is open to an audience to which the person
    may not be known any more, or never could."""
    lost = and_(Case.audience > Audience.DESK, Involvement.public_up_to < Case.audience)
    soon = Involvement.consent_changes_at <= now + SOON
    return (
        select(
            Case.id.label("case_id"),
            (literal("person:", String) + cast(Involvement.person_id, String)).label("subject"),
            day_of(Involvement.consent_review_at).label("episode"),
            case((lost, 3), (soon, 2), else_=1).label("severity"),
            for_the_desk(Case.audience).label("audience"),
            Involvement.consent_review_at.label("due_at"),
            no_data().label("data"),
        )
        .join(Involvement, Involvement.case_id == Case.id)
        .where(watched(), Involvement.consent_review_at <= now)
    )
