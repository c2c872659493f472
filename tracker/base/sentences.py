"""Sentences of what is pure: worded where something is decided, said in the reader's language where it is read. Pure.

What decides loads no catalogue. It names its words and what stands in their places, `N_("“%(text)s” is no day.",
text=said)`, by which `pybabel` finds them, and `base.words` lends the tongue. Without one, English is spoken.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date


class Sentence:
    """A whole sentence with named places. `str()` says it, in the language spoken at that moment.

    What stands in a place is shown as it is; a date as the language says dates (`Wednesday 8 April 2026`).
    """

    def __init__(self, words: str, /, **places: object) -> None:
        self.words = words
        self.places = places

    def __str__(self) -> str:
        return _tongue(self.words, self.places)

    def __repr__(self) -> str:
        return f"Sentence({self.words!r})"


#: Says words with what stands in their places.
Tongue = Callable[[str, Mapping[str, object]], str]


def in_english(words: str, places: Mapping[str, object]) -> str:
    """The words as they stand in the source."""
    said = {name: f"{of:%A} {of.day} {of:%B %Y}" if isinstance(of, date) else of for name, of in places.items()}
    return words % said if said else words


_tongue: Tongue = in_english


def speak_with(tongue: Tongue) -> None:
    """Say every sentence with `tongue` from now on."""
    global _tongue
    _tongue = tongue


# What is written down -------------------------------------------------------------------------------------------------

#: What tells words that are stored with something in their places from others, the most particular first.
_shapes: list[tuple[re.Pattern[str], str]] = []

_PLACE = re.compile(r"%\((\w+)\)s")


def on_record(words: str) -> str:
    """Words that are stored in English, as they stand here or with something in their places (`words % {...}`), and
    said by `base.words.say_record` in the language of whoever reads the record. By this name `pybabel` finds them."""
    if _PLACE.search(words) and all(words != known for _shape, known in _shapes):
        between = iter(_PLACE.split(words))
        shape = re.escape(next(between))
        for place, then in zip(between, between, strict=True):
            shape += f"(?P<{place}>.+){re.escape(then)}"
        _shapes.append((re.compile(shape, re.DOTALL), words))
        _shapes.sort(key=lambda of: -len(_PLACE.sub("", of[1])))
    return words


def read_record(stored: str) -> tuple[str, dict[str, str]]:
    """The words that were stored, and what stands in their places."""
    for shape, words in _shapes:
        if found := shape.fullmatch(stored):
            return words, found.groupdict()
    return stored, {}
