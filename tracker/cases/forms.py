"""What is asked about a case as a whole."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.audience import CHOOSABLE
from tracker.base.forms import HouseForm
from tracker.base.labels import choices
from tracker.cases.models import CLOSED_REASONS, RISKS, STAGES
from tracker.cases.service import LONGEST_TITLE
from tracker.people.rules import LONGEST_NAME

_LONG_NAME = _l("A name has at most 300 characters.")
_LONG_TEXT = _l("A text has at most 20,000 characters.")
_LONG_WORD = _l("At most 2,000 characters.")


class CaseForm(HouseForm):
    """A case's own words, who keeps it, who may see it."""

    also_called = {"owner": "owner_id", "deputy": "deputy_id", "name": "person_name"}

    title = StringField(
        _l("Title"),
        [
            DataRequired(_l("Write a title.")),
            Length(max=LONGEST_TITLE, message=_l("A title has at most 300 characters.")),
        ],
        description=_l(
            "What it is about. The desk reads it; others see the nickname unless everybody in it may be named, because "
            "titles tend to name people."
        ),
    )
    summary = TextAreaField(_l("Summary"), [Optional(), Length(max=20_000, message=_LONG_TEXT)], render_kw={"rows": 4})
    risk = SelectField(_l("Risk"), choices=lambda: choices("risk", RISKS))
    stage = SelectField(_l("Stage"), choices=lambda: choices("stage", [s for s in STAGES if s != "closed"]))
    owner_id = SelectField(_l("Owner"), coerce=str, description=_l("Keeps the case and gets each reminder."))
    deputy_id = SelectField(_l("Deputy"), coerce=str, description=_l("Stands in, and gets each reminder too."))
    audience = SelectField(
        _l("Who may see it"),
        choices=lambda: choices("audience", [a.code for a in CHOOSABLE]),
        description=_l("Volunteers and the public as far as everybody in it, or who speaks for them, has agreed."),
    )
    named = SelectMultipleField(
        _l("Named people"),
        coerce=str,
        description=_l("Besides owner and deputy, they see everything in the case, also what is closed to the desk."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    #: The mark of the list that was read of what opening the case further would reveal.
    revealed = HiddenField()
    country = StringField(
        _l("Country of detention"), [Optional(), Length(max=2)], description=_l("Two letters, such as IL, PS, EG.")
    )
    responsible_state = StringField(
        _l("Responsible state"), [Optional(), Length(max=2)], description=_l("Two letters, where it is another.")
    )


class NewCaseForm(CaseForm):
    """A case typed by hand, with its first person."""

    desk_id = SelectField(_l("Desk"), coerce=str)
    audience = SelectField(
        _l("Who may see it"),
        choices=lambda: choices("audience", ["named", "desk"]),
        description=_l("It can be opened to others once those in it have agreed."),
    )
    person_name = StringField(
        _l("Name of the person at risk"),
        [
            DataRequired(_l("Write a name.")),
            Length(max=LONGEST_NAME, message=_LONG_NAME),
        ],
    )
    other_name = StringField(
        _l("Name in another script or spelling"),
        [Optional(), Length(max=LONGEST_NAME, message=_LONG_NAME)],
    )
    # Offered once somebody of a like name is found; the view fills it in and looks at the answer.
    same_as = RadioField(_l("Is it the same person?"), choices=[], validate_choice=False)


class CloseForm(HouseForm):
    """Why a case is closed."""

    reason = SelectField(_l("Why"), choices=lambda: choices("closed_reason", CLOSED_REASONS))
    words = TextAreaField(_l("In words"), [Optional(), Length(max=2000, message=_LONG_WORD)], render_kw={"rows": 3})


class ReopenForm(HouseForm):
    """Why a case is opened again."""

    words = TextAreaField(
        _l("Why"),
        [DataRequired(_l("Say why the case is reopened.")), Length(max=2000, message=_LONG_WORD)],
        render_kw={"rows": 3},
    )


class CheckForm(HouseForm):
    """ "Checked, nothing new", with a word on where one looked."""

    words = StringField(_l("Where you looked"), [Optional(), Length(max=300)])


class PersonForm(HouseForm):
    """A person: names, one a line, in any script."""

    also_called = {"name": "names"}

    names = TextAreaField(
        _l("Names"),
        [DataRequired(_l("Write a name.")), Length(max=20_000, message=_LONG_TEXT)],
        description=_l("One a line. The first is the one staff use; others may be in other scripts or spellings."),
        render_kw={"rows": 4, "dir": "auto"},
    )
    pseudonym = StringField(
        _l("Name for publication"),
        [Optional(), Length(max=LONGEST_NAME, message=_LONG_NAME)],
        description=_l(
            "Where they must not be known by their own: beyond the desk this stands in place of every other name, and "
            "nobody there finds one by the other."
        ),
        render_kw={"dir": "auto"},
    )
    pronouns = StringField(_l("Pronouns"), [Optional(), Length(max=40)])
    occupation = StringField(_l("Work or standing"), [Optional(), Length(max=200)])
    born = StringField(
        _l("Born"),
        [Optional(), Length(max=40)],
        description=_l("As exactly as it is known: 1986-04-08, 1986-04, 1986, or about 1986-04-08."),
        render_kw={"dir": "ltr"},
    )
    # As with a new case.
    same_as = RadioField(_l("Is it the same person?"), choices=[], validate_choice=False)
