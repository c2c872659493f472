"""What is asked about somebody to write to."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.base.forms import DayField, HouseForm
from tracker.base.labels import choices
from tracker.targets.models import KINDS, REPORTS

_CODE = {"dir": "ltr", "spellcheck": "false", "data-short": "yes"}


class TargetForm(HouseForm):
    """An official, or an embassy."""

    kind = RadioField(_l("What it is"), choices=lambda: choices("target_kind", KINDS), default="official")
    country = StringField(
        _l("Which state they serve"),
        [InputRequired(_l("Say which state they serve.")), Length(max=2)],
        description=_l("Two letters, such as EG: the country's code."),
        render_kw=_CODE,
    )
    hosted_in = StringField(
        _l("Where the embassy stands"),
        [Optional(), Length(max=2)],
        description=_l("Two letters; of an embassy only."),
        render_kw=_CODE,
    )
    name = StringField(_l("Name"), [Optional(), Length(max=200)], description=_l("Empty: the office is written to."))
    office = StringField(_l("Office"), [InputRequired(_l("Say which office it is.")), Length(max=200)])
    salutation = StringField(_l("How they are addressed"), [Optional(), Length(max=200)])
    language = StringField(
        _l("Language they are best written to in"), [Optional(), Length(max=3)], default="en", render_kw=_CODE
    )
    postal = TextAreaField(_l("Postal address"), [Optional(), Length(max=600)], render_kw={"rows": 5})
    email = StringField(_l("E-mail"), [Optional(), Length(max=254)], render_kw={"dir": "ltr", "inputmode": "email"})
    phone = StringField(_l("Telephone"), [Optional(), Length(max=40)], render_kw={"dir": "ltr", "inputmode": "tel"})
    valid_from = DayField(_l("In office since"))
    valid_to = DayField(_l("In office until"))


class ReportForm(HouseForm):
    """What came back."""

    what = RadioField(
        _l("What happened?"),
        choices=lambda: choices("target_report", REPORTS),
        validators=[InputRequired(_l("Choose what came back."))],
    )
