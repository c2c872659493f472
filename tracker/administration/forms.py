"""What admins are asked about an account."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from tracker.base.forms import HouseForm


class RoleForm(HouseForm):
    """What an account is."""

    role = SelectField(_l("Role"))


class JoinForm(HouseForm):
    """A desk to put an account on."""

    desk = SelectField(_l("Desk"))


class DutyForm(HouseForm):
    """What an account is on a desk."""

    duty = SelectField(_l("On this desk"))


class PlainForm(HouseForm):
    """A button: nothing is asked but that it was meant."""
