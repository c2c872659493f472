"""What is asked about an urgent action."""

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.actions import rules
from tracker.base.audience import CHOOSABLE
from tracker.base.forms import DayField, HouseForm
from tracker.base.labels import choices
from tracker.consent.kinds import STOP_REASONS


class ActionForm(HouseForm):
    """What an action says of itself."""

    title = StringField(
        _l("What it is called"),
        [InputRequired(_l("Say in a few words what it is about.")), Length(max=200)],
        description=_l("Volunteers read it: no name unless the person agreed to that."),
    )
    ua_number = StringField(
        _l("UA number"),
        [Optional(), Length(max=80)],
        description=_l("As it is printed, such as UA 52/24. Empty: it has none yet."),
        render_kw={"dir": "ltr", "spellcheck": "false"},
    )
    index_number = StringField(_l("Index number"), [Optional(), Length(max=40)], render_kw={"dir": "ltr"})
    summary = TextAreaField(_l("The case in short"), [Optional(), Length(max=5000)], render_kw={"rows": 5})
    cautions = TextAreaField(_l("What not to do or say"), [Optional(), Length(max=1000)], render_kw={"rows": 2})
    issued_on = DayField(_l("Issued on"))
    act_until = DayField(_l("Write until"), description=_l("Empty: six weeks from the day of issue."))
    minutes = IntegerField(_l("How many minutes it takes"), [Optional()], default=10)
    targets = SelectMultipleField(
        _l("Whom to write to"),
        coerce=str,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("From the target book; who is missing is recorded there first."),
    )
    copy_to_embassy = BooleanField(_l("A copy goes to the embassy in the writer's country"), default=True)
    audience = SelectField(
        _l("Who may take it"), choices=lambda: choices("audience", [a.code for a in CHOOSABLE]), default="volunteers"
    )


class NewActionForm(ActionForm):
    """A new action, with its first letter. `follows`: the action of which it is an update."""

    follows = HiddenField()
    language = StringField(
        _l("Language of the letter"),
        [InputRequired(_l("Say in which language the letter is.")), Length(max=3)],
        default="en",
        description=_l("Two letters, such as en or ar."),
        render_kw={"dir": "ltr", "spellcheck": "false", "data-short": "yes"},
    )
    subject = StringField(_l("Subject of the letter"), [Optional(), Length(max=200)])
    salutation = StringField(
        _l("First line"), [Optional(), Length(max=200)], description=_l("Empty: as whom it goes to is addressed.")
    )
    body = TextAreaField(
        _l("The letter"), [InputRequired(_l("Write the letter.")), Length(max=20_000)], render_kw={"rows": 12}
    )


class LetterForm(HouseForm):
    """A letter in one language."""

    language = NewActionForm.language
    subject = NewActionForm.subject
    salutation = NewActionForm.salutation
    body = NewActionForm.body


class HoldForm(HouseForm):
    """Why nobody may write just now."""

    reason = RadioField(
        _l("Why"),
        choices=lambda: choices("action_reason", rules.HOLD_REASONS),
        validators=[InputRequired(_l("Choose why."))],
    )
    words = TextAreaField(
        _l("What its page says"),
        [Optional(), Length(max=600)],
        description=_l("Everybody reads it. Empty: the house's own words, which say nothing about anybody."),
        render_kw={"rows": 3},
    )


class StopForm(HouseForm):
    """Why nobody may write any more: neutral words, which say nothing about who asked."""

    reason = RadioField(
        _l("Why"), choices=lambda: choices("stop_reason", STOP_REASONS), validators=[InputRequired(_l("Choose why."))]
    )
    words = HoldForm.words


class ResumeForm(HouseForm):
    """Why it goes on."""

    reason = RadioField(
        _l("Why it goes on"),
        choices=lambda: choices("action_reason", rules.RESUME_REASONS),
        validators=[InputRequired(_l("Choose why it goes on."))],
    )


class CloseForm(HouseForm):
    """Why it is closed."""

    reason = RadioField(
        _l("Why"),
        choices=lambda: choices("action_reason", rules.CLOSE_REASONS),
        validators=[InputRequired(_l("Choose why."))],
    )
    words = HoldForm.words


class ExtendForm(HouseForm):
    """Until when it goes on."""

    act_until = DayField(_l("Write until"), description=_l("Empty: 14 days more."))
