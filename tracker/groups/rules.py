"""What is decided about groups and their evenings. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tracker.actions.rules import stands

#: How long before an evening its actions are looked at once more.
CHECKED_BEFORE = timedelta(hours=2)

#: How long after it began a change is still told.
TOLD_UNTIL = timedelta(hours=3)

#: How long somebody has to answer who was asked to join.
INVITATION_LASTS = timedelta(days=30)

#: How often one account asks somebody to join within a day: more is trying addresses out.
INVITATIONS_A_DAY = 20

#: Actions of one evening.
MOST_ACTIONS = 12

#: How far ahead an evening may lie.
AHEAD = timedelta(days=400)


def stands_at(state: str, act_until_at: datetime, starts_at: datetime, now: datetime, *, open_to_all: bool) -> str:
    """How an action stands for an evening: `active` where members can write by then, `gone` where not all of them may
    know of it any more, else its state."""
    if not open_to_all:
        return "gone"
    return stands(state, act_until_at, max(starts_at, now))


def to_drop(states: Sequence[str]) -> tuple[int, ...]:
    """The numbers (1, 2 …) of the actions that are left out."""
    return tuple(number for number, state in enumerate(states, 1) if state != "active")


def why_not_then(starts_at: datetime, now: datetime) -> str:
    """Why there can be no evening at that instant: `past`, `far`; empty: there can."""
    if starts_at <= now:
        return "past"
    return "far" if starts_at > now + AHEAD else ""
