"""Writing: what opens a mail program, how long it may be, what is counted and shown."""

from datetime import date

import pytest

from tracker.steps import rules

DAY = date(2024, 4, 1)


def test_a_letter_goes_into_a_mail_program_with_crlf_and_only_what_is_said() -> None:
    said = rules.mailto("minister@example.org", subject="", body="Dear Minister,\n\nWhere is he?\r\nYours")
    assert said == "mailto:minister@example.org?body=Dear%20Minister%2C%0D%0A%0D%0AWhere%20is%20he%3F%0D%0AYours"
    assert rules.mailto("a@example.org") == "mailto:a@example.org"
    assert rules.mailto("a@example.org", cc="b@example.org", subject="A & B?") == (
        "mailto:a@example.org?cc=b@example.org&subject=A%20%26%20B%3F"
    )


def test_no_address_can_add_another_reader_or_header() -> None:
    said = rules.mailto(
        "a@example.org?bcc=x@example.org", cc="b@example.org&bcc=y@example.org", body="&bcc=z@example.org"
    )
    assert said.count("?") == 1
    assert "bcc=" not in said


@pytest.mark.parametrize(
    ("length", "state"), [(1600, "fits"), (1601, "tight"), (2000, "tight"), (2001, "long"), (60_000, "long")]
)
def test_the_gauge_turns_where_mail_programs_begin_to_cut(length: int, state: str) -> None:
    assert rules.gauge("x" * length) == state


def test_five_thousand_arabic_letters_are_too_long_for_any_mail_program() -> None:
    assert rules.gauge(rules.mailto("a@example.org", body="سلام " * 1000)) == "long"


@pytest.mark.parametrize(
    ("count", "many", "why"),
    [
        *((0, False, "count"), (1, False, ""), (20, False, ""), (21, False, "count")),
        *((21, True, ""), (2000, True, ""), (2001, True, "count")),
    ],
)
def test_how_many_at_once(count: int, many: bool, why: str) -> None:
    assert rules.why_not_counted(count, DAY, first=DAY, last=DAY, many=many, today_said=0, said_of_it_today=0) == why


@pytest.mark.parametrize(("day", "why"), [(31, "early"), (1, ""), (2, ""), (3, "late")])
def test_between_the_day_of_issue_and_the_last(day: int, why: str) -> None:
    done_on = date(2024, 3, 31) if day == 31 else date(2024, 4, day)
    given = {"first": DAY, "last": date(2024, 4, 2), "many": False, "today_said": 0, "said_of_it_today": 0}
    assert rules.why_not_counted(1, done_on, **given) == why


@pytest.mark.parametrize(("of_it", "of_all", "why"), [(5, 39, ""), (6, 6, "often"), (0, 40, "often")])
def test_a_script_is_told_that_it_has_said_so(of_it: int, of_all: int, why: str) -> None:
    given = {"first": DAY, "last": DAY, "many": False}
    assert rules.why_not_counted(1, DAY, today_said=of_all, said_of_it_today=of_it, **given) == why


def test_the_public_reads_a_count_from_fifty() -> None:
    assert (rules.public_count(49), rules.public_count(50)) == (None, 50)


def test_no_part_under_five_is_shown_nor_can_be_worked_out() -> None:
    assert rules.split({"email": 5, "letter": 12}) == {"email": 5, "letter": 12}
    assert rules.split({"email": 4, "letter": 12, "call": 7}) == {"email": None, "letter": 12, "call": None}
    assert rules.split({"email": 4, "letter": 3}) == {"email": None, "letter": None}
    assert rules.split({"email": 4}) == {"email": None}
