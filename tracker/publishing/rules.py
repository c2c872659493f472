"""What the open web is shown of a case: decided by values alone. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tracker.search.rules import ARTICLES, split, words_of
from tracker.timeline.codes import CUSTODY

#: Kinds that tell of somebody's health.
OF_HEALTH = frozenset({"person.health_reported", "person.ill_treated"})

#: Kinds that say where somebody is.
OF_PLACE = frozenset({"person.located", "person.transferred"})

#: Kinds that say beside something else where somebody is held from then on.
WITH_PLACE = frozenset(
    {
        "person.held_incommunicado",
        "person.detention_ordered",
        "person.remanded",
        "person.placed_under_house_arrest",
        "person.imprisoned",
        "person.deported",
    }
)

#: Kinds that are good news.
GOOD_NEWS = ("person.released", "person.acquitted", "person.charges_dropped")

#: Letters that Arabic and Hebrew write on to the beginning of a word: and, so, by, to, as, the, will; from, that.
_WRITTEN_ON = "وفبلكاس" + "והבלמשכ"

#: Letters a word of a name has at least to be looked for however it is written; two letters in the name's own script
#: alone, and in Latin letters only with a capital, or every "he" and "in" would be somebody.
SHORTEST = 3

#: Words of two Latin letters that begin with a capital.
_SHORT_NAME = re.compile(r"\b[A-Z][A-Za-z]\b")

#: How the letters of scripts are called that write words without a space between them.
_RUN_ON = ("CJK ", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def words_of_names(names: Iterable[str]) -> frozenset[str]:
    """The words by which these names would be known in a text, in their own script and in Latin letters."""
    known = list(names)
    words = {word for name in known for word in words_of(name).split()}
    words |= {word.removeprefix("ال") for word in words}
    found = {word for word in words if len(word) >= SHORTEST}
    found |= {word for name in known for word in split(name) if len(word) == SHORTEST - 1 or _runs_on(word)}
    return frozenset(found - ARTICLES)


def tells(text: str, hidden: frozenset[str]) -> bool:
    """Whether a text holds a word of a name that is not to be shown, also where what Arabic and Hebrew write on to the
    beginning of a word (and, to, by, the) stands before it, and where words stand without a space between them. Rather
    once too often: a text that is left out is missed, a name that gets out does not come back."""
    if not hidden:
        return False
    short = {word for word in hidden if len(word) < SHORTEST and word.isascii()}
    if short and not short.isdisjoint(word.lower() for word in _SHORT_NAME.findall(text)):
        return True
    plain, sought = words_of(text), hidden - short
    if any(not sought.isdisjoint(_without_beginnings(word)) for word in plain.split()):
        return True
    return any(word in plain for word in sought if _runs_on(word))


@lru_cache(4096)
def _runs_on(word: str) -> bool:
    return any(unicodedata.name(letter, "").startswith(_RUN_ON) for letter in word)


def _without_beginnings(word: str) -> list[str]:
    """A word, and what is left of it without one letter after the other that may be written on to it."""
    written_on = len(word) - len(word.lstrip(_WRITTEN_ON))
    return [word[start:] for start in range(written_on + 1)]


def payload_shown(kind: str, payload: Mapping[str, Any], may_place: bool, hidden: frozenset[str]) -> dict[str, Any]:
    """What of a kind's payload its sentence may be made of: no place where nobody agreed to its being told, and nothing
    that holds a name."""
    shown = {name: value for name, value in payload.items() if not (isinstance(value, str) and tells(value, hidden))}
    if kind in WITH_PLACE and not may_place:
        shown.pop("place", None)
    return shown


def may_tell(kind: str, may_health: bool, may_place: bool) -> bool:
    """Whether an entry of this kind is shown at all, by what those it concerns agreed to."""
    return (may_health or kind not in OF_HEALTH) and (may_place or kind not in OF_PLACE)


def is_good_still(statuses: Sequence[str | None]) -> bool:
    """Whether good news about people who stand so today may still be told as such: nobody was taken again, condemned
    to death, or has died since."""
    return not any(
        status == "sentenced_to_death" or (status in CUSTODY and (CUSTODY[status].deprived or CUSTODY[status].terminal))
        for status in statuses
        if status
    )


def paragraphs(text: str) -> tuple[str, ...]:
    """A text by its paragraphs, each in one line."""
    return tuple(" ".join(part.split()) for part in text.replace("\r\n", "\n").split("\n\n") if part.strip())
