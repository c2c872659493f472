"""No part under five is shown, and none can be worked out."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.steps.rules import PUBLIC_FROM, few, public_count, split


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ({}, {}),
        ({"a": 4}, {"a": None}),
        ({"a": 5}, {"a": 5}),
        ({"a": 5, "b": 6}, {"a": 5, "b": 6}),
        ({"a": 4, "b": 6, "c": 7}, {"a": None, "b": None, "c": 7}),
        ({"a": 1, "b": 4, "c": 9}, {"a": None, "b": None, "c": 9}),
        ({"a": 1, "b": 3, "c": 9, "d": 12}, {"a": None, "b": None, "c": None, "d": 12}),
    ],
)
def test_at_just_below_and_just_above_five(parts: dict[str, int], shown: dict[str, int | None]) -> None:
    assert split(parts) == shown


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=1))
def test_what_is_hidden_cannot_be_worked_out_from_the_total(parts: dict[str, int]) -> None:
    shown = split(parts)
    hidden = [name for name, number in shown.items() if number is None]
    assert all(number is None or number >= 5 for number in shown.values())
    if not hidden:
        return
    left = sum(parts[name] for name in hidden)
    # Somebody who knows the total knows what is left; more than one way of sharing it out must be possible.
    ways = [w for w in product(range(1, left + 1), repeat=min(len(hidden), 3)) if sum(w) == left]
    everything = len(hidden) == len(parts)
    assert everything or (left >= 5 and (len(hidden) > 3 or len(ways) > 1))


def test_everybody_reads_the_count_from_fifty_on() -> None:
    assert [public_count(n) for n in (0, PUBLIC_FROM - 1, PUBLIC_FROM, PUBLIC_FROM + 1)] == [None, None, 50, 51]


def test_fewer_than_five_people_are_not_counted_out() -> None:
    assert [few(n) for n in (0, 4, 5)] == [None, None, 5]
