"""Dates, spans and codes in words: by the calendar of the place, in the language of the reader, in its counting."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from flask import Flask

from tracker.base import labels, languages, words
from tracker.base.audience import Audience
from tracker.base.errors import Misconfigured
from tracker.base.resources import resource
from tracker.cases.models import RISKS, STAGES
from tracker.clockwork.kinds import steps as clock_steps
from tracker.flags import finders
from tracker.hearings.models import KINDS, STATES
from tracker.outbox.models import STATES as MESSAGE_STATES
from tracker.people.models import NAME_KINDS
from tracker.timeline.codes import CUSTODY, PROCEEDINGS

HEARING = date(2026, 4, 8)

pytestmark = pytest.mark.one_engine


@pytest.fixture(autouse=True)
def _speaking(app: Flask) -> None:
    """Words need an application to find their catalogues."""


def test_a_date_is_said_with_its_weekday() -> None:
    assert words.say_date(HEARING) == "Wednesday 8 April 2026"
    assert words.say_date(HEARING, locale="ar") == "الأربعاء، 8 أبريل 2026"
    assert words.say_short_date(HEARING) == "Wed 8 Apr 2026"


@pytest.mark.parametrize(
    ("precision", "said"),
    [
        ("day", "8 April 2026"),
        ("month", "April 2026"),
        ("year", "2026"),
        ("about", "about 8 April 2026"),
        ("by", "date not stated, known by 8 April 2026"),
    ],
)
def test_a_stated_date_says_no_more_than_its_source(precision: str, said: str) -> None:
    assert words.say_stated(HEARING, precision) == said
    assert words.say_stated(None, precision) == "date not stated"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-365, "365 days ago"),
        (-2, "2 days ago"),
        (-1, "yesterday"),
        (0, "today"),
        (1, "tomorrow"),
        (2, "in 2 days"),
        (6, "in 6 days"),
    ],
)
def test_days_are_counted_both_ways_from_today(days: int, said: str) -> None:
    now = datetime(2026, 4, 8, 12, tzinfo=UTC)
    assert words.countdown(HEARING + timedelta(days=days), now, "UTC") == said


def test_a_day_begins_at_midnight_of_the_place_not_of_the_reader() -> None:
    # Midnight in Jerusalem is 21:00 UTC the evening before, in summer.
    before, after = datetime(2026, 4, 7, 20, 59, 59, tzinfo=UTC), datetime(2026, 4, 7, 21, 0, tzinfo=UTC)
    assert words.countdown(HEARING, before, "Asia/Jerusalem") == "tomorrow"
    assert words.countdown(HEARING, after, "Asia/Jerusalem") == "today"
    assert words.countdown(HEARING, after, "America/Bogota") == "tomorrow"


def test_a_hearing_is_said_there_and_for_the_reader() -> None:
    now = datetime(2026, 4, 5, 8, tzinfo=UTC)
    said = words.say_when(HEARING, time(9, 30), "Asia/Jerusalem", now, "Europe/London")
    assert said == "Wednesday 8 April 2026, 09:30 Asia/Jerusalem (in 3 days; 07:30 for you)"
    assert words.say_when(HEARING, time(9, 30), "Asia/Jerusalem", now, "Asia/Jerusalem").endswith("(in 3 days)")
    assert words.say_when(HEARING, None, "Asia/Jerusalem", now) == (
        "Wednesday 8 April 2026, time not announced, Asia/Jerusalem (in 3 days)"
    )


def test_the_reader_is_told_when_it_is_another_day_for_them() -> None:
    assert words.say_for_reader(HEARING, time(0, 30), "Asia/Jerusalem", "Europe/London") == "Tue 22:30"
    assert words.say_for_reader(HEARING, time(9, 30), "Asia/Jerusalem", "Europe/Kyiv") == ""
    assert words.say_for_reader(HEARING, time(9, 30), "Asia/Jerusalem", None) == ""


def test_the_second_of_two_equal_hours_is_an_hour_later_for_the_reader() -> None:
    # On 25 October 2026 Jerusalem's clocks go back from 02:00 to 01:00.
    day, at = date(2026, 10, 25), time(1, 30)
    assert words.say_for_reader(day, at, "Asia/Jerusalem", "UTC", fold=0) == "Sat 22:30"
    assert words.say_for_reader(day, at, "Asia/Jerusalem", "UTC", fold=1) == "Sat 23:30"


@pytest.mark.parametrize(
    ("precision", "first", "last", "said"),
    [
        ("week", date(2026, 4, 6), date(2026, 4, 12), "in the week of Monday 6 April 2026"),
        ("month", date(2026, 4, 1), date(2026, 4, 30), "in April 2026"),
        ("not_set", None, None, "date to be notified"),
        (
            "not_set",
            date(2026, 4, 1),
            date(2026, 4, 9),
            "between Wednesday 1 April 2026 and Thursday 9 April 2026",
        ),
    ],
)
def test_a_window_says_what_is_known(precision: str, first: date | None, last: date | None, said: str) -> None:
    assert words.say_window(precision, first, last) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-30, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86399, "23 hours ago"),
        (86400, "1 day ago"),
        (3 * 86400, "3 days ago"),
    ],
)
def test_how_long_ago_changes_its_unit_at_the_full_one(seconds: int, said: str) -> None:
    now = datetime(2026, 4, 8, tzinfo=UTC)
    assert words.ago(now - timedelta(seconds=seconds), now) == said


@pytest.mark.parametrize(
    ("told", "zone", "said"),
    [
        (datetime(2024, 3, 22, 12, tzinfo=UTC), "Asia/Jerusalem", "10 days ago"),
        (datetime(2024, 3, 22, 21, 59, tzinfo=UTC), "Asia/Jerusalem", "10 days ago"),
        (datetime(2024, 3, 22, 22, tzinfo=UTC), "Asia/Jerusalem", "9 days ago"),
        (datetime(2024, 3, 22, 22, tzinfo=UTC), "UTC", "10 days ago"),
    ],
)
def test_days_ago_are_days_of_the_calendar_where_it_is_read(told: datetime, zone: str, said: str) -> None:
    assert words.ago(told, datetime(2024, 4, 1, 6, tzinfo=UTC), zone) == said


def test_a_day_of_25_hours_is_a_day_ago() -> None:
    now = datetime(2024, 10, 27, 22, 30, tzinfo=UTC)
    assert words.ago(now - timedelta(hours=24), now, "Europe/Berlin") == "1 day ago"


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 يوم"), (1, "يوم واحد"), (2, "يومان"), (5, "5 أيام"), (11, "11 يومًا"), (99, "99 يومًا"), (100, "100 يوم")],
)
def test_arabic_counts_in_its_six_forms(count: int, said: str) -> None:
    assert words.say_days(count, locale="ar") == said


def test_a_name_in_a_list_keeps_its_own_direction() -> None:
    said = words.say_list(["خالد السر", "Amira", "Walid"])
    assert said == "\u2068خالد السر\u2069, \u2068Amira\u2069 and \u2068Walid\u2069"
    assert words.say_list([]) == ""


def test_every_code_has_words() -> None:
    groups = {
        "stage": STAGES,
        "risk": RISKS,
        "status": (*CUSTODY, *PROCEEDINGS),
        "hearing_kind": KINDS,
        "hearing_state": STATES,
        "name_kind": NAME_KINDS,
        "message_state": MESSAGE_STATES,
        "step": clock_steps.codes(),
        "audience": [audience.code for audience in Audience],
    }
    missing = [(group, code) for group, codes in groups.items() for code in codes if not labels.has_label(group, code)]
    assert not missing
    for finder in Path(finders.__file__).parent.glob("[!_]*.py"):
        assert labels.has_label("flag", finder.stem.replace("_", "-")), finder.stem


def test_every_group_a_page_asks_for_has_words() -> None:
    asked = {
        (group, path.name)
        for path in resource("templates").rglob("*.html")
        for group in re.findall(r"""\|\s*label\(["'](\w+)["']\)""", path.read_text())
    }
    assert not {(group, page) for group, page in asked if group not in labels.groups()}


def test_a_code_without_words_is_still_readable() -> None:
    assert labels.label("order-ending", "flag-of-nobody") == "order ending"
    assert labels.label(None, "status") == "not known"
    assert labels.label(Audience.DESK, "audience") == "desk only"


def test_a_code_cannot_be_given_two_labels() -> None:
    with pytest.raises(RuntimeError, match="two labels"):
        labels.announce("risk", {"high": "very high"})


@pytest.mark.parametrize(
    ("asked", "spoken", "direction"),
    [
        ("ar", "ar", "rtl"),
        ("ar-PS,en;q=0.5", "ar", "rtl"),
        ("fr;q=0.9,ar;q=0.8", "ar", "rtl"),
        ("en-GB,en;q=0.9,ar;q=0.8", "en", "ltr"),
        ("fr", "en", "ltr"),
        ("", "en", "ltr"),
        ("ar;q=0,*", "en", "ltr"),
    ],
)
def test_a_stranger_is_answered_in_the_browsers_language(app: Flask, asked: str, spoken: str, direction: str) -> None:
    page = app.test_client().get("/nothing-here", headers={"Accept-Language": asked} if asked else {}).text
    assert f'<html lang="{spoken}" dir="{direction}">' in page


def test_mail_speaks_its_readers_language_and_nobody_elses(app: Flask) -> None:
    with languages.speaking("ar"):
        assert words.count_days(1) == "غدًا"
    assert words.count_days(1) == "tomorrow"
    with languages.speaking("xx"):
        assert words.count_days(1) == "tomorrow"


def test_a_language_that_does_not_exist_is_refused_at_start(app: Flask) -> None:
    settings = replace(app.extensions["settings"], languages=("en", "klingon"))
    with pytest.raises(Misconfigured, match="TRACKER_LANGUAGES"):
        languages.set_up(Flask("other"), settings)


def test_a_changed_catalogue_is_compiled_anew_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    source, instance = tmp_path / "source", tmp_path / "own"
    catalogue = source / "ar" / "LC_MESSAGES" / "messages.po"
    catalogue.parent.mkdir(parents=True)
    instance.mkdir()
    catalogue.write_text('msgid "a"\nmsgstr "b"\n')
    first = languages.compile_catalogues(source, instance)
    made = (first / "ar" / "LC_MESSAGES" / "messages.mo").stat()
    assert languages.compile_catalogues(source, instance) == first
    assert (first / "ar" / "LC_MESSAGES" / "messages.mo").stat().st_mtime_ns == made.st_mtime_ns
    catalogue.write_text('msgid "a"\nmsgstr "c"\n')
    assert languages.compile_catalogues(source, instance) != first
