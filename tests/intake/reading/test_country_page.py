"""The country page as a campaign group keeps it: entries newest first, a footer, general news beside four cases."""

import json
from datetime import date
from pathlib import Path

import pytest

from tracker.base.errors import Refused
from tracker.intake.reading.model import EVENT_KINDS, HEARING_KINDS, STATUS_CODES, EntryRead, Reading
from tracker.intake.reading.page import read_page

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def page_text(name: str = "country_page") -> str:
    return (FIXTURES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reading() -> Reading:
    return read_page(page_text())


def about(reading: Reading, name: str) -> EntryRead:
    return next(e for e in reading.entries if name in [p.name for p in e.persons])


def test_the_page_has_twelve_entries_with_kind_and_date(reading: Reading) -> None:
    assert [(e.kind, e.published.isoformat()) for e in reading.entries if e.published] == [
        ("urgent_action", "2024-06-07"),
        ("news", "2024-05-28"),
        ("news", "2024-05-27"),
        ("news", "2024-05-24"),
        ("news", "2024-05-09"),
        ("news", "2024-04-22"),
        ("news", "2024-04-08"),
        ("news", "2024-04-03"),
        ("open_letter", "2024-03-29"),
        ("education", "2024-03-28"),
        ("urgent_action", "2024-03-21"),
        ("good_news", "2024-03-22"),
    ]


def test_titles_stand_as_printed_without_label_and_date(reading: Reading) -> None:
    assert reading.entries[0].title == "Bring back the surgeon who was forcibly disappeared"
    assert reading.entries[-1].title == "A defender of human rights is back with his family"


def test_the_page_tells_its_country_and_the_day_of_its_edition(reading: Reading) -> None:
    assert (reading.language, reading.country, reading.updated) == ("en", "IL/PS", date(2024, 6, 7))
    assert {e.country for e in reading.entries} == {"IL/PS"}


def test_four_entries_are_cases_and_general_news_names_nobody(reading: Reading) -> None:
    cases = [e for e in reading.entries if e.individual_case]
    assert [[p.name for p in e.persons] for e in cases] == [
        ["Khaled Al Serr"],
        ["Walid Daqqah"],
        ["Ahmad Khalefa"],
        ["Munther Amira"],
    ]
    for entry in reading.entries:
        if not entry.individual_case:
            assert (entry.persons, entry.events, entry.hearings, entry.status) == ((), (), (), None)


def test_a_misspelt_name_is_one_person_with_a_second_spelling(reading: Reading) -> None:
    (person,) = about(reading, "Munther Amira").persons
    assert person.variants == ("Munterh Amira",)


def test_dated_events_have_their_day(reading: Reading) -> None:
    dated = {
        e.persons[0].name: [(v.kind, v.date.isoformat()) for v in e.events if v.date]
        for e in reading.entries
        if e.individual_case
    }
    assert dated == {
        "Khaled Al Serr": [("arrest", "2024-03-24")],
        "Walid Daqqah": [],
        "Ahmad Khalefa": [("arrest", "2023-10-19")],
        "Munther Amira": [
            ("release", "2024-02-29"),
            ("arrest", "2023-12-18"),
            ("detention_order", "2024-01-11"),
        ],
    }


def test_undated_events_have_no_date_and_are_known_by_the_publication(reading: Reading) -> None:
    undated = {
        e.persons[0].name: [(v.kind, v.precision) for v in e.events if v.date is None]
        for e in reading.entries
        if e.individual_case
    }
    assert undated == {
        "Khaled Al Serr": [("disappearance", "by")],
        "Walid Daqqah": [("death", "by")],
        "Ahmad Khalefa": [("charge", "by"), ("house_arrest", "by")],
        "Munther Amira": [],
    }


def test_an_undated_event_keeps_the_sentence_that_tells_it(reading: Reading) -> None:
    house_arrest = next(v for v in about(reading, "Ahmad Khalefa").events if v.kind == "house_arrest")
    assert "close to four months in prison" in house_arrest.quote
    assert "electronic tag" in house_arrest.quote


def test_the_hearing_lies_ahead_of_the_entry_at_its_court(reading: Reading) -> None:
    (hearing,) = about(reading, "Ahmad Khalefa").hearings
    assert (hearing.date, hearing.precision, hearing.time) == (date(2024, 4, 8), "day", None)
    assert (hearing.court, hearing.kind, hearing.tense) == ("Haifa magistrate's court", "hearing", "upcoming")
    assert hearing.quote == "His next hearing is set for 08 April 2024 at the Haifa magistrate's court."
    assert sum(len(e.hearings) for e in reading.entries) == 1


def test_each_case_has_its_status_and_the_sentence_it_is_taken_from(reading: Reading) -> None:
    statuses = {e.persons[0].name: e.status for e in reading.entries if e.individual_case}
    assert statuses == {
        "Khaled Al Serr": "enforced_disappearance",
        "Walid Daqqah": "died_in_custody",
        "Ahmad Khalefa": "house_arrest",
        "Munther Amira": "released",
    }
    source = about(reading, "Khaled Al Serr").status_from
    assert source is not None
    assert source.quote.endswith("is enforced disappearance under international law.")


def test_every_quote_stands_in_the_page_at_its_offsets(reading: Reading) -> None:
    text = page_text()
    told = [t for e in reading.entries for t in (*e.events, *e.hearings)]
    assert len(told) == 10
    for one in told:
        assert text[one.start : one.end] == one.quote
    for entry in reading.entries:
        assert text[entry.start : entry.end].startswith(entry.title)
        assert entry.body in text[entry.start : entry.end]
        if entry.status_from:
            assert text[entry.status_from.start : entry.status_from.end] == entry.status_from.quote


def test_codes_are_those_of_the_closed_lists(reading: Reading) -> None:
    assert {v.kind for e in reading.entries for v in e.events} <= set(EVENT_KINDS)
    assert {h.kind for e in reading.entries for h in e.hearings} <= set(HEARING_KINDS)
    assert {e.status for e in reading.entries if e.status} <= set(STATUS_CODES)


def test_the_footer_belongs_to_no_entry(reading: Reading) -> None:
    assert reading.entries[-1].body.endswith("Read more.")
    assert "Wren" not in "".join(e.body for e in reading.entries)


def test_the_first_edition_has_the_last_two_entries_with_the_same_facts(reading: Reading) -> None:
    first = read_page(page_text("country_page_first_edition"))
    assert first.updated == date(2024, 3, 22)
    assert [e.as_json() | {"events": [], "hearings": []} for e in first.entries] == [
        e.as_json() | {"events": [], "hearings": []} for e in reading.entries[-2:]
    ]
    assert [[v.quote for v in e.events] for e in first.entries] == [
        [v.quote for v in e.events] for e in reading.entries[-2:]
    ]


def test_as_json_has_exactly_the_fields_the_command_prints(reading: Reading) -> None:
    said = json.loads(json.dumps(reading.as_json()))
    assert list(said) == ["language", "entries"]
    entry = said["entries"][10]
    assert list(entry) == [
        "title",
        "kind",
        "published",
        "country",
        "ua_number",
        "index_number",
        "persons",
        "events",
        "hearings",
        "status",
        "action_deadline",
        "individual_case",
    ]
    assert entry["persons"] == [{"name": "Ahmad Khalefa"}]
    assert list(entry["events"][0]) == ["date", "precision", "kind", "quote", "start", "end", "inferred"]
    assert list(entry["hearings"][0]) == [
        "date",
        "precision",
        "time",
        "court",
        "kind",
        "tense",
        "quote",
        "start",
        "end",
        "inferred",
    ]
    assert entry["events"][1] | {"quote": "", "start": 0, "end": 0} == {
        "date": None,
        "precision": "by",
        "kind": "charge",
        "quote": "",
        "start": 0,
        "end": 0,
        "inferred": None,
    }


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("URGENT ACTION", "urgent_action"),
        ("Urgent Action", "urgent_action"),
        ("URGENT ACTION UPDATE", "update"),
        ("GOOD NEWS - URGENT ACTION UPDATE", "good_news"),
        ("NEWS", "news"),
        ("JOINT OPEN LETTER", "open_letter"),
        ("EDUCATION", "education"),
        ("CASE PROFILE", "case_profile"),
        ("SOMETHING ELSE", "news"),
    ],
)
def test_the_label_in_the_heading_gives_the_kind(label: str, kind: str) -> None:
    (entry,) = read_page(f"Egypt\n\nA title - with a dash - {label} - 07/06/2024\n\nSome words.\n").entries
    assert (entry.kind, entry.title) == (kind, "A title - with a dash")


@pytest.mark.parametrize("seam", [" - ", " – ", " — ", " | "])
def test_the_parts_of_a_heading_may_be_held_apart_by_any_dash(seam: str) -> None:
    (entry,) = read_page(f"{seam.join(('A title', 'NEWS', '07/06/2024'))}\n\nWords.\n").entries
    assert (entry.title, entry.published) == ("A title", date(2024, 6, 7))


def test_a_heading_with_a_date_that_cannot_be_is_refused_and_named() -> None:
    with pytest.raises(Refused, match="no such day as 31/06/2024: it stands in the line “Free her - URGENT ACTION"):
        read_page("Egypt\n\nFree her - URGENT ACTION - 31/06/2024\n\nShe was arrested.\n")


@pytest.mark.parametrize("text", ["", " \n\t\n", "Shopping list\n\nmilk\nbread\n", "\u200f\u200f\n"])
def test_a_page_with_no_entries_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="No entries were found"):
        read_page(text)


def test_a_page_in_a_language_that_cannot_be_read_is_refused_by_name() -> None:
    french = "Le tribunal a ordonné la libération provisoire de cet homme dans l'attente de son procès en appel, prévu "
    with pytest.raises(Refused, match="Languages that can: English"):
        read_page(french * 3)


def test_a_news_entry_about_officials_is_no_case() -> None:
    text = (
        "Prosecutor asks for warrants - NEWS - 24/05/2024\n\n"
        "The prosecutor applied for arrest warrants against prime minister Anton Brasky and minister Olga Tirn. "
        "They should be arrested if they travel.\n"
    )
    (entry,) = read_page(text).entries
    assert not entry.individual_case
    assert entry.events == ()


def test_an_open_letter_that_names_somebody_killed_is_no_case() -> None:
    text = "Publish it - OPEN LETTER - 29/03/2024\n\nReporter Sami Harun was killed on 13 October 2023.\n"
    (entry,) = read_page(text).entries
    assert not entry.individual_case
