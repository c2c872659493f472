"""What people are asked: who they are, what suits them, when cases of their desk go stale."""

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.accounts.rules import ALIAS_MAX, PASSWORD_MAX, THRESHOLD_MAX, THRESHOLD_MIN
from tracker.base.forms import DayField, SpeakingForm

#: ISO weekday numbers and their names, as most of the desks' weeks run.
WEEKDAYS = (
    (7, _l("Sunday")), (1, _l("Monday")), (2, _l("Tuesday")), (3, _l("Wednesday")), (4, _l("Thursday")),
    (5, _l("Friday")), (6, _l("Saturday")),
)  # fmt: skip


class SignInForm(SpeakingForm):
    """Address and password. `next`: where to go afterwards, looked at again before it is used."""

    email = EmailField(
        _l("E-mail"), [InputRequired(_l("Write your e-mail address.")), Length(max=254)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"},
    )  # fmt: skip
    password = PasswordField(
        _l("Password"), [InputRequired(_l("Write your password.")), Length(max=PASSWORD_MAX)],
        render_kw={"autocomplete": "current-password", "dir": "ltr"},
    )  # fmt: skip
    next = HiddenField()


class PasswordForm(SpeakingForm):
    """Another password, and the one there is, so that nobody else gives it to them."""

    current_password = PasswordField(
        _l("Your password now"), [InputRequired(_l("Write your password.")), Length(max=PASSWORD_MAX)],
        render_kw={"autocomplete": "current-password", "dir": "ltr"},
    )  # fmt: skip
    new_password = PasswordField(
        _l("New password"), [InputRequired(_l("Write the new password."))],
        description=_l("12 characters at least. A few words of your own do well."),
        render_kw={"autocomplete": "new-password", "dir": "ltr"},
    )  # fmt: skip
    again_password = PasswordField(
        _l("The new password once more"),
        [InputRequired(_l("Write it once more.")), EqualTo("new_password", _l("This is not the same password."))],
        render_kw={"autocomplete": "new-password", "dir": "ltr"},
    )  # fmt: skip


class AccountForm(SpeakingForm):
    """What suits its owner."""

    zone = StringField(
        _l("Time zone"), [Length(max=60)],
        description=_l("Such as Asia/Jerusalem or Europe/London. Empty: the zone of your desk."),
        render_kw={"list": "zones", "autocomplete": "off", "spellcheck": "false", "dir": "ltr"},
    )  # fmt: skip
    language = SelectField(_l("Language of pages and mail"))
    away_until = DayField(
        _l("Away until"),
        description=_l(
            "The last day on which you are away, such as 2026-04-08. Until it is over, whoever stands in for you is "
            "asked what happened in court. Empty: you are here."
        ),
        render_kw={"inputmode": "numeric", "autocomplete": "off", "dir": "ltr", "data-short": "yes"},
    )


class ShownForm(SpeakingForm):
    """How an account is shown, and whether it keeps it discreet."""

    alias = StringField(
        _l("Alias"), [Length(max=ALIAS_MAX)],
        description=_l(
            "What others see in place of your name. Admins, and who coordinates a desk of yours, still see the name. "
            "Empty: your name."
        ),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    discreet = BooleanField(
        _l("Keep it discreet"),
        description=_l(
            "Titles of pages, and sender and subject of mail to you, say nothing of what they are about. What the mail "
            "itself says does."
        ),
    )


def _days(label: object, help_text: object = "") -> IntegerField:
    said = _l("Write a number of days from %(least)s to %(most)s.", least=THRESHOLD_MIN, most=THRESHOLD_MAX)
    return IntegerField(
        label,
        [InputRequired(said), NumberRange(THRESHOLD_MIN, THRESHOLD_MAX, said)],
        description=help_text,
        render_kw={"inputmode": "numeric", "min": THRESHOLD_MIN, "max": THRESHOLD_MAX},
    )


class DeskSettingsForm(SpeakingForm):
    """When cases of a desk go stale, and which days it works."""

    version = HiddenField()
    stale_critical_days = _days(_l("Critical risk: days without a check"))
    stale_high_working_days = _days(_l("High risk: working days without a check"))
    stale_medium_days = _days(_l("Medium risk: days without a check"))
    stale_low_days = _days(_l("Low risk: days without a check"))
    working_days = SelectMultipleField(
        _l("Working days"),
        coerce=int,
        choices=[SelectChoice(str(day), name) for day, name in WEEKDAYS],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
