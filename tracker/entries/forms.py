"""What is asked about an entry of the timeline."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.audience import CHOOSABLE
from tracker.base.dates import PRECISIONS
from tracker.base.forms import ClockField, DayField, HouseForm
from tracker.base.labels import choices
from tracker.timeline.kinds import kinds
from tracker.timeline.models import CONFIDENCES, SOURCE_KINDS
from tracker.timeline.service import LONGEST_TEXT


def kinds_by_hand() -> list[tuple[str, str]]:
    """What staff may choose, in the order the kinds are announced."""
    return [(kind.code, str(kind.label)) for kind in kinds if kind.by_hand]


class EntryForm(HouseForm):
    """What happened, when, to whom, and how we know. `version` is the number of the entry that is put right."""

    also_called = {"date": "day", "time": "at_time"}

    kind = SelectField(_l("What happened"), choices=kinds_by_hand)
    day = DayField(_l("Date"))
    precision = SelectField(_l("How exact is it?"), choices=lambda: choices("precision", PRECISIONS))
    at_time = ClockField(_l("Time there"))
    persons = SelectMultipleField(
        _l("Whom it concerns"),
        coerce=int,
        validate_choice=True,
        description=_l("Nobody ticked: everybody in the case."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    place = StringField(_l("Where"), [Optional(), Length(max=200)])
    text = TextAreaField(
        _l("In words"),
        [Optional(), Length(max=LONGEST_TEXT, message=_l("A text has at most 20,000 characters."))],
        render_kw={"rows": 4},
    )
    confidence = RadioField(
        _l("How sure is it?"),
        choices=lambda: choices("confidence", CONFIDENCES),
        default="confirmed",
        description=_l("What is only reported stands beside the status and moves nothing until somebody accepts it."),
    )
    source_kind = SelectField(_l("Source"), choices=lambda: [("", _("none")), *choices("source_kind", SOURCE_KINDS)])
    source_address = StringField(_l("Address or title"), [Optional(), Length(max=500)], render_kw={"dir": "auto"})
    source_told_by = StringField(
        _l("Told by"),
        [Optional(), Length(max=120)],
        description=_l("A role, such as lawyer or relative; never a name."),
    )
    source_published = DayField(_l("Published on"))
    source_quote = TextAreaField(
        _l("The very words"), [Optional(), Length(max=5000)], render_kw={"rows": 2, "dir": "auto"}
    )
    audience = SelectField(_l("Who may see it"), choices=lambda: choices("audience", [a.code for a in CHOOSABLE]))


class AboutEntryForm(HouseForm):
    """A word on why an entry is accepted or withdrawn."""

    reason = TextAreaField(_l("Why"), [Optional(), Length(max=2000)], render_kw={"rows": 3})


class WithdrawForm(AboutEntryForm):
    """Withdrawing needs a reason."""

    reason = TextAreaField(
        _l("Why"), [InputRequired(_l("Say why it is withdrawn.")), Length(max=2000)], render_kw={"rows": 3}
    )


class EntryAudienceForm(HouseForm):
    """Who may see an entry from now on."""

    audience = SelectField(_l("Who may see it"), choices=lambda: choices("audience", [a.code for a in CHOOSABLE]))
