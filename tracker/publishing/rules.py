"""What the open web is shown of a case: decided by values alone. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker.search.rules import ARTICLES, words_of
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

#: Letters a word of a name has at least to be looked for in a text.
SHORTEST = 3


def words_of_names(names: Iterable[str]) -> frozenset[str]:
    """The words by which these names would be known in a text, in their own script and in Latin letters. Of a name all
    of whose words are short (`Xu Yi`), its words together, with a blank between them: one alone stands in many texts.
    """
    found: set[str] = set()
    for name in names:
        words = [word for word in words_of(name).split() if word not in ARTICLES]
        long = {word for each in words for word in (each, each.removeprefix("ال")) if len(word) >= SHORTEST}
        found |= long or ({" ".join(words)} if len(words) > 1 else set())
    return frozenset(found)


def tells(text: str, hidden: frozenset[str]) -> bool:
    """Whether a text holds a word of a name that is not to be shown, also where what Arabic and Hebrew write on to the
    beginning of a word (and, to, by, the) stands before it. Rather once too often: a text that is left out is missed, a
    name that gets out does not come back."""
    if not hidden:
        return False
    said = {short for word in words_of(text).split() for short in _without_beginnings(word)}
    return not hidden.isdisjoint(said) or any(said.issuperset(name.split()) for name in hidden if " " in name)


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
