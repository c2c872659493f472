"""What is asked of somebody who wants to follow a case without an account."""

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import SelectField, SelectMultipleField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.forms import HouseForm, SealedField
from tracker.base.languages import known_languages
from tracker.following.rules import OFFERED, USUAL


def _days() -> list[tuple[int, str]]:
    return [(days, ngettext("%(num)d day before", "%(num)d days before", days)) for days in OFFERED]


class AskForm(HouseForm):
    """An address, when to be reminded, and in which language."""

    email = SealedField(
        _l("Your mail address"),
        [DataRequired(_l("Write your mail address.")), Length(max=254)],
        description=_l("It is kept sealed, shown to nobody, and deleted when you leave."),
        render_kw={"dir": "ltr", "inputmode": "email", "autocomplete": "email"},
    )
    days_before = SelectMultipleField(
        _l("Remind me of each hearing"),
        [DataRequired(_l("Choose at least one."))],
        coerce=int,
        choices=_days,
        default=list(USUAL),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    language = SelectField(_l("Language of the mails"), choices=lambda: list(known_languages()))
