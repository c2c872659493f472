"""Reading contacts. Lists never touch what is sealed: not even its sealed form is loaded for them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.contacts.models import Contact, ContactReason
from tracker.contacts.rules import reason_stands
from tracker.contacts.service import email_key, phone_key

#: Contacts that one number or address leads to, at most: more would be a switchboard.
MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class ContactListed:
    """What stands in the open of one contact."""

    public_id: str
    kind: str
    label: str
    audience: Audience
    person_id: int | None
    #: 1 for the first of its role in the case, 2 for the second: two sisters can be told apart.
    number: int


@dataclass(frozen=True, slots=True)
class ContactsOfCase:
    """The contacts of a case, as the panel of its file shows them."""

    listed: Sequence[ContactListed]
    #: Whether the reader gave a reason a moment ago, so that none is asked now.
    reason_stands: bool


def list_contacts(session: Session, user: User, case_id: int, rung: Audience, now: datetime) -> ContactsOfCase:
    """The contacts of a case that a rung may know of: for those who keep the case, nobody else. One statement."""
    if rung > Audience.DESK or not user.is_staff:
        return ContactsOfCase((), False)
    rows = session.execute(
        select(
            Contact.public_id, Contact.kind, Contact.label, Contact.audience, Contact.person_id, ContactReason.given_at
        )
        .outerjoin(ContactReason, and_(ContactReason.case_id == Contact.case_id, ContactReason.user_id == user.id))
        .where(Contact.case_id == case_id, Contact.audience >= rung)
        .order_by(Contact.id)
    ).all()
    so_far: Counter[str] = Counter()
    listed = []
    for row in rows:
        so_far[row.label] += 1
        listed.append(ContactListed(row.public_id, row.kind, row.label, row.audience, row.person_id, so_far[row.label]))
    given_at = rows[0].given_at if rows else None
    return ContactsOfCase(listed, given_at is not None and reason_stands(given_at, now))


def get_contact(session: Session, case: Case, rung: Audience, public_id: str) -> Contact:
    """A contact of this very case that this rung may know of. NotFound alike for one of another case, one closed to the
    reader and one that is not there."""
    found = session.scalar(
        select(Contact)
        .where(Contact.public_id == public_id, Contact.case_id == case.id, Contact.audience >= rung)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such contact in this case.")
    return found


def find_whose(session: Session, user: User, asked: str) -> list[tuple[Contact, Case]]:
    """The contacts that have this very phone number or mail address, in cases this account keeps. Found by fingerprint:
    nothing is opened."""
    condition: ColumnElement[bool]
    if (key := email_key(asked)) is not None:
        condition = Contact.email_key == key
    elif (key := phone_key(asked)) is not None:
        condition = Contact.phone_key == key
    else:
        return []
    if not user.is_staff:
        return []
    rows = session.execute(
        select(Contact, Case)
        .join(Case, Case.id == Contact.case_id)
        .where(condition, level(user.id) <= Audience.DESK, level(user.id) <= Contact.audience)
        .order_by(Case.ref, Contact.id)
        .limit(MOST_FOUND)
    )
    return [(contact, case) for contact, case in rows]
