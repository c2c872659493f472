"""The fold: from what is told to where people stand, whatever the order it was told in."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.base.audience import Audience
from tracker.timeline.codes import DEATHS, headline
from tracker.timeline.rules import ACCEPTED, AUDIENCE_CHANGED, WITHDRAWN, Told, WhereTheyStand, meanings, stand

AMIRA, KHALED = 1, 2
T0 = datetime(2024, 4, 1, 9, tzinfo=UTC)

#: What kinds of events lead to, as (custody, proceedings).
ARREST = ("detained_without_charge", None)
CHARGE = (None, "charged")
TRIAL = (None, "on_trial")
RELEASE = ("released", None)
DEATH = ("died_in_custody", None)
GONE = ("enforced_disappearance", None)
HOUSE = ("house_arrest", None)
PRISON = ("imprisoned", None)


def told(number: int, what: tuple[str | None, str | None] = (None, None), on: str = "2024-03-01", **more: Any) -> Told:
    """An entry; `number` is also the hour in which it was recorded."""
    day = date.fromisoformat(on)
    given = {"happened_on": day, "latest_on": day, "recorded_at": T0 + timedelta(hours=number), "kind": "event"} | more
    return Told(id=number, custody=what[0], proceedings=what[1], **given)


def where(*entries: Told, person: int = AMIRA, rung: Audience = Audience.NAMED) -> WhereTheyStand:
    return stand(entries, meanings(entries), [AMIRA, KHALED], rung)[person]


def test_nothing_told_nothing_known() -> None:
    assert where() == WhereTheyStand()
    assert where().status is None


def test_the_later_day_wins_whatever_was_written_first() -> None:
    arrest, release = told(2, ARREST, "2024-03-01"), told(1, RELEASE, "2024-03-05")
    assert where(arrest, release).custody == "released"
    assert where(arrest, release).custody_since == date(2024, 3, 5)


@pytest.mark.parametrize(
    ("precision", "latest"),
    [("month", "2024-03-31"), ("year", "2024-12-31"), ("about", "2024-03-08"), ("by", "2024-03-01")],
)
def test_a_date_counts_as_the_latest_day_it_allows(precision: str, latest: str) -> None:
    vague = told(1, RELEASE, "2024-03-01", precision=precision, latest_on=date.fromisoformat(latest))
    before = told(2, ARREST, (date.fromisoformat(latest) - timedelta(days=1)).isoformat())
    after = told(3, ARREST, (date.fromisoformat(latest) + timedelta(days=1)).isoformat())
    assert where(vague, before).custody == "released"
    assert where(vague, after).custody == "detained_without_charge"


def test_a_date_that_is_not_stated_is_since_no_day() -> None:
    stands = where(told(1, DEATH, "2024-04-08", precision="by", happened_on=None))
    assert (stands.custody, stands.custody_since, stands.custody_precision) == ("died_in_custody", None, "by")


def test_on_one_day_the_clock_decides_then_when_it_was_written_then_its_number() -> None:
    evening = told(1, RELEASE, local_time="18:00")
    noon = told(2, ARREST, local_time="12:00")
    assert where(evening, noon).custody == "released"
    untimed = told(3, ARREST)
    assert where(evening, untimed).custody == "released", "no time sorts before every time"
    first, second = told(4, ARREST), told(5, RELEASE)
    assert where(first, second).custody == "released"
    same_moment = replace(second, id=3, recorded_at=first.recorded_at)
    assert where(first, same_moment).custody == "detained_without_charge"


def test_what_is_reported_stands_beside_and_moves_nothing() -> None:
    arrest, rumour = told(1, ARREST), told(2, RELEASE, "2024-03-05", confidence="reported", public_id="r")
    stands = where(arrest, rumour)
    assert stands.custody == "detained_without_charge"
    assert [(c["custody"], c["on"], c["entry"]) for c in stands.reported] == [("released", "2024-03-05", "r")]


def test_an_accepted_claim_moves_and_no_longer_stands_beside() -> None:
    arrest, rumour = told(1, ARREST), told(2, RELEASE, "2024-03-05", confidence="reported")
    yes = told(3, kind=ACCEPTED, about_id=2)
    assert (where(arrest, rumour, yes).custody, where(arrest, rumour, yes).reported) == ("released", [])
    taken_back = told(4, kind=WITHDRAWN, about_id=3)
    assert where(arrest, rumour, yes, taken_back).custody == "detained_without_charge"
    assert len(where(arrest, rumour, yes, taken_back).reported) == 1


def test_a_claim_has_nothing_left_to_say_once_its_axis_has_moved_on() -> None:
    rumour = told(1, RELEASE, "2024-03-05", confidence="reported")
    assert where(rumour, told(2, PRISON, "2024-03-06")).reported == []
    assert len(where(rumour, told(2, CHARGE, "2024-03-06")).reported) == 1, "a charge says nothing of a release"
    assert where(told(2, RELEASE, "2024-03-04"), rumour).reported == [], "it is established already"


def test_a_correction_stands_in_the_place_of_what_it_puts_right() -> None:
    wrong, right = told(1, RELEASE, "2024-03-05"), told(2, HOUSE, "2024-03-05", supersedes_id=1)
    assert where(wrong, right).custody == "house_arrest"
    assert meanings([wrong, right])[1].superseded_by == 2


def test_a_withdrawn_correction_lets_the_first_stand_again() -> None:
    wrong, right = told(1, RELEASE, "2024-03-05"), told(2, HOUSE, "2024-03-05", supersedes_id=1)
    back = told(3, kind=WITHDRAWN, about_id=2)
    assert where(wrong, right, back).custody == "released"
    assert meanings([wrong, right, back])[1].superseded_by is None
    again = told(4, PRISON, "2024-03-05", supersedes_id=2)
    means = meanings([wrong, right, back, again])
    assert [n for n, m in means.items() if m.counts] == [3, 4], "of three tellings of one event one counts"
    assert where(wrong, right, back, again).custody == "imprisoned"


def test_a_withdrawal_that_is_withdrawn_changes_nothing() -> None:
    arrest, back, back_again = told(1, ARREST), told(2, kind=WITHDRAWN, about_id=1), told(3, kind=WITHDRAWN, about_id=2)
    assert where(arrest, back).custody is None
    assert where(arrest, back, back_again).custody == "detained_without_charge"


@pytest.mark.parametrize("death", DEATHS)
def test_a_death_stands_until_it_is_put_right(death: str) -> None:
    dead = told(1, (death, None), "2024-03-05")
    later = told(2, RELEASE, "2024-03-09")
    rumour = told(3, GONE, "2024-03-10", confidence="reported")
    assert (where(dead, later, rumour).custody, where(dead, later, rumour).reported) == (death, [])
    assert where(dead, later, told(4, HOUSE, "2024-03-05", supersedes_id=1)).custody == "released"
    assert where(dead, later, told(4, kind=WITHDRAWN, about_id=1)).custody == "released"


def test_a_reported_death_ends_nothing() -> None:
    rumour = told(1, DEATH, "2024-03-05", confidence="reported")
    assert where(rumour, told(2, RELEASE, "2024-03-09")).custody == "released"


@pytest.mark.parametrize("proceedings", [CHARGE, TRIAL])
def test_who_is_charged_is_no_longer_detained_without_charge(proceedings: tuple[str | None, str | None]) -> None:
    arrest, charge = told(1, ARREST, "2024-03-01"), told(2, proceedings, "2024-03-05")
    assert where(arrest, charge).custody == "pre_trial_detention"
    assert where(arrest, charge).custody_since == date(2024, 3, 1), "held since the arrest"
    assert where(told(1, ARREST, "2024-03-09"), charge).custody == "pre_trial_detention", "arrested under a charge"
    assert where(told(1, HOUSE), charge).custody == "house_arrest"
    assert where(charge).custody is None


def test_conditions_end_with_what_they_belonged_to() -> None:
    tagged = told(1, HOUSE, "2024-03-01", conditions=("electronic_tag",))
    assert where(tagged).conditions == ["electronic_tag"]
    assert where(tagged, told(2, HOUSE, "2024-03-02")).conditions == ["electronic_tag"], "renewed, not lifted"
    assert where(tagged, told(2, TRIAL, "2024-03-02")).conditions == ["electronic_tag"]
    assert where(tagged, told(2, PRISON, "2024-03-02")).conditions == []
    assert where(tagged, told(2, RELEASE, "2024-03-02", clears_conditions=True)).conditions == []


def test_an_entry_concerns_those_it_names_or_everybody() -> None:
    both, one = told(1, ARREST), told(2, RELEASE, "2024-03-05", persons=frozenset({KHALED}))
    assert where(both, one, person=AMIRA).custody == "detained_without_charge"
    assert where(both, one, person=KHALED).custody == "released"


def test_a_rung_folds_only_what_it_may_see() -> None:
    arrest = told(1, ARREST, audience=Audience.VOLUNTEERS)
    secret = told(2, RELEASE, "2024-03-05", audience=Audience.NAMED)
    assert where(arrest, secret, rung=Audience.NAMED).custody == "released"
    assert where(arrest, secret, rung=Audience.DESK).custody == "detained_without_charge"
    opened = told(3, kind=AUDIENCE_CHANGED, about_id=2, new_audience=Audience.DESK)
    assert where(arrest, secret, opened, rung=Audience.DESK).custody == "released"
    assert where(arrest, secret, opened, rung=Audience.VOLUNTEERS).custody == "detained_without_charge"


def test_what_was_put_right_in_confidence_is_closed_with_it() -> None:
    wrong = told(1, RELEASE, audience=Audience.VOLUNTEERS)
    right = told(2, ARREST, audience=Audience.NAMED, supersedes_id=1)
    assert meanings([wrong, right])[1].audience == Audience.NAMED
    assert where(wrong, right, rung=Audience.VOLUNTEERS).custody is None


def test_words_about_an_entry_are_never_more_open_than_the_entry() -> None:
    claim = told(1, RELEASE, confidence="reported", audience=Audience.DESK)
    yes = told(2, kind=ACCEPTED, about_id=1, audience=Audience.DESK)
    closed = told(3, kind=AUDIENCE_CHANGED, about_id=1, new_audience=Audience.NAMED, audience=Audience.NAMED)
    means = meanings([claim, yes, closed])
    assert means[2].audience == Audience.NAMED


@pytest.mark.parametrize(
    ("custody", "proceedings", "word"),
    [
        (None, None, None),
        ("at_liberty", None, "at_liberty"),
        ("at_liberty", "on_trial", "on_trial"),
        ("released", "on_trial", "released"),
        ("pre_trial_detention", "charged", "pre_trial_detention"),
        ("imprisoned", "sentenced_to_death", "sentenced_to_death"),
        ("executed", "sentenced_to_death", "executed"),
        (None, "none", None),
    ],
)
def test_the_headline(custody: str | None, proceedings: str | None, word: str | None) -> None:
    assert headline(custody, proceedings) == word


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([ARREST, CHARGE, TRIAL, RELEASE, DEATH, GONE, HOUSE, PRISON]),
        st.integers(0, 400),
        st.sampled_from(["confirmed", "reported"]),
        st.sampled_from([frozenset(), frozenset({AMIRA}), frozenset({KHALED})]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda event: event[1],
)


@given(EVENTS, st.randoms(use_true_random=False))
def test_any_order_of_recording_gives_the_same_standing(events: list[Any], shuffle: Any) -> None:
    def recorded_in(order: list[Any]) -> dict[int, Any]:
        entries = [
            told(n, what, (date(2023, 1, 1) + timedelta(days=day)).isoformat(), confidence=sure, persons=whom)
            for n, (what, day, sure, whom) in enumerate(order, start=1)
        ]
        standing = stand(entries, meanings(entries), [AMIRA, KHALED])
        for where in standing.values():
            where.reported = [{k: v for k, v in claim.items() if k != "recorded_at"} for claim in where.reported]
        return standing

    other = list(events)
    shuffle.shuffle(other)
    assert recorded_in(events) == recorded_in(other)


@given(EVENTS)
def test_no_rung_learns_of_what_is_closed_to_it(events: list[Any]) -> None:
    """With and without the confidential entries, the desk's standing is the same."""
    entries = [
        told(n, what, (date(2023, 1, 1) + timedelta(days=day)).isoformat(), confidence=sure, persons=whom)
        for n, (what, day, sure, whom) in enumerate(events, start=1)
    ]
    mixed = [replace(e, audience=Audience.NAMED) if e.id % 2 else e for e in entries]
    open_ones = [e for e in mixed if e.audience >= Audience.DESK]
    assert stand(mixed, meanings(mixed), [AMIRA], Audience.DESK) == stand(
        open_ones, meanings(open_ones), [AMIRA], Audience.DESK
    )
