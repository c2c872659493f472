"""Reading accounts for those who look after them: admins all, coordinators the people of their desks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Membership, SignIn, User
from tracker.accounts.queries import coordinated
from tracker.base.errors import NotFound
from tracker.outbox.models import Recipient

#: Accounts on a page.
PAGE = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as it is listed."""

    user: User
    #: When it last did something, as far as its sign-ins are kept; None: not in that time.
    seen_at: datetime | None
    #: Since when mail to it comes back; None: it does not.
    bounced_at: datetime | None

    @property
    def state(self) -> str:
        """active, invited or closed."""
        return "active" if self.user.active else "invited" if self.user.invited else "closed"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of accounts by address; `next`: where the next one begins, empty at the end."""

    rows: Sequence[Listed]
    next: str = ""


def list_accounts(session: Session, user: User | None, *, words: str = "", after: str = "", limit: int = PAGE) -> Page:
    """The accounts this one looks after (None, a command: all), by address, from `after` on; `words`: part of a name,
    an alias or an address. Two statements."""
    seen = select(SignIn.user_id, func.max(SignIn.seen_at).label("at")).group_by(SignIn.user_id).subquery()
    wanted = (
        select(User, seen.c.at, Recipient.suppressed_at)
        .outerjoin(seen, seen.c.user_id == User.id)
        .outerjoin(Recipient, Recipient.user_id == User.id)
        .where(User.email_key > after)
        .order_by(User.email_key)
        .limit(limit + 1)
    )
    if user is not None:
        wanted = wanted.where(looks_after(user))
    if words.strip():
        sought = words.strip()[:100].lower()
        columns = (User.name, User.alias, User.email_key)
        wanted = wanted.where(or_(*(func.lower(c).contains(sought, autoescape=True) for c in columns)))
    rows = session.execute(wanted.execution_options(populate_existing=True)).all()
    listed = [Listed(*row) for row in rows[:limit]]
    return Page(listed, listed[-1].user.email_key if len(rows) > limit else "")


def get_listed(session: Session, user: User, user_id: int) -> Listed:
    """One account, for an account that looks after it. NotFound alike when there is none and when it does not."""
    row = session.execute(
        select(User, select(func.max(SignIn.seen_at)).where(SignIn.user_id == user_id).scalar_subquery(),
               Recipient.suppressed_at)
        .outerjoin(Recipient, Recipient.user_id == User.id)
        .where(User.id == user_id, looks_after(user))
        .execution_options(populate_existing=True)
    ).first()  # fmt: skip
    if row is None:
        raise NotFound("There is no such account.")
    return Listed(*row)


def looks_after(user: User) -> ColumnElement[bool]:
    """SQL on `users`: whom an account looks after."""
    if user.role == "admin":
        return User.id.is_not(None)
    desks = coordinated(user)
    if not desks:
        return false()
    member = aliased(Membership)
    return User.id.in_(select(member.user_id).where(member.desk_id.in_(desks)))
