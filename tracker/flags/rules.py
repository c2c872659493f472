"""What flags are about in days, hours and words' limits. Pure."""

from datetime import date, datetime, timedelta

from tracker.base.dates import instant_of, today_in
from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_

#: A hearing is soon from this many calendar days before it, counted where the court is.
SOON_DAYS = 7

#: From this many days before it, it is urgent.
URGENT_DAYS = 2

#: A date is looked at from this many days before it …
UNCONFIRMED_DAYS = 5

#: … and wants somebody to have made sure of it within this span: exactly so long ago still counts.
CONFIRMED_WITHIN = timedelta(days=5)

#: No window of a hearing is longer: how far back rules look for one that is still open.
LONGEST_WINDOW = timedelta(days=400)

#: A day somewhere on Earth lies at most this far from the same day in UTC.
WIDEST_OFFSET = timedelta(hours=15)

#: A release or a death that is only reported wants a second source within so many hours of the hold it made.
SECOND_SOURCE_HOURS = 4

#: For how long it is asked what becomes of an action whose last day is over.
DATE_PASSED_FOR = timedelta(days=30)

#: How far ahead a flag can be put out of sight, in days.
LONGEST_SNOOZE_DAYS = 30

#: Longest reason, in characters.
LONGEST_REASON = 300


def snooze_ends_at(until_on: date, zone: str, now: datetime) -> datetime:
    """The instant at which a flag put out of sight until `until_on` is back: the first moment of that day in `zone`.

    Refused when that day is not after today there, or over 30 days ahead.
    """
    today = today_in(zone, now)
    if until_on <= today:
        raise Refused(N_("Choose a day after today."), "until_on")
    if until_on > today + timedelta(days=LONGEST_SNOOZE_DAYS):
        raise Refused(N_("A flag can be out of sight for %(most)s days at most.", most=LONGEST_SNOOZE_DAYS), "until_on")
    return instant_of(until_on, None, zone)


def snooze_reason(text: str) -> str:
    """The reason without the space around it. Refused when it is empty, too long or holds what cannot be shown."""
    said = " ".join(text.split())
    if not said:
        raise Refused(N_("Say why it can wait: whoever sees it next will read it."), "reason")
    if len(said) > LONGEST_REASON:
        raise Refused(
            N_(
                "The reason has %(count)s characters; %(most)s is the most.",
                count=f"{len(said):,}",
                most=LONGEST_REASON,
            ),
            "reason",
        )
    if any(ord(c) < 32 or ord(c) == 127 for c in said):
        raise Refused(N_("The reason holds a character that cannot be shown."), "reason")
    return said
