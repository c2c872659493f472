"""Following a case as a volunteer: to be told once, seven days before the last day of its action, and of the result.
Nothing here commits."""

import secrets

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.errors import Refused
from tracker.base.work import current_work
from tracker.cases.models import Case
from tracker.outbox.service import recipient_for
from tracker.reminders.models import Subscription


def follow_case(session: Session, user: User, case: Case) -> Subscription:
    """Let an account follow a case it may see, or follow it again after it stopped. Refused while the account is not
    open."""
    if not user.active:
        raise Refused(_("This account is not active, so nothing can be sent to it."))
    recipient = recipient_for(session, user.id)
    row = session.scalar(
        select(Subscription)
        .where(Subscription.recipient_id == recipient.id, Subscription.case_id == case.id)
        .execution_options(populate_existing=True)
    )
    if row is None:
        row = Subscription(
            token=secrets.token_urlsafe(16),
            recipient_id=recipient.id,
            case_id=case.id,
            created_at=current_work(session).now,
        )
        session.add(row)
    row.stopped_at = None
    session.flush()
    return row
