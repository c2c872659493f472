"""Sentences of what is pure: worded where something is decided, said in the reader's language where it is read. Pure.

What decides loads no catalogue. It names its words and what stands in their places, `N_("“%(text)s” is no day.",
text=said)`, by which `pybabel` finds them, and `base.words` lends the tongue. Without one, English is spoken.
"""

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
