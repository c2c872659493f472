"""What these pages ask."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from tracker.base.forms import HouseForm, SpeakingForm


class PauseForm(HouseForm):
    """Why nothing may go out."""

    reason = StringField(
        _l("Why nothing may go out"),
        validators=[DataRequired(_l("Say why: whoever finds it paused must know.")), Length(max=200)],
        description=_l("One line. Everybody on the staff reads it on every page."),
        render_kw={"maxlength": 200},
    )


class OpenForm(HouseForm):
    """Opening a case to more people. `revealed`: the mark of the list that was read."""

    revealed = HiddenField()


class PressedForm(SpeakingForm):
    """One button: nothing is asked but whether the page was ours."""
