"""May this reader change this action? Asked by every view that writes about one."""

from tracker.accounts.models import Desk
from tracker.actions.models import UrgentAction
from tracker.actions.queries import get_of_case
from tracker.base.db import db
from tracker.cases.access import kept_case, rung_of
from tracker.cases.models import Case


def kept_action(ref: str, public_id: str) -> tuple[Case, UrgentAction, Desk]:
    """An action of a case this account may change, with the case and its desk. NotFound when it may not know of the
    case, or of the action; NotAllowed when it may only look at the case."""
    case, desk = kept_case(ref)
    return case, get_of_case(db.session(), case, rung_of(case), public_id), desk
