"""`stale-case` and `no-owner`: what a case says of itself."""

from datetime import timedelta

from house_of_flags import House, at

from tracker.base.audience import Audience

MOMENT = timedelta(microseconds=1)

STALE = ("IOPT-0001", "stale-case")


def test_stale_from_the_instant_that_was_written(house: House) -> None:
    due = at("2024-04-08T12:34:56.000789Z")
    house.case(stale_at=due)
    assert house.open(due - MOMENT) == {}
    assert house.open(due) == {STALE: 1}
    assert house.open(due + MOMENT) == {STALE: 1}
    flag = house.flag()
    assert (flag.subject, flag.episode, flag.due_at) == ("", "2024-04-08", due)


def test_silent_where_no_instant_is_written(house: House) -> None:
    house.case(stale_at=None)
    assert house.open("2999-01-01T00:00Z") == {}


def test_the_risk_says_how_bad_it_is_to_be_stale(house: House) -> None:
    for risk, severity in (("critical", 3), ("high", 2), ("medium", 1), ("low", 1)):
        case = house.case(risk=risk, stale_at=at("2024-04-08T12:00Z"))
        assert house.open_of(case, "2024-04-09T12:00Z") == {"stale-case": severity}, risk


def test_only_cases_that_are_watched(house: House) -> None:
    for stage, count in (("draft", 0), ("open", 2), ("monitoring", 2), ("closed", 0)):
        case = house.case(stage=stage, stale_at=at("2024-04-08T12:00Z"), owner_id=None)
        assert len(house.open_of(case, "2024-04-09T12:00Z")) == count, stage


def test_checked_again_it_is_not_stale_and_later_it_is_another_time(house: House) -> None:
    case = house.case(stale_at=at("2024-04-08T12:00Z"))
    house.open("2024-04-09T12:00Z")
    house.change(case, stale_at=at("2024-04-30T12:00Z"))
    assert house.open("2024-04-09T13:00Z") == {}
    assert house.open("2024-04-30T12:00Z") == {STALE: 1}
    assert [flag.episode for _case, flag in house.flags()] == ["2024-04-08", "2024-04-30"]


def test_nobody_keeps_it(house: House) -> None:
    for risk, severity in (("critical", 2), ("high", 1), ("medium", 1), ("low", 1)):
        case = house.case(risk=risk, owner_id=None)
        assert house.open_of(case, "2024-04-09T12:00Z") == {"no-owner": severity}, risk
        house.change(case, owner_id=house.owner.id)
        assert house.open_of(case, "2024-04-09T12:01Z") == {}
    assert {flag.due_at for _case, flag in house.flags()} == {None}


def test_volunteers_are_not_told_what_the_desk_has_to_do(house: House) -> None:
    wanted = {}
    for of_case, of_flag in (
        (Audience.NAMED, Audience.NAMED),
        (Audience.DESK, Audience.DESK),
        (Audience.VOLUNTEERS, Audience.DESK),
    ):
        wanted[house.case(audience=of_case, owner_id=None).ref] = of_flag
    house.sweep("2024-04-09T12:00Z")
    assert {case.ref: flag.audience for case, flag in house.flags()} == wanted
