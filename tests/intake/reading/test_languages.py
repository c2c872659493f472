"""The tables a language is made of, and how its phrases are written."""

import re

import pytest

from tracker.base.errors import Refused
from tracker.intake.reading.language import Phrases, get_language, language_codes, language_of, phrase_pattern
from tracker.intake.reading.model import ENTRY_KINDS, EVENT_KINDS, HEARING_KINDS, STATUS_CODES


@pytest.mark.parametrize("code", language_codes())
def test_every_language_uses_the_codes_of_the_model(code: str) -> None:
    language = get_language(code)
    assert {kind for _, kind in language.labels} | {kind for kind, _ in language.document_kinds} <= set(ENTRY_KINDS)
    assert language.undated_kinds | language.deciding <= set(EVENT_KINDS)
    assert {kind for kind, _ in language.hearing_kinds} <= set(HEARING_KINDS)
    assert {status for status, _ in language.statuses} <= set(STATUS_CODES)
    assert sorted(set(language.months.values())) == list(range(1, 13))
    assert sorted(set(language.weekdays.values())) == list(range(1, 8))


def test_english_is_read() -> None:
    assert "en" in language_codes()
    assert language_of("word").code == "en"


def test_a_language_without_a_file_is_not_known() -> None:
    with pytest.raises(LookupError):
        get_language("../en")


@pytest.mark.parametrize(
    ("phrase", "text", "stands"),
    [
        ("put/placed ~ under house arrest", "he was placed under house arrest", True),
        ("put/placed ~ under house arrest", "they put him and her again under house arrest", True),
        ("put ~ arrest", "put one two three four five arrest", True),
        ("put ~ arrest", "put one two three four five six arrest", False),
        ("extend* detention", "extending detention", True),
        ("extend* detention", "extend detentions", False),
        ("arrested", "rearrested", False),
        ("arrested", "arrested.", True),
        ("*arrested", "rearrested", True),
        ("ua: one", "ua: one", True),
    ],
)
def test_a_phrase_stands_where_its_words_do(phrase: str, text: str, stands: bool) -> None:
    assert bool(re.search(phrase_pattern(phrase), text)) is stands
    assert (text in Phrases([("x", [phrase])])) is stands


def test_no_gap_goes_across_a_word_it_is_kept_from() -> None:
    phrases = Phrases([("charge", ["was ~ charged"])], not_across=["and"])
    assert "she was then charged" in phrases
    assert "she was arrested and charged" not in phrases


def test_of_overlapping_phrases_the_longest_stands() -> None:
    phrases = Phrases([("release", ["was released"]), ("release_conditional", ["was released on bail"])])
    assert [f.code for f in phrases.find("she was released on bail")] == ["release_conditional"]


def test_text_in_another_language_is_refused_and_short_text_is_not() -> None:
    with pytest.raises(Refused):
        language_of("Der Anwalt wurde bei einem friedlichen Protest festgenommen und kam danach in Hausarrest. " * 5)
    assert language_of("Der Anwalt wurde festgenommen.").code == "en"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Israel and the Occupied Patestinian Territories (IOPT)", "IL/PS"),
        ("Israel/OPT: Free her", "IL/PS"),
        ("Egypt", "EG"),
        ("Saudi Arabia", "SA"),
        ("Nowhere", None),
    ],
)
def test_a_country_is_known_by_name(text: str, code: str | None) -> None:
    assert get_language("en").country_of(text) == code
