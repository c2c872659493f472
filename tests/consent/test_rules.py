"""What may be shown of somebody, from what was said about it: by values alone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tracker.base.audience import Audience
from tracker.consent.rules import ALL, SUBJECTS, Standing, Word, months_after, stands

DESK, VOLUNTEERS, PUBLIC = Audience.DESK, Audience.VOLUNTEERS, Audience.PUBLIC

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def word(number: int, answer: str = "agreed", speaker: str = "person", *subjects: str, **more: Any) -> Word:
    """The n-th word, said on the n-th of May."""
    given = {"up_to": VOLUNTEERS if answer == "agreed" else DESK, "recorded_at": datetime(2024, 5, number, tzinfo=UTC)}
    return Word(number, answer, speaker, frozenset(subjects or ("public", "name")), **{**given, **more})


def stand(*words: Word, now: datetime = NOW, died: datetime | None = None) -> Standing:
    """Where these words stand."""
    return stands(words, now, died)


def how_far(standing: Standing) -> tuple[Audience, Audience, str]:
    """How far being known of and the name go, and why no further."""
    return standing.up_to["public"], standing.up_to["name"], standing.why


def test_nobody_has_said_anything() -> None:
    nothing = stand()
    assert set(nothing.up_to) == set(SUBJECTS)
    assert how_far(nothing) == (DESK, DESK, "nothing")
    assert not nothing.closes
    assert (nothing.lacks(VOLUNTEERS), nothing.lacks(DESK)) == ("nothing", "")


def test_what_one_agreed_to_is_shown_so_far_and_no_further() -> None:
    agreed = stand(word(1))
    assert how_far(agreed) == (VOLUNTEERS, VOLUNTEERS, "not_so_far")
    assert agreed.up_to["photo"] == DESK
    assert (agreed.lacks(VOLUNTEERS), agreed.lacks(PUBLIC)) == ("", "not_so_far")
    assert how_far(stand(word(1, up_to=PUBLIC))) == (PUBLIC, PUBLIC, "")


def test_nothing_goes_further_than_being_known_of() -> None:
    assert stand(word(1, "agreed", "person", "name", up_to=PUBLIC)).up_to["name"] == DESK
    known = word(2, "agreed", "person", "public")
    assert stand(word(1, "agreed", "person", "name", up_to=PUBLIC), known).up_to["name"] == VOLUNTEERS


@pytest.mark.parametrize("answer", ["refused", "withdrawn"])
@pytest.mark.parametrize("first", ["person", "family"])
def test_the_strictest_of_several_wins_whoever_spoke_last(answer: str, first: str) -> None:
    second = {"person": "family", "family": "person"}[first]
    for no, yes in ((1, 2), (2, 1)):
        closed = stand(word(no, answer, first), word(yes, "agreed", second, up_to=PUBLIC))
        assert how_far(closed) == (DESK, DESK, answer)
        assert closed.closes
        assert closed.look_at is None


def test_of_two_who_agree_the_one_who_agrees_to_less_wins() -> None:
    both = stand(word(1, up_to=PUBLIC), word(2, "agreed", "family", "public"))
    assert how_far(both) == (VOLUNTEERS, VOLUNTEERS, "not_so_far")


def test_who_refused_the_name_alone_does_not_close() -> None:
    both = stand(word(1), word(2, "refused", "lawyer", "name"))
    assert how_far(both) == (VOLUNTEERS, DESK, "not_so_far")
    assert not both.closes


def test_the_latest_word_of_each_counts() -> None:
    assert how_far(stand(word(1, "refused"), word(2))) == (VOLUNTEERS, VOLUNTEERS, "not_so_far")
    assert how_far(stand(word(2, "withdrawn"), word(1))) == (DESK, DESK, "withdrawn")
    same = datetime(2024, 5, 1, tzinfo=UTC)
    assert how_far(stand(word(2, "refused", recorded_at=same), word(1))) == (DESK, DESK, "refused")


@pytest.mark.parametrize(("off", "shown"), [(-1, VOLUNTEERS), (0, DESK), (1, DESK)])
def test_an_agreement_runs_out_at_its_instant(off: int, shown: Audience) -> None:
    ends = datetime(2024, 5, 30, 21, tzinfo=UTC)
    standing = stand(word(1, ends_at=ends), now=ends + timedelta(seconds=off))
    assert standing.up_to["name"] == shown
    assert standing.changes_at == (ends if off < 0 else None)
    assert standing.lost_at == (None if off < 0 else ends)
    assert standing.why == ("not_so_far" if off < 0 else "ran_out")
    assert not standing.closes, "what only runs out closes nothing by itself"


def test_somebody_hears_at_the_review_or_fourteen_days_before_the_end() -> None:
    review, ends = NOW + 30 * DAY, NOW + 40 * DAY
    assert stand(word(1, review_at=review)).look_at == review
    assert stand(word(1, review_at=review, ends_at=ends)).look_at == ends - 14 * DAY
    assert stand(word(1, ends_at=NOW - DAY)).look_at == NOW - 15 * DAY
    assert stand(word(1, review_at=NOW), word(2, review_at=review)).look_at == review, "the first is said anew"


def test_without_a_name_is_for_volunteers_and_only_while_nobody_agreed_or_refused() -> None:
    staff = word(1, "without_name", "staff", "public", up_to=VOLUNTEERS)
    alone = stand(staff)
    assert (how_far(alone), alone.without_name) == ((VOLUNTEERS, DESK, "not_so_far"), True)
    assert alone.lacks(PUBLIC) == "not_so_far"
    assert not stand(staff, word(2)).without_name
    assert how_far(stand(staff, word(2, "refused", "family"))) == (DESK, DESK, "refused")
    assert how_far(stand(word(1, "refused", "family"), word(2, "without_name", "staff", "public"))) == (
        DESK,
        DESK,
        "refused",
    )


def test_when_publicity_was_stopped_somebody_must_agree_anew() -> None:
    stopped = word(3, "withdrawn", ALL, *SUBJECTS)
    before = (word(1), word(2, "agreed", "family", up_to=PUBLIC))
    assert how_far(stand(*before, stopped)) == (DESK, DESK, "withdrawn")
    assert how_far(stand(*before, stopped, word(4, "agreed", "family"))) == (VOLUNTEERS, VOLUNTEERS, "not_so_far")
    asked = word(3, "withdrawn", "family", *SUBJECTS)
    assert stand(*before, asked, word(4)).closes, "who asked for it must agree themselves"


DIED = datetime(2024, 5, 10, tzinfo=UTC)


def test_after_a_death_what_the_person_agreed_to_opens_nothing() -> None:
    gone = stand(word(1, up_to=PUBLIC), died=DIED)
    assert (how_far(gone), gone.closes, gone.lacks(VOLUNTEERS)) == ((DESK, DESK, "death"), True, "death")


@pytest.mark.parametrize(
    ("words", "opens"),
    [
        ([word(9, "agreed", "family")], False),
        ([word(10, "agreed", "family")], True),
        ([word(11, "agreed", "family")], True),
        ([word(11, "agreed", "lawyer")], False),
        ([word(11, "without_name", "staff", "public", up_to=VOLUNTEERS)], False),
        ([word(11, "agreed", "family"), word(12, "refused", "lawyer")], False),
        ([word(1, "refused", "person"), word(11, "agreed", "family")], False),
    ],
)
def test_only_the_family_opens_after_a_death_and_only_since_then(words: list[Word], opens: bool) -> None:
    standing = stand(word(2, "agreed", "lawyer"), *words, died=DIED)
    assert (standing.up_to["public"] > DESK) is opens
    assert standing.closes is not opens


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 3, 18), 6, date(2024, 9, 18)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2024, 12, 1), 1, date(2025, 1, 1)),
    ],
)
def test_six_months_later(day: date, months: int, later: date) -> None:
    assert months_after(day, months) == later
