"""Numbers in addresses: nobody reads them, nobody makes them, and one kind's word is not another's."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tracker.base.concealed import Concealed, conceal, reveal

pytestmark = pytest.mark.one_engine


def test_a_word_stands_for_its_number_alone(app: Flask) -> None:
    words = {conceal("flag", number): number for number in [*range(300), 2**63 - 1]}
    assert len(words) == 301
    assert all(reveal("flag", word) == number for word, number in words.items())
    assert all(len(word) == 32 for word in words)
    assert not any(str(number) == word[-len(str(number)) :] for word, number in words.items() if number > 99)


def test_a_word_of_another_kind_names_nothing(app: Flask) -> None:
    assert reveal("mail", conceal("flag", 7)) is None
    assert conceal("mail", 7) != conceal("flag", 7)


def test_a_word_that_was_not_made_here_names_nothing(app: Flask) -> None:
    word = conceal("flag", 7)
    for other in ("7", "", "A" * 32, word[:-1] + ("A" if word[-1] != "A" else "B"), word[::-1], "é" * 32):
        assert reveal("flag", other) is None
    assert app.test_client().get("/flags/7/snooze").status_code == 404


@given(word=st.text(alphabet="ABCxyz019-_", min_size=32, max_size=32))
def test_nobody_guesses_a_word(word: str) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    app = Flask("another")
    app.extensions["concealed"] = {"flag": AESSIV(bytes(32))}
    with app.app_context():
        assert reveal("flag", word) is None


def test_no_address_carries_the_number_of_a_row(app: Flask) -> None:
    counted = [
        r.rule
        for r in app.url_map.iter_rules()
        if "IntegerConverter" in {type(c).__name__ for c in r._converters.values()}
    ]
    assert not counted, "say <concealed(kind):…>, or give the row a public id"
    assert sum(isinstance(c, Concealed) for r in app.url_map.iter_rules() for c in r._converters.values()) >= 9
