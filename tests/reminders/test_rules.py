"""When reminders are due, which are one mail, what passes quiet hours, what a change is called: by values alone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tracker.base.audience import Audience
from tracker.base.errors import Refused
from tracker.reminders import rules
from tracker.reminders.rules import Ahead, Lead, Reader

SUN_TO_THU = (7, 1, 2, 3, 4)
MON_TO_FRI = (1, 2, 3, 4, 5)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


def at(text: str) -> datetime:
    """An instant in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)


def due(ahead: Ahead, days: tuple[int, ...], reader: Reader) -> list[tuple[str, str]]:
    """(code, due) of all leads, in UTC to the minute."""
    return [(lead.code, f"{lead.due_at:%Y-%m-%d %H:%M}") for lead in rules.leads_of(ahead, days, reader)]


#: Monday 8 April 2024 in Haifa, no time announced: reminding ends at noon there.
MONDAY = Ahead(date(2024, 4, 8), "Asia/Jerusalem", at("2024-04-08T09:00Z"))
JERUSALEM = Reader("Asia/Jerusalem", SUN_TO_THU)


def test_leads_fall_due_at_eight_for_the_reader_and_leave_free_days() -> None:
    assert due(MONDAY, (7, 3, 1), JERUSALEM) == [
        ("7", "2024-04-01 05:00"),
        ("3", "2024-04-04 05:00"),  # Friday is free: Thursday
        ("1", "2024-04-07 05:00"),  # Sunday is worked there
    ]


def test_the_reader_zone_counts_and_not_the_court() -> None:
    assert due(MONDAY, (1,), Reader("Europe/London", EVERY_DAY)) == [("1", "2024-04-07 07:00")]


def test_the_one_day_reminder_before_a_free_day_goes_twice() -> None:
    sunday = Ahead(date(2024, 4, 14), "Asia/Jerusalem", at("2024-04-14T06:30Z"))
    assert due(sunday, (7, 3, 1), JERUSALEM) == [
        ("7", "2024-04-07 05:00"),
        ("3", "2024-04-11 05:00"),
        ("1w", "2024-04-11 05:00"),  # Saturday is free: Thursday, and Saturday itself
        ("1", "2024-04-13 05:00"),
    ]


def test_two_days_before_do_not_move_and_three_do() -> None:
    saturday_three_days_before = Ahead(date(2024, 4, 9), "Asia/Jerusalem", at("2024-04-09T06:30Z"))
    assert due(saturday_three_days_before, (3,), JERUSALEM) == [("3", "2024-04-04 05:00")]
    assert due(MONDAY, (2,), JERUSALEM) == [("2", "2024-04-06 05:00")]


def test_leads_that_meet_are_one_mail_and_the_longer_is_served() -> None:
    sunday = Ahead(date(2024, 4, 14), "Asia/Jerusalem", at("2024-04-14T06:30Z"))
    leads = rules.leads_of(sunday, (7, 3, 1), JERUSALEM)
    planned = {p.lead.code: p.reason for p in rules.schedule(leads, at("2024-04-08T12:00Z"))}
    assert planned == {"7": "", "3": "served by the 1-day reminder", "1w": "", "1": ""}


def test_each_lead_gives_up_when_the_next_falls_due_and_the_last_when_it_begins() -> None:
    ends = [lead.give_up_at for lead in rules.leads_of(MONDAY, (7, 3, 1), JERUSALEM)]
    assert ends == [at("2024-04-04T05:00Z"), at("2024-04-07T05:00Z"), at("2024-04-08T09:00Z")]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/London", date(2026, 3, 30), "2026-03-29 07:00"),  # the clocks went forward that night
        ("Europe/London", date(2026, 3, 29), "2026-03-28 08:00"),
        ("Europe/London", date(2026, 10, 26), "2026-10-25 08:00"),  # and back
        ("Africa/Cairo", date(2026, 4, 25), "2026-04-24 05:00"),  # from midnight on
        ("Asia/Kathmandu", date(2026, 4, 25), "2026-04-24 02:15"),
        ("Australia/Lord_Howe", date(2026, 4, 6), "2026-04-04 21:30"),  # half an hour back on the 5th
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30 18:00"),  # a day that was left out
    ],
)
def test_eight_in_the_morning_where_clocks_change(zone: str, day: date, expected: str) -> None:
    ahead = Ahead(day, zone, datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC))
    assert due(ahead, (1,), Reader(zone, EVERY_DAY)) == [("1", expected)]


def test_a_reader_far_west_is_reminded_half_a_day_before_at_least() -> None:
    """Eight in Los Angeles on the day before is half an hour before 00:30 in Tokyo: eight in Tokyo it is."""
    west = Reader("America/Los_Angeles", EVERY_DAY)
    tokyo = Ahead(date(2026, 4, 8), "Asia/Tokyo", at("2026-04-07T15:30Z"))
    assert due(tokyo, (1,), west) == [("1", "2026-04-06 23:00")]
    noon = Ahead(date(2026, 4, 8), "Asia/Tokyo", at("2026-04-08T03:00Z"))
    assert due(noon, (1,), west) == [("1", "2026-04-07 15:00")]
    just_under = Ahead(date(2026, 4, 8), "Asia/Tokyo", at("2026-04-08T02:59Z"))
    assert due(just_under, (1,), west) == [("1", "2026-04-06 23:00")]


def reasons(now: str, **how: Any) -> dict[str, str]:
    """What becomes of the leads of MONDAY, seen at `now`."""
    leads = rules.leads_of(MONDAY, (7, 3, 1), JERUSALEM)
    return {p.lead.code: p.reason for p in rules.schedule(leads, at(now), **how)}


def test_nothing_is_served_before_anything_is_due() -> None:
    assert reasons("2024-04-01T04:59:59Z") == {"7": "", "3": "", "1": ""}
    assert reasons("2024-04-01T05:00Z") == {"7": "", "3": "", "1": ""}


def test_of_several_that_are_overdue_only_the_shortest_goes() -> None:
    assert reasons("2024-04-04T04:59:59Z")["7"] == ""
    assert reasons("2024-04-04T05:00Z") == {"7": "served by the 3-day reminder", "3": "", "1": ""}
    assert reasons("2024-04-08T08:59Z") == {
        "7": "served by the 1-day reminder",
        "3": "served by the 1-day reminder",
        "1": "",
    }


def test_a_notice_serves_what_is_due_and_leaves_what_is_not() -> None:
    assert reasons("2024-04-04T05:00Z", notice=True) == {
        "7": rules.SERVED_BY_NOTICE,
        "3": rules.SERVED_BY_NOTICE,
        "1": "",
    }


def test_what_was_told_with_the_same_content_is_not_repeated() -> None:
    assert reasons("2024-04-03T05:00Z", told_days=7) == {"7": rules.TOLD_ALREADY, "3": "", "1": ""}
    assert reasons("2024-04-07T05:00Z", told_days=7) == {
        "7": rules.TOLD_ALREADY,
        "3": "served by the 1-day reminder",
        "1": "",
    }


def test_leads_stand_in_the_plan_seven_days_ahead() -> None:
    day = date(2024, 4, 15)
    assert not rules.nominally_due_by(day, 7, date(2024, 3, 31))
    assert rules.nominally_due_by(day, 7, date(2024, 4, 1))
    assert not rules.nominally_due_by(day, 1, date(2024, 4, 6))


@pytest.mark.parametrize(
    ("clock", "quiet"), [("20:59", False), ("21:00", True), ("23:59", True), ("06:59", True), ("07:00", False)]
)
def test_staff_are_left_alone_from_nine_to_seven(clock: str, quiet: bool) -> None:
    assert rules.is_quiet(at(f"2024-04-04T{clock}+03:00"), "Asia/Jerusalem") is quiet


def test_quiet_hours_are_the_readers_own() -> None:
    instant = at("2024-04-04T20:30Z")  # 23:30 in Jerusalem, 21:30 in London, 16:30 in New York
    assert [rules.is_quiet(instant, z) for z in ("Asia/Jerusalem", "Europe/London", "America/New_York")] == [
        True,
        True,
        False,
    ]


def test_a_reminder_passes_quiet_hours_within_a_day() -> None:
    night = at("2024-04-07T22:00+03:00")
    assert not rules.reminder_waits(night, "Asia/Jerusalem", night + timedelta(hours=24))
    assert rules.reminder_waits(night, "Asia/Jerusalem", night + timedelta(hours=24, seconds=1))
    assert not rules.reminder_waits(night, "Asia/Jerusalem", night + timedelta(hours=12))
    assert rules.reminder_waits(night, "Asia/Jerusalem", None)
    assert not rules.reminder_waits(at("2024-04-07T12:00+03:00"), "Asia/Jerusalem", night)


def test_a_change_passes_quiet_hours_when_the_old_or_the_new_date_is_near() -> None:
    night = at("2024-04-07T22:00+03:00")
    near, far = night + timedelta(hours=72), night + timedelta(hours=72, seconds=1)
    assert not rules.change_waits(night, "Asia/Jerusalem", [near, None])
    assert not rules.change_waits(night, "Asia/Jerusalem", [far, near])
    assert rules.change_waits(night, "Asia/Jerusalem", [far, None])


def tells(**changed: Any) -> dict[str, Any]:
    """What a reminder of MONDAY told."""
    return {
        "date": "2024-04-08",
        "time": None,
        "fold": None,
        "zone": "Asia/Jerusalem",
        "earliest": "2024-04-08",
        "latest": "2024-04-08",
        "precision": "day",
        "court": "Magistrates",
        "place": "Haifa",
        "state": "scheduled",
        "certainty": "confirmed",
        **changed,
    }


@pytest.mark.parametrize(
    ("now_true", "last_change", "called"),
    [
        ({}, "moved", None),
        ({"certainty": "provisional"}, "", None),
        ({"certainty": "provisional", "date": "2024-04-22"}, "moved", "moved"),
        ({"date": "2024-04-22"}, "moved", "moved"),
        ({"date": "2024-04-22"}, "corrected", "corrected"),
        ({"time": "09:30"}, "moved", "moved"),
        ({"place": "Nazareth"}, "corrected", "corrected"),
        ({"state": "cancelled"}, "cancelled", "cancelled"),
        ({"state": "postponed"}, "postponed", "postponed"),
        ({"state": "adjourned"}, "adjourned", "adjourned"),
        ({"state": "took_place"}, "took_place", "took_place"),
        ({"state": "not_known"}, "not_known", None),
    ],
)
def test_a_change_has_its_name(now_true: dict[str, Any], last_change: str, called: str | None) -> None:
    assert rules.what_changed(tells(), tells(**now_true), last_change) == called


def test_what_was_called_off_can_be_on_again() -> None:
    assert rules.what_changed(tells(state="cancelled"), tells(), "moved") == "reinstated"
    assert rules.what_changed(tells(state="took_place"), tells(), "reinstated") == "reinstated"


@pytest.mark.parametrize(
    ("told", "true", "called"),
    [
        ({"certainty": "provisional"}, {}, "confirmed"),
        ({}, {"certainty": "provisional"}, None),
        ({"certainty": "provisional"}, {"certainty": "provisional"}, None),
        ({"certainty": "provisional"}, {"date": "2024-04-22"}, "corrected"),
        ({"certainty": "provisional"}, {"state": "cancelled"}, "cancelled"),
        ({"certainty": "provisional", "state": "cancelled"}, {"state": "cancelled"}, None),
        ({"state": "took_place"}, {"state": "took_place", "date": "2024-04-09"}, None),
        ({"state": "took_place"}, {"state": "adjourned"}, "adjourned"),
        ({"state": "adjourned"}, {"state": "took_place"}, "took_place"),
        ({"state": "took_place"}, {"state": "not_known"}, None),
    ],
)
def test_that_a_date_is_sure_and_what_became_of_it_is_news_once(
    told: dict[str, Any], true: dict[str, Any], called: str | None
) -> None:
    assert rules.what_changed(tells(**told), tells(**true), "corrected") == called


@pytest.mark.parametrize(
    ("when", "begins_at"),
    [
        ({"time": "09:30"}, "2024-04-08T09:30+03:00"),
        ({}, "2024-04-08T12:00+03:00"),
        ({"date": None}, "2024-04-08T12:00+03:00"),
    ],
)
def test_that_a_date_is_sure_is_news_until_it_begins(when: dict[str, Any], begins_at: str) -> None:
    told, true = tells(certainty="provisional", **when), tells(**when)
    assert rules.begins_at_of(true) == at(begins_at)
    assert rules.is_news(told, true, at(begins_at) - timedelta(seconds=1))
    assert not rules.is_news(told, true, at(begins_at))
    nothing = {"date": None, "earliest": None, "latest": None}
    assert not rules.is_news(tells(certainty="provisional", **nothing), tells(**nothing), at(begins_at))


def test_old_history_is_no_news() -> None:
    start = at("2024-04-08T00:00+03:00")
    off = tells(state="cancelled")
    assert rules.is_news(tells(), off, start + timedelta(days=7) - timedelta(seconds=1))
    assert not rules.is_news(tells(), off, start + timedelta(days=7))
    assert rules.is_news(tells(), tells(date="2024-05-08"), start + timedelta(days=20))


def test_what_remains_is_counted_on_the_courts_calendar() -> None:
    day, start = date(2024, 4, 8), at("2024-04-08T00:30+03:00")
    said = rules.remaining(day, start, True, "Asia/Jerusalem", at("2024-04-07T21:10Z"))  # ten past midnight there
    assert (said.days, said.hours) == (0, 0)
    assert rules.remaining(day, start, True, "Asia/Jerusalem", at("2024-04-07T20:59Z")).days == 1
    two_days = start - timedelta(hours=48)
    assert rules.remaining(day, start, True, "Asia/Jerusalem", two_days).hours == 48
    assert rules.remaining(day, start, True, "Asia/Jerusalem", two_days - timedelta(seconds=1)).hours is None
    assert rules.remaining(day, start, False, "Asia/Jerusalem", two_days).hours is None


def test_days_before_are_from_one_to_thirty() -> None:
    assert rules.check_days_before([1, 30, 1, 14]) == (30, 14, 1)
    for wrong in (0, rules.LONGEST_LEAD + 1, -3):
        with pytest.raises(Refused):
            rules.check_days_before([wrong])


def test_a_lead_is_known_by_its_code() -> None:
    lead = Lead("1w", 1, at("2024-04-04T05:00Z"), at("2024-04-07T05:00Z"))
    assert rules.served_by(lead) == "served by the 1-day reminder"


@pytest.mark.parametrize(
    ("audience", "has_consent", "to_staff"),
    [
        (Audience.NAMED, False, "desk"),
        (Audience.NAMED, True, "desk"),
        (Audience.DESK, False, "desk"),
        (Audience.DESK, True, "desk"),
        (Audience.VOLUNTEERS, False, "desk"),
        (Audience.VOLUNTEERS, True, "desk"),
        (Audience.PUBLIC, False, "desk"),
        (Audience.PUBLIC, True, "named"),
    ],
)
def test_a_name_stands_in_a_mail_only_with_consent_and_for_staff(
    audience: Audience, has_consent: bool, to_staff: str
) -> None:
    assert rules.wording_of(audience, has_consent, reader_is_staff=True) == to_staff
    assert rules.wording_of(audience, has_consent, reader_is_staff=False) == "initials"
