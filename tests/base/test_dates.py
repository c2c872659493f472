"""Zones, days that clocks skip or repeat, working days, and dates as people write them."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.base.dates import (
    StatedDate,
    add_working_days,
    instant_of,
    name_working_days,
    parse_date,
    parse_instant,
    parse_stated_date,
    parse_time,
    parse_working_days,
    today_in,
    working_day_on_or_after,
    working_day_on_or_before,
    write_stated_date,
    zone_of,
)
from tracker.base.errors import Refused

SUN_THU = (7, 1, 2, 3, 4)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", ["Asia/Jerusalem", "Europe/London", "UTC", "America/Argentina/Buenos_Aires"])
def test_zones_that_are(name: str) -> None:
    assert zone_of(name).key == name


@pytest.mark.parametrize(
    "name", ["", "Jerusalem", "Asia/Nowhere", "EST", "+03:00", "../etc/passwd", "Asia/Jeru\0salem", "/", "A" * 10_000]
)
def test_zones_that_are_not(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        zone_of(name)
    assert refusal.value.field == "zone"
    assert len(refusal.value.message) < 250


def test_the_day_it_is_depends_on_where() -> None:
    evening = utc("2024-04-07T21:00")
    assert today_in("Asia/Jerusalem", evening) == date(2024, 4, 8)
    assert today_in("Europe/London", evening) == date(2024, 4, 7)
    assert today_in("Pacific/Honolulu", evening) == date(2024, 4, 7)


def test_a_wall_time_is_an_instant() -> None:
    assert instant_of(date(2024, 4, 8), time(9, 30), "Asia/Jerusalem") == utc("2024-04-08T06:30")
    assert instant_of(date(2024, 1, 8), time(9, 30), "Asia/Jerusalem") == utc("2024-01-08T07:30")


@pytest.mark.parametrize(("at", "exists"), [("01:59", True), ("02:00", False), ("02:59", False), ("03:00", True)])
def test_the_hour_that_clocks_skip(at: str, exists: bool) -> None:
    """Jerusalem, 29 March 2024: from 02:00 to 03:00."""
    if exists:
        instant_of(date(2024, 3, 29), time.fromisoformat(at), "Asia/Jerusalem")
        return
    with pytest.raises(Refused, match="does not exist") as refusal:
        instant_of(date(2024, 3, 29), time.fromisoformat(at), "Asia/Jerusalem")
    assert refusal.value.field == "time"


@pytest.mark.parametrize(("at", "twice"), [("00:59", False), ("01:00", True), ("01:59", True), ("02:00", False)])
def test_the_hour_that_comes_twice(at: str, twice: bool) -> None:
    """Jerusalem, 27 October 2024: at 02:00 back to 01:00."""
    day, wall = date(2024, 10, 27), time.fromisoformat(at)
    first, second = (instant_of(day, wall, "Asia/Jerusalem", fold) for fold in (0, 1))
    assert (second - first).total_seconds() == (3600 if twice else 0)
    if not twice:
        assert instant_of(day, wall, "Asia/Jerusalem") == first
        return
    with pytest.raises(Refused, match="comes twice") as refusal:
        instant_of(day, wall, "Asia/Jerusalem")
    assert refusal.value.field == "fold"


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2024, 4, 26), "Africa/Cairo", "2024-04-25T22:00"),  # midnight is skipped: the day begins at 01:00
        (date(2024, 4, 25), "Africa/Cairo", "2024-04-24T22:00"),
        (date(2024, 10, 27), "Asia/Jerusalem", "2024-10-26T21:00"),
        (date(2011, 12, 30), "Pacific/Apia", "2011-12-30T10:00"),  # a day that never was begins when it was jumped
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00"),
    ],
)
def test_the_first_moment_of_a_day(day: date, zone: str, begins: str) -> None:
    assert instant_of(day, None, zone) == utc(begins)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-04-08", date(2024, 4, 8)),
        (" 2024-4-8 ", date(2024, 4, 8)),
        ("08/04/2024", date(2024, 4, 8)),
        ("8.4.2024", date(2024, 4, 8)),
        ("29/02/2024", date(2024, 2, 29)),
        ("٠٨/٠٤/٢٠٢٤", date(2024, 4, 8)),
    ],
)
def test_dates_as_people_write_them(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "31/06/2024",
        "2023-02-29",
        "0/1/2024",
        "2024-13-01",
        "tomorrow",
        "",
        "8/4",
        "1899-12-31",
        "2201-01-01",
        "1" * 10_000,
    ],
)
def test_dates_that_cannot_be(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_date(text, "day")
    assert refusal.value.field == "day"
    assert len(refusal.value.message) < 150


def test_clock_times() -> None:
    assert [parse_time(t) for t in ("09:30", "9.30", "23:59")] == [time(9, 30), time(9, 30), time(23, 59)]
    for wrong in ("24:00", "9:60", "half past nine", "", "9:3\0"):
        with pytest.raises(Refused):
            parse_time(wrong)


def test_instants_say_their_zone() -> None:
    assert parse_instant("2024-04-01T07:00Z") == parse_instant("2024-04-01T10:00+03:00") == utc("2024-04-01T07:00")
    for wrong in ("2024-04-01T07:00", "2024-04-01", "now"):
        with pytest.raises(Refused):
            parse_instant(wrong)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", (1, 2, 3, 4, 5)),
        ("sun-thu", SUN_THU),
        ("Sat-Wed", (6, 7, 1, 2, 3)),
        ("mon,wed", (1, 3)),
        ("fri", (5,)),
    ],
)
def test_working_days(text: str, days: tuple[int, ...]) -> None:
    assert parse_working_days(text) == days
    assert parse_working_days(name_working_days(days)) == days


@pytest.mark.parametrize("text", ["", "someday", "mon-", "mon,,tue", "-"])
def test_working_days_that_are_none(text: str) -> None:
    with pytest.raises(Refused):
        parse_working_days(text)


def test_the_last_and_the_next_day_that_is_worked() -> None:
    friday, sunday, thursday = date(2024, 4, 5), date(2024, 4, 7), date(2024, 4, 4)
    assert working_day_on_or_before(friday, SUN_THU) == thursday
    assert working_day_on_or_before(thursday, SUN_THU) == thursday
    assert working_day_on_or_after(friday, SUN_THU) == sunday
    assert add_working_days(thursday, 1, SUN_THU) == sunday
    assert add_working_days(thursday, 0, SUN_THU) == thursday
    assert add_working_days(thursday, 5, SUN_THU) == date(2024, 4, 11)


@pytest.mark.parametrize(
    ("text", "on", "precision", "earliest", "latest"),
    [
        ("2024-02-08", "2024-02-08", "day", "2024-02-08", "2024-02-08"),
        ("2024-02", "2024-02-01", "month", "2024-02-01", "2024-02-29"),
        ("2024", "2024-01-01", "year", "2024-01-01", "2024-12-31"),
        ("about 2024-02-08", "2024-02-08", "about", "2024-02-01", "2024-02-15"),
        ("by 2024-02-08", "2024-02-08", "by", None, "2024-02-08"),
    ],
)
def test_stated_dates(text: str, on: str, precision: str, earliest: str | None, latest: str) -> None:
    stated = parse_stated_date(text)
    assert (stated.on.isoformat(), stated.precision) == (on, precision)
    assert (stated.earliest_on.isoformat() if stated.earliest_on else None) == earliest
    assert stated.latest_on.isoformat() == latest


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.sampled_from(["day", "month", "year", "about", "by"]))
def test_a_stated_date_is_read_as_it_is_written(on: date, precision: str) -> None:
    on = {"month": on.replace(day=1), "year": on.replace(month=1, day=1)}.get(precision, on)
    stated = StatedDate(on, precision)
    assert parse_stated_date(write_stated_date(stated)) == stated
    assert stated.earliest_on is None or stated.earliest_on <= on <= stated.latest_on


def test_a_precision_that_is_none() -> None:
    with pytest.raises(Refused):
        StatedDate(date(2024, 1, 1), "roughly")
