"""What is decided about contacts: how long a reason stands, which numbers are the same, what is worth sealing."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.base.errors import Refused
from tracker.contacts import rules

NOW = datetime(2024, 3, 18, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "stands"),
    [
        (timedelta(0), True),
        (timedelta(minutes=15) - timedelta(microseconds=1), True),
        (timedelta(minutes=15), False),
        (timedelta(minutes=15, microseconds=1), False),
    ],
)
def test_a_reason_stands_for_fifteen_minutes(ago: timedelta, stands: bool) -> None:
    assert rules.reason_stands(NOW - ago, NOW) is stands


@pytest.mark.parametrize(
    "written", ["+970 599 123 456", "00970-599-123-456", "0599 123 456", "(0599) 123456", "٠٥٩٩١٢٣٤٥٦", "+970٥٩٩١٢٣٤٥٦"]
)
def test_a_number_is_the_same_however_it_is_written(written: str) -> None:
    assert rules.comparable_phone(written) == "599123456"


@pytest.mark.parametrize(
    ("written", "compared"),
    [("12345", None), ("123456", "123456"), ("", None), ("ask the lawyer", None), ("²²²²²²", "222222")],
)
def test_too_few_digits_lead_to_nobody(written: str, compared: str | None) -> None:
    assert rules.comparable_phone(written) == compared


def test_addresses_are_compared_without_case() -> None:
    assert rules.comparable_email(" Samira@Family.Example ") == "samira@family.example"
    assert [rules.comparable_email(a) for a in ("", "samira", "@", "samira@")] == [None] * 4


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("+970 599 123 456", "+970599123456"),
        ("0599 123 456", "0599123456"),
        ("٠٥٩٩ ١٢٣ ٤٥٦", "0599123456"),
        ("+970 599 123 456 or +970 599 123 457", ""),
        ("none", ""),
    ],
)
def test_a_number_is_dialled_as_one(written: str, dialled: str) -> None:
    assert rules.to_dial(written) == dialled


def test_the_length_of_what_is_sealed_tells_nothing_of_it() -> None:
    short, longer = rules.pack({"phone": "1"}), rules.pack({"phone": "+970 599 123 456", "note": "Ring after nine"})
    assert len(short) == len(longer) == rules.STEP
    assert rules.unpack(longer) == {"phone": "+970 599 123 456", "note": "Ring after nine"}
    assert len(rules.pack({"note": "x" * 300})) == 2 * rules.STEP


def test_what_is_empty_or_not_asked_is_not_kept() -> None:
    given = {"name": " Samira ", "phone": "", "note": "x"}
    assert rules.check_values(given, ("name", "phone")) == {"name": "Samira"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "name"),
        ({"name": "  ", "note": "not asked"}, "name"),
        ({"phone": "ask"}, "phone"),
        ({"email": "x"}, "email"),
    ],
)
def test_nothing_worth_keeping_is_refused_on_its_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        rules.check_values(values, ("name", "phone", "email"))
    assert refusal.value.field == field
