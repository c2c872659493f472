"""Dates as they are printed, and what is worked out where a part of them is not."""

from datetime import date, time

import pytest

from tracker.intake.reading.dates import Stated, finder_for, settle

PUBLISHED = date(2024, 6, 7)


def found(text: str) -> list[Stated]:
    return finder_for("en").find(text, text.lower())


def settled(text: str, near: date | None = None, ahead: bool = False, published: date | None = PUBLISHED) -> list[str]:
    said = []
    for stated in found(text):
        one = settle(stated, near, published, ahead)
        said.append(f"{one.on} {one.precision} {one.inferred}" if one else "none")
    return said


@pytest.mark.parametrize(
    "printed",
    [
        "8 April 2024",
        "08 April 2024",
        "8th April 2024",
        "the 8th of April 2024",
        "8 Apr. 2024",
        "8 April, 2024",
        "April 8, 2024",
        "April 8th, 2024",
        "Apr 8, 2024",
        "April 8 2024",
        "08/04/2024",
        "8.4.2024",
        "2024-04-08",
        "2024/04/08",
        "Monday 8 April 2024",
        "Monday, April 8, 2024",
    ],
)
def test_a_full_date_is_read_in_every_form(printed: str) -> None:
    assert settled(f"It was on {printed} that he went.") == ["2024-04-08 day None"]


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("in April 2018", "2018-04-01 month month"),
        ("on 2018/04/dd", "2018-04-01 month month"),
        ("in 2012", "2012-01-01 year month"),
        ("in late 2016", "2016-01-01 year month"),
    ],
)
def test_a_date_without_a_day_says_how_precise_it_is(printed: str, meant: str) -> None:
    assert settled(f"He was detained {printed}.") == [meant]


@pytest.mark.parametrize(
    "printed",
    [
        "31 June 2024",
        "30/02/2024",
        "00/04/2024",
        "12/13/2024",
        "29 February 2023",
        "Article 179.3.2 and 213.2.2",
        "(18 May 19; 23 May 19)",
        "the 6 April Youth Movement",
        "Case 1766/2019",
        "in 2024/25",
        "you may 2024 times",
    ],
)
def test_what_is_no_date_is_not_read_as_one(printed: str) -> None:
    assert [s for s in found(f"They wrote {printed} there.") if s.day] == []


def test_29_february_is_read_without_a_year_and_settled_in_a_leap_year() -> None:
    assert settled("He was arrested on 29 February.") == ["2024-02-29 day year"]


@pytest.mark.parametrize(
    ("printed", "ahead", "meant"),
    [
        ("7 June", False, "2024-06-07"),
        ("8 June", False, "2023-06-08"),
        ("8 June", True, "2024-06-08"),
        ("7 June", True, "2024-06-07"),
        ("6 June", True, "2025-06-06"),
        ("31 December", False, "2023-12-31"),
    ],
)
def test_a_missing_year_follows_from_the_publication_and_the_tense(printed: str, ahead: bool, meant: str) -> None:
    assert settled(f"It was on {printed}.", ahead=ahead) == [f"{meant} day year"]


def test_a_missing_year_follows_from_the_date_before_it() -> None:
    assert settled("on 6 March", near=date(2013, 12, 16)) == ["2014-03-06 day year"]


def test_a_weekday_decides_between_years() -> None:
    # 8 April was a Sunday in 2018, and a Saturday in 2017.
    assert settled("on Sunday 8 April", published=date(2018, 1, 2)) == ["2018-04-08 day year"]
    assert settled("on Saturday 8 April", published=date(2018, 1, 2)) == ["2017-04-08 day year"]


def test_a_date_without_a_year_and_nothing_beside_it_stays_open() -> None:
    assert settled("On 9 January he was stopped.", published=None) == ["none"]


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("two days later", "2017-04-07"),
        ("three days earlier", "2017-04-02"),
        ("a week later", "2017-04-12"),
        ("the same day", "2017-04-05"),
        ("today", "2024-06-07"),
        ("yesterday", "2024-06-06"),
        ("tomorrow", "2024-06-08"),
        ("two weeks ago", "2024-05-24"),
    ],
)
def test_a_relative_date_is_worked_out_and_marked(printed: str, meant: str) -> None:
    assert settled(f"He was moved {printed}.", near=date(2017, 4, 5)) == [f"{meant} day relative"]


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("next Monday", "2024-06-10"),
        ("next Friday", "2024-06-14"),
        ("last Thursday", "2024-06-06"),
        ("last Friday", "2024-05-31"),
    ],
)
def test_a_weekday_alone_is_worked_out_and_marked(printed: str, meant: str) -> None:
    assert settled(f"The court sits {printed}.") == [f"{meant} day weekday"]  # 7 June 2024 is a Friday


def test_tomorrow_with_no_publication_stays_open() -> None:
    assert settled("The appeal is heard tomorrow.", published=None) == ["none"]


def test_a_relative_date_beyond_the_calendar_stays_open() -> None:
    assert settled("999 weeks earlier", near=date(1, 1, 5)) == ["none"]


def test_days_that_share_a_month_and_dates_that_share_a_year_are_all_read() -> None:
    assert settled("between 10 and 16 October 2023") == ["2023-10-10 day None", "2023-10-16 day None"]
    assert settled("on April 29 and May 30, 2014") == ["2014-04-29 day None", "2014-05-30 day None"]


@pytest.mark.parametrize(
    ("printed", "at"),
    [
        ("28 April 2014 at 22:30", time(22, 30)),
        ("28 April 2014 at around 3:00am", time(3, 0)),
        ("28 April 2014 at 12.15 am", time(0, 15)),
        ("28 April 2014, 9pm", time(21, 0)),
        ("28 April 2014 at 25:10", None),
        ("28 April 2014 at 7 places", None),
    ],
)
def test_a_clock_time_beside_the_date_is_read(printed: str, at: time | None) -> None:
    assert [s.at for s in found(f"on {printed}")] == [at]


def test_a_date_after_until_is_marked_so() -> None:
    assert [s.until for s in found("from 6 March 2014 to 16 June 2014")] == [False, True]
