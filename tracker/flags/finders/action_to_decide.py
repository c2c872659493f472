"""`action-to-decide`: a verdict, a release or a death: is the action updated, put on hold or closed?"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from tracker.actions.models import UrgentAction
from tracker.actions.queries import OUT
from tracker.base.columns import JSONText, UTCDateTime
from tracker.cases.models import Case
from tracker.flags.kinds import action_subject, finder, for_the_desk, of_its_case, watched
from tracker.hearings.models import Appearance, Hearing
from tracker.timeline.codes import DEATHS
from tracker.timeline.kinds import kinds
from tracker.timeline.models import Entry, EntryState

#: Where proceedings stand after a verdict.
VERDICTS = ("convicted", "sentenced_to_death", "acquitted")

#: What came of a hearing at which a verdict was given.
GIVEN = "took_place"


@finder("action-to-decide")
def action_to_decide(_now: datetime) -> Select[Any]:
    """While the timeline tells, since an action stands as it stands, of a verdict, a release or a death that counts, or
    a hearing for the verdict took place; until somebody holds, resumes, stops or closes it, or writes an update.
    Severity 3 after a death or a release, else 2."""
    deaths = [kind.code for kind in kinds if kind.custody in DEATHS]
    releases = [kind.code for kind in kinds if kind.custody in OUT]
    verdicts = [kind.code for kind in kinds if kind.proceedings in VERDICTS]
    told = _told([*deaths, *releases, *verdicts])
    given = _given()
    entry = told.with_only_columns(func.max(Entry.id)).scalar_subquery()
    hearing = given.with_only_columns(func.max(Hearing.id)).scalar_subquery()
    told_at = told.with_only_columns(func.max(Entry.recorded_at)).scalar_subquery()
    given_at = given.with_only_columns(func.max(Appearance.recorded_at)).scalar_subquery()
    died, freed = exists(_told(deaths)), exists(_told(releases))
    return (
        select(
            UrgentAction.case_id.label("case_id"),
            action_subject().label("subject"),
            (_number(entry) + ":" + _number(hearing)).label("episode"),
            case((or_(died, freed), literal(3)), else_=literal(2)).label("severity"),
            for_the_desk(of_its_case(Case.audience, UrgentAction), UrgentAction.audience).label("audience"),
            func.coalesce(told_at, given_at, type_=UTCDateTime).label("due_at"),
            case((died, _why("death")), (freed, _why("release")), else_=_why("verdict")).label("data"),
        )
        .select_from(UrgentAction)
        .where(
            UrgentAction.state.in_(("active", "on_hold")),
            or_(exists(told), exists(given)),
            watched(of_its_case(Case.stage, UrgentAction)),
        )
    )


def _told(codes: list[str]) -> Select[Any]:
    """SQL: entries of these kinds that count, written down since the action stands so, and no update since."""
    return (
        select(1)
        .select_from(Entry)
        .join(EntryState, EntryState.entry_id == Entry.id)
        .where(
            # By that index: of a long timeline only what is new is read.
            Entry.case_id == UrgentAction.case_id,
            Entry.recorded_at >= UrgentAction.state_since,
            Entry.kind.in_(codes),
            EntryState.counts,
            ~_updated_since(Entry.recorded_at),
        )
        .correlate(UrgentAction)
    )


def _given() -> Select[Any]:
    """SQL: hearings for the verdict of which it was written down since that they took place."""
    return (
        select(1)
        .select_from(Appearance)
        .join(Hearing, Hearing.id == Appearance.hearing_id)
        .where(
            Appearance.case_id == UrgentAction.case_id,
            Appearance.outcome == GIVEN,
            Appearance.recorded_at >= UrgentAction.state_since,
            Hearing.kind == "verdict",
            ~_updated_since(Appearance.recorded_at),
        )
        .correlate(UrgentAction)
    )


def _updated_since(at: Any) -> ColumnElement[bool]:
    update = aliased(UrgentAction)
    return exists(
        select(1).where(update.previous_id == UrgentAction.id, update.created_at >= at).correlate_except(update)
    )


def _number(found: ColumnElement[Any]) -> ColumnElement[str]:
    return func.coalesce(cast(found, String), "", type_=String)


def _why(code: str) -> ColumnElement[Any]:
    return literal({"why": code}, JSONText)
