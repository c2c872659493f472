"""Words as they are indexed and asked for: one spelling for many. Pure."""

import re
import unicodedata

from anyascii import anyascii

#: Words of a question that are looked at; more would only slow the answer.
MOST_WORDS = 8

#: Characters of a word that count; PostgreSQL takes no question with a word of more than 2,046 bytes.
LONGEST_WORD = 100

#: Particles of names that spellings add and drop.
ARTICLES = {"al", "el", "as", "ar", "an", "ad", "az", "at", "ash", "bin", "ben", "ibn", "bint", "abu", "l"}
_DIGRAPHS = (
    ("kh", "x"),
    ("sh", "c"),
    ("ch", "c"),
    ("zh", "j"),
    ("dj", "j"),
    ("gh", "g"),
    ("ou", "u"),
    ("th", "t"),
    ("dh", "d"),
)
_SAME = str.maketrans({"q": "k", "c": "c", "w": "v", "z": "s", "h": "x", "y": "i"})

#: Letters whose transliterations differ by script but sound as one (Hebrew and Arabic heth, and kha).
_ONE_SOUND = str.maketrans({"ח": "x", "כ": "x", "ך": "x", "ح": "x", "خ": "x", "х": "x", "Х": "x"})

_TASHKEEL = re.compile("[\u064b-\u065f\u0670\u0640]")
_ALEF = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"})


def words_of(*texts: str) -> str:
    """Indexable words of these texts, in their own script and in Latin letters, each once, separated by spaces."""
    found: dict[str, None] = {}
    for text in texts:
        for word in split(text):
            found[word] = None
            latin = re.sub(r"[^a-z0-9]", "", anyascii(word).lower())
            if latin:
                found[latin] = None
    return " ".join(found)


def question(text: str) -> list[str]:
    """The words somebody asks for, each to be found as the beginning of a word. Particles of names count only where
    nothing else is asked: the next spelling leaves them out."""
    words = split(text)
    return ([word for word in words if word not in ARTICLES] or words)[:MOST_WORDS]


def name_key(name: str) -> str:
    """A key of the consonants that spellings of one name share, words sorted: `Khaled Al Serr`,
    `Khalid al-Sirr` and the Arabic and Cyrillic spellings give the same. For finding candidates; it merges nothing."""
    unified = unicodedata.normalize("NFKC", re.sub(r"\bال", "", name)).translate(_ONE_SOUND)
    plain = anyascii(unified).lower()
    words = [w for w in re.split(r"[^a-z]+", plain.replace("'", "").replace("`", "")) if w and w not in ARTICLES]
    return " ".join(sorted(key for key in (_word_key(w) for w in words) if key))[:300]


def _word_key(word: str) -> str:
    for pair, one in _DIGRAPHS:
        word = word.replace(pair, one)
    word = word.translate(_SAME)
    letters = re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiou]", "", word))
    # A last h is a vowel written out (Khalifah).
    return letters.removesuffix("x") if len(letters) > 1 else letters


def split(text: str) -> list[str]:
    """The words of a text in their own script, one spelling for many: no case, no accents, no marks of vowels."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _TASHKEEL.sub("", plain).translate(_ALEF)
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    return [word[:LONGEST_WORD] for word in re.findall(r"\w+", plain.replace("_", " "))]
