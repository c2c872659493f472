"""What people are asked who invite, who were invited, and who have forgotten their password."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from tracker.accounts.rules import PASSWORD_MAX, PASSWORD_MIN
from tracker.base.forms import HouseForm


def _email(label: object) -> EmailField:
    return EmailField(
        label,
        [InputRequired(_l("Write an e-mail address.")), Length(max=254)],
        render_kw={"autocapitalize": "none", "spellcheck": "false", "dir": "ltr"},
    )


def _password() -> PasswordField:
    return PasswordField(
        _l("New password"), [InputRequired(_l("Choose a password.")), Length(max=PASSWORD_MAX)],
        description=_l("%(least)s characters at least. A few words that only you would put together do well.",
                       least=PASSWORD_MIN),
        render_kw={"autocomplete": "new-password", "dir": "ltr"},
    )  # fmt: skip


class _PasswordForm(HouseForm):
    """A form with a password."""

    @property
    def typed_password(self) -> str:
        """The password as it was typed: what is cleaned out of a line of text may be part of one."""
        return str((self["password"].raw_data or [""])[0])


class InviteForm(HouseForm):
    """Whom to invite, and to what."""

    email = _email(_l("E-mail"))
    role = SelectField(_l("Role"))
    desk = SelectField(_l("Desk"))
    coordinator = BooleanField(_l("They coordinate this desk"))
    language = SelectField(_l("Language of the mail"))


class AcceptForm(_PasswordForm):
    """What somebody who was invited chooses."""

    name = StringField(
        _l("Name"), [InputRequired(_l("Write your name.")), Length(max=120)],
        description=_l("What colleagues call you. You may choose an alias for others later."),
        render_kw={"autocomplete": "name"},
    )  # fmt: skip
    password = _password()


class ForgottenForm(HouseForm):
    """Whose password is forgotten."""

    email = _email(_l("E-mail"))


class NewPasswordForm(_PasswordForm):
    """The new password."""

    password = _password()


class AddressForm(HouseForm):
    """The mail address somebody has now."""

    email = _email(_l("Your other e-mail address"))
