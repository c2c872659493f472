"""When reminders are due, which of them are one mail, and what a change is called. Pure.

Days before are counted on the calendar of the place where it happens; the hour is eight in the morning where the
reader is. A due instant is therefore a function of (the hearing's day, the reader's zone, the desk's working days), and
nothing has to be armed: whoever looks later finds the same instants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from tracker.base.audience import Audience
from tracker.base.dates import instant_of, today_in, wall_of, working_day_on_or_before, zone_of
from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_
from tracker.base.sentences import on_record
from tracker.hearings.rules import NO_TIME_UNTIL

#: When reminders go out, on the reader's clock.
MORNING = time(8)

#: Where the reader's morning would come later than this before the end of reminding, the court's morning is taken.
LEAST_NOTICE = timedelta(hours=12)

#: Leads of this many days or more move off a free day: nobody acts on them on the day itself.
MOVES_FROM_DAYS = 3

#: Reminders are written into the plan this many days before their own day, so that staff see what will go out.
AHEAD_DAYS = 7

#: Staff are not written to from this hour to that, on their own clock.
QUIET_FROM, QUIET_UNTIL = time(21), time(7)

#: A reminder passes the quiet hours when the hearing begins within this time.
REMINDER_PASSES = timedelta(hours=24)

#: News that it moved or is off passes them when the old or the new date lies within this time.
CHANGE_PASSES = timedelta(hours=72)

#: Days before that a person may choose.
LONGEST_LEAD = 30

#: A date that passed longer ago than this is history: nobody is written to when it is set right.
HISTORY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reader:
    """What of a reader decides when they are written to: their zone, and the working days of the desk (ISO numbers)."""

    zone: str
    working_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies ahead: its day (the first of a window), its zone, and until when reminding makes sense."""

    day: date
    zone: str
    remind_until: datetime


@dataclass(frozen=True, slots=True)
class Lead:
    """One reminder of a hearing for a reader. `code` tells two of the same days apart: `1w` is the 1-day reminder on
    the last working day before a free day, `1` the one on that day itself."""

    code: str
    days: int
    due_at: datetime
    give_up_at: datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of a lead: sent when due, or, where `reason` says so, recorded as served by something else."""

    lead: Lead
    reason: str = ""


def nominally_due_by(day: date, days: int, today: date) -> bool:
    """Whether a lead of `days` is to stand in the plan on `today`. Counted in plain days: SQL can ask the same."""
    return day - timedelta(days=days + AHEAD_DAYS) <= today


def leads_of(ahead: Ahead, days_before: tuple[int, ...], reader: Reader) -> tuple[Lead, ...]:
    """All reminders of `ahead` for a reader, first due first. Each gives up when the next falls due, the last at
    `remind_until`."""
    dated: list[tuple[datetime, int, str]] = []
    for days in sorted(set(days_before), reverse=True):
        own = ahead.day - timedelta(days=days)
        worked = working_day_on_or_before(own, reader.working_days) if reader.working_days else own
        if days >= MOVES_FROM_DAYS:
            dated.append((_due(worked, ahead, reader), days, str(days)))
            continue
        if days == 1 and worked != own:
            dated.append((_due(worked, ahead, reader), days, "1w"))
        dated.append((_due(own, ahead, reader), days, str(days)))
    ends = [*(due for due, _days, _code in dated[1:]), ahead.remind_until]
    return tuple(
        Lead(code, days, due, min(end, ahead.remind_until)) for (due, days, code), end in zip(dated, ends, strict=True)
    )


def _due(day: date, ahead: Ahead, reader: Reader) -> datetime:
    """Eight o'clock on `day` for the reader; for one so far west that hardly any time would be left, eight there."""
    due = datetime.combine(day, MORNING, tzinfo=zone_of(reader.zone)).astimezone(UTC)
    if ahead.remind_until - due >= LEAST_NOTICE:
        return due
    return datetime.combine(day, MORNING, tzinfo=zone_of(ahead.zone)).astimezone(UTC)


def schedule(
    leads: Sequence[Lead], now: datetime, told_days: int | None = None, notice: bool = False
) -> tuple[Planned, ...]:
    """What becomes of each lead, as seen at `now`.

    Of those due already one goes out, the shortest; leads that fall due together are one mail. `told_days`: the reader
    has been told this very content in a mail that covered leads down to this many days. `notice`: a notice of a change
    tells it now, and serves all that is due.
    """
    due = [lead for lead in leads if lead.due_at <= now]
    planned: list[Planned] = []
    for position, lead in enumerate(leads):
        after = leads[position + 1] if position + 1 < len(leads) else None
        if lead.due_at > now:
            meets = after is not None and after.due_at == lead.due_at
            planned.append(Planned(lead, served_by(after) if after is not None and meets else ""))
        elif notice:
            planned.append(Planned(lead, SERVED_BY_NOTICE))
        elif told_days is not None and lead.days >= told_days:
            planned.append(Planned(lead, TOLD_ALREADY))
        else:
            planned.append(Planned(lead, "" if lead is due[-1] else served_by(due[-1])))
    return tuple(planned)


#: Reasons for staff, in the record of what was not sent by itself.
SERVED_BY_NOTICE = on_record("served by the notice of the change")
TOLD_ALREADY = on_record("told already, with the same date and place")
_SERVED_BY = on_record("served by the %(days)s-day reminder")


def served_by(lead: Lead) -> str:
    """The reason that another reminder said it."""
    return _SERVED_BY % {"days": lead.days}


def check_days_before(days: Sequence[int]) -> tuple[int, ...]:
    """Days before as a person chose them, longest first. Refused when one cannot be."""
    if any(not 1 <= d <= LONGEST_LEAD for d in days):
        raise Refused(N_("Days before are numbers from 1 to %(most)s.", most=LONGEST_LEAD), "days_before")
    return tuple(sorted(set(days), reverse=True))


# Quiet hours ----------------------------------------------------------------------------------------------------------


def is_quiet(at: datetime, zone: str) -> bool:
    """Whether staff in `zone` are left alone at this instant: from nine in the evening to seven."""
    clock = wall_of(at, zone).time()
    return clock >= QUIET_FROM or clock < QUIET_UNTIL


def reminder_waits(at: datetime, zone: str, starts_at: datetime | None) -> bool:
    """Whether a reminder waits for the morning. That of what begins within 24 hours does not, however many days it is
    called after: it may be the only one its reader gets."""
    urgent = starts_at is not None and starts_at - at <= REMINDER_PASSES
    return is_quiet(at, zone) and not urgent


def change_waits(at: datetime, zone: str, dates: Sequence[datetime | None]) -> bool:
    """Whether news of a change waits for the morning: not when one of the dates concerned (old, new) is within 72 hours
    of `at`, on either side."""
    close = any(d is not None and abs(d - at) <= CHANGE_PASSES for d in dates)
    return is_quiet(at, zone) and not close


def notice_waits(at: datetime, zone: str, tells: Mapping[str, Any]) -> bool:
    """Whether the notice of a change (`what`, and what `was` told before) waits for the morning: good news and what is
    over can."""
    if tells.get("what") in (CONFIRMED, TOOK_PLACE):
        return is_quiet(at, zone)
    was = tells.get("was")
    return change_waits(at, zone, [starts_at_of(tells), starts_at_of(was) if was else None])


# What a mail tells ----------------------------------------------------------------------------------------------------

#: Hearings without a time, and windows, have begun before reminding of them ends: how far back one is looked for.
BEGUN = timedelta(days=2)

#: What of `tells` must be the same for two mails to have said the same.
COMPARED = ("date", "time", "fold", "zone", "earliest", "latest", "precision", "court", "place", "state")


def tells_of(hearing: Any) -> dict[str, Any]:
    """When, where and state of a hearing (its row, or whatever has its columns), as messages keep what they told."""
    return {
        "date": hearing.local_date.isoformat() if hearing.local_date else None,
        "time": f"{hearing.local_time:%H:%M}" if hearing.local_time else None,
        "fold": hearing.fold,
        "zone": hearing.zone,
        "earliest": hearing.earliest_on.isoformat() if hearing.earliest_on else None,
        "latest": hearing.latest_on.isoformat() if hearing.latest_on else None,
        "precision": hearing.precision,
        "court": hearing.court,
        "place": hearing.place,
        "state": hearing.state,
    }


def tells_same(told: Mapping[str, Any], true: Mapping[str, Any]) -> bool:
    """Whether a reader who was told the one knows the other: when, where and state, however sure they are."""
    return all(told.get(k) == true.get(k) for k in COMPARED)


def starts_at_of(tells: Mapping[str, Any]) -> datetime | None:
    """The first instant of what was told; None where no date was."""
    day = tells.get("date") or tells.get("earliest")
    if not day:
        return None
    clock = time.fromisoformat(tells["time"]) if tells.get("date") and tells.get("time") else None
    return instant_of(date.fromisoformat(day), clock, tells["zone"], tells.get("fold") or 0)


def begins_at_of(tells: Mapping[str, Any]) -> datetime | None:
    """Until when it helps to write about what was told: the start, or noon of its (first) day where no time is
    announced; None where no date was."""
    if tells.get("date") and tells.get("time"):
        return starts_at_of(tells)
    day = tells.get("date") or tells.get("earliest")
    return instant_of(date.fromisoformat(day), NO_TIME_UNTIL, tells["zone"], 0) if day else None


#: What is news although the date may be behind us, by the state the hearing is in now.
_OFF = ("cancelled", "postponed", "adjourned")

#: What is told of a hearing that is over, and of a date that has become sure: news, but nothing that cannot wait for
#: the morning.
CONFIRMED, TOOK_PLACE = "confirmed", "took_place"


def what_changed(told: Mapping[str, Any], true: Mapping[str, Any], last_change: str) -> str | None:
    """What to call the difference between what a reader was told and what is so: `moved`, `corrected`, `postponed`,
    `adjourned`, `cancelled`, `reinstated`, `took_place`, or `confirmed`, where a date that was told as provisional has
    become sure; None when there is none to write about.

    That nobody knows what became of it is no outcome. That a sure date has become provisional is for the next reminder.
    """
    if tells_same(told, true):
        sure = true["state"] == "scheduled" and (told.get("certainty"), true.get("certainty"))
        return CONFIRMED if sure == ("provisional", "confirmed") else None
    if true["state"] in (*_OFF, TOOK_PLACE):
        # A date put right on record afterwards changes nothing for whoever knows already what became of it.
        return None if told.get("state") == true["state"] else str(true["state"])
    if true["state"] != "scheduled":
        return None
    if told["state"] in (*_OFF, TOOK_PLACE):
        return "reinstated"
    return "corrected" if last_change == "corrected" else "moved"


def is_news(told: Mapping[str, Any], true: Mapping[str, Any], now: datetime) -> bool:
    """Whether the old or the new date is recent enough, or ahead, for a mail about it to help anybody; that a date has
    become sure helps until then."""
    if tells_same(told, true):
        begins_at = begins_at_of(true)
        return begins_at is not None and begins_at > now
    until = news_until(told, true)
    return until is None or until > now


def news_until(told: Mapping[str, Any], true: Mapping[str, Any]) -> datetime | None:
    """Until when a mail about another date helps: a week after the later of both. None: neither has a date."""
    dates = [d for d in (starts_at_of(told), starts_at_of(true)) if d is not None]
    return max(dates) + HISTORY if dates else None


# How a case is named --------------------------------------------------------------------------------------------------

#: `desk`: nickname, reference, city and court, never a name. `initials`: initials and city. `named`: name and court.
Wording = Literal["desk", "initials", "named"]


def wording_of(audience: Audience, has_consent: bool, reader_is_staff: bool) -> Wording:
    """How whoever reads is told which case it is, in mails and in calendars: staff as their desk talks, and by name
    only what is public with the consent of whom it concerns; everybody else never gets more than initials and city."""
    if not reader_is_staff:
        return "initials"
    return "named" if audience == Audience.PUBLIC and has_consent else "desk"


# How long there is ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remaining:
    """How far off it is: days by the calendar there (0 today, 1 tomorrow), and whole hours where a time is announced
    and at most two days remain."""

    days: int
    hours: int | None


def remaining(day: date, starts_at: datetime | None, has_time: bool, zone: str, now: datetime) -> Remaining:
    """How far off `day` is at `now`."""
    days = (day - today_in(zone, now)).days
    if not has_time or starts_at is None or not timedelta(0) <= starts_at - now <= timedelta(hours=48):
        return Remaining(days, None)
    return Remaining(days, int((starts_at - now) / timedelta(hours=1)))
