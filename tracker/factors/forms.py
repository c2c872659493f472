"""What people are asked to show beside their password."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from tracker.accounts.rules import PASSWORD_MAX
from tracker.base.forms import SpeakingForm

#: As browsers and keyboards of phones are told about codes.
_CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}


class CodeForm(SpeakingForm):
    """A code of an app, or a recovery code."""

    code = StringField(
        _l("Code"), [InputRequired(_l("Write the code.")), Length(max=60)],
        description=_l("The six digits that your app shows now, or one of your recovery codes."),
        render_kw=_CODE,
    )  # fmt: skip


class AppForm(SpeakingForm):
    """The first code of an app that was just set up."""

    code = StringField(
        _l("The code it shows now"), [InputRequired(_l("Write the code.")), Length(max=60)],
        render_kw={**_CODE, "inputmode": "numeric", "data-short": "yes"},
    )  # fmt: skip


class ConfirmForm(SpeakingForm):
    """That it is them: one of the two. `next`: where to go afterwards, looked at again before it is used."""

    password = PasswordField(
        _l("Password"), [Length(max=PASSWORD_MAX)], render_kw={"autocomplete": "current-password", "dir": "ltr"}
    )
    code = StringField(
        _l("Or a code"), [Length(max=60)],
        description=_l("The six digits that your app shows now, or one of your recovery codes."),
        render_kw=_CODE,
    )  # fmt: skip
    next = HiddenField()
