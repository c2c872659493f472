"""What this room brings to a sign-in: the page that stands between password and pages."""

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from tracker.accounts.kinds import steps_between
from tracker.accounts.models import User
from tracker.base import labels
from tracker.factors.queries import must_have, read_factors

labels.announce(
    "act",
    {
        "factors.add_app": _l("set up an app for codes"),
        "factors.add_passkey": _l("set up a passkey"),
        "factors.remove_app": _l("removed an app for codes"),
        "factors.remove_passkey": _l("removed a passkey"),
        "factors.renew_codes": _l("made new recovery codes"),
    },
)


@steps_between.adds("second factor")
def second_factor(session: Session, user: User) -> str | None:
    """The page that asks for the second factor; where there is none and one must be, the page that sets it up."""
    if read_factors(session, user.id).any:
        return "factors.ask"
    return "factors.enrol" if must_have(session, user) else None
