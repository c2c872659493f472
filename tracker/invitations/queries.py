"""Reading invitations: for those who look after them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, User
from tracker.accounts.queries import name_to
from tracker.invitations import rules
from tracker.invitations.models import AccountLink
from tracker.invitations.service import SUBJECT, looks_after
from tracker.outbox.models import Message, Recipient

#: Invitations that came to their end are shown for so long.
SHOWN_AFTER = timedelta(days=14)

#: More than anybody sends in two weeks.
AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as it is shown."""

    id: int
    #: Whom it went to.
    email: str
    role: str
    #: Name of the desk; empty: none.
    desk: str
    coordinator: bool
    #: Who sent it; empty: a command.
    by: str
    created_at: datetime
    expires_at: datetime
    #: One of rules.STATES.
    state: str
    #: How it stands with its mail: one of the outbox's states; None: there is none.
    mail: str | None
    #: Why mail to this address comes back; empty: it does not.
    bounced: str
    #: Whether it may be sent again: they have not come.
    may_again: bool


def list_invitations(session: Session, user: User, now: datetime) -> Sequence[Invitation]:
    """The invitations this account looks after: those still open, and those of the last two weeks, newest first. Of
    each person only the last. One statement."""
    invited, by, later = aliased(User), aliased(User), aliased(AccountLink)
    newer = (
        select(later.id)
        .where(later.user_id == AccountLink.user_id, later.purpose == "invite", later.id > AccountLink.id)
        .exists()
    )
    rows = session.execute(
        select(AccountLink, invited, Desk.name, name_to(user, by), Message.state, Recipient.suppressed_reason)
        .join(invited, invited.id == AccountLink.user_id)
        .outerjoin(Desk, Desk.id == AccountLink.desk_id)
        .outerjoin(by, by.id == AccountLink.made_by)
        .outerjoin(Message, and_(Message.subject_kind == SUBJECT, Message.subject_id == AccountLink.id))
        .outerjoin(Recipient, Recipient.user_id == AccountLink.user_id)
        .where(looks_after(user), ~newer, or_(AccountLink.expires_at > now, AccountLink.created_at > now - SHOWN_AFTER))
        .order_by(AccountLink.id.desc())
        .limit(AT_MOST)
    )
    return [
        Invitation(
            id=link.id,
            email=person.email,
            role=link.role or "",
            desk=desk or "",
            coordinator=link.coordinator,
            by=sender or "",
            created_at=link.created_at,
            expires_at=link.expires_at,
            state=rules.state_of(link.expires_at, link.used_at, link.ended_at, now),
            mail=mail,
            bounced=bounced or "",
            may_again=person.invited,
        )
        for link, person, desk, sender, mail, bounced in rows
    ]
