"""Words as they are found: any script, beginnings, spellings of names; and questions nobody should ask."""

from urllib.parse import urlencode

import pytest
from house_of_cases import Lived

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.search.queries import cases_matching
from tracker.search.rules import LONGEST_WORD, name_key, question, words_of


def found(asked: str, rung: Audience = Audience.DESK) -> set[int]:
    """The cases that a rung finds."""
    db.session.rollback()
    chosen = cases_matching(db.session(), asked)
    if chosen is None:
        return set()
    return {row[0] for row in db.session.execute(chosen) if row[1] == rung}


NAMES = {
    "Ahmad Khalefa": ("khalefa", "KHAL", "Khalifa", "خليفة", "ahmad khalefa", "khalefa ahmad"),
    "خالد السر": ("خالد", "السر", "Khaled", "Khalid", "Al Serr", "خَالِد"),
    "Мария Иванова": ("мария", "ИВАНОВ", "Ivanova"),
    "חנה לוי": ("חנה", "לוי"),
    "Zoë Müller-O'Hara": ("zoe", "Zoë", "muller", "Müller", "hara"),
    "李小明": ("李小明",),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_in_its_script_and_in_others(lived: Lived, name: str) -> None:
    case, _other = lived.case(name), lived.case("Somebody Else", title="Nothing alike")
    for asked in NAMES[name]:
        assert case.id in found(asked), asked
    assert found("Nobody") == set()


def test_all_words_are_asked_for_and_each_may_be_a_beginning(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", title="Held in Haifa", summary="A lawyer and father")
    for asked in ("hai", "haifa ahm", case.ref, case.ref.lower(), "IOPT0001", case.nickname[:3], "lawy"):
        assert found(asked) == {case.id}, asked
    assert found("haifa cairo") == set()
    assert found("aifa") == set()


def test_words_follow_what_is_changed(lived: Lived) -> None:
    from tracker.cases.models import Case
    from tracker.cases.service import edit_case

    case = lived.case(title="Held in Haifa")
    with lived.at() as session:
        edit_case(session, session.get(Case, case.id), version=1, title="Moved to Ramla")
    assert (found("haifa"), found("ramla")) == (set(), {case.id})


def test_volunteers_find_by_reference_and_nickname_alone(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa", title="Held in Haifa", audience=Audience.VOLUNTEERS)
    for asked in (case.ref, case.nickname):
        assert found(asked, Audience.VOLUNTEERS) == {case.id}
    for asked in ("Khalefa", "Ahmad", "Haifa"):
        assert found(asked, Audience.VOLUNTEERS) == set(), asked
    restricted = lived.case("Somebody", audience=Audience.NAMED)
    assert found("Somebody") == set()
    assert found("Somebody", Audience.NAMED) == {restricted.id}


HOSTILE = (
    *('"', "'", '" OR 1=1 --', "AND", "a AND NOT b", "NEAR(a b)", "*", "kha*", "(", "a & | ! b", ":*", "\\", "%", "_"),
    *("-", "\0", "a\0b", "<b>", "\u202e", "x" * 10_000, "word " * 10_000, "'; DROP TABLE cases; --", "{}", "^a"),
    *("words:kha", "½", "🙂"),
)


def test_no_question_is_a_fault(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    for asked in HOSTILE:
        found(asked)
    browser = lived.browser(lived.owner)
    for asked in HOSTILE:
        if "\0" not in asked and len(asked) < 200:
            assert browser.get(f"/cases?{urlencode({'q': asked})}").status_code == 200, asked
    assert found("khal") == {case.id}


@pytest.mark.one_engine
def test_words_have_an_end() -> None:
    assert question("") == question("*\"'") == []
    assert len(question("a " * 100)) == 8
    assert question("x" * 10_000) == ["x" * LONGEST_WORD]
    assert words_of("Khalefa خليفة Khalefa").split().count("khalefa") == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Khaled Al Serr", "Khalid al-Sirr"),
        ("Ahmad Khalefa", "Ahmed Khalifah"),
        ("Muhammad", "Mohammed"),
        ("Khaled Al Serr", "خالد السر"),
    ],
)
@pytest.mark.one_engine
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


@pytest.mark.one_engine
def test_other_names_have_other_keys() -> None:
    assert len({name_key(n) for n in ("Ahmad", "Basel", "Khaled", "Layla", "Amira")}) == 5
    assert name_key("") == name_key("Al") == ""
