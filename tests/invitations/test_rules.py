"""How long a link is good, and who may invite whom."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.base.errors import NotAllowed
from tracker.invitations import rules

AT = datetime(2024, 4, 1, 9, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(("purpose", "lasts"), [("invite", timedelta(hours=72)), ("reset", timedelta(hours=1))])
def test_a_link_is_good_until_its_last_moment_and_not_at_it(purpose: str, lasts: timedelta) -> None:
    until = AT + rules.LASTS[purpose]
    assert until - AT == lasts
    states = [rules.state_of(until, None, None, until + off) for off in (-MOMENT, timedelta(0), MOMENT)]
    assert states == ["open", "expired", "expired"]


def test_what_was_used_or_ended_stays_so() -> None:
    assert rules.state_of(AT, AT, AT, AT) == "used"
    assert rules.state_of(AT + MOMENT, None, AT, AT) == "ended"


def test_a_word_has_256_bits_and_only_its_hash_finds_it() -> None:
    word = rules.word_of("ab" * 32)
    assert len(word) == 43
    assert rules.hash_word(word) != word
    assert len(rules.hash_word(word)) == 64


@pytest.mark.parametrize(
    ("coordinates", "role", "desk_id", "coordinator"),
    [
        ((), "volunteer", None, False),
        ((), "staff", 1, False),
        ((1,), "admin", None, False),
        ((1,), "admin", 1, False),
        ((1,), "staff", None, False),
        ((1,), "staff", 2, False),
        ((1,), "staff", 1, True),
    ],
)
def test_who_is_no_admin_invites_only_to_their_own_desk(
    coordinates: tuple[int, ...], role: str, desk_id: int | None, coordinator: bool
) -> None:
    asked = {"role": role, "desk_id": desk_id, "coordinator": coordinator}
    with pytest.raises(NotAllowed):
        rules.check_may_invite(is_admin=False, coordinates=coordinates, **asked)  # type: ignore[arg-type]
    rules.check_may_invite(is_admin=True, coordinates=(), **asked)  # type: ignore[arg-type]


def test_a_coordinator_invites_staff_to_the_desk_and_volunteers() -> None:
    rules.check_may_invite(is_admin=False, coordinates=(1, 2), role="staff", desk_id=2, coordinator=False)
    rules.check_may_invite(is_admin=False, coordinates=(1,), role="volunteer", desk_id=None, coordinator=False)
