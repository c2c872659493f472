"""May this reader change this case? Asked by every view that writes into one."""

from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.guard import viewer
from tracker.accounts.models import Desk
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import NotAllowed, NotFound
from tracker.cases.models import Case
from tracker.cases.queries import NOTHING, get_case, level


def kept_case(ref: str) -> tuple[Case, Desk]:
    """A case this account may change, and its desk: it sees it from the desk's rung or nearer. NotFound when it may not
    know of it, NotAllowed when it may only look."""
    session = db.session()
    case, rung = get_case(session, viewer(), ref)
    if rung > Audience.DESK or not viewer().is_staff:
        raise NotAllowed(_("This case is kept by another desk."))
    desk = session.get(Desk, case.desk_id)
    assert desk is not None
    return case, desk


def rung_of(case: Case) -> Audience:
    """From which rung this account looks at a case it keeps. NotFound when it sees it no longer."""
    rung = db.session.scalar(select(level(viewer().id)).where(Case.id == case.id))
    if rung is None or rung >= NOTHING:
        raise NotFound("There is no such case that you may see.")
    return Audience(rung)
