"""Who cannot be reached by mail, and who may say that they can be again: the person, and whoever looks after them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Membership, User
from tracker.base.errors import NotFound
from tracker.outbox.bounces import reach_again
from tracker.outbox.models import Recipient


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Somebody to whom no mail goes: since when, and why, in words."""

    recipient_id: int
    name: str
    since: datetime
    reason: str


def list_unreachable(session: Session, user: User) -> Sequence[Unreachable]:
    """Whom mail does not reach, of those this account looks after, the first to be lost first: for admins all open
    accounts, for coordinators and those who stand in for them the people of their desks, for others nobody."""
    wanted = (
        select(Recipient.id, User.name, Recipient.suppressed_at, Recipient.suppressed_reason)
        .join(User, User.id == Recipient.user_id)
        .where(Recipient.suppressed_at.is_not(None), User.active)
        .order_by(Recipient.suppressed_at, Recipient.id)
    )
    if user.role != "admin":
        desks = [m.desk_id for m in user.memberships if user.is_staff and (m.coordinator or m.deputy)]
        member = aliased(Membership)
        wanted = wanted.where(User.id.in_(select(member.user_id).where(member.desk_id.in_(desks))))
    return [_as_shown(*row) for row in session.execute(wanted)]


def find_own(session: Session, user: User) -> Unreachable | None:
    """That mail does not reach this very account; None while it does."""
    row = session.execute(
        select(Recipient.id, Recipient.suppressed_at, Recipient.suppressed_reason).where(
            Recipient.user_id == user.id, Recipient.suppressed_at.is_not(None)
        )
    ).first()
    return _as_shown(row[0], user.name, row[1], row[2]) if row else None


def say_reached(session: Session, user: User, recipient_id: int, now: datetime) -> str:
    """Say that mail arrives there again; returns whose it is. NotFound alike when there is nobody, when mail reaches
    them, and when it is not for this account to say."""
    own = find_own(session, user)
    for one in [*list_unreachable(session, user), *([own] if own else [])]:
        if one.recipient_id == recipient_id:
            reach_again(session, recipient_id, now)
            return one.name
    raise NotFound("There is nobody such whom mail does not reach.")


def _as_shown(recipient_id: int, name: str, since: datetime | None, reason: str) -> Unreachable:
    assert since is not None
    return Unreachable(recipient_id, name, since, reason)
