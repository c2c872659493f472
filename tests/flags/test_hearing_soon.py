"""`hearing-soon`: seven calendar days, counted where the court is, whoever reads and wherever the machine stands."""

from datetime import timedelta

from house_of_flags import House, at

from tracker.base.audience import Audience

#: The smallest step of a clock here.
MOMENT = timedelta(microseconds=1)

SOON = ("IOPT-0001", "hearing-soon")

#: Zones west and east of everything, and one whose clocks go forward between; a hearing's day there, and the first
#: moments of the day seven days before, two days before, and of the day after, as the almanac has them.
PLACES = [
    ("Pacific/Kiritimati", "2024-04-08", "2024-03-31T10:00Z", "2024-04-05T10:00Z", "2024-04-08T10:00Z"),
    ("America/Los_Angeles", "2024-04-08", "2024-04-01T07:00Z", "2024-04-06T07:00Z", "2024-04-09T07:00Z"),
    # Clocks go forward on Friday 29 March: seven days before is not 168 hours before.
    ("Asia/Jerusalem", "2024-04-01", "2024-03-24T22:00Z", "2024-03-29T21:00Z", "2024-04-01T21:00Z"),
    # … and back on Sunday 27 October.
    ("Asia/Jerusalem", "2024-10-30", "2024-10-22T21:00Z", "2024-10-27T22:00Z", "2024-10-30T22:00Z"),
    # There is no midnight on Friday 26 April: that day begins at 01:00.
    ("Africa/Cairo", "2024-05-03", "2024-04-25T22:00Z", "2024-04-30T21:00Z", "2024-05-03T21:00Z"),
]


def test_days_are_those_of_the_court(house: House) -> None:
    for zone, day, begins, urgent, over in PLACES:
        for clock in (None, "00:05" if zone != "Africa/Cairo" else "01:05", "23:55"):
            case = house.case()
            house.hearing(case, day, clock, zone)
            moments = [
                (at(begins) - MOMENT, None),
                (at(begins), 2),
                (at(begins) + MOMENT, 2),
                (at(urgent) - MOMENT, 2),
                (at(urgent), 3),
                (at(over) - MOMENT, 3),
                (at(over), None),
            ]
            found = [(now, house.open_of(case, now).get("hearing-soon")) for now, _severity in moments]
            assert found == moments, (zone, day, clock)


def test_it_says_what_it_is_about(house: House) -> None:
    item = house.hearing(house.case(), "2024-04-08", "09:30", rev=4)
    house.sweep("2024-04-01T07:00Z")
    flag = house.flag()
    assert (flag.subject, flag.episode) == (f"hearing:{item.subject_id}", "rev:4")
    assert flag.due_at == at("2024-04-08T06:30Z")
    assert flag.raised_at == at("2024-04-01T07:00Z")
    assert flag.data == {}


def test_a_window_is_soon_from_before_its_first_day_to_the_end_of_its_last(house: House) -> None:
    house.hearing(house.case(), "2024-04-07", last_day="2024-04-13")
    assert SOON not in house.open("2024-03-30T20:59:59Z")
    assert house.open("2024-03-30T21:00Z") == {SOON: 2}
    assert house.open("2024-04-05T12:00Z")[SOON] == 3
    assert house.open("2024-04-13T20:59:59Z")[SOON] == 3
    assert SOON not in house.open("2024-04-13T21:00Z")


def test_a_hearing_without_any_date_is_never_soon(house: House) -> None:
    nothing = dict.fromkeys(["local_date", "earliest_on", "latest_on", "starts_at", "outcome_due_at"])
    house.hearing(house.case(), "2024-04-08", **nothing)
    assert house.open("2024-04-05T07:00Z") == {}


def test_only_a_scheduled_hearing_lies_ahead(house: House) -> None:
    for state in ("took_place", "adjourned", "postponed", "cancelled", "not_known"):
        house.hearing(house.case(), "2024-04-08", state=state)
    assert house.open("2024-04-05T07:00Z") == {}


def test_only_in_a_case_that_is_watched(house: House) -> None:
    cases = {stage: house.case(stage=stage) for stage in ("draft", "open", "monitoring", "closed")}
    for case in cases.values():
        house.hearing(case, "2024-04-08")
    assert {ref for ref, _rule in house.open("2024-04-05T07:00Z")} == {cases["open"].ref, cases["monitoring"].ref}


def test_other_dates_ahead_are_no_hearings(house: House) -> None:
    house.hearing(house.case(), "2024-04-08", kind="order_ends")
    assert house.open("2024-04-05T07:00Z") == {}


def test_a_flag_is_for_the_desk_or_for_fewer(house: House) -> None:
    wanted = {}
    for of_case, of_hearing, of_flag in (
        (Audience.DESK, Audience.DESK, Audience.DESK),
        (Audience.DESK, Audience.NAMED, Audience.NAMED),
        (Audience.NAMED, Audience.DESK, Audience.NAMED),
        (Audience.VOLUNTEERS, Audience.VOLUNTEERS, Audience.DESK),
    ):
        case = house.case(audience=of_case)
        house.hearing(case, "2024-04-08", audience=of_hearing)
        wanted[case.ref] = of_flag
    house.sweep("2024-04-05T07:00Z")
    assert {case.ref: flag.audience for case, flag in house.flags()} == wanted


def test_one_hearing_of_two_cases_is_soon_in_both(house: House) -> None:
    first, second = house.case(), house.case()
    house.hearing(first, "2024-04-08", subject_id=7)
    house.hearing(second, "2024-04-08", subject_id=7)
    assert set(house.open("2024-04-05T07:00Z")) == {(first.ref, "hearing-soon"), (second.ref, "hearing-soon")}
