"""What ends in cases when somebody may do less than before: they keep none they could not be given now."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.accounts.kinds import access_ends
from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.work import touch
from tracker.cases.models import Case, CaseGrant


@access_ends.adds("cases.let_go")
def let_go(session: Session, user: User, _now: datetime, left: int | None) -> Sequence[str]:
    """Take an account that is closed, no staff any more or off a desk from what it kept and stood in for there, so that
    the flag for cases nobody keeps rises; and from among the named people of restricted cases."""
    may_keep = user.desk_ids() if user.active else ()
    kept = session.scalars(
        select(Case)
        .where(or_(Case.owner_id == user.id, Case.deputy_id == user.id), Case.desk_id.not_in(may_keep))
        .order_by(Case.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    without = 0
    for case in kept:
        if case.owner_id == user.id:
            case.owner_id = None
            without += case.stage != "closed"
        if case.deputy_id == user.id:
            case.deputy_id = None
        case.version += 1
    granted = _let_go_of_grants(session, user, left)
    session.flush()
    concerned = sorted({case.id for case in kept} | set(granted))
    touch(*concerned)
    said = [ngettext("%(num)d case has no owner now.", "%(num)d cases have no owner now.", without)] if without else []
    unseen = _seen_by_nobody(session, concerned)
    if unseen:
        said.append(
            _("Nobody can see these any more; name people on the command line: %(refs)s", refs=", ".join(unseen))
        )
    return said


def _let_go_of_grants(session: Session, user: User, left: int | None) -> list[int]:
    """Only active staff are named; who leaves a desk is no longer named in its cases. The cases, by number."""
    named = select(CaseGrant).where(CaseGrant.user_id == user.id)
    if user.active and user.is_staff:
        if left is None:
            return []
        named = named.where(CaseGrant.case_id.in_(select(Case.id).where(Case.desk_id == left)))
    rows = session.scalars(named).all()
    for row in rows:
        session.delete(row)
    return [row.case_id for row in rows]


def _seen_by_nobody(session: Session, case_ids: Sequence[int]) -> list[str]:
    """References of those restricted to named people of whom none is left."""
    named = select(CaseGrant.user_id).where(CaseGrant.case_id == Case.id)
    sees = select(User.id).where(
        User.active, or_(User.id == Case.owner_id, User.id == Case.deputy_id, User.id.in_(named))
    )
    return list(
        session.scalars(
            select(Case.ref)
            .where(Case.id.in_(case_ids), Case.audience == Audience.NAMED, Case.stage != "closed", ~sees.exists())
            .order_by(Case.ref)
        )
    )
