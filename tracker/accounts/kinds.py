"""What rooms above bring to an act on a desk or on an account."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from tracker.accounts.models import User
from tracker.base.registry import Registry

#: Called in the same unit of work when the clocks of a desk have changed (thresholds, working days), with the desk's
#: id: the room that keeps dates reckoned by them brings those up to date.
desk_clock_changes: Registry[Callable[[Session, int, datetime], None]] = Registry("part in a desk's change")

#: Called in the same unit of work when something was taken from an account (it was closed, its role changed, it left a
#: desk, or all that lets it in was ended), with the account as it is now and the number of the desk it has left (None:
#: it has left none): the room ends what the account held by it. Answers with what somebody must see to now, in
#: sentences.
access_ends: Registry[Callable[[Session, User, datetime, int | None], Sequence[str]]] = Registry(
    "part in an end of access"
)

#: Called in the same unit of work when the second factors of an account are to be forgotten, because they are lost:
#: whoever keeps some forgets them. Answers with how many there were.
factor_resets: Registry[Callable[[Session, User, datetime], int]] = Registry("part in forgetting factors")
