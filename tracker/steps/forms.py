"""What is asked of somebody who wrote."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, RadioField, SelectField
from wtforms.validators import InputRequired

from tracker.base.forms import DayField, HouseForm
from tracker.base.labels import choices
from tracker.steps.models import CHANNELS


class DidItForm(HouseForm):
    """I did it: how, how many, when."""

    also_called = {"target_id": "target"}

    channel = RadioField(_l("How did you write?"), choices=lambda: choices("channel", CHANNELS), default="email")
    count = IntegerField(
        _l("How many"), [InputRequired(_l("Say how many."))], default=1, render_kw={"inputmode": "numeric"}
    )
    done_on = DayField(_l("When"))
    target = SelectField(_l("To whom"), choices=lambda: [("", _("not said"))], default="", validate_choice=False)


class HereForm(HouseForm):
    """Whether somebody is in, or travels to, the country of the case."""
