"""Acts that many rooms have a part in, such as stopping publicity: each room announces its part, and whoever owns the
act runs them all in its one unit of work, without knowing the rooms above."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from tracker.base.registry import Registry

#: Does what follows in one room: (session, now, case ids). It commits nothing.
Part = Callable[[Session, datetime, Sequence[int]], None]

#: The acts there are.
ACTS = ("stop",)


@dataclass(frozen=True, slots=True)
class PartTaken:
    """What one room does in one act."""

    act: str
    does: Part


parts: Registry[PartTaken] = Registry("part in an act")


def takes_part(act: str) -> Callable[[Part], Part]:
    """Announce a part in an act, in the order they are run: `@takes_part("stop")`. Its code is the act and the room:
    `stop:reminders`."""
    if act not in ACTS:
        raise ValueError(f"{act} is no act that rooms take part in")

    def announce(does: Part) -> Part:
        parts.add(f"{act}:{does.__module__.split('.')[1]}", PartTaken(act, does))
        return does

    return announce


def run_parts(session: Session, now: datetime, act: str, cases: Sequence[int]) -> None:
    """Let every room do its part in an act for these cases. What was changed before is written first, so that the parts
    see it."""
    session.flush()
    for part in parts:
        if part.act == act:
            part.does(session, now, cases)
