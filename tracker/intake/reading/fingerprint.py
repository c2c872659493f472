"""What a thing read from a page is called for good: the same page read again, or a later edition that left the words
alone, gives the same fingerprints. Positions are no part of them.
"""

import hashlib
import re
from unicodedata import normalize

from tracker.intake.reading.model import EntryRead, EventRead, HearingRead, PersonRead
from tracker.intake.reading.names import fold

#: Length of a fingerprint in characters (hexadecimal, 128 bits).
LENGTH = 32

_MARKS = re.compile("[\x00-\x1f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def plain_words(text: str) -> str:
    """Text for comparing: one form of each letter, no case, no marks, words with single spaces."""
    said = _MARKS.sub(" ", normalize("NFKC", text)).casefold()
    return " ".join(re.findall(r"\w+", said))


def _of(*parts: object) -> str:
    said = "\x1f".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(said.encode()).hexdigest()[:LENGTH]


def of_entry(entry: EntryRead) -> str:
    """An entry of a page: its kind, its date and the words of its title."""
    return _of("entry", entry.kind, entry.published, plain_words(entry.title))


def of_person(person: PersonRead | str) -> str:
    """A person by name, whatever the page: accents, case and hyphens aside."""
    return _of("person", fold(person if isinstance(person, str) else person.name))


def of_event(event: EventRead, entry: EntryRead) -> str:
    """An event: whose (those it names, else all of its entry), kind, date, precision and the words of its sentence."""
    return _of("event", _whose(event.persons, entry), event.kind, event.date, event.precision, plain_words(event.quote))


def of_hearing(hearing: HearingRead, entry: EntryRead) -> str:
    """A hearing: whose, date, precision, time, court and the words of its sentence; not its tense, which passes."""
    return _of(
        "hearing",
        _whose(hearing.persons, entry),
        hearing.kind,
        hearing.date,
        hearing.precision,
        hearing.time,
        plain_words(hearing.court or ""),
        plain_words(hearing.quote),
    )


def of_status(entry: EntryRead) -> str:
    """The status an entry gives its people."""
    return _of("status", _whose((), entry), entry.status, entry.published)


def of_text(text: str) -> str:
    """A whole page by its words: equal for two copies that differ in blanks, line ends and case alone."""
    return _of("text", plain_words(text))


def _whose(names: tuple[str, ...], entry: EntryRead) -> str:
    return "|".join(sorted(fold(name) for name in names or [p.name for p in entry.persons]))
