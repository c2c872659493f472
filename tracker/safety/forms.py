"""What the page of the mode asks."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length

from tracker.base.errors import Refused
from tracker.base.forms import HouseForm
from tracker.base.labels import announce, choices
from tracker.base.mode import MODES
from tracker.safety.service import LONGEST_REASON

announce(
    "mode",
    {
        "open": _l("Open: everything as usual"),
        "read-only": _l("Read-only: pages can be read, nothing can be changed"),
        "closed": _l("Closed: only admins get in, and no mail leaves"),
    },
)


class ModeForm(HouseForm):
    """Which mode, and why."""

    state = RadioField(
        _l("From now on the tracker is"),
        choices=lambda: choices("mode", MODES),
        validators=[InputRequired(_l("Choose one."))],
    )
    reason = StringField(
        _l("Why"),
        validators=[Length(max=LONGEST_REASON)],
        description=_l("One line; opening needs none. Staff read it on every page meanwhile, and the audit keeps it."),
        render_kw={"maxlength": LONGEST_REASON},
    )

    def refuse(self, refusal: Refused) -> None:
        """The reason that is missing is asked for in the reader's language."""
        if refusal.field == "reason":
            refusal = Refused(_("Say why: whoever finds it so must know."), "reason")
        super().refuse(refusal)

    def asked(self) -> tuple[str, str]:
        """The mode and the reason, as they were filled in."""
        state: Any = self.state.data
        return str(state), self.reason.data or ""
