"""What is asked of those who publish."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.forms import DayField, HouseForm
from tracker.base.labels import choices
from tracker.publishing.kinds import KINDS


class PageForm(HouseForm):
    """How a country page is set up."""

    is_open = BooleanField(_l("Anybody may read the country page"))
    contact = TextAreaField(
        _l("How the desk is reached"),
        [Length(max=1000, message=_l("At most 1,000 characters."))],
        description=_l("An address of the group, never somebody's own: everybody reads it."),
    )
    names_coordinators = BooleanField(
        _l("Name those who coordinate the desk"),
        description=_l("By the name they are shown under to others."),
    )
    document_years = StringField(
        _l("Years of which there are documents"),
        [Length(max=400, message=_l("At most 400 characters."))],
        description=_l("Such as 2024 2023 2022"),
        render_kw={"dir": "ltr", "inputmode": "numeric"},
    )
    documents_url = StringField(
        _l("Where the documents of a year are"),
        [Length(max=300, message=_l("At most 300 characters."))],
        description=_l("An address with {year} in it, or nothing"),
        render_kw={"dir": "ltr", "type": "url"},
    )


class OfferedForm(HouseForm):
    """Which entries are put on the page."""

    entries = SelectMultipleField(
        _l("Entries of pages that were read"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class WriteForm(HouseForm):
    """An entry in the desk's own words."""

    kind = SelectField(_l("What it is"), choices=lambda: choices("publication", list(KINDS)))
    published_on = DayField(_l("Published on"), [DataRequired(_l("Write the day."))])
    title = StringField(
        _l("Heading"), [DataRequired(_l("Write a heading.")), Length(max=300, message=_l("At most 300 characters."))]
    )
    text = TextAreaField(
        _l("Text"),
        [Length(max=20_000, message=_l("At most 20,000 characters."))],
        description=_l("An empty line parts paragraphs."),
    )
    case_ref = StringField(
        _l("Case it is about"),
        [Length(max=30, message=_l("At most 30 characters."))],
        description=_l("Its reference. The entry is shown no further than that case."),
        render_kw={"dir": "ltr", "autocomplete": "off"},
    )


class WithdrawForm(HouseForm):
    """Take an entry off the page."""


class IndexForm(HouseForm):
    """Whether search engines may list a case."""

    indexed = BooleanField(
        _l("Search engines may list the page of this case"),
        description=_l("Only where those it is about have agreed to being found."),
    )
