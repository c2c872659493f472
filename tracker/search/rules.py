"""Words as they are indexed and asked for: one spelling for many. Pure."""

import re
import unicodedata

from anyascii import anyascii

#: Words of a question that are looked at; more would only slow the answer.
MOST_WORDS = 8

_TASHKEEL = re.compile("[\u064b-\u065f\u0670\u0640]")
_ALEF = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"})


def words_of(*texts: str) -> str:
    """Indexable words of these texts, in their own script and in Latin letters, each once, separated by spaces."""
    found: dict[str, None] = {}
    for text in texts:
        for word in _split(text):
            found[word] = None
            latin = re.sub(r"[^a-z0-9]", "", anyascii(word).lower())
            if latin:
                found[latin] = None
    return " ".join(found)


def question(text: str) -> list[str]:
    """The words somebody asks for, each to be found as the beginning of a word."""
    return _split(text)[:MOST_WORDS]


def _split(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _TASHKEEL.sub("", plain).translate(_ALEF)
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    return re.findall(r"\w+", plain.replace("_", " "))
