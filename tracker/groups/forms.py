"""What is asked about a group, of somebody who is to join it, about its log and its evenings."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from wtforms import IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.base.forms import ClockField, DayField, HouseForm
from tracker.base.labels import label
from tracker.steps.models import CHANNELS

#: What is asked of an evening for each action; other ways are written into the log.
EVENING_CHANNELS = ("letter", "email", "call")

_COUNT = {"inputmode": "numeric", "size": 5}


class GroupForm(HouseForm):
    """A group."""

    name = StringField(_l("What it is called"), [InputRequired(_l("Say what it is called.")), Length(max=120)])
    country = SelectField(_l("Country its members write from"), [InputRequired(_l("Choose a country."))])
    zone = StringField(
        _l("Time zone of its evenings"),
        [Optional(), Length(max=60)],
        description=_l("Such as Europe/London. Empty: that of the country, where it has one alone."),
        render_kw={"dir": "ltr", "list": "zones", "spellcheck": "false"},
    )


class InviteForm(HouseForm):
    """Who is to join."""

    email = StringField(
        _l("Their mail address"),
        [InputRequired(_l("Write their address.")), Length(max=254)],
        render_kw={"dir": "ltr", "inputmode": "email", "autocomplete": "off"},
    )


class NewGroupForm(GroupForm):
    """A group, and who coordinates it."""

    email = StringField(
        _l("Mail address of who coordinates it"),
        [InputRequired(_l("Write their address.")), Length(max=254)],
        description=_l("They find it under Groups and say yes or no."),
        render_kw={"dir": "ltr", "inputmode": "email", "autocomplete": "off"},
    )


def _how_many(channel: str) -> IntegerField:
    return IntegerField(
        # The form is made once, and read in each language.
        _l("How many, %(channel)s", channel=LazyString(label, channel, "channel")),
        [Optional()],
        render_kw=dict(_COUNT),
    )


class RecordForm(HouseForm):
    """What a group did for one action: "12 letters, 3 e-mails"."""

    action = SelectField(_l("For which action"), [InputRequired(_l("Choose an action."))], validate_choice=False)
    done_on = DayField(_l("When"))
    email = _how_many("email")
    letter = _how_many("letter")
    call = _how_many("call")
    fax = _how_many("fax")
    post = _how_many("post")
    other = _how_many("other")

    @property
    def counts(self) -> dict[str, int]:
        """What was said, by channel."""
        return {channel: self[channel].data or 0 for channel in CHANNELS}


class EveningForm(HouseForm):
    """Actions, a day and a time."""

    also_called = {"day": "local_date"}

    actions = SelectMultipleField(
        _l("Actions"),
        choices=[],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validate_choice=False,
    )
    local_date = DayField(_l("Day"), [InputRequired(_l("Say which day."))])
    local_time = ClockField(_l("Time"), [InputRequired(_l("Say what time."))])


def result_form(numbers: Sequence[int]) -> Any:
    """The form for the result of an evening with these numbers of actions: `letter_1`, `email_1` …"""
    fields: Mapping[str, Any] = {
        f"{channel}_{number}": _how_many(channel) for number in numbers for channel in EVENING_CHANNELS
    }
    return type("ResultForm", (HouseForm,), dict(fields))()
