"""What is asked about a hearing."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.audience import CHOOSABLE
from tracker.base.forms import ClockField, DayField, HouseForm
from tracker.base.labels import choices
from tracker.hearings.models import KINDS

#: Reasons that come back again and again, offered beside words of one's own.
REASONS = ("judge_absent", "not_brought", "lawyers_absent", "other")

_LONG = _l("At most 200 characters.")


#: How a date may be said; `between` asks for a second one.
WINDOWS = ("day", "week", "month", "between", "not_set")


class WhenForm(HouseForm):
    """A day, a week, a month, some days, or no date yet; at the court's own clock."""

    also_called = {"date": "day", "latest": "until", "time": "at_time"}

    precision = RadioField(
        _l("How exact is the date?"),
        choices=lambda: choices("window", WINDOWS),
        default="day",
    )
    day = DayField(_l("Date at the court"))
    until = DayField(_l("Last day it can be"))
    at_time = ClockField(_l("Time at the court"))
    zone = StringField(
        _l("Time zone of the court"), [InputRequired(), Length(max=60)], render_kw={"dir": "ltr", "spellcheck": "false"}
    )
    fold = SelectField(
        _l("Where that hour comes twice"),
        default="",
        choices=lambda: [("", _("it does not")), ("0", _("the first of the two")), ("1", _("the second of the two"))],
    )
    court = StringField(_l("Court"), [Optional(), Length(max=200, message=_LONG)])
    place = StringField(_l("City or room"), [Optional(), Length(max=200, message=_LONG)])
    told_by = StringField(
        _l("Date confirmed by"),
        [Optional(), Length(max=120)],
        description=_l("A role or source, such as lawyer or court list. Empty: you, today."),
    )


class HearingForm(WhenForm):
    """A new hearing."""

    kind = SelectField(_l("What kind"), choices=lambda: choices("hearing_kind", KINDS))
    certainty = RadioField(
        _l("Is the date sure?"), choices=lambda: choices("certainty", ["confirmed", "provisional"]), default="confirmed"
    )
    appearing = SelectMultipleField(
        _l("Whose hearing is it?"),
        coerce=str,
        description=_l("Co-defendants of other cases of the desk stand here too: one hearing, one reminder."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    observer = StringField(_l("Who observes it"), [Optional(), Length(max=200, message=_LONG)])
    audience = SelectField(_l("Who may see it"), choices=lambda: choices("audience", [a.code for a in CHOOSABLE]))
    note = TextAreaField(
        _l("Note for the desk"), [Optional(), Length(max=2000)], description=_l("Tells nobody."), render_kw={"rows": 2}
    )


class RescheduleForm(WhenForm):
    """A hearing's new when: moved by the court, or wrong with us."""

    words = StringField(_l("A word on it"), [Optional(), Length(max=300)])


class EditHearingForm(HouseForm):
    """What may change without telling anybody."""

    kind = SelectField(_l("What kind"), choices=lambda: choices("hearing_kind", KINDS))
    observer = StringField(_l("Who observes it"), [Optional(), Length(max=200, message=_LONG)])
    audience = SelectField(_l("Who may see it"), choices=lambda: choices("audience", [a.code for a in CHOOSABLE]))
    note = TextAreaField(_l("Note for the desk"), [Optional(), Length(max=2000)], render_kw={"rows": 3})


class ConfirmForm(HouseForm):
    """Who made sure of the date."""

    told_by = StringField(
        _l("Confirmed by"), [Optional(), Length(max=120)], description=_l("A role or source. Empty: you, today.")
    )


class CancelForm(HouseForm):
    """Why it is off."""

    words = StringField(_l("A word on it"), [Optional(), Length(max=300)])


class ReinstateForm(HouseForm):
    """Why it is on again, or what was wrong."""

    words = StringField(_l("A word on it"), [Optional(), Length(max=300)])


class OutcomeForm(HouseForm):
    """What became of a hearing, in three taps and a date."""

    also_called = {"date": "next_day", "time": "next_time", "fold": "next_time", "precision": "next_precision"}

    outcome = RadioField(
        _l("What happened?"),
        choices=lambda: choices("hearing_state", ["took_place", "adjourned", "postponed", "not_known"]),
        validators=[InputRequired(_l("Choose what happened."))],
    )
    reason = RadioField(
        _l("Why"), choices=lambda: [("", _("not told")), *choices("outcome_reason", REASONS)], default=""
    )
    told_by = StringField(
        _l("Told by"), [Optional(), Length(max=120)], description=_l("A role, such as lawyer; never a name.")
    )
    words = TextAreaField(_l("What was decided"), [Optional(), Length(max=5000)], render_kw={"rows": 3})
    exceptions = SelectMultipleField(
        _l("For whom it was otherwise"),
        coerce=str,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    other_outcome = SelectField(
        _l("What happened for them"),
        default="",
        choices=lambda: [("", "–"), *choices("hearing_state", ["took_place", "adjourned", "postponed", "not_known"])],
    )
    next_precision = RadioField(
        _l("When does it go on?"),
        choices=lambda: [("", _("nothing is told")), *choices("window", [w for w in WINDOWS if w != "between"])],
        default="",
    )
    next_day = DayField(_l("Next date"))
    next_time = ClockField(_l("Next time"))
