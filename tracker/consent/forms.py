"""What is asked about consent and about stopping publicity."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.forms import DayField, HouseForm
from tracker.base.labels import choices
from tracker.consent.kinds import STOP_REASONS, WITHOUT_NAME_REASONS
from tracker.consent.models import WAYS
from tracker.consent.rules import ALL, CLOSING, SPEAKERS, SUBJECTS


class ConsentForm(HouseForm):
    """What somebody said: who, to what, up to whom, how, and for how long."""

    answer = SelectField(_l("What they said"), choices=lambda: choices("consent_answer", ["agreed", *CLOSING]))
    speaker = SelectField(
        _l("Who said it"),
        choices=lambda: choices("consent_speaker", list(SPEAKERS)),
        description=_l("Only in which role: their name is kept nowhere here."),
    )
    subjects = SelectMultipleField(
        _l("To what"),
        choices=lambda: choices("consent_subject", list(SUBJECTS)),
        description=_l("Nothing is shown further than being known of at all goes."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    up_to = SelectField(
        _l("Up to whom"),
        choices=lambda: choices("audience", ["volunteers", "public"]),
        description=_l("Counts only where they agreed."),
    )
    how = SelectField(_l("How"), choices=lambda: choices("consent_how", list(WAYS)))
    given_on = DayField(_l("When it was said"))
    until_on = DayField(_l("Until when it holds"), description=_l("Leave it empty where they named no day."))
    review_on = DayField(_l("Ask again on"), description=_l("Left empty: six months after it was said."))


class WithoutNameForm(HouseForm):
    """Why a case may be open to volunteers though somebody in it cannot be asked."""

    reason = SelectField(
        _l("Why they cannot be asked"), choices=lambda: choices("without_name_reason", list(WITHOUT_NAME_REASONS))
    )
    review_on = DayField(_l("Look at it again on"), description=_l("Left empty: in six months."))


class StopForm(HouseForm):
    """Stop all publicity."""

    reason = SelectField(_l("Why"), choices=lambda: choices("stop_reason", list(STOP_REASONS)))
    person = SelectField(_l("Of whom"), coerce=str)
    speaker = SelectField(
        _l("Who asked"),
        choices=lambda: choices("consent_speaker", [ALL, *SPEAKERS]),
        description=_l("Kept for the desk alone."),
    )
    how = SelectField(_l("How"), choices=lambda: [("", _l("not noted")), *choices("consent_how", list(WAYS))])


class StopAnyForm(HouseForm):
    """Stop the publicity of a case by its reference, without seeing it."""

    ref = StringField(
        _l("Reference of the case"),
        [
            DataRequired(_l("Write the reference.")),
            Length(max=30, message=_l("At most 30 characters.")),
        ],
        description=_l("Such as IOPT-0004"),
        render_kw={"dir": "ltr", "autocomplete": "off"},
    )
    reason = SelectField(_l("Why"), choices=lambda: choices("stop_reason", list(STOP_REASONS)))
    how = SelectField(_l("How"), choices=lambda: [("", _l("not noted")), *choices("consent_how", list(WAYS))])


class ResumeForm(HouseForm):
    """Ask for it, or agree to it."""
