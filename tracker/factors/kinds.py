"""What this room brings to a sign-in: the page that stands between password and pages."""

from sqlalchemy.orm import Session

from tracker.accounts.kinds import steps_between
from tracker.accounts.models import User
from tracker.factors.queries import must_have, read_factors


@steps_between.adds("second factor")
def second_factor(session: Session, user: User) -> str | None:
    """The page that asks for the second factor; where there is none and one must be, the page that sets it up."""
    if read_factors(session, user.id).any:
        return "factors.ask"
    return "factors.enrol" if must_have(session, user) else None
