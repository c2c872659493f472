"""What is asked when a page is given and when what it says is reviewed."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, Field, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget, TextArea

from tracker.base.dates import PRECISIONS
from tracker.base.forms import ClockField, DayField, HouseForm
from tracker.base.labels import announce, choices
from tracker.cases.models import RISKS
from tracker.cases.service import LONGEST_TITLE
from tracker.hearings.models import KINDS
from tracker.timeline.kinds import kinds
from tracker.timeline.service import LONGEST_TEXT

announce(
    "proposal_state",
    {
        "open": _l("waits for you"),
        "accepted": _l("accepted"),
        "accepted_unread": _l("accepted unread"),
        "rejected": _l("turned down"),
        "left_out": _l("left out with its case"),
    },
)
announce(
    "inferred",
    {
        "year": _l("The year is not printed; it was worked out from what stands around it."),
        "weekday": _l("Only the weekday is printed; the date was worked out from it."),
        "relative": _l("The date is not printed; it was worked out from words such as “yesterday”."),
        "month": _l("No day is printed, only the month or the year."),
    },
)
announce(
    "entry_kind_read",
    {
        "urgent_action": _l("urgent action"),
        "update": _l("update"),
        "good_news": _l("good news"),
        "news": _l("news"),
        "open_letter": _l("open letter"),
        "education": _l("education"),
        "case_profile": _l("case profile"),
    },
)

_TICKED = {"widget": ListWidget(prefix_label=False), "option_widget": CheckboxInput()}


def kinds_by_hand(now: str) -> list[tuple[str, str]]:
    """What staff may choose, and what it is now."""
    return [(kind.code, str(kind.label)) for kind in kinds if kind.by_hand or (kind.code == now and kind.label)]


class PageField(Field):
    """The text of a page as it was pasted. What it may hold is the readers' to say: a page break or two are in many."""

    widget = TextArea()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Keep what was pasted."""
        self.data = valuelist[0] if valuelist else ""

    def _value(self) -> str:
        return str(self.data or "")


class PasteForm(HouseForm):
    """A page as text or as a file, and whose it is."""

    document = PageField(
        _l("Text of the page"),
        [Optional()],
        description=_l("Open the page, select all, copy, paste it here. Nothing changes before you have reviewed it."),
        render_kw={"rows": 14},
    )
    upload = FileField(_l("Or a file"), description=_l("Plain text, 5 MB at most."))
    published = DayField(_l("Published on"))
    desk_id = SelectField(_l("Desk"), coerce=str)


class DecideForm(HouseForm):
    """A button: accept or turn down. `risk`: of the case that is made."""

    risk = SelectField(_l("Risk"), choices=lambda: choices("risk", RISKS), validate_choice=False)


class CaseProposalForm(HouseForm):
    """The case that would be made."""

    also_called = {"name": "names", "owner": "owner_id"}

    title = StringField(
        _l("Title"),
        [
            InputRequired(_l("Write a title.")),
            Length(max=LONGEST_TITLE, message=_l("A title has at most 300 characters.")),
        ],
    )
    names = TextAreaField(
        _l("People at risk"),
        [InputRequired(_l("Write a name."))],
        description=_l("One a line."),
        render_kw={"rows": 3},
    )
    risk = SelectField(_l("Risk"), choices=lambda: choices("risk", RISKS))
    owner_id = SelectField(_l("Owner"), coerce=str, description=_l("Keeps the case and gets each reminder."))
    into = SelectField(
        _l("Goes into"),
        coerce=str,
        description=_l("Where the same person has a case already, its entries go there and no second case is made."),
    )
    whole = BooleanField(_l("Take everything that waits for it too"), default=True)


class EventProposalForm(HouseForm):
    """An entry of the timeline."""

    also_called = {"date": "day"}

    kind = SelectField(_l("What happened"))
    day = DayField(_l("Date"), [InputRequired(_l("Write the date, or the day by which it was known."))])
    precision = SelectField(_l("How exact is it?"), choices=lambda: choices("precision", PRECISIONS))
    text = TextAreaField(
        _l("In words"),
        [Optional(), Length(max=LONGEST_TEXT, message=_l("A text has at most 20,000 characters."))],
        render_kw={"rows": 4},
    )
    persons = SelectMultipleField(
        _l("Whom it concerns"), coerce=str, description=_l("Nobody ticked: everybody in the case."), **_TICKED
    )


class HearingProposalForm(HouseForm):
    """A hearing: new, or another date of one that is known."""

    also_called = {"date": "day", "time": "at_time"}

    becomes = RadioField(_l("What is it?"), coerce=str)
    kind = SelectField(_l("What kind"), choices=lambda: choices("hearing_kind", KINDS))
    precision = RadioField(
        _l("How exact is the date?"), choices=lambda: choices("window", ["day", "week", "month", "not_set"])
    )
    day = DayField(_l("Date at the court"))
    at_time = ClockField(_l("Time at the court"))
    zone = StringField(
        _l("Time zone of the court"), [InputRequired(), Length(max=60)], render_kw={"dir": "ltr", "spellcheck": "false"}
    )
    fold = SelectField(
        _l("Where that hour comes twice"),
        choices=lambda: [("", _("it does not")), ("0", _("the first of the two")), ("1", _("the second of the two"))],
    )
    court = StringField(_l("Court"), [Optional(), Length(max=200, message=_l("At most 200 characters."))])
    persons = SelectMultipleField(
        _l("Whose hearing is it?"), coerce=str, description=_l("Nobody ticked: everybody in the case."), **_TICKED
    )
