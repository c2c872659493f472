"""When somebody is asked, by values."""

from datetime import UTC, date, datetime, time

import pytest

from tracker.asking.rules import (
    LAST_WAITS,
    OVERLAP,
    Clocks,
    Sitting,
    Step,
    ask_now,
    follows,
    gives_up_at,
    line_of,
    rung_of,
    steps_of,
)
from tracker.base.dates import instant_of, name_of_week, week_began

ZONE = "Asia/Jerusalem"
SUN_TO_THU = (7, 1, 2, 3, 4)


def asked(
    day: str,
    at: str | None = "09:30",
    risk: str = "high",
    zone: str = ZONE,
    worked: tuple[int, ...] = SUN_TO_THU,
    owner: str = ZONE,
    deputy: str = ZONE,
) -> dict[str, str]:
    """When each question falls due (UTC, without year and seconds) about a hearing on a day."""
    on = date.fromisoformat(day)
    began = instant_of(on, time.fromisoformat(at), zone) if at else None
    found = steps_of(Sitting(on, zone, began), Clocks(owner, deputy, ZONE, worked), risk)
    assert list(found) == sorted(found, key=lambda step: step.due_at)
    assert [step.rung for step in found] == [0, 0, 1, 2]
    return {step.code: f"{step.due_at:%m-%dT%H:%M}" for step in found}


@pytest.mark.parametrize(
    ("at", "first"),
    [
        (None, "04-08T14:00"),
        ("00:00", "04-08T14:00"),
        ("14:59", "04-08T14:00"),
        ("15:00", "04-08T14:00"),
        ("15:01", "04-08T14:01"),
        ("16:30", "04-08T15:30"),
        ("23:30", "04-08T22:30"),
    ],
)
def test_first_at_five_at_the_court_or_two_hours_after_the_start(at: str | None, first: str) -> None:
    assert asked("2024-04-08", at)["first"] == first


@pytest.mark.parametrize(
    ("now", "asks"), [("13:59:59", None), ("14:00:00", "first"), ("14:00:01", "first"), ("16:59:00", "first")]
)
def test_five_at_the_court_is_the_first_instant(now: str, asks: str | None) -> None:
    clocks = Clocks(ZONE, ZONE, ZONE, SUN_TO_THU)
    found = steps_of(Sitting(date(2024, 4, 8), ZONE, None), clocks, "high")
    ask = ask_now(found, datetime.fromisoformat(f"2024-04-08T{now}Z"), ())
    assert (ask.step.code if ask else None) == asks


@pytest.mark.parametrize(
    ("day", "risk", "expected"),
    [
        # Monday: one working day after the other; who stands in on the second day, or the third.
        ("2024-04-08", "critical", ("04-09T06:00", "04-10T06:00", "04-11T06:00")),
        ("2024-04-08", "high", ("04-09T06:00", "04-10T06:00", "04-11T06:00")),
        ("2024-04-08", "medium", ("04-09T06:00", "04-11T06:00", "04-14T06:00")),
        ("2024-04-08", "low", ("04-09T06:00", "04-11T06:00", "04-14T06:00")),
        # Thursday, the last of the desk's week: nobody is asked on its free days.
        ("2024-04-11", "high", ("04-14T06:00", "04-15T06:00", "04-16T06:00")),
        ("2024-04-11", "medium", ("04-14T06:00", "04-15T06:00", "04-16T06:00")),
        # Friday, which courts may work and the desk does not.
        ("2024-04-12", "high", ("04-14T06:00", "04-15T06:00", "04-16T06:00")),
        ("2024-04-12", "low", ("04-14T06:00", "04-15T06:00", "04-16T06:00")),
    ],
)
def test_then_on_working_mornings_each_after_the_one_before(
    day: str, risk: str, expected: tuple[str, str, str]
) -> None:
    found = asked(day, risk=risk)
    assert (found["again"], found["deputy"], found["coordinator"]) == expected


def test_mornings_are_those_of_whoever_is_asked() -> None:
    found = asked("2024-04-08", owner="Europe/London", deputy="America/New_York")
    assert (found["again"], found["deputy"], found["coordinator"]) == ("04-09T08:00", "04-10T13:00", "04-11T06:00")


def test_an_evening_far_west_asks_again_only_afterwards() -> None:
    # Five in Honolulu is three in the morning in UTC: nine in Auckland on that Tuesday has passed before.
    found = asked("2024-04-08", None, zone="Pacific/Honolulu", owner="Pacific/Auckland", worked=(1, 2, 3, 4, 5))
    assert (found["first"], found["again"]) == ("04-09T03:00", "04-09T21:00")


@pytest.mark.parametrize(
    ("day", "first", "again"),
    [
        # Clocks go forward on Friday 29 March 2024, and back on Sunday 27 October.
        ("2024-03-28", "03-28T15:00", "03-31T06:00"),
        ("2024-03-29", "03-29T14:00", "03-31T06:00"),
        ("2024-10-24", "10-24T14:00", "10-27T07:00"),
        ("2024-10-27", "10-27T15:00", "10-28T07:00"),
    ],
)
def test_hours_are_those_on_the_wall_when_clocks_change(day: str, first: str, again: str) -> None:
    found = asked(day)
    assert (found["first"], found["again"]) == (first, again)


def test_a_desk_that_says_no_working_days_works_every_day() -> None:
    assert asked("2024-04-12", worked=())["again"] == "04-13T06:00"


# One of those due ----------------------------------------------------------------------------------------------------

T = [datetime(2024, 4, day, 6, tzinfo=UTC) for day in (8, 9, 10, 11)]
STEPS = (Step("first", 0, T[0]), Step("again", 0, T[1]), Step("deputy", 1, T[2]), Step("coordinator", 2, T[3]))


@pytest.mark.parametrize(
    ("now", "covered", "code"),
    [
        (T[0], (), "first"),
        (T[0], ("first",), None),
        (T[1], ("first",), "again"),
        (T[2], ("first", "again"), "deputy"),
        (T[3], ("first", "again", "deputy"), "coordinator"),
        (T[3], ("first", "again", "deputy", "coordinator"), None),
        (T[2], (), "deputy"),
        (T[3] + LAST_WAITS, (), None),
    ],
)
def test_of_those_due_the_last_is_asked(now: datetime, covered: tuple[str, ...], code: str | None) -> None:
    ask = ask_now(STEPS, now, covered)
    assert (ask.step.code if ask else None) == code


@pytest.mark.parametrize(
    ("step", "line", "asked", "rung"),
    [
        ("first", "odc", "", 0),
        ("again", "odc", "o", 0),
        ("deputy", "odc", "o", 1),
        ("coordinator", "odc", "od", 2),
        # After a stop of the clock: those who know best first, then one rung further at a time.
        ("again", "odc", "", 0),
        ("deputy", "odc", "", 0),
        ("coordinator", "odc", "", 0),
        ("coordinator", "odc", "o", 1),
        # The owner went away after having been asked: nobody who is left has been.
        ("deputy", "dc", "o", 0),
        ("coordinator", "dc", "od", 1),
        ("deputy", "d", "o", 0),
        # The deputy was asked in the place of an owner who is back.
        ("deputy", "odc", "od", 1),
        # Somebody else keeps the case now.
        ("deputy", "ndc", "on", 1),
        # All of them were asked: nobody is left.
        ("coordinator", "dc", "odc", 2),
        ("deputy", "o", "o", 1),
    ],
)
def test_a_step_goes_to_the_first_in_line_who_was_not_asked(step: str, line: str, asked: str, rung: int) -> None:
    assert rung_of(next(s for s in STEPS if s.code == step), [[who] for who in line], set(asked)) == rung


def test_coordinators_of_whom_one_was_not_asked_are_asked() -> None:
    assert rung_of(STEPS[3], [["d"], ["b", "c"]], {"d", "b"}) == 1
    assert rung_of(STEPS[3], [["d"], ["b", "c"]], {"d", "b", "c"}) == 2


def test_those_it_stands_for_are_named() -> None:
    ask = ask_now(STEPS, T[2], ())
    assert ask is not None
    assert [step.code for step in ask.missed] == ["first", "again"]


@pytest.mark.parametrize(
    ("step", "line", "asked", "next_at"),
    [
        (0, "o", "", T[1] + OVERLAP),
        (1, "odc", "o", T[2] + OVERLAP),
        (1, "o", "o", T[3] + LAST_WAITS),
        (3, "odc", "od", T[3] + LAST_WAITS),
        (2, "dc", "o", T[3] + OVERLAP),
        (2, "od", "", T[3] + OVERLAP),
    ],
)
def test_a_question_is_overtaken_by_the_next_that_somebody_is_there_for(
    step: int, line: str, asked: str, next_at: datetime
) -> None:
    following = follows(STEPS, STEPS[step], [[who] for who in line], set(asked))
    assert gives_up_at(STEPS, STEPS[step], following) == next_at


def test_nobody_stands_in_line_twice_and_empty_rungs_are_left_out() -> None:
    assert line_of([1], [2], [3, 4]) == ((1,), (2,), (3, 4))
    assert line_of([], [2], [2, 3]) == ((2,), (3,))
    assert line_of([1], [1], [1]) == ((1,),)
    assert line_of([], [], []) == ()


# The desk's week -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "began", "week"),
    [
        ("2024-04-07T04:59:59Z", "2024-03-31T05:00", "2024-W14"),
        ("2024-04-07T05:00:00Z", "2024-04-07T05:00", "2024-W15"),
        ("2024-04-14T04:59:59Z", "2024-04-07T05:00", "2024-W15"),
    ],
)
def test_a_week_begins_on_its_first_working_morning(now: str, began: str, week: str) -> None:
    found = week_began(datetime.fromisoformat(now), ZONE, SUN_TO_THU)
    assert (f"{found:%Y-%m-%dT%H:%M}", name_of_week(found, ZONE)) == (began, week)


def test_weeks_that_begin_on_saturday_sunday_or_monday_are_the_same() -> None:
    now = datetime(2024, 4, 8, 12, tzinfo=UTC)
    assert {name_of_week(week_began(now, ZONE, days), ZONE) for days in ((6, 7), SUN_TO_THU, (1, 2), ())} == {
        "2024-W15"
    }
