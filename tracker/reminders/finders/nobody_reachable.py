"""`nobody-reachable`: a hearing lies ahead of which nobody would be reminded."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, literal, or_, select
from sqlalchemy.orm import aliased

from tracker.accounts.models import User
from tracker.agenda.models import AgendaItem
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.flags.kinds import finder, for_the_desk, no_data, revision_of, subject_of, watched
from tracker.outbox.models import Recipient
from tracker.reminders.bouncing import near
from tracker.reminders.models import Subscription
from tracker.reminders.queries import REMINDED_ROLES, is_stopped


@finder("nobody-reachable")
def nobody_reachable(now: datetime) -> Select[Any]:
    """From two weeks before a hearing of a case in hand until reminding of it ends, while nobody who keeps, stands in
    for or follows the case, or follows its desk, has an open account that mail reaches, may see the hearing, and has
    not stopped its reminders. Severity 3: it will pass unheard of."""
    return (
        select(
            AgendaItem.case_id.label("case_id"),
            subject_of().label("subject"),
            revision_of().label("episode"),
            literal(3).label("severity"),
            for_the_desk(Case.audience, AgendaItem.audience).label("audience"),
            AgendaItem.starts_at.label("due_at"),
            no_data().label("data"),
        )
        .select_from(AgendaItem)
        .join(Case, Case.id == AgendaItem.case_id)
        .where(near(now), watched(), ~_keeper_hears(), ~_follower_hears("case_id"), ~_follower_hears("desk_id"))
    )


def _keeper_hears() -> ColumnElement[bool]:
    """SQL: the owner or the deputy will be reminded. They may see every hearing of their case."""
    user, recipient = aliased(User), aliased(Recipient)
    return exists(
        select(1)
        .select_from(user)
        .join(recipient, recipient.user_id == user.id)
        .where(or_(user.id == Case.owner_id, user.id == Case.deputy_id), *_reached(user, recipient))
        .correlate(AgendaItem, Case)
    )


def _follower_hears(what: str) -> ColumnElement[bool]:
    """SQL: somebody who follows the case (`case_id`) or its desk (`desk_id`) will be reminded."""
    followed, user, recipient = aliased(Subscription), aliased(User), aliased(Recipient)
    subject = followed.case_id == Case.id if what == "case_id" else followed.desk_id == Case.desk_id
    return exists(
        select(1)
        .select_from(followed)
        .join(recipient, recipient.id == followed.recipient_id)
        .join(user, user.id == recipient.user_id)
        .where(
            subject,
            followed.stopped_at.is_(None),
            *_reached(user, recipient),
            level(user.id, Case) <= AgendaItem.audience,
        )
        .correlate(AgendaItem, Case)
    )


def _reached(user: Any, recipient: Any) -> tuple[ColumnElement[bool], ...]:
    return (
        user.active,
        user.role.in_(REMINDED_ROLES),
        recipient.suppressed_at.is_(None),
        ~is_stopped(recipient.id, case_id=Case.id),
    )
