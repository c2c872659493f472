"""Finding accounts, desks and sign-ins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, Membership, SignIn, User
from tracker.accounts.rules import email_key
from tracker.base.errors import NotFound
from tracker.outbox.models import Recipient


def find_account(session: Session, email: str) -> User | None:
    """The account with this address, in any case of its letters, or None."""
    return session.scalar(select(User).where(User.email_key == email_key(email.strip())))


def get_account(session: Session, email: str) -> User:
    """The account with this address. NotFound when there is none."""
    user = find_account(session, email)
    if user is None:
        raise NotFound(f"There is no account {email[:80]}.")
    return user


def find_desk(session: Session, code: str) -> Desk | None:
    """The desk with this code, or None."""
    return session.scalar(select(Desk).where(Desk.code == code.strip().lower()))


def get_desk(session: Session, code: str) -> Desk:
    """The desk with this code. NotFound when there is none."""
    desk = find_desk(session, code)
    if desk is None:
        raise NotFound(f"There is no desk {code[:20]}.")
    return desk


def list_sign_ins(session: Session, user_id: int, now: datetime) -> Sequence[SignIn]:
    """The sign-ins of an account that hold now, last used first."""
    return session.scalars(
        select(SignIn)
        .where(SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.expires_at > now)
        .order_by(SignIn.seen_at.desc(), SignIn.id.desc())
    ).all()


def wants_digest(session: Session, user: User) -> bool:
    """Whether the weekly agenda of their desks goes to an account."""
    wanted = session.scalar(select(Recipient.wants_digest).where(Recipient.user_id == user.id))
    return wanted is None or wanted


def may_set_up(user: User, desk: Desk) -> bool:
    """Whether an account may change a desk's settings: its coordinators, those who stand in for them, admins."""
    if user.role == "admin":
        return True
    return user.is_staff and any(m.desk_id == desk.id and (m.coordinator or m.deputy) for m in user.memberships)


def coordinated(user: User) -> tuple[int, ...]:
    """The desks an account coordinates or stands in for, by number."""
    return tuple(m.desk_id for m in user.memberships if user.is_staff and (m.coordinator or m.deputy))


def name_to(viewer: User | None, person: Any = User) -> ColumnElement[str]:
    """SQL: what an account sees another called: its alias where it has one. Admins, the coordinators of its desks and
    itself see its name. `viewer` None: whoever may read it, so nobody's name but by choice; `person`: the account's
    row, or an alias of the table."""
    if viewer is None:
        return func.coalesce(person.alias, person.name)
    if viewer.role == "admin":
        return cast(ColumnElement[str], person.name)
    theirs = aliased(Membership)
    knows = exists(
        select(theirs.id)
        .where(theirs.user_id == person.id, theirs.desk_id.in_(coordinated(viewer)))
        .correlate_except(theirs)
    )
    return case((or_(person.alias.is_(None), person.id == viewer.id, knows), person.name), else_=person.alias)


def names_to(session: Session, viewer: User, user_ids: Iterable[int | None]) -> dict[int, str]:
    """What an account sees others called, by their number."""
    wanted = {number for number in user_ids if number is not None}
    called = select(User.id, name_to(viewer).label("name")).where(User.id.in_(wanted))
    return {row.id: row.name for row in session.execute(called)}


def leads_a_desk(user: User) -> bool:
    """Whether an account coordinates a desk, whichever, or stands in there, or is an admin: who invites, and who may
    stop the publicity of any case by its reference."""
    return user.role == "admin" or bool(coordinated(user))
