"""What is asked about contacts."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField
from wtforms.validators import DataRequired, Length, Optional

from tracker.base.forms import HouseForm, SealedAreaField, SealedField
from tracker.base.labels import choices
from tracker.contacts.kinds import ContactKind
from tracker.contacts.models import AUDIENCES
from tracker.contacts.rules import REASONS

#: Longest line and longest text that is sealed, in characters.
LONGEST_LINE, LONGEST_SEALED = 300, 10_000

_LINE = [Optional(), Length(max=LONGEST_LINE, message=_l("At most 300 characters."))]
_TEXT = [Optional(), Length(max=LONGEST_SEALED, message=_l("At most 10,000 characters."))]


class ContactForm(HouseForm):
    """A contact. The fields its kind does not ask for are taken away."""

    label = SelectField(_l("Who or what"), description=_l("All that the desk sees of it without opening it."))
    person_id = SelectField(_l("Whom it belongs to"), coerce=str)
    audience = SelectField(_l("Who may open it"), choices=lambda: choices("audience", [a.code for a in AUDIENCES]))
    name = SealedField(_l("Name"), _LINE, render_kw={"dir": "auto"})
    phone = SealedField(
        _l("Phone"), _LINE, description=_l("With the country: +970 …"), render_kw={"dir": "ltr", "inputmode": "tel"}
    )
    email = SealedField(_l("E-mail"), _LINE, render_kw={"dir": "ltr", "inputmode": "email"})
    address = SealedAreaField(_l("Address"), _TEXT, render_kw={"rows": 3, "dir": "auto"})
    language = SealedField(_l("Language, and when to call"), _LINE, render_kw={"dir": "auto"})
    note = SealedAreaField(_l("Note"), _TEXT, render_kw={"rows": 4, "dir": "auto"})

    def ask_for(self, kind: ContactKind) -> "ContactForm":
        """Ask what this kind of contact has, and nothing else."""
        self.label.choices = choices("contact_role", kind.roles)
        for name in [f.short_name for f in self if getattr(f, "sealed", False)]:
            if name not in kind.asks:
                del self[name]
        return self

    @property
    def sealed_values(self) -> dict[str, str]:
        """What was typed into the sealed fields."""
        return {name: f.data or "" for name, f in self._fields.items() if getattr(f, "sealed", False)}


class RevealForm(HouseForm):
    """Why somebody looks."""

    # Whether one is needed, and which there are, is decided where it is written down.
    reason = RadioField(
        _l("Why do you look at it?"), choices=lambda: choices("reveal_reason", REASONS), validate_choice=False
    )


class WhoseForm(HouseForm):
    """A number or an address somebody wrote or called from."""

    asked = SealedField(
        _l("Phone number or mail address"),
        [DataRequired(_l("Write a number or an address.")), Length(max=LONGEST_LINE)],
        description=_l("The whole of it; numbers may be written as at home or as from abroad."),
        render_kw={"dir": "ltr"},
    )
