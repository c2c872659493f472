"""`hearing-without-outcome`: from the day after, where the court is."""

from datetime import timedelta

from house_of_flags import House, at

MOMENT = timedelta(microseconds=1)

WITHOUT = ("IOPT-0001", "hearing-without-outcome")


def test_from_the_first_moment_of_the_day_after(house: House) -> None:
    for zone, day_after in (
        ("Pacific/Kiritimati", "2024-04-08T10:00Z"),
        ("Asia/Jerusalem", "2024-04-08T21:00Z"),
        ("America/Los_Angeles", "2024-04-09T07:00Z"),
    ):
        for clock in (None, "09:30", "23:30"):
            case = house.case()
            house.hearing(case, "2024-04-08", clock, zone)
            assert "hearing-without-outcome" not in house.open_of(case, at(day_after) - MOMENT), (zone, clock)
            assert house.open_of(case, at(day_after)) == {"hearing-without-outcome": 2}, (zone, clock)
            assert house.open_of(case, at(day_after) + timedelta(days=900)) == {"hearing-without-outcome": 2}


def test_in_the_night_the_clocks_change_the_day_has_23_hours(house: House) -> None:
    house.hearing(house.case(), "2024-03-29", "09:30")
    assert WITHOUT not in house.open("2024-03-29T20:59:59.999999Z")
    assert WITHOUT in house.open("2024-03-29T21:00Z")


def test_a_window_is_over_after_its_last_day(house: House) -> None:
    house.hearing(house.case(), "2024-04-07", last_day="2024-04-13")
    assert WITHOUT not in house.open("2024-04-13T20:59:59Z")
    assert house.open("2024-04-13T21:00Z") == {WITHOUT: 2}


def test_the_risk_of_the_case_says_how_bad_it_is(house: House) -> None:
    for risk, severity in (("critical", 3), ("high", 3), ("medium", 2), ("low", 2)):
        case = house.case(risk=risk)
        house.hearing(case, "2024-04-08")
        assert house.open_of(case, "2024-04-09T12:00Z") == {"hearing-without-outcome": severity}, risk


def test_it_takes_the_place_of_hearing_soon(house: House) -> None:
    item = house.hearing(house.case(), "2024-04-08", "09:30")
    assert house.open("2024-04-08T12:00Z") == {("IOPT-0001", "hearing-soon"): 3}
    assert house.open("2024-04-09T12:00Z") == {WITHOUT: 2}
    house.change(item, state="took_place")
    assert house.open("2024-04-09T12:01Z") == {}
