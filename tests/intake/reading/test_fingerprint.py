"""Fingerprints: the same for what is said again, other for what is said otherwise."""

from dataclasses import replace
from pathlib import Path

import pytest

from tracker.intake.reading import fingerprint
from tracker.intake.reading.model import PersonRead, Reading
from tracker.intake.reading.page import read_page

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def all_of(reading: Reading) -> list[str]:
    found = []
    for entry in reading.entries:
        found.append(fingerprint.of_entry(entry))
        if entry.individual_case:
            found.append(fingerprint.of_status(entry))
            found.extend(fingerprint.of_event(event, entry) for event in entry.events)
            found.extend(fingerprint.of_hearing(hearing, entry) for hearing in entry.hearings)
    return found


@pytest.fixture(scope="module")
def page() -> str:
    return (FIXTURES / "country_page.txt").read_text(encoding="utf-8")


def test_the_same_page_gives_the_same_fingerprints_and_no_two_are_equal(page: str) -> None:
    found = all_of(read_page(page))
    assert found == all_of(read_page(page))
    assert len(set(found)) == len(found)


def test_a_later_edition_gives_what_the_first_gave_and_more(page: str) -> None:
    first = (FIXTURES / "country_page_first_edition.txt").read_text(encoding="utf-8")
    assert set(all_of(read_page(first))) < set(all_of(read_page(page)))


def test_positions_line_ends_blanks_and_marks_do_not_count(page: str) -> None:
    changed = "\ufeff" + page.replace("\n", "\r\n").replace(" was ", "  was\u200f ")
    assert all_of(read_page(changed)) == all_of(read_page(page))


def test_another_date_kind_or_sentence_is_another_event(page: str) -> None:
    entry = read_page(page).entries[0]
    event = entry.events[0]
    others = [
        replace(event, date=None, precision="by"),
        replace(event, kind="transfer"),
        replace(event, quote=event.quote.replace("hospital", "clinic")),
        replace(event, persons=("Somebody Else",)),
    ]
    prints = {fingerprint.of_event(other, entry) for other in [event, *others]}
    assert len(prints) == 5
    assert fingerprint.of_event(replace(event, start=0, end=1, text="x"), entry) in prints


def test_a_hearing_moved_is_another_and_one_that_passed_is_not(page: str) -> None:
    entry = read_page(page).entries[10]
    hearing = entry.hearings[0]
    assert hearing.date is not None
    assert fingerprint.of_hearing(replace(hearing, tense="past"), entry) == fingerprint.of_hearing(hearing, entry)
    moved = replace(hearing, date=hearing.date.replace(day=9))
    assert fingerprint.of_hearing(moved, entry) != fingerprint.of_hearing(hearing, entry)


def test_a_person_is_one_whatever_the_accents_and_case() -> None:
    assert fingerprint.of_person("José AL-Hamid") == fingerprint.of_person(PersonRead("Jose al Hamid"))
    assert fingerprint.of_person("José Hamid") != fingerprint.of_person("José Hamed")


def test_an_entry_is_its_kind_date_and_title(page: str) -> None:
    entry = read_page(page).entries[0]
    same = replace(entry, title=f"  {entry.title.upper()} ", body="other", start=5)
    assert fingerprint.of_entry(same) == fingerprint.of_entry(entry)
    assert fingerprint.of_entry(replace(entry, kind="news")) != fingerprint.of_entry(entry)


def test_two_copies_of_a_page_are_one_text() -> None:
    assert fingerprint.of_text("One  two\r\nthree.") == fingerprint.of_text("one two three")
    assert fingerprint.of_text("one two") != fingerprint.of_text("one twoo")
