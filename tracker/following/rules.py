"""How long a link is good, which days can be chosen, and which reminder is due. Pure: values and `now` in, decisions
out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_
from tracker.reminders.rules import Lead

#: How long the link of a first mail is good: over a weekend.
LASTS = timedelta(hours=72)

#: Days before that can be chosen, and those that are chosen for whoever chooses nothing.
OFFERED, USUAL = (14, 7, 3, 1), (7, 1)

#: First mails to one address within a day: whoever has nothing to do with it is not to be flooded by others.
ASKS_A_DAY = 5


def state_of(expires_at: datetime, used_at: datetime | None, now: datetime) -> str:
    """How the link of a first mail stands: open, used or expired. At the very instant it expires it is over."""
    if used_at is not None:
        return "used"
    return "open" if now < expires_at else "expired"


def check_days(days: Sequence[int]) -> list[int]:
    """The days that were chosen, longest first. Refused when there are none, or one that is not offered."""
    if not days or not set(days) <= set(OFFERED):
        raise Refused(N_("Choose at least one."), "days_before")
    return sorted(set(days), reverse=True)


def due_lead(leads: Sequence[Lead], now: datetime) -> Lead | None:
    """The reminder that goes out at `now`: of those that are due the shortest, while it makes sense."""
    due = [lead for lead in leads if lead.due_at <= now]
    return due[-1] if due and due[-1].give_up_at > now else None
