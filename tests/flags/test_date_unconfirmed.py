"""`date-unconfirmed`: near, and nobody has made sure of late."""

from datetime import timedelta

from house_of_flags import House, at

MOMENT = timedelta(microseconds=1)

UNSURE = ("IOPT-0001", "date-unconfirmed")


def test_from_five_days_before_until_it_begins(house: House) -> None:
    for zone, begins, starts in (
        ("Pacific/Kiritimati", "2024-04-02T10:00Z", "2024-04-07T19:30Z"),
        ("Asia/Jerusalem", "2024-04-02T21:00Z", "2024-04-08T06:30Z"),
        ("America/Los_Angeles", "2024-04-03T07:00Z", "2024-04-08T16:30Z"),
    ):
        case = house.case()
        house.hearing(case, "2024-04-08", "09:30", zone, confirmed_at=None)
        moments = [
            (at(begins) - MOMENT, None),
            (at(begins), 2),
            (at(starts) - MOMENT, 2),
            (at(starts), None),
        ]
        assert [(now, house.open_of(case, now).get("date-unconfirmed")) for now, _severity in moments] == moments, zone


def test_without_a_time_until_the_day_is_over(house: House) -> None:
    house.hearing(house.case(), "2024-04-08", confirmed_at=None)
    assert UNSURE in house.open("2024-04-08T20:59:59Z")
    assert UNSURE not in house.open("2024-04-08T21:00Z")


def test_confirmed_five_days_ago_to_the_second_still_counts(house: House) -> None:
    now = at("2024-04-06T07:00Z")
    item = house.hearing(house.case(), "2024-04-08", "09:30", confirmed_at=now - timedelta(days=5))
    assert UNSURE not in house.open(now)
    assert house.open(now + MOMENT)[UNSURE] == 2
    house.change(item, confirmed_at=now + MOMENT)
    assert UNSURE not in house.open(now + 2 * MOMENT)


def test_a_provisional_date_is_not_sure_whoever_confirmed_it(house: House) -> None:
    house.hearing(house.case(), "2024-04-08", "09:30", certainty="provisional", confirmed_at=at("2024-04-06T06:00Z"))
    assert UNSURE in house.open("2024-04-06T07:00Z")


def test_a_window_that_is_running_is_asked_about(house: House) -> None:
    house.hearing(house.case(), "2024-04-07", last_day="2024-04-13", confirmed_at=None)
    assert UNSURE not in house.open("2024-04-01T20:59:59Z")
    assert UNSURE in house.open("2024-04-01T21:00Z")
    assert UNSURE in house.open("2024-04-12T12:00Z")
    assert UNSURE not in house.open("2024-04-13T21:00Z")


def test_only_hearings_that_lie_ahead_in_cases_that_are_watched(house: House) -> None:
    house.hearing(house.case(), "2024-04-08", "09:30", confirmed_at=None, state="cancelled")
    house.hearing(house.case(), "2024-04-08", "09:30", confirmed_at=None, kind="order_ends")
    house.hearing(house.case(stage="closed"), "2024-04-08", "09:30", confirmed_at=None)
    assert house.open("2024-04-06T07:00Z") == {}
