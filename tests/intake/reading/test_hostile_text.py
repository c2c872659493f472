"""Text that is broken, hostile or very large: it is read or refused, in bounded steps, with true offsets."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from tracker.intake.reading.language import get_language
from tracker.intake.reading.page import read_page
from tracker.intake.reading.plain import LONGEST_SENTENCE, Plain

HEADING = "Free Lamia Qasim - URGENT ACTION - 07/06/2024\n\n"
BODY = "Lamia Qasim was arrested on 3 May 2024. Her next hearing will be on 12 June 2024 at the Haifa district court."


def facts(text: str) -> list[tuple[str, str | None]]:
    reading = read_page(text)
    told = [t for e in reading.entries for t in (*e.events, *e.hearings)]
    for one in told:
        assert text[one.start : one.end] == one.quote
    return [(one.kind, one.as_json()["date"]) for one in told]


EXPECTED = [("arrest", "2024-05-03"), ("hearing", "2024-06-12")]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s,
        lambda s: s.replace("\n", "\r\n"),
        lambda s: s.replace(" ", "\u00a0"),
        lambda s: "\ufeff" + s,
        lambda s: s.replace("Lamia", "\u202bLamia\u202c").replace("2024", "2024\u200f"),
        lambda s: s.replace("arrested", "arr\u00adested").replace("hearing", "hear\u200bing"),
        lambda s: s.replace("was", "\x01was\x07"),
        lambda s: s.replace("Lamia Qasim", "<b>Lamia</b> Qasim").replace("arrested", "<i class='x'>arrested</i>"),
        lambda s: s.replace(". ", ".\n"),
        lambda s: s.replace("next hearing", "next\nhearing"),
        lambda s: s + "\n<script>alert('x')</script>\n",
    ],
    ids=["plain", "crlf", "nbsp", "bom", "bidi", "soft_hyphen", "control", "tags", "line_ends", "wrapped", "script"],
)
def test_marks_tags_and_line_ends_change_neither_facts_nor_offsets(change: Callable[[str], str]) -> None:
    assert facts(change(HEADING + BODY + "\n")) == EXPECTED


def test_a_title_with_marks_and_tags_is_plain() -> None:
    (entry,) = read_page("\u202e<b>Free</b> her\u202c\x07 now - NEWS - 07/06/2024\n\nWords.\n").entries
    assert entry.title == "Free her now"


def test_capitals_whose_small_letter_is_longer_keep_the_offsets() -> None:
    text = HEADING + "İİİİ İİ. " + BODY
    assert facts(text) == EXPECTED


def test_no_sentence_is_longer_than_the_limit_and_none_is_lost() -> None:
    text = "word " * 5_000 + "x" * 10_000 + " . end"
    sentences = list(Plain(text).sentences(0, len(text), get_language("en")))
    assert max(len(s.text) for s in sentences) <= LONGEST_SENTENCE
    assert sum(len(s.text.replace(" ", "")) for s in sentences) == len(text.replace(" ", ""))


def steps(text: str) -> int:
    """How many calls reading the text makes, of Python's functions and of those built in."""
    count = 0

    def see(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        read_page(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        HEADING + BODY + "\n\n",
        BODY + " ",
        BODY + "\n\n",
        "On 8 April he was arrested and the hearing of 9 April was adjourned to 10 April; ",
        'a ( " <a - . 1 ',
        "She met Aba Cde, Fgh Ijk and the Lmn Opq. ",
    ],
    ids=["entries", "sentences", "paragraphs", "no_stop", "marks", "names"],
)
def test_twice_the_page_takes_twice_the_steps(unit: str) -> None:
    read_page(HEADING + BODY)
    once, twice = steps(HEADING + BODY + unit * 150), steps(HEADING + BODY + unit * 300)
    assert twice < 2.2 * once


def test_ever_new_names_take_no_more_than_in_proportion() -> None:
    def page(count: int) -> str:
        names = (
            f"{chr(65 + i % 26)}{'abcdefgh'[i % 8] * 3}a Q{chr(97 + i % 25)}{chr(97 + i // 25)}im" for i in range(count)
        )
        return HEADING + " ".join(f"{name} was arrested on 3 May 2024." for name in names)

    assert steps(page(1_200)) < 2.4 * steps(page(600))


@pytest.mark.parametrize(
    "text",
    [
        "A" * 300_000,
        "- " * 150_000,
        "(" * 300_000,
        "1 " * 150_000,
        "was " + " " * 300_000 + "arrested",
        "<a " * 100_000,
        "Date: the of to " * 20_000,
        "\n" * 300_000,
        "on 8 April and " * 20_000,
    ],
)
def test_patterns_do_not_run_away_on_one_kind_of_character(text: str) -> None:
    assert len(read_page(HEADING + "He was in it for the cause. " + text).entries) == 1
