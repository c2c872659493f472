"""Names as they are kept, their scripts, and the initials that stand for them."""

import pytest

from tracker.base.errors import Refused
from tracker.people.rules import LONGEST_NAME, clean_name, initials, script_of


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ahmad   Khalefa ", "Ahmad Khalefa"),
        ("Ahmad\tKhalefa\n", "Ahmad Khalefa"),
        ("\u202eAhmad\u202c", "Ahmad"),
        ("Zoe\u0308", "Zoë"),
        ("x" * LONGEST_NAME, "x" * LONGEST_NAME),
    ],
)
def test_names_as_they_are_kept(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", "\u200f", "a\0b", "a\x07b", "x" * (LONGEST_NAME + 1)])
def test_names_that_cannot_be_kept(typed: str) -> None:
    with pytest.raises(Refused) as refusal:
        clean_name(typed)
    assert refusal.value.field == "name"


@pytest.mark.parametrize(
    ("name", "script"),
    [("Ahmad", "Latn"), ("أحمد", "Arab"), ("חנה", "Hebr"), ("Мария", "Cyrl"), ("李", "Zyyy"), ("1", "Zyyy")],
)
def test_scripts(name: str, script: str) -> None:
    assert script_of(name) == script


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ahmad Khalefa", "A.K."), ("Khaled al-Serr", "K.S."), ("a b c d", "A.B.C."), ("خالد السر", "خ.ا.")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
