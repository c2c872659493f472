"""Keeping, changing, showing and removing contacts. A value leaves its seal only in `reveal`, which writes down who
looked before it opens anything."""

from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.db import hold, insert_or_pass
from tracker.base.errors import Refused, VersionConflict
from tracker.base.sealing import Sealer
from tracker.base.work import current_work, note_read
from tracker.cases.models import Case, Involvement
from tracker.cases.service import check_somebody_may_read
from tracker.contacts import rules
from tracker.contacts.kinds import contact_kinds
from tracker.contacts.models import AUDIENCES, Contact, ContactReason


def add_contact(
    session: Session,
    case: Case,
    *,
    kind: str,
    label: str,
    audience: Audience,
    values: Mapping[str, str],
    person_id: int | None = None,
) -> Contact:
    """Keep a contact of a case. `values`: text by field, of which those the kind asks for are kept, sealed. Refused,
    naming the field, for a role its kind has not got, a wider audience than the desk, or nothing worth keeping."""
    _check(session, case, kind, label, audience, person_id)
    given = rules.check_values(values, contact_kinds.get(kind).asks)
    contact = Contact(
        public_id=new_public_id(),
        case_id=case.id,
        person_id=person_id,
        kind=kind,
        label=label,
        audience=audience,
        created_at=current_work(session).now,
        version=1,
    )
    _seal(session, contact, given)
    session.add(contact)
    session.flush()
    return contact


def change_contact(
    session: Session,
    case: Case,
    contact: Contact,
    *,
    version: int,
    label: str,
    audience: Audience,
    values: Mapping[str, str],
    person_id: int | None = None,
) -> None:
    """Write a contact anew. VersionConflict when somebody else did so since `version`: it tells what stands in the
    open, never what is sealed, which only `reveal` shows."""
    hold(session, contact)
    if contact.version != version:
        open_fields = {"label": contact.label, "audience": contact.audience, "person_id": contact.person_id}
        raise VersionConflict(_("Somebody changed this contact in the meantime."), open_fields)
    _check(session, case, contact.kind, label, audience, person_id)
    given = rules.check_values(values, contact_kinds.get(contact.kind).asks)
    contact.label, contact.audience, contact.person_id = label, audience, person_id
    contact.version += 1
    _seal(session, contact, given)
    session.flush()


def remove_contact(session: Session, contact: Contact) -> None:
    """Remove a contact with what was sealed in it. The audit keeps that it was there, and who removed it."""
    session.delete(contact)
    session.flush()


def reveal(session: Session, user: User, contact: Contact, reason: str | None = None) -> dict[str, str]:
    """The values of one contact, {field: text}, for the one answer that this unit of work gives; it stands in the audit
    with its reason. Without one, the reason this person gave for the case a few minutes ago stands; Refused (`reason`)
    when there is none."""
    work = current_work(session)
    if reason is None:
        reason = find_reason(session, user.id, contact.case_id)
    else:
        if reason not in rules.REASONS:
            raise Refused(_("Choose why you look at it."), "reason")
        _keep_reason(session, user.id, contact.case_id, reason)
    if reason is None:
        raise Refused(_("Say why you look at it: that is written down."), "reason")
    assert work.actor.user_id == user.id
    note_read("contacts", contact.public_id, contact.case_id, reason=reason)
    return _open(session, contact)


def note_found(contact: Contact) -> None:
    """Write down that somebody learned whose number or address this is, without seeing the rest of it."""
    note_read("contacts", contact.public_id, contact.case_id, reason="asked_whose")


def find_reason(session: Session, user_id: int, case_id: int) -> str | None:
    """The reason this person gave for this case that still stands, or None."""
    given = session.execute(
        select(ContactReason.reason, ContactReason.given_at).where(
            ContactReason.user_id == user_id, ContactReason.case_id == case_id
        )
    ).first()
    if given is None or not rules.reason_stands(given.given_at, current_work(session).now):
        return None
    return str(given.reason)


def phone_key(text: str) -> str | None:
    """The fingerprint by which a number is found, or None where it has too few digits to be anybody's."""
    plain = rules.comparable_phone(text)
    return _sealer().keyring.blind(plain, "contacts.phone") if plain else None


def email_key(text: str) -> str | None:
    """The fingerprint by which a mail address is found, or None where it is none."""
    plain = rules.comparable_email(text)
    return _sealer().keyring.blind(plain, "contacts.email") if plain else None


def place_of(contact: Contact) -> str:
    """Where the values of a contact are sealed to: its row, and the version of it."""
    return f"contacts|{contact.public_id}|sealed|{contact.version}"


def _check(session: Session, case: Case, kind: str, label: str, audience: Audience, person_id: int | None) -> None:
    asked = contact_kinds.find(kind)
    if asked is None or label not in asked.roles:
        raise Refused(_("Choose who or what it is."), "label")
    if audience not in AUDIENCES:
        raise Refused(_("A contact is for named people or for the desk, never for more."), "audience")
    check_somebody_may_read(session, case, audience)
    involved = select(Involvement.id).where(Involvement.case_id == case.id, Involvement.person_id == person_id)
    if person_id is not None and session.scalar(involved) is None:
        raise Refused(_("That person is not in this case."), "person_id")


def _seal(session: Session, contact: Contact, values: Mapping[str, str]) -> None:
    contact.sealed = _sealer().seal_for(session, f"case:{contact.case_id}", rules.pack(values), place_of(contact))
    contact.phone_key = phone_key(values.get("phone", ""))
    contact.email_key = email_key(values.get("email", ""))


def _open(session: Session, contact: Contact) -> dict[str, str]:
    packed = _sealer().unseal_for(session, f"case:{contact.case_id}", contact.sealed, place_of(contact))
    return rules.unpack(packed)


def _keep_reason(session: Session, user_id: int, case_id: int, reason: str) -> None:
    """The same person may press twice at once: whichever comes last holds."""
    said: dict[str, Any] = {"reason": reason, "given_at": current_work(session).now}
    whose = {"user_id": user_id, "case_id": case_id}
    session.execute(insert_or_pass(session, ContactReason, "user_id", "case_id").values(**whose, **said))
    session.execute(update(ContactReason).filter_by(**whose).values(**said))


def _sealer() -> Sealer:
    sealer: Sealer = current_app.extensions["sealer"]
    return sealer
