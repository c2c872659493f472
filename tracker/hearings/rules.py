"""When a hearing is: from a day, a time or a window at the court to the instants that rules look at. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from tracker.base.dates import WINDOW_PRECISIONS, instant_of, last_of_month, today_in, zone_of
from tracker.base.errors import NeedsConfirmation, Refused
from tracker.base.sentences import Sentence as N_

#: A hearing without a time is over for reminding at this local hour of its day.
NO_TIME_UNTIL = time(12, 0)


@dataclass(frozen=True, slots=True)
class When:
    """When a hearing is, at the court: a day with or without a time, or a window, or nothing yet (`not_set`)."""

    zone: str
    local_date: date | None = None
    local_time: time | None = None
    fold: int | None = None
    precision: str = "day"
    earliest_on: date | None = None
    latest_on: date | None = None


class Dated(Protocol):
    """What has a When in fields of its own: a hearing as it is stored, or as it is shown."""

    @property
    def zone(self) -> str: ...
    @property
    def local_date(self) -> date | None: ...
    @property
    def local_time(self) -> time | None: ...
    @property
    def fold(self) -> int | None: ...
    @property
    def precision(self) -> str: ...
    @property
    def earliest_on(self) -> date | None: ...
    @property
    def latest_on(self) -> date | None: ...


def when_of(dated: Dated) -> When:
    """The when of a hearing."""
    return When(
        dated.zone,
        dated.local_date,
        dated.local_time,
        dated.fold,
        dated.precision,
        dated.earliest_on,
        dated.latest_on,
    )


@dataclass(frozen=True, slots=True)
class Instants:
    """What is derived: first instant it can begin; when somebody should know the outcome (the end of its last day,
    there); until when reminding helps. All None where no date is known."""

    starts_at: datetime | None
    outcome_due_at: datetime | None
    remind_until: datetime | None


def on_day(zone: str, day: date, at: time | None = None, fold: int | None = None) -> When:
    """A hearing on a day. Refused when the zone is none, or the time does not exist that day or comes twice."""
    zone_of(zone)
    if at is None:
        fold = None
    else:
        instant_of(day, at, zone, fold)
        if instant_of(day, at, zone, 0) == instant_of(day, at, zone, 1):
            # An hour that comes once needs no word on which of the two it is.
            fold = None
    return When(zone, day, at, fold, "day", day, day)


def in_window(zone: str, precision: str, first: date | None = None) -> When:
    """A hearing some time in a week or month (the one `first` lies in), or with no date yet (`not_set`)."""
    zone_of(zone)
    if precision == "not_set":
        return When(zone, precision="not_set")
    if precision not in WINDOW_PRECISIONS or first is None:
        raise Refused(N_("Say which week or month, or that no date is set."), "precision")
    if precision == "week":
        first = first - timedelta(days=first.isoweekday() - 1)
        return When(zone, precision="week", earliest_on=first, latest_on=first + timedelta(days=6))
    if precision == "month":
        return When(zone, precision="month", earliest_on=first.replace(day=1), latest_on=last_of_month(first))
    return on_day(zone, first)


def between(zone: str, earliest_on: date, latest_on: date) -> When:
    """A hearing on one of these days. Refused when they run backwards or are the span of more than 100 days."""
    zone_of(zone)
    if latest_on < earliest_on:
        raise Refused(N_("The window ends before it begins."), "latest")
    if (latest_on - earliest_on).days > 100:
        raise Refused(N_("The window is longer than 100 days: say that no date is set instead."), "latest")
    if earliest_on == latest_on:
        return on_day(zone, earliest_on)
    return When(zone, precision="week", earliest_on=earliest_on, latest_on=latest_on)


def instants(when: When) -> Instants:
    """The instants of `when`, by the zone's rules as they are today."""
    first, last = when.earliest_on, when.latest_on
    if first is None or last is None:
        return Instants(None, None, None)
    starts_at = _instant(first, when.local_time, when.zone, when.fold)
    outcome_due_at = _instant(last + timedelta(days=1), None, when.zone)
    remind_until = starts_at if when.local_time else _instant(first, NO_TIME_UNTIL, when.zone)
    return Instants(starts_at, outcome_due_at, remind_until)


def _instant(day: date, at: time | None, zone: str, fold: int | None = None) -> datetime:
    """The instant of a wall time that was looked at when it was typed. Rules of zones change afterwards: an hour that
    has come to be skipped means the hour after it, one that has come to be twice the first."""
    return datetime.combine(day, at or time(), tzinfo=zone_of(zone)).replace(fold=fold or 0).astimezone(UTC)


def ask_twice(when: When, now: datetime, sitting_days: Collection[int] | None = None) -> None:
    """NeedsConfirmation when the date is possible but unlikely: past, over 12 months off, or on a day on which the
    desk's courts do not sit. Nothing to ask of a hearing without a date."""
    if when.earliest_on is None or when.latest_on is None:
        return
    today = today_in(when.zone, now)
    day = when.earliest_on
    if when.latest_on < today or (when.local_time and instants(when).starts_at < now):  # type: ignore[operator]  # dated
        raise NeedsConfirmation(N_("%(day)s has passed. If the hearing was then, confirm it.", day=day), "date")
    ahead = (when.earliest_on - today).days
    if when.earliest_on > _a_year_after(today):
        raise NeedsConfirmation(
            N_("%(day)s is in %(ahead)s days, over 12 months off. If that is right, confirm it.", day=day, ahead=ahead),
            "date",
        )
    if sitting_days and when.local_date and when.local_date.isoweekday() not in sitting_days:
        raise NeedsConfirmation(
            N_("%(day)s is a day on which the desk's courts do not sit. If that is right, confirm it.", day=day), "date"
        )


def _a_year_after(day: date) -> date:
    """The same day a year later; after 29 February the 1 March."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)
