"""What is decided about telling those who write: when a mail is due, and when they are left alone. Pure."""

from datetime import date, datetime, time, timedelta

from tracker.base.dates import instant_of, today_in, wall_of

#: So many days before the last day on which writing helps, those who follow the case are told once.
DAYS_BEFORE = 7

#: Volunteers are left alone from eight in the evening to eight in the morning, on their own clock. STOP passes.
QUIET_FROM, QUIET_UNTIL = time(20), time(8)

#: When what can wait for the morning goes out.
MORNING = time(8)


def is_quiet(at: datetime, zone: str) -> bool:
    """Whether volunteers in `zone` are left alone at this instant."""
    clock = wall_of(at, zone).time()
    return clock >= QUIET_FROM or clock < QUIET_UNTIL


def soon_from(act_until: date, zone: str) -> datetime:
    """From when the one mail before the last day is due: at eight where the reader is, seven days before it."""
    return instant_of(act_until - timedelta(days=DAYS_BEFORE), MORNING, zone)


def next_morning(now: datetime, zone: str) -> datetime:
    """The next eight o'clock there that has not begun yet."""
    today = today_in(zone, now)
    at = instant_of(today, MORNING, zone)
    return at if at > now else instant_of(today + timedelta(days=1), MORNING, zone)
