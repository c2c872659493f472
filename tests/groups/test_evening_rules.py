"""How an action stands for an evening."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.groups.rules import AHEAD, stands_at, to_drop, why_not_then

BEGINS = datetime(2024, 3, 21, 19, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("state", "over", "now", "known", "stands"),
    [
        ("active", BEGINS + SECOND, BEGINS - timedelta(hours=2), True, "active"),
        ("active", BEGINS, BEGINS - timedelta(hours=2), True, "expired"),
        ("active", BEGINS + timedelta(hours=1), BEGINS + timedelta(hours=1), True, "expired"),
        ("on_hold", BEGINS + SECOND, BEGINS - timedelta(hours=2), True, "on_hold"),
        ("stopped", BEGINS + SECOND, BEGINS - timedelta(hours=2), True, "stopped"),
        ("active", BEGINS + SECOND, BEGINS - timedelta(hours=2), False, "gone"),
        ("stopped", BEGINS + SECOND, BEGINS - timedelta(hours=2), False, "gone"),
    ],
)
def test_at_the_beginning_or_now_whichever_is_later(
    state: str, over: datetime, now: datetime, known: bool, stands: str
) -> None:
    assert stands_at(state, over, BEGINS, now, open_to_all=known) == stands


def test_numbers_count_from_one() -> None:
    assert to_drop([]) == ()
    assert to_drop(["active", "stopped", "active", "gone"]) == (2, 4)


def test_from_a_second_from_now_to_some_four_hundred_days() -> None:
    assert [why_not_then(BEGINS + after, BEGINS) for after in (timedelta(0), SECOND, AHEAD, AHEAD + SECOND)] == [
        "past",
        "",
        "",
        "far",
    ]


def test_the_step_of_the_clock_is_known_by_its_name() -> None:
    from tracker.clockwork.kinds import steps
    from tracker.groups.steps import check

    assert steps.get("groups.check").run is check
