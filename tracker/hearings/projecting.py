"""The settler of the phase `agenda` for hearings, and what follows when the rules of time zones change."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.agenda.models import OPEN_STATE
from tracker.agenda.service import chunks, project
from tracker.base.audience import Audience
from tracker.base.work import settles, touch
from tracker.cases.models import Case
from tracker.clockwork.kinds import rederives
from tracker.hearings.models import Appearance, Hearing
from tracker.hearings.rules import instants, when_of
from tracker.hearings.service import case_ids, derive_instants


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


@rederives("hearings")
def derive_hearings_anew(session: Session, now: datetime) -> int:
    """Write the instants of hearings that nobody has told the outcome of by the present rules of their zones; answers
    how many have changed. The hour on the court's door stays what it is, so nobody is told of anything."""
    changed = 0
    for hearing in session.scalars(select(Hearing).where(Hearing.state == OPEN_STATE, Hearing.starts_at.is_not(None))):
        before = (hearing.starts_at, hearing.outcome_due_at)
        derive_instants(hearing)
        if (hearing.starts_at, hearing.outcome_due_at) != before:
            touch(*case_ids(session, hearing.id))
            changed += 1
    return changed
