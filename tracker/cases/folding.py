"""The settler of the phase `fold`: from entries to where people stand and when the case goes stale."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.kinds import desk_clock_changes
from tracker.accounts.models import Desk
from tracker.agenda.service import chunks
from tracker.base.work import settles, touch
from tracker.cases import rules
from tracker.cases.models import Case, Involvement
from tracker.timeline.kinds import kind_of
from tracker.timeline.models import Entry, EntrySource
from tracker.timeline.rules import Meaning, Told, WhereTheyStand, meanings, stand
from tracker.timeline.service import load_told, write_states


@settles("fold")
def fold(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Fold the entries of touched cases. Nothing is ever due by the clock alone, so None is nothing to do."""
    for chunk in chunks(cases or ()):
        _fold(session, chunk)


@desk_clock_changes.adds("cases.stale")
def reckon_stale_dates_anew(session: Session, desk_id: int, _now: datetime) -> None:
    """The open cases of a desk go stale by its new thresholds and working days."""
    touch(*session.scalars(select(Case.id).where(Case.desk_id == desk_id, Case.stage != "closed")))


def _fold(session: Session, cases: Sequence[int]) -> None:
    told = load_told(session, cases)
    involved: dict[int, list[Involvement]] = {case_id: [] for case_id in cases}
    for involvement in session.scalars(select(Involvement).where(Involvement.case_id.in_(cases))):
        involved[involvement.case_id].append(involvement)
    desks = {desk.id: desk for desk in session.scalars(select(Desk))}
    restarts = restarting(session, cases)
    for case in session.scalars(select(Case).where(Case.id.in_(cases))):
        entries = told[case.id]
        meaning = meanings(entries)
        write_states(session, case.id, entries, meaning)
        standing = stand(entries, meaning, [i.person_id for i in involved[case.id]])
        for involvement in involved[case.id]:
            _place(involvement, standing[involvement.person_id])
        _freshness(case, desks[case.desk_id], entries, meaning, restarts, involved[case.id])


def _place(involvement: Involvement, where: WhereTheyStand) -> None:
    involvement.custody = where.custody
    involvement.custody_since = where.custody_since
    involvement.custody_precision = where.custody_precision
    involvement.proceedings = where.proceedings
    involvement.proceedings_since = where.proceedings_since
    involvement.status = where.status
    if involvement.conditions != where.conditions:
        involvement.conditions = list(where.conditions)
    if involvement.reported != where.reported:
        involvement.reported = list(where.reported)


def restarting(session: Session, cases: Sequence[int]) -> set[int]:
    """Entries that restart the stale clock: a human's "checked", or a human's entry with a source."""
    return set(
        session.scalars(
            select(Entry.id).where(
                Entry.case_id.in_(cases),
                Entry.origin == "human",
                (Entry.kind == "case.checked")
                | Entry.id.in_(select(EntrySource.entry_id).where(EntrySource.entry_id == Entry.id)),
            )
        )
    )


def _freshness(
    case: Case,
    desk: Desk,
    entries: Sequence[Told],
    meaning: dict[int, Meaning],
    restarts: set[int],
    involved: Sequence[Involvement],
) -> None:
    standing = [e for e in entries if not meaning[e.id].withdrawn_by]
    case.last_checked_at = max((e.recorded_at for e in standing if e.id in restarts), default=None)
    case.last_news_on = max(
        (e.latest_on for e in standing if meaning[e.id].counts and kind_of(e.kind).news), default=None
    )
    at_risk = [i.custody for i in involved if i.role == "at_risk"]
    case.stale_at = (
        rules.stale_at(
            case.last_checked_at or case.created_at,
            case.risk,
            rules.StaleAfter(
                desk.stale_critical_days, desk.stale_high_working_days, desk.stale_medium_days, desk.stale_low_days
            ),
            zone=desk.zone,
            working_days=desk.working_days,
            grace_working_days=0 if case.last_checked_at else case.stale_grace_working_days,
        )
        if rules.goes_stale(case.stage, at_risk)
        else None
    )
