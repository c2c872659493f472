"""Following and stopping. Nothing here commits; each act brings the plan of its recipient up to date at once."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, User
from tracker.base.errors import NotFound, Refused
from tracker.cases.models import Case
from tracker.cases.queries import NOTHING, level
from tracker.outbox.models import Recipient
from tracker.outbox.service import recipient_for
from tracker.reminders import rules
from tracker.reminders.models import Subscription
from tracker.reminders.planning import plan_for
from tracker.reminders.queries import REMINDED_ROLES


def follow(
    session: Session,
    user: User,
    *,
    case: Case | None = None,
    desk: Desk | None = None,
    now: datetime,
    days_before: Sequence[int] | None = None,
) -> Subscription:
    """Let an account follow a case or a desk: it is reminded of every lead not yet past, whenever it began to follow.
    Following again what was stopped resumes it.

    `days_before` instead of those of the kind of hearing; empty: as the kind says; None: leaves what was chosen before.
    Refused for volunteers, for an account that is not active, and when a number of days cannot be; NotFound for a case
    the account may not see.
    """
    if (case is None) == (desk is None):
        raise Refused(_("Say either a case or a desk to follow."))
    if user.role not in REMINDED_ROLES:
        raise Refused(
            _("Reminders of hearings are for staff: volunteers hear when there is an action to take."), "email"
        )
    if not user.active:
        raise Refused(_("This account is not active, so nothing can be sent to it."), "email")
    if case is not None and not _sees(session, user, case):
        raise NotFound(f"There is no case {case.ref} that they may see.")
    chosen = None if days_before is None else list(rules.check_days_before(days_before))
    recipient = recipient_for(session, user.id)
    row = _row(session, recipient.id, case, desk)
    if row is None:
        row = _add(session, recipient.id, case, desk, now)
    row.stopped_at = None
    if chosen is not None:
        row.days_before = chosen or None
    session.flush()
    plan_for(session, now, recipient.id)
    return row


def choose_files(session: Session, user: User, *, wanted: bool) -> None:
    """Let mails about a hearing carry it as a calendar file, or no longer: from the next mail on."""
    recipient_for(session, user.id).with_ics = wanted
    session.flush()


def stop_for(session: Session, recipient_id: int, case_ids: Sequence[int], now: datetime) -> int:
    """Stop a recipient's reminders of these cases, whatever the reason they got them for. Returns of how many."""
    stopped = 0
    for case in session.scalars(select(Case).where(Case.id.in_(case_ids)).order_by(Case.id)):
        row = _row(session, recipient_id, case, None) or _add(session, recipient_id, case, None, now)
        if row.stopped_at is None:
            row.stopped_at = now
            stopped += 1
    session.flush()
    plan_for(session, now, recipient_id)
    return stopped


def stop(session: Session, user: User, *, case: Case | None = None, desk: Desk | None = None, now: datetime) -> None:
    """Stop an account's reminders of a case, also those it gets as its owner; or following a desk."""
    recipient = recipient_for(session, user.id)
    if case is not None:
        stop_for(session, recipient.id, [case.id], now)
    if desk is not None:
        row = _row(session, recipient.id, None, desk)
        if row is not None and row.stopped_at is None:
            row.stopped_at = now
            session.flush()
            plan_for(session, now, recipient.id)


def resume_for(session: Session, recipient_id: int, case_ids: Sequence[int], now: datetime) -> None:
    """Take a stop back. An owner or deputy follows without a row, so theirs goes; whoever chose days keeps them."""
    user_id = session.scalar(select(Recipient.user_id).where(Recipient.id == recipient_id))
    for case in session.scalars(select(Case).where(Case.id.in_(case_ids)).order_by(Case.id)):
        row = _row(session, recipient_id, case, None)
        if row is None or row.stopped_at is None:
            continue
        if user_id in (case.owner_id, case.deputy_id) and not row.days_before:
            session.delete(row)
        else:
            row.stopped_at = None
    session.flush()
    plan_for(session, now, recipient_id)


def _sees(session: Session, user: User, case: Case) -> bool:
    seen = session.scalar(select(level(user.id)).where(Case.id == case.id))
    return seen is not None and seen < NOTHING


def _row(session: Session, recipient_id: int, case: Case | None, desk: Desk | None) -> Subscription | None:
    of_desk = Subscription.desk_id == (desk.id if desk else None)
    subject = Subscription.case_id == case.id if case is not None else of_desk
    return session.scalar(
        select(Subscription)
        .where(Subscription.recipient_id == recipient_id, subject)
        .execution_options(populate_existing=True)
    )


def _add(session: Session, recipient_id: int, case: Case | None, desk: Desk | None, now: datetime) -> Subscription:
    """A new row; or the one another request has made at this very moment."""
    row = Subscription(
        token=secrets.token_urlsafe(16),
        recipient_id=recipient_id,
        case_id=case.id if case is not None else None,
        desk_id=desk.id if desk is not None else None,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        there = _row(session, recipient_id, case, desk)
        if there is None:
            raise
        return there
    return row
