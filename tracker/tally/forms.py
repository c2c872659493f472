"""What is asked of staff who add letters that reached us another way."""

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, RadioField, SelectField
from wtforms.validators import InputRequired

from tracker.base.forms import DayField, HouseForm
from tracker.base.labels import choices
from tracker.steps.models import CHANNELS


class AddStepsForm(HouseForm):
    """How, how many, when, to whom."""

    also_called = {"target_id": "target"}

    channel = RadioField(_l("How they wrote"), choices=lambda: choices("channel", CHANNELS), default="letter")
    count = IntegerField(
        _l("How many"), [InputRequired(_l("Say how many."))], default=1, render_kw={"inputmode": "numeric"}
    )
    done_on = DayField(_l("When"))
    target = SelectField(_l("To whom"), choices=lambda: [("", _l("not said"))], default="", validate_choice=False)
