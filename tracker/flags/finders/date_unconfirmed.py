"""`date-unconfirmed`: a hearing is near and nobody has made sure of its date of late."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, literal, or_, select

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
from tracker.flags.rules import CONFIRMED_WITHIN, LONGEST_WINDOW, UNCONFIRMED_DAYS, WIDEST_OFFSET


@finder("date-unconfirmed")
def date_unconfirmed(now: datetime) -> Select[Any]:
    """From five days before its day (the first of its window), counted in the court's zone, until it begins; without
    a time, until that day (the last of its window) is over.

    Found while its date is provisional, was confirmed by nobody, or last more than 5 × 24 hours ago. Severity 2.
    """
    return (
        select(
            AgendaItem.case_id.label("case_id"),
            subject_of().label("subject"),
            revision_of().label("episode"),
            literal(2).label("severity"),
            for_the_desk(of_its_case(Case.audience), AgendaItem.audience).label("audience"),
            AgendaItem.starts_at.label("due_at"),
            no_data().label("data"),
        )
        .select_from(AgendaItem)
        .join(today_there, today_there.c.key == AgendaItem.zone)
        .where(
            AgendaItem.kind == "hearing",
            AgendaItem.state == OPEN_STATE,
            AgendaItem.starts_at > now - LONGEST_WINDOW,
            AgendaItem.starts_at < now + timedelta(days=UNCONFIRMED_DAYS + 1) + WIDEST_OFFSET,
            AgendaItem.outcome_due_at > now,
            or_(AgendaItem.local_time.is_(None), AgendaItem.starts_at > now),
            first_day() <= in_days(UNCONFIRMED_DAYS),
            or_(
                AgendaItem.certainty == "provisional",
                AgendaItem.confirmed_at.is_(None),
                AgendaItem.confirmed_at < now - CONFIRMED_WITHIN,
            ),
            watched(of_its_case(Case.stage)),
        )
    )
