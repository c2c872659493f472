"""UA numbers as they are printed, and what is none."""

from datetime import date

import pytest

from tracker.actions.rules import NoUaNumber, UaNumber, default_act_until, parse_ua_number

TODAY = date(2024, 4, 1)


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("52/24", UaNumber(52, 2024)),
        ("UA 161.19", UaNumber(161, 2019)),
        ("044/22", UaNumber(44, 2022)),
        ("FI 005/18-3", UaNumber(5, 2018, 3)),
        ("UA-112/2023", UaNumber(112, 2023)),
        ("UA 219 /06", UaNumber(219, 2006)),
        ("17th update on UA: 249/14", UaNumber(249, 2014, 17)),
        ("Second update on UA: 41/19", UaNumber(41, 2019, 2)),
        ("2nd update on UA: 13/21", UaNumber(13, 2021, 2)),
        ("THIRD UA 60/16", UaNumber(60, 2016, 2)),
        ("First UA: 52/24 Index: MDE 15/8123/2024", UaNumber(52, 2024)),
        ("Further information on UA: 9/16", UaNumber(9, 2016, 1)),
        ("FI 104/19", UaNumber(104, 2019, 1)),
        ("Urgent Action 3/24", UaNumber(3, 2024)),
        ("EX 84/98", UaNumber(84, 1998)),
        ("  UA:   1 / 73 ", UaNumber(1, 1973)),
    ],
)
def test_every_printed_spelling_is_one_number(printed: str, number: UaNumber) -> None:
    assert parse_ua_number(printed, TODAY) == number


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Case 480/2018", "court"),
        ("court file 12/24", "court"),
        ("480/2018", "bare"),
        ("UA 12/1972", "year"),
        ("UA 12/2026", "year"),
        ("UA 0/24", "year"),
        ("UA 5224", "form"),
        ("umpteenth update on UA: 1/24", "form"),
        ("", "form"),
        ("MDE 15/8123/2024", "form"),
    ],
)
def test_what_is_no_ua_number_says_why(said: str, why: str) -> None:
    with pytest.raises(NoUaNumber) as none:
        parse_ua_number(said, TODAY)
    assert none.value.why == why


def test_two_digits_of_a_year_are_of_the_time_there_were_urgent_actions() -> None:
    assert parse_ua_number("UA 1/73", TODAY).year == 1973
    assert parse_ua_number("UA 1/72", date(2071, 12, 31)).year == 2072
    assert str(UaNumber(52, 2024)) == "UA 52/24"
    assert str(UaNumber(7, 2005)) == "UA 7/05"


def test_an_action_runs_six_weeks() -> None:
    assert default_act_until(date(2017, 7, 5)) == date(2017, 8, 16)
