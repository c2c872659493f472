"""Reading contacts. What lists them never touches what is sealed: not even its sealed form is loaded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, select
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.kinds import closed_parts
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


def contacts_told(case_id: Any) -> ColumnElement[str]:
    """SQL: what stands in the open of a case's contacts, as one text for `read_told`, so that the file of a case asks
    for it in the statement it asks anyway. Codes, numbers and random ids stand in it, none of which holds a blank."""
    line: ColumnElement[str] = cast(Contact.id, String)
    for part in (
        Contact.public_id,
        Contact.kind,
        Contact.label,
        cast(Contact.audience, String),
        func.coalesce(cast(Contact.person_id, String), "-"),
    ):
        line = line + " " + part
    return (
        select(func.aggregate_strings(line, ","))
        .where(Contact.case_id == case_id)
        .correlate_except(Contact)
        .scalar_subquery()
    )


def reason_given(user_id: int, case_id: Any) -> ColumnElement[datetime]:
    """SQL: when this account last gave a reason for looking at contacts of a case."""
    return (
        select(ContactReason.given_at)
        .where(ContactReason.user_id == user_id, ContactReason.case_id == case_id)
        .correlate_except(ContactReason)
        .scalar_subquery()
    )


def read_told(told: str | None, given_at: datetime | None, user: User, rung: Audience, now: datetime) -> ContactsOfCase:
    """What `contacts_told` and `reason_given` have said, as far as this rung may know it: for those who keep the case,
    nobody else. First kept, first shown."""
    if rung > Audience.DESK or not user.is_staff or not told:
        return ContactsOfCase((), False)
    so_far: Counter[str] = Counter()
    listed = []
    for line in sorted((line.split(" ") for line in told.split(",")), key=lambda parts: int(parts[0])):
        _id, public_id, kind, label, audience, person = line
        if int(audience) < rung:
            continue
        so_far[label] += 1
        person_id = None if person == "-" else int(person)
        listed.append(ContactListed(public_id, kind, label, Audience(int(audience)), person_id, so_far[label]))
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


@closed_parts.adds("contacts")
def closed_contacts(case_id: int) -> Select[Any]:
    """The contacts of a case that are for named people only."""
    return select(Contact.id).where(Contact.case_id == case_id, Contact.audience == Audience.NAMED)
