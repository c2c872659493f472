"""Contacts of a case: relatives, lawyers, safe places, medical notes. What leads to somebody is sealed; in the open
stand only a kind and a role."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, UTCDateTime
from tracker.base.db import Model

#: Who may know of a contact at all: never more than the desk.
AUDIENCES = (Audience.DESK, Audience.NAMED)


class Contact(Model):
    """Somebody, or some place, that a case depends on. Its values stand in one sealed text under the case's key, bound
    to this row and to its version: neither another row's text nor an earlier one of its own opens here."""

    __tablename__ = "contacts"
    audit_hides = frozenset({"sealed", "phone_key", "email_key"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses; the sealed text is bound to it.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    #: The person of the case whose contact it is; None: of the case as a whole.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"), index=True)
    #: Code of its kind: what it is, and what is asked for it.
    kind: Mapped[str] = mapped_column(String(20))
    #: A role from a short list, such as sister or lawyer. Nobody types it, so that no name stands in it.
    label: Mapped[str] = mapped_column(String(30))
    #: Who may know of it: named or desk.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: The values, {field: text} as JSON, sealed.
    sealed: Mapped[str] = mapped_column(Text)
    #: Keyed fingerprint of the number's last nine digits, to find whose it is; None: there is none.
    phone_key: Mapped[str | None] = mapped_column(String(64), index=True)
    #: Keyed fingerprint of the address.
    email_key: Mapped[str | None] = mapped_column(String(64), index=True)
    #: When recorded.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts; the sealed text is bound to it.
    version: Mapped[int] = mapped_column(default=1)


class ContactReason(Model):
    """The last reason somebody gave for looking at contacts of a case: it stands for a few minutes. What was looked at
    stands in the audit."""

    __tablename__ = "contact_reasons"
    audited = False

    #: Who.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    #: In which case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, index=True)
    #: One of rules.REASONS.
    reason: Mapped[str] = mapped_column(String(12))
    #: When it was given.
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)
