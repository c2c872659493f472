"""What events, statuses, hearings and names of a reading mean for a timeline."""

import datetime as dt

import pytest

from tracker.hearings.models import KINDS
from tracker.intake.reading.model import EVENT_KINDS, HEARING_KINDS, STATUS_CODES, EntryRead, HearingRead
from tracker.intake.reading.page import read_page
from tracker.intake.rules import (
    KIND_OF_EVENT,
    KIND_OF_HEARING,
    KIND_OF_STATUS,
    HeldEntry,
    HeldHearing,
    cut,
    entry_of_event,
    moved_hearing,
    proposed_risk,
    same_name,
    status_reached,
    tells_known,
    words_of_case,
)
from tracker.timeline.codes import CUSTODY, PROCEEDINGS
from tracker.timeline.kinds import kind_of

MARCH = dt.date(2024, 3, 18)

MAY_4, MAY_5 = dt.date(2024, 5, 4), dt.date(2024, 5, 5)


def entry(body: str, printed: str = "18/03/2024") -> EntryRead:
    """One entry of a country page."""
    return read_page(f"Egypt\n\nFree Samir Haddad - URGENT ACTION - {printed}\n\n{body}\n").entries[0]


@pytest.mark.usefixtures("app")
@pytest.mark.one_engine
def test_every_event_and_status_of_a_reading_has_a_kind_of_the_timeline() -> None:
    assert set(KIND_OF_EVENT) <= set(EVENT_KINDS)
    assert set(KIND_OF_STATUS) == set(STATUS_CODES) - {"at_risk"}
    for kind in KIND_OF_EVENT.values():
        kind_of(kind)
    for kind, status in KIND_OF_STATUS.values():
        assert status in (kind_of(kind).custody, kind_of(kind).proceedings)
        assert status in CUSTODY or status in PROCEEDINGS


def test_every_hearing_of_a_reading_has_a_kind() -> None:
    assert {KIND_OF_HEARING.get(kind, kind) for kind in HEARING_KINDS} <= set(KINDS)


def test_an_event_without_a_date_is_known_by_the_day_of_the_page_and_happened_on_none() -> None:
    [event] = entry("Samir Haddad, a teacher, has died in custody.").events
    payload = entry_of_event(event, entry("Samir Haddad, a teacher, has died in custody."), MARCH)
    assert (payload["date"], payload["precision"]) == ("2024-03-18", "by")


def test_a_charge_of_somebody_held_makes_it_pre_trial_detention() -> None:
    assert status_reached([("detained_without_charge", None), (None, "charged")]) == "pre_trial_detention"
    assert status_reached([(None, "charged"), ("house_arrest", None)]) == "house_arrest"
    assert status_reached([]) is None


@pytest.mark.parametrize(
    ("body", "risk"),
    [
        ("Samir Haddad, a teacher, was forcibly disappeared on 4 March 2024.", "critical"),
        ("Samir Haddad, a teacher, was sentenced to death on 4 March 2024.", "critical"),
        ("Samir Haddad, a teacher, was arrested on 4 March 2024.", "high"),
        ("Samir Haddad, a teacher, was placed under house arrest on 4 March 2024.", "medium"),
        ("Samir Haddad, a teacher, was released on 4 March 2024.", "low"),
        (
            "Samir Haddad, a teacher, was arrested on 4 March 2024. On 10 March 2024 Samir Haddad was hospitalised.",
            "critical",
        ),
    ],
)
def test_the_risk_proposed_follows_the_status_and_the_health_of_who_is_held(body: str, risk: str) -> None:
    assert proposed_risk(entry(body)) == risk


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ahmad Khalefa", "Ahmad Khalefa", True),
        ("Walid Daqqah", "Walid Daqa", True),
        ("Khaled Al Serr", "Khaled al-Serr", True),
        ("José Núñez", "Jose Nunez", True),
        ("Ahmad Khalefa", "Ahmed Khalifa", False),
        ("Samir Haddad", "Samira Haddad", False),
        ("Jamal Nasser", "Jamil Nasser", False),
        ("Mahmoud Ali", "Muhammad Ali", False),
        ("Hassan Nasser", "Hussein Nasser", False),
        ("Ali Said", "Ali Saad", False),
        ("Amira", "Amira", False),
        ("Samir Haddad", "Samir Haddad Mansour", False),
        ("Khaled Al Serr", "خالد السر", False),
        ("", "", False),
    ],
)
def test_names_are_taken_for_one_only_when_nothing_is_left_to_compare(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same
    assert same_name(other, one) is same


def read(on: dt.date | None = dt.date(2024, 4, 22), kind: str = "hearing", tense: str = "upcoming") -> HearingRead:
    """A hearing of a page."""
    return HearingRead(on, "day" if on else "not_set", None, None, kind, tense, "q", 0, 1)


def held(number: int = 1, on: dt.date | None = dt.date(2024, 4, 8), **changed: object) -> HeldHearing:
    """A hearing of a case."""
    given = {"kind": "hearing", "state": "scheduled", "confirmed_on": MARCH, **changed}
    return HeldHearing(number, on=on, **given)  # type: ignore[arg-type]  # of the test


@pytest.mark.parametrize(
    ("hearing", "known", "said_on", "also", "moved"),
    [
        (read(), [held()], MARCH, [], 1),
        (read(), [held()], dt.date(2024, 4, 8), [], 1),
        (read(), [held()], dt.date(2024, 4, 9), [], None),
        (read(), [held()], MARCH - dt.timedelta(days=1), [], None),
        (read(), [held(), held(2, dt.date(2024, 4, 10))], MARCH, [], None),
        (read(), [held()], MARCH, [dt.date(2024, 4, 8)], None),
        (read(), [held(state="took_place")], MARCH, [], None),
        (read(), [held(on=None)], MARCH, [], None),
        (read(kind="verdict"), [held()], MARCH, [], 1),
        (read(kind="verdict"), [held(kind="bail")], MARCH, [], None),
        (read(tense="past"), [held()], MARCH, [], None),
        (read(on=None), [held()], MARCH, [], None),
    ],
    ids=[
        "the only one ahead",
        "on its very day",
        "the day after it has passed",
        "a page older than what is known",
        "two ahead",
        "the page names both",
        "it took place",
        "no date was known",
        "not further said before",
        "another kind",
        "told of as past",
        "no date now",
    ],
)
def test_a_date_moves_a_hearing_only_when_it_clearly_is_that_one(
    hearing: HearingRead, known: list[HeldHearing], said_on: dt.date, also: list[dt.date], moved: int | None
) -> None:
    assert moved_hearing(hearing, known, said_on, also) == moved


def test_a_title_fits_a_case() -> None:
    assert cut("a  b\nc", 10) == "a b c"
    assert cut("x" * 300, 300) == "x" * 300
    assert cut("word " * 100, 300).endswith("word…")
    assert len(cut("x" * 10_000, 300)) == 300
    assert (
        words_of_case(entry("Samir Haddad, a teacher, was arrested on 4 March 2024."))["title"] == "Free Samir Haddad"
    )


@pytest.mark.parametrize(
    ("later", "known"),
    [
        ([], True),
        ([HeldEntry("person.released", MAY_4, custody="released")], False),
        ([HeldEntry("person.charged", MAY_4, proceedings="charged")], True),
        ([HeldEntry("person.released", MAY_5 + dt.timedelta(days=1), custody="released")], True),
    ],
    ids=["nothing since", "released since", "another axis", "released after the page"],
)
def test_undated_news_is_known_until_its_axis_moves(later: list[HeldEntry], known: bool) -> None:
    held = HeldEntry("person.placed_under_house_arrest", MAY_4 - dt.timedelta(days=3), custody="house_arrest")
    assert tells_known("person.placed_under_house_arrest", MAY_5, [held, *later]) is known


@pytest.mark.parametrize(("days", "known"), [(-1, True), (0, True), (1, False)])
def test_an_entry_later_than_the_page_does_not_make_its_news_known(days: int, known: bool) -> None:
    assert tells_known("person.charged", MAY_5, [HeldEntry("person.charged", MAY_5 + dt.timedelta(days=days))]) is known
