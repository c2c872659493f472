"""Kinds of contacts: which roles there are, and what is asked. To add one, announce it here; the pages follow."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from tracker.base import labels
from tracker.base.registry import Registry


@dataclass(frozen=True, slots=True)
class ContactKind:
    """One kind. `roles`: what may stand in the open, to choose from; `asks`: the sealed fields of its form in order."""

    code: str
    roles: tuple[str, ...]
    asks: tuple[str, ...]


contact_kinds: Registry[ContactKind] = Registry("contact kind")


def contact_kind(code: str, roles: tuple[str, ...], asks: tuple[str, ...]) -> ContactKind:
    """Announce a kind of contact."""
    return contact_kinds.add(code, ContactKind(code, roles, asks))


_REACHED = ("name", "phone", "email", "address", "language", "note")

contact_kind(
    "family",
    ("mother", "father", "wife", "husband", "partner", "sister", "brother", "daughter", "son", "relative"),
    _REACHED,
)
contact_kind("lawyer", ("lawyer", "lawyer_abroad", "legal_organisation"), _REACHED)
contact_kind("safe_address", ("safe_place", "takes_mail"), ("name", "phone", "address", "note"))
contact_kind("medical_note", ("health", "medicine", "doctors_report"), ("note",))
contact_kind("other_contact", ("colleague", "friend", "employer", "embassy", "organisation", "somebody_else"), _REACHED)

labels.announce(
    "contact_kind",
    {
        "family": _l("family"),
        "lawyer": _l("lawyer"),
        "safe_address": _l("safe address"),
        "medical_note": _l("medical note"),
        "other_contact": _l("other contact"),
    },
)
labels.announce(
    "contact_role",
    {
        "mother": _l("mother"),
        "father": _l("father"),
        "wife": _l("wife"),
        "husband": _l("husband"),
        "partner": _l("partner"),
        "sister": _l("sister"),
        "brother": _l("brother"),
        "daughter": _l("daughter"),
        "son": _l("son"),
        "relative": _l("another relative"),
        "lawyer": _l("lawyer"),
        "lawyer_abroad": _l("lawyer abroad"),
        "legal_organisation": _l("legal organisation"),
        "safe_place": _l("safe place"),
        "takes_mail": _l("takes mail for them"),
        "health": _l("state of health"),
        "medicine": _l("medicine and treatment"),
        "doctors_report": _l("a doctor’s report"),
        "colleague": _l("colleague"),
        "friend": _l("friend"),
        "employer": _l("employer"),
        "embassy": _l("embassy or consulate"),
        "organisation": _l("organisation"),
        "somebody_else": _l("somebody else"),
    },
)
labels.announce(
    "contact_field",
    {
        "name": _l("Name"),
        "phone": _l("Phone"),
        "email": _l("E-mail"),
        "address": _l("Address"),
        "language": _l("Language, and when to call"),
        "note": _l("Note"),
    },
)
labels.announce(
    "reveal_reason",
    {"calling": _l("Calling now"), "checking": _l("Checking that it is right"), "updating": _l("Putting it right")},
)
