"""When a mail is tried again, and when not."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.outbox.rules import is_about_us, is_hopeless, next_try, scrubbed, speaks_of_us

NOW = datetime(2026, 4, 7, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(("tries", "seconds"), [(1, 30), (2, 60), (3, 100), (4, 100), (60, 100), (100_000, 100)])
def test_each_wait_is_twice_the_last_and_never_two_minutes(tries: int, seconds: int) -> None:
    assert next_try(NOW, tries, 0.0) - NOW == timedelta(seconds=seconds / 2)
    assert next_try(NOW, tries, 1.0) - NOW == timedelta(seconds=seconds)


@pytest.mark.parametrize(("early", "hopeless"), [(timedelta(seconds=1), False), (timedelta(0), True)])
def test_a_try_that_would_come_too_late_is_not_made(early: timedelta, hopeless: bool) -> None:
    assert is_hopeless(NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=1) - early) is hopeless
    assert is_hopeless(NOW, None, NOW + timedelta(days=3) - early) is hopeless


def test_answers_about_us_charge_no_mail() -> None:
    assert [code for code in (421, 450, 451, 530, 535, 550, 552, 554) if is_about_us(code)] == [421, 530, 535]


def test_a_relays_words_are_kept_without_addresses() -> None:
    assert scrubbed(b"5.1.1 <jo@example.org>: no\r\nsuch\x00 user") == "5.1.1 … no such user"
    assert len(scrubbed("x " * 500)) == 200


@pytest.mark.parametrize(
    ("words", "of_us"),
    [
        ("554 5.7.1 …: Relay access denied", True),
        ("553 5.1.8 Sender address rejected: Domain not found", True),
        ("553 sorry, that domain isn't in my list of allowed rcpthosts", True),
        ("550 5.1.1 …: User unknown in relay recipient table", False),
        ("550 no such user", False),
        ("552 5.2.2 mailbox full", False),
    ],
)
def test_what_a_relay_has_against_us_is_told_from_an_address_that_is_none(words: str, of_us: bool) -> None:
    assert speaks_of_us(int(words[:3]), words) is of_us
