"""When a hearing is: days, windows, the instants that follow, and what is asked twice."""

from datetime import date, datetime, time

import pytest
from house_of_cases import ZONE, utc

from tracker.base.errors import NeedsConfirmation, Refused
from tracker.hearings.rules import When, ask_twice, between, in_window, instants, on_day

DAY = date(2024, 4, 8)


def test_a_day_with_a_time() -> None:
    derived = instants(on_day(ZONE, DAY, time(9, 30)))
    assert derived.starts_at == derived.remind_until == utc("2024-04-08T06:30")
    assert derived.outcome_due_at == utc("2024-04-08T21:00"), "midnight there"


def test_a_day_without_a_time_is_reminded_of_until_noon() -> None:
    derived = instants(on_day(ZONE, DAY))
    assert derived.starts_at == utc("2024-04-07T21:00")
    assert derived.remind_until == utc("2024-04-08T09:00")


@pytest.mark.parametrize(
    ("precision", "first", "last"),
    [("week", date(2024, 4, 8), date(2024, 4, 14)), ("month", date(2024, 4, 1), date(2024, 4, 30))],
)
def test_windows(precision: str, first: date, last: date) -> None:
    window = in_window(ZONE, precision, date(2024, 4, 10))
    assert (window.earliest_on, window.latest_on, window.local_date) == (first, last, None)
    derived = instants(window)
    assert derived.starts_at is not None
    assert derived.outcome_due_at is not None
    assert (derived.outcome_due_at - derived.starts_at).days == (last - first).days + 1


def test_no_date_yet_has_no_instants() -> None:
    assert instants(in_window(ZONE, "not_set")) == instants(When(ZONE))
    assert instants(When(ZONE)).starts_at is None
    with pytest.raises(Refused):
        in_window(ZONE, "week")


def test_between_two_days() -> None:
    some_days = between(ZONE, DAY, date(2024, 4, 11))
    assert (some_days.earliest_on, some_days.latest_on) == (DAY, date(2024, 4, 11))
    assert between(ZONE, DAY, DAY) == on_day(ZONE, DAY)
    assert between(ZONE, DAY, date(2024, 7, 17)).precision == "week"
    for last in (date(2024, 4, 7), date(2024, 7, 18)):
        with pytest.raises(Refused) as refusal:
            between(ZONE, DAY, last)
        assert refusal.value.field == "latest"


def test_which_of_the_two_hours_is_kept_only_where_there_are_two() -> None:
    night = date(2024, 10, 27)
    with pytest.raises(Refused, match="twice"):
        on_day(ZONE, night, time(1, 30))
    first, second = (on_day(ZONE, night, time(1, 30), fold) for fold in (0, 1))
    assert (first.fold, second.fold) == (0, 1)
    assert instants(first).starts_at == utc("2024-10-26T22:30")
    assert instants(second).starts_at == utc("2024-10-26T23:30")
    assert on_day(ZONE, DAY, time(9, 30), 1) == on_day(ZONE, DAY, time(9, 30))
    assert on_day(ZONE, night, None, 1).fold is None


def test_an_hour_that_is_skipped_is_refused_and_one_that_came_to_be_skipped_is_not() -> None:
    with pytest.raises(Refused, match="does not exist"):
        on_day(ZONE, date(2024, 3, 29), time(2, 30))
    kept = When(ZONE, date(2024, 3, 29), time(2, 30), None, "day", date(2024, 3, 29), date(2024, 3, 29))
    assert instants(kept).starts_at == utc("2024-03-29T00:30")


NOON = utc("2024-04-08T09:00")


@pytest.mark.parametrize(
    ("when", "asks"),
    [
        (on_day(ZONE, date(2024, 4, 7)), "has passed"),
        (on_day(ZONE, DAY), ""),
        (on_day(ZONE, DAY, time(11, 59)), "has passed"),
        (on_day(ZONE, DAY, time(12, 0)), ""),
        (in_window(ZONE, "month", DAY), ""),
        (between(ZONE, date(2024, 4, 1), date(2024, 4, 7)), "has passed"),
        (on_day(ZONE, date(2025, 4, 8)), ""),
        (on_day(ZONE, date(2025, 4, 9)), "over 12 months off"),
        (in_window(ZONE, "not_set"), ""),
        (on_day(ZONE, date(2024, 4, 11)), ""),
        (on_day(ZONE, date(2024, 4, 12)), "do not sit"),
        (in_window(ZONE, "week", date(2024, 4, 12)), ""),
    ],
)
def test_what_is_asked_twice(when: When, asks: str) -> None:
    if not asks:
        ask_twice(when, NOON, (7, 1, 2, 3, 4))
        return
    with pytest.raises(NeedsConfirmation, match=asks) as question:
        ask_twice(when, NOON, (7, 1, 2, 3, 4))
    assert question.value.field == "date"


@pytest.mark.parametrize(
    ("now", "ahead", "asks"), [("2024-02-29", "2025-03-01", False), ("2024-02-29", "2025-03-02", True)]
)
def test_a_year_after_a_leap_day(now: str, ahead: str, asks: bool) -> None:
    when = on_day(ZONE, date.fromisoformat(ahead))
    at: datetime = utc(f"{now}T09:00")
    if asks:
        with pytest.raises(NeedsConfirmation):
            ask_twice(when, at)
    else:
        ask_twice(when, at)
