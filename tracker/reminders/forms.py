"""What is asked of those who follow."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.forms import SpeakingForm

#: Days before that are offered; none chosen: as the kind of hearing says.
OFFERED_DAYS = (14, 7, 3, 1)


class FollowForm(SpeakingForm):
    """Follow a case or a desk, perhaps with days of one's own."""

    days_before = SelectMultipleField(
        _l("Days before"),
        coerce=int,
        choices=[SelectChoice(str(d), str(d)) for d in OFFERED_DAYS],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        description=_l("None chosen: as the kind of hearing says."),
    )


class CalendarFileForm(SpeakingForm):
    """Whether mails about a hearing bring it as a calendar file."""

    with_ics = BooleanField(
        _l("Send me each hearing as a calendar file, too"),
        description=_l("The provider of your calendar can then read it: a nickname, the kind, the date and the city."),
    )
