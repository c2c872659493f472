"""Who an entry is about, and which spellings are one person."""

import pytest

from tracker.intake.reading.names import alike, fold, same_name
from tracker.intake.reading.page import read_page


def people(body: str, title: str = "Somebody needs you", label: str = "URGENT ACTION") -> dict[str, tuple[str, ...]]:
    (entry,) = read_page(f"{title} - {label} - 07/06/2024\n\n{body}\n").entries
    return {p.name: p.variants for p in entry.persons}


@pytest.mark.parametrize(
    "sentence",
    [
        "Police arrested Lamia Qasim on 3 May 2024.",
        "Lamia Qasim was arrested on 3 May 2024.",
        "Lamia Qasim, aged 31, who teaches, was arrested on 3 May 2024.",
        "Palestinian surgeon Lamia Qasim has been charged with incitement.",
        "On 3 May soldiers took Dr. Lamia Qasim; Lamia Qasim was held at Ofer.",
        "The charges against the teacher Lamia Qasim are baseless.",
        "The authorities must release Lamia Qasim now.",
        "Lamia Qasim's next hearing is on 9 June 2024.",
    ],
)
def test_a_name_to_which_something_was_done_is_a_person(sentence: str) -> None:
    assert people(sentence) == {"Lamia Qasim": ()}


@pytest.mark.parametrize(
    "sentence",
    [
        "The order was signed by Minister Petr Novak.",
        "He was arrested by Colonel Petr Novak at the Supreme Court.",
        "He was held in Wadi Rahma.",
        "They were detained outside Abdeen Misdemeanours Court.",
        "The Human Rights Council was moved by it.",
        "He was released from Evin Prison, his lawyer Petr Novak said.",
    ],
)
def test_officials_lawyers_courts_and_places_are_no_persons(sentence: str) -> None:
    assert people(sentence) == {}


def test_people_named_side_by_side_are_all_read() -> None:
    found = people("Unknown men attacked Ana Zuniga Ruiz, Sotero Funes and José Asunción Martín on 30 June 2023.")
    assert list(found) == ["Ana Zuniga Ruiz", "Sotero Funes", "José Asunción Martín"]


def test_a_surname_alone_leads_back_to_the_full_name() -> None:
    found = people("A court spoke on the journalist Karim Drane. Drane was arrested on 27 March 2024.", label="NEWS")
    assert list(found) == ["Karim Drane"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Munther Amira", "Munterh Amira"),
        ("Mohammad al-Qahtani", "Mohammed al-Qahtani"),
        ("Mohammad bin Fahad bin Muflih al-Qahtani", "Mohammed al-Qahtani"),
        ("José Ibáñez", "Jose Ibanez"),
        ("Al-Serr Khaled", "al serr khaled"),
    ],
)
def test_spellings_of_one_name_are_one(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ahmad Khalefa", "Afnan Khalefa"),
        ("Issa Amro", "Musa Amro"),
        ("Berta Ruiz", "Berta"),
        ("Emil Mammadov", "Gurban Mammadov"),
        ("Khaled Saleh", "Khaled Salem Omar"),
    ],
)
def test_other_names_are_other_people(one: str, other: str) -> None:
    assert not same_name(one, other)


def test_brothers_named_side_by_side_stay_two() -> None:
    found = people("Police detained Ehraim Yarm and Behraim Yarm on 3 May 2024.")
    assert list(found) == ["Ehraim Yarm", "Behraim Yarm"]


def test_the_spelling_printed_most_often_is_the_name() -> None:
    body = "Munterh Amira was arrested on 3 May 2024. Munther Amira was released. They must release Munther Amira."
    assert people(body) == {"Munther Amira": ("Munterh Amira",)}


def test_a_name_in_brackets_is_another_name_of_the_same_person() -> None:
    found = people("Leyla Yunar (Leyla Islam Yunarova) was detained on 30 July 2023.")
    assert found == {"Leyla Yunar": ("Leyla Islam Yunarova",)}


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        ("amira", "amira", True),
        ("amiraa", "amira", True),
        ("amora", "amira", True),
        ("amria", "amira", True),
        ("amara", "emira", False),
        ("anna", "anne", False),
        ("abcde", "abcdefg", False),
    ],
)
def test_one_slip_of_the_pen_from_five_letters_on(one: str, other: str, are: bool) -> None:
    assert alike(one, other) is are
    assert alike(other, one) is are


def test_folding_takes_accents_case_and_hyphens() -> None:
    assert fold("Étienne  AL-Hâmid") == "etienne al hamid"
    assert fold("qızı") == fold("qizi")


def test_a_name_of_ten_thousand_characters_is_read_past() -> None:
    body = f"Police arrested {'A' * 10_000} {'B' * 10_000} there. They arrested Lamia Qasim on 3 May 2024."
    assert people(body) == {"Lamia Qasim": ()}
