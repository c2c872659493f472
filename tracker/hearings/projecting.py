"""The settler of the phase `agenda` for hearings, and what follows when the rules of time zones change."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.agenda.service import chunks, project
from tracker.base.audience import Audience
from tracker.base.work import settles
from tracker.cases.models import Case
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.rules import instants
from tracker.hearings.service import when_of


@settles("agenda")
def project_hearings(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """One agenda item per hearing and case; the stricter audience of the two."""
    for chunk in chunks(cases or ()):
        rows = session.execute(
            select(Hearing, Appearance.case_id, Case.audience)
            .join(Appearance, Appearance.hearing_id == Hearing.id)
            .join(Case, Case.id == Appearance.case_id)
            .where(Appearance.case_id.in_(chunk))
            .distinct()
        ).all()
        project(session, "hearing", chunk, [_item(hearing, case_id, audience) for hearing, case_id, audience in rows])


def _item(hearing: Hearing, case_id: int, audience: Audience) -> dict[str, object]:
    derived = instants(when_of(hearing))
    return {
        "subject_id": hearing.id,
        "rev": hearing.schedule_rev,
        "case_id": case_id,
        "lead_kind": hearing.kind,
        "audience": min(hearing.audience, audience, key=int),
        "zone": hearing.zone,
        "local_date": hearing.local_date,
        "local_time": hearing.local_time,
        "earliest_on": hearing.earliest_on,
        "latest_on": hearing.latest_on,
        "starts_at": derived.starts_at,
        "outcome_due_at": derived.outcome_due_at,
        "remind_until": derived.remind_until,
        "certainty": hearing.certainty,
        "confirmed_at": hearing.confirmed_at,
        "state": hearing.state,
    }
