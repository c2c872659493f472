"""Dates people say and courts print: zones, precision, working days. Pure.

Local times are never stored as instants alone: a wall time, its IANA zone and, where the hour exists twice, the fold
are kept, and the instant is derived (time zone rules change; the hour on the court's door does not).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_

#: Precision of a stated date. `by`: no date is stated; it is known to have happened by this one (a publication).
PRECISIONS = ("day", "month", "year", "about", "by")

#: How a hearing's date may be known when no day is. `not_set`: to be notified.
WINDOW_PRECISIONS = ("day", "week", "month", "not_set")

#: ISO weekday numbers, Monday 1 to Sunday 7.
MONDAY_TO_FRIDAY = (1, 2, 3, 4, 5)

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: When a working week begins, on the clock of whoever reads about it.
WEEK_BEGINS = time(8)

#: `about` a day means within this many days either side of it.
ABOUT_DAYS = 7

#: Earliest and latest year a date in a case may have: outside it is a slip of the pen.
FIRST_YEAR, LAST_YEAR = 1900, 2200


def zone_of(name: str) -> ZoneInfo:
    """The zone called `name` (IANA, such as `Asia/Jerusalem`). Refused when there is none."""
    try:
        if "/" not in name and name != "UTC":
            raise KeyError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, KeyError, ValueError, OSError) as fault:
        raise Refused(
            N_(
                "There is no time zone called “%(name)s”. Write one such as Asia/Jerusalem or Europe/London.",
                name=name[:60],
            ),
            "zone",
        ) from fault


def today_in(zone: str, now: datetime) -> date:
    """The calendar day it is in `zone` at the instant `now`."""
    return now.astimezone(zone_of(zone)).date()


def instant_of(local_date: date, local_time: time | None, zone: str, fold: int | None = None) -> datetime:
    """The instant (aware UTC) of a wall time. No time given: the first moment of that local day.

    Refused when the wall time does not exist there (clocks go forward) and, unless `fold` chooses 0 (first) or 1
    (second), when it exists twice (clocks go back).
    """
    tz = zone_of(zone)
    if local_time is None:
        return _first_moment(local_date, tz)
    wall = datetime.combine(local_date, local_time)
    first, second = (wall.replace(tzinfo=tz, fold=f).astimezone(UTC) for f in (0, 1))
    if first.astimezone(tz).replace(tzinfo=None) != wall and second.astimezone(tz).replace(tzinfo=None) != wall:
        raise Refused(
            N_(
                "%(time)s does not exist on %(date)s in %(zone)s: the clocks go forward then.",
                time=f"{local_time:%H:%M}",
                date=local_date.isoformat(),
                zone=zone,
            ),
            "time",
        )
    if first != second and fold is None:
        raise Refused(
            N_(
                "%(time)s comes twice on %(date)s in %(zone)s: the clocks go back then. "
                "Say whether the first or the second is meant.",
                time=f"{local_time:%H:%M}",
                date=local_date.isoformat(),
                zone=zone,
            ),
            "fold",
        )
    return second if fold == 1 else first


def _first_moment(day: date, tz: ZoneInfo) -> datetime:
    """Midnight, or the first moment after it where midnight is skipped (Cairo in spring, a whole day in Apia).

    In a gap, fold=0 applies the offset from before it, which is the instant the gap is jumped.
    """
    return datetime.combine(day, time(), tzinfo=tz).replace(fold=0).astimezone(UTC)


def wall_of(instant: datetime, zone: str) -> datetime:
    """The wall time of an instant in `zone` (aware)."""
    return instant.astimezone(zone_of(zone))


def parse_date(text: str, field: str = "date") -> date:
    """A day written `2026-04-08`, or day first as `08/04/2026`, `8.4.2026`. Refused when no such day exists."""
    said = text.strip()
    iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", said)
    day_first = re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", said)
    try:
        if iso:
            year, month, day = (int(p) for p in iso.groups())
        elif day_first:
            day, month, year = (int(p) for p in day_first.groups())
        else:
            raise Refused(N_("“%(text)s” is not a date. Write it as 2026-04-08.", text=said[:40]), field)
        found = date(year, month, day)
    except ValueError:
        raise Refused(N_("There is no such day as %(text)s.", text=said[:40]), field) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Refused(N_("The year %(year)s cannot be meant.", year=found.year), field)
    return found


def parse_time(text: str, field: str = "time") -> time:
    """A clock time written `09:30`, to the minute. Refused otherwise."""
    match = re.fullmatch(r"(\d{1,2})[:.](\d{2})", text.strip())
    try:
        return time(int(match[1]), int(match[2])) if match else time.fromisoformat(text.strip())
    except ValueError:
        raise Refused(N_("“%(text)s” is not a time. Write it as 09:30.", text=text.strip()[:40]), field) from None


def parse_instant(text: str) -> datetime:
    """An instant written in ISO 8601 with its offset, such as `2024-04-01T07:00Z`. Refused without an offset."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(
            N_("“%(text)s” is not an instant. Write it as 2024-04-01T07:00Z.", text=text[:40]), "at"
        ) from None
    if instant.tzinfo is None:
        raise Refused(
            N_("“%(text)s” does not say which time zone it is in. End it with Z for UTC.", text=text[:40]), "at"
        )
    return instant.astimezone(UTC)


def parse_working_days(text: str) -> tuple[int, ...]:
    """`sun-thu` or `mon,tue,wed` as ISO weekday numbers in the order of the week they make: (7, 1, 2, 3, 4)."""
    said = text.strip().lower()
    try:
        if "-" in said:
            first, last = (_WEEKDAYS.index(p.strip()[:3]) for p in said.split("-"))
            return tuple((first + i) % 7 + 1 for i in range((last - first) % 7 + 1))
        return tuple(_WEEKDAYS.index(p.strip()[:3]) + 1 for p in said.split(","))
    except ValueError:
        raise Refused(
            N_("“%(text)s” names no working days. Write them as sun-thu or mon-fri.", text=text[:40]), "working_days"
        ) from None


def name_working_days(days: Collection[int]) -> str:
    """ISO weekday numbers as `sun-thu` or `mon,wed`: what `parse_working_days` reads."""
    ordered = list(days)
    runs_on = all((b - a) % 7 == 1 for a, b in pairwise(ordered))
    names = [_WEEKDAYS[d - 1] for d in ordered]
    return f"{names[0]}-{names[-1]}" if runs_on and len(names) > 1 else ",".join(names)


def working_day_on_or_before(day: date, working_days: Collection[int]) -> date:
    """`day` itself when it is worked, else the last worked day before it."""
    while day.isoweekday() not in working_days:
        day -= timedelta(days=1)
    return day


def working_day_on_or_after(day: date, working_days: Collection[int]) -> date:
    """`day` itself when it is worked, else the next worked day."""
    while day.isoweekday() not in working_days:
        day += timedelta(days=1)
    return day


def add_working_days(day: date, count: int, working_days: Collection[int]) -> date:
    """The day `count` worked days after `day`; free days do not count."""
    while count > 0:
        day += timedelta(days=1)
        if day.isoweekday() in working_days:
            count -= 1
    return day


def week_began(now: datetime, zone: str, working_days: Sequence[int]) -> datetime:
    """The last instant, `now` or before, at which a week began: eight o'clock in `zone` on the first of its working
    days (ISO numbers in the order of the week; none: Monday)."""
    first = working_days[0] if working_days else 1
    today = today_in(zone, now)
    day = today - timedelta(days=(today.isoweekday() - first) % 7)
    tz = zone_of(zone)
    began = datetime.combine(day, WEEK_BEGINS, tzinfo=tz)
    return (began if began <= now else datetime.combine(day - timedelta(days=7), WEEK_BEGINS, tzinfo=tz)).astimezone(
        UTC
    )


def name_of_week(began_at: datetime, zone: str) -> str:
    """The week that begins at this instant, such as `2024-W15`: weeks that begin on a Saturday, the Sunday or the
    Monday after it are the same one."""
    year, week, _day = (wall_of(began_at, zone).date() + timedelta(days=2)).isocalendar()
    return f"{year}-W{week:02}"


@dataclass(frozen=True, slots=True)
class StatedDate:
    """A date as a source states it: `on` with its `precision`. `on` is the day itself, the first day of the month or
    year, the day it is about, or (for `by`) the day by which it was known."""

    on: date
    precision: str = "day"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise Refused(N_("“%(code)s” is no precision of a date.", code=self.precision), "precision")

    @property
    def earliest_on(self) -> date | None:
        """First day the statement allows; None where it gives none (`by`)."""
        match self.precision:
            case "month":
                return self.on.replace(day=1)
            case "year":
                return self.on.replace(month=1, day=1)
            case "about":
                return self.on - timedelta(days=ABOUT_DAYS)
            case "by":
                return None
        return self.on

    @property
    def latest_on(self) -> date:
        """Last day the statement allows: what the timeline is ordered by."""
        match self.precision:
            case "month":
                return last_of_month(self.on)
            case "year":
                return self.on.replace(month=12, day=31)
            case "about":
                return self.on + timedelta(days=ABOUT_DAYS)
        return self.on


def last_of_month(day: date) -> date:
    """The last day of the month `day` lies in."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def window_precision(earliest: date, latest: date) -> str:
    """How a date is known that lies somewhere from `earliest` to `latest`: day, week (Monday to Sunday), month, or
    between."""
    if earliest == latest:
        return "day"
    if earliest.day == 1 and latest == last_of_month(earliest):
        return "month"
    return "week" if earliest.isoweekday() == 1 and (latest - earliest).days == 6 else "between"


def parse_stated_date(text: str, field: str = "date") -> StatedDate:
    """`2024-04-08`, `2024-04`, `2024`, or `by 2024-04-08`, `about 2024-04-08`."""
    said = text.strip().lower()
    for word in ("by", "about"):
        if said.startswith(f"{word} "):
            return StatedDate(parse_date(said[len(word) :], field), word)
    if re.fullmatch(r"\d{4}-\d{2}", said):
        return StatedDate(parse_date(f"{said}-01", field), "month")
    if re.fullmatch(r"\d{4}", said):
        return StatedDate(parse_date(f"{said}-01-01", field), "year")
    return StatedDate(parse_date(text, field), "day")


def write_stated_date(stated: StatedDate) -> str:
    """A stated date as `parse_stated_date` reads it."""
    match stated.precision:
        case "month":
            return f"{stated.on:%Y-%m}"
        case "year":
            return f"{stated.on:%Y}"
        case "by" | "about":
            return f"{stated.precision} {stated.on.isoformat()}"
    return stated.on.isoformat()
