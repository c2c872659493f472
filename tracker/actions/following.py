"""What follows for actions from what changed in their cases: a death, a release or a report of one puts them on hold;
and their last days stand on the agenda."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.actions.models import UrgentAction
from tracker.actions.queries import telling_entries
from tracker.actions.rules import ends_at
from tracker.actions.service import hold_action
from tracker.agenda.models import OPEN_STATE
from tracker.agenda.service import chunks, project
from tracker.base.work import settles, touch
from tracker.cases.models import Case
from tracker.clockwork.kinds import rederives

#: A death before a release, and what is established before what is reported.
_WORST = ("death", "release", "death_reported", "release_reported")


@settles("act")
def hold_actions(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Put active actions of `cases` on hold whose timeline tells of a death or a release that nobody had seen when they
    were opened or resumed. Staff say whether they go on."""
    for chunk in chunks(cases or ()):
        active = session.execute(
            select(UrgentAction, Case)
            .join(Case, Case.id == UrgentAction.case_id)
            .where(UrgentAction.case_id.in_(chunk), UrgentAction.state.in_(("active", "on_hold")))
            .order_by(UrgentAction.id)
        ).all()
        if not active:
            continue
        told = telling_entries(session, sorted({action.case_id for action, _case in active}))
        for action, case in active:
            new = {t.reason for t in told if t.case_id == action.case_id and t.entry_id > action.seen_entry_id}
            reason = next((r for r in _WORST if r in new), None)
            if reason and (action.state == "active" or _says_more(action.state_reason, reason)):
                hold_action(session, case, action, reason=reason)


def _says_more(held_for: str, reason: str) -> bool:
    """Whether a reason weighs more than the one an action is on hold for."""
    return held_for not in _WORST or _WORST.index(reason) < _WORST.index(held_for)


@settles("agenda")
def project_actions(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """One agenda item per action that can be taken, or waits to be resumed: the last day on which writing helps."""
    for chunk in chunks(cases or ()):
        rows = session.execute(
            select(UrgentAction, Case, Desk.zone)
            .join(Case, Case.id == UrgentAction.case_id)
            .join(Desk, Desk.id == Case.desk_id)
            .where(UrgentAction.case_id.in_(chunk), UrgentAction.state.in_(("active", "on_hold")))
        ).all()
        project(session, "action", chunk, [_item(action, case, zone) for action, case, zone in rows])


def _item(action: UrgentAction, case: Case, zone: str) -> dict[str, object]:
    return {
        "subject_id": action.id,
        "rev": action.act_until.toordinal(),
        "case_id": action.case_id,
        "lead_kind": "",
        "audience": min(action.audience, case.audience),
        "zone": zone,
        "local_date": action.act_until,
        "local_time": None,
        "earliest_on": action.act_until,
        "latest_on": action.act_until,
        "starts_at": action.act_until_at,
        "outcome_due_at": action.act_until_at,
        "remind_until": action.act_until_at,
        "certainty": "confirmed",
        "confirmed_at": None,
        "state": OPEN_STATE if action.state == "active" else action.state,
    }


@rederives("actions")
def derive_actions_anew(session: Session, now: datetime) -> int:
    """Write when the last day of actions that are not over is over by the present rules of their desks' zones; answers
    how many have changed. The day stays what it is, so nobody is told of anything."""
    changed = 0
    for action, zone in session.execute(
        select(UrgentAction, Desk.zone)
        .join(Case, Case.id == UrgentAction.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .where(UrgentAction.act_until_at > now)
    ):
        over = ends_at(action.act_until, zone)
        if action.act_until_at != over:
            action.act_until_at = over
            touch(action.case_id)
            changed += 1
    return changed
