"""The story can be told at any hour of any day: nothing in it lies ahead, and no clock time of it is missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracker.demo.loading import tell
from tracker.demo.telling import Story

NO_SESSION: Any = None

INSTANTS = [
    *(datetime(2026, 3, 20, tzinfo=UTC) + timedelta(hours=7 * n) for n in range(30)),
    # Clocks go forward and back in Jerusalem; a leap day; the last and first hours of a year.
    datetime(2026, 3, 27, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 21, 59, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
    datetime(2027, 1, 1, 0, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("now", INSTANTS, ids=str)
def test_it_can_be_told_at_any_moment(now: datetime) -> None:
    tell(Story(NO_SESSION, now))


def test_what_has_not_happened_is_not_told() -> None:
    story = Story(NO_SESSION, INSTANTS[0])
    with pytest.raises(ValueError, match="has not happened yet"):
        story.checked("layla", INSTANTS[0] + timedelta(seconds=1), "noor")
