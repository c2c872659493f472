"""What rooms above bring to an act on a desk."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from tracker.base.registry import Registry

#: Called in the same unit of work when the clocks of a desk have changed (thresholds, working days), with the desk's
#: id: the room that keeps dates reckoned by them brings those up to date.
desk_clock_changes: Registry[Callable[[Session, int, datetime], None]] = Registry("part in a desk's change")
