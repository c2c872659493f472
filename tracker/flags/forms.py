"""What is asked about a flag."""

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from tracker.base.forms import DayField, HouseForm, SpeakingForm
from tracker.flags.rules import LONGEST_REASON


class SnoozeForm(HouseForm):
    """Until when a flag can wait, and why."""

    until_on = DayField(_l("Until"))
    reason = TextAreaField(
        _l("Why it can wait"),
        description=_l("Shown to whoever sees the flag next."),
        render_kw={"rows": 2, "maxlength": LONGEST_REASON},
    )


class SeenForm(SpeakingForm):
    """One button: nothing is asked but whether the page was ours."""
