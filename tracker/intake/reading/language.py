"""The languages that can be read, each one TOML file in `tracker/intake/languages/`: words and phrases, no code.

A phrase is words with single spaces; `a/b` is either word, `word*` any ending, `*word` any beginning and `~` up to five
words between. Every gap is bounded, so a phrase costs a fixed amount per character of a sentence.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_

FOLDER = Path(__file__).resolve().parent.parent / "languages"

#: The language a text is taken for when it is too short to tell.
DEFAULT = "en"

#: A text is in a language when at least this share of its words are that language's function words (running English
#: prose has about 0.4; a list of names and dates in English about 0.1; prose in another language under 0.06).
FUNCTION_WORD_SHARE = 0.08

#: Below this many words the share says nothing.
WORDS_TO_TELL = 25

#: Recognising the language looks at no more than this many characters.
SAMPLE = 20_000

_SPACE = r"\s{1,20}"
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_LETTERS = re.compile(r"[^\W\d_]+")
_ANCHOR_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found in a sentence: what it stands for and where."""

    code: str
    start: int
    end: int


def _word_pattern(word: str) -> str:
    options = []
    for option in word.split("/"):
        head, tail = (r"\w{0,12}" if option.startswith("*") else ""), (r"\w{0,12}" if option.endswith("*") else "")
        options.append(head + re.escape(option.strip("*").lower()) + tail)
    return options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"


def phrase_pattern(phrase: str, not_across: Iterable[str] = ()) -> str:
    """The regular expression a phrase stands for, to be matched against text in lower case. No gap of it goes across a
    word of `not_across`."""
    barred = rf"(?!(?:{_either(not_across)})\s)" if not_across else ""
    gap = rf"(?:\s{{1,20}}{barred}\S{{1,40}}){{0,5}}?\s{{1,20}}"
    pattern, glue = "", ""
    for word in phrase.split():
        if word == "~":
            glue = gap
            continue
        pattern += glue + _word_pattern(word)
        glue = _SPACE
    return rf"(?<!\w){pattern}(?!\w)"


def _anchors(phrase: str) -> frozenset[str] | None:
    """First letters of one word of the phrase: a sentence with no word beginning so cannot hold it. None: no such."""
    best: frozenset[str] | None = None
    for word in phrase.split():
        options = word.split("/")
        if word == "~" or any(o.startswith("*") or not o.strip("*").isalpha() for o in options):
            continue
        if any(o.endswith("*") and len(o) <= _ANCHOR_LETTERS for o in options):
            continue
        found = frozenset(o.strip("*").lower()[:_ANCHOR_LETTERS] for o in options)
        if best is None or min(map(len, found)) > min(map(len, best)):
            best = found
    return best


@lru_cache(maxsize=2)
def _beginnings(sentence: str) -> tuple[str, ...]:
    """The first letters of the words of a sentence; kept for the next table of phrases the same sentence is held to."""
    return tuple(dict.fromkeys(word[:_ANCHOR_LETTERS] for word in _LETTERS.findall(sentence)))


class Phrases:
    """Phrases by what they stand for, searched together: only those whose first letters occur are tried."""

    def __init__(self, by_code: Iterable[tuple[str, Iterable[str]]], not_across: Iterable[str] = ()) -> None:
        self._always: list[tuple[str, re.Pattern[str]]] = []
        self._by_anchor: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
        for code, phrases in by_code:
            for phrase in phrases:
                entry = (code, re.compile(phrase_pattern(phrase, not_across)))
                anchors = _anchors(phrase)
                if anchors is None:
                    self._always.append(entry)
                for anchor in anchors or ():
                    self._by_anchor.setdefault(anchor, []).append(entry)

    def find(self, sentence: str) -> list[Found]:
        """Every place in `sentence` (lower case) where a phrase stands, in order; of overlapping ones the longest."""
        hits = [
            Found(code, m.start(), m.end())
            for code, pattern in self._candidates(sentence)
            for m in pattern.finditer(sentence)
        ]
        kept: list[Found] = []
        for hit in sorted(hits, key=lambda f: (f.start - f.end, f.start)):
            if all(hit.end <= other.start or hit.start >= other.end for other in kept):
                kept.append(hit)
        return sorted(kept, key=lambda f: f.start)

    def first(self, sentence: str) -> Found | None:
        """The phrase that comes first by the order of the table; None where none stands."""
        for code, pattern in self._candidates(sentence):
            if match := pattern.search(sentence):
                return Found(code, match.start(), match.end())
        return None

    def __contains__(self, sentence: str) -> bool:
        return self.first(sentence) is not None

    def _candidates(self, sentence: str) -> Iterator[tuple[str, re.Pattern[str]]]:
        seen: set[int] = set()
        yield from self._always
        for start in _beginnings(sentence):
            for entry in self._by_anchor.get(start, ()):
                if id(entry) not in seen:
                    seen.add(id(entry))
                    yield entry


def _words(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(w.lower()) for w in sorted(words, key=len, reverse=True))


class Language:
    """One language, ready to be searched with. Attributes carry the names of the tables in its file."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.code: str = data["code"]
        self.name: str = data["name"]
        self.function_words = _words(data["function_words"])
        self.common_words = self.function_words | _words(data["common_words"])
        self.dates: dict[str, Any] = data["dates"]
        self.months = {word: i for i, words in enumerate(self.dates["months"], 1) for word in words}
        self.weekdays = {word: i for i, words in enumerate(self.dates["weekdays"], 1) for word in words}
        self._read_layout(data["layout"])
        self._read_people(data["people"])
        self._read_events(data["events"], data["hearings"], data["status"])
        self.countries = [(name, code) for code, names in data["countries"].items() for name in names]
        self.countries.sort(key=lambda pair: -len(pair[0]))
        self.country_words = frozenset(word for name, _ in self.countries for word in name.split())
        self._country = re.compile(rf"(?<!\w)(?:{_either(n for n, _ in self.countries)})(?!\w)")

    def _read_layout(self, layout: dict[str, Any]) -> None:
        self.labels: list[tuple[str, str]] = [(text, kind) for text, kind in layout["labels"]]
        self.footers: list[str] = layout["footers"]
        self.updated: list[str] = layout["updated"]
        self.tails = re.compile(rf"\s*(?:(?:{_either(layout['tails'])})\.?\s*)+$")
        self.noise_labels: list[str] = layout["noise_labels"]
        self.published_labels: list[str] = layout["published_labels"]
        self.title_labels: list[str] = layout["title_labels"]
        self.deadline_labels: list[str] = layout["deadline_labels"]
        self.document_kinds: list[tuple[str, list[str]]] = [(kind, cues) for kind, cues in layout["kinds"]]
        self.ua_number = re.compile(
            rf"(?<!\w)(?:{_either(layout['ua_words'])})(?!\w)[\s:.#-]{{0,6}}(\d{{1,3}})\s?[/.]\s?(\d{{4}}|\d{{2}})(?!\d|\s?[/.]\s?\d)"
        )
        self.abbreviations = frozenset(layout["abbreviations"])

    def _read_people(self, people: dict[str, Any]) -> None:
        self.honorifics = frozenset(people["honorifics"])
        self.particles = frozenset(people["particles"])
        self.roles = frozenset(people["roles"])
        self.others = frozenset(people["others"])
        self.not_names = _words(people["not_names"])
        self.coordinators = frozenset(people["coordinators"])
        self.pronouns = re.compile(rf"(?<!\w)(?:{_either(people['pronouns'])})(?!\w)")
        self.barriers = frozenset(people["barriers"])
        self.people_cues = Phrases([("person", [*people["doing_to"], *people["done_to"]])])
        before = "|".join(phrase_pattern(p) for p in people["doing_to"])
        after = "|".join(phrase_pattern(p) for p in people["done_to"])
        self.before_person = re.compile(rf"(?:{before})(?P<between>(?:\s{{1,20}}[^\s,;:.]{{1,30}}){{0,6}}?)\s{{0,20}}$")
        self.after_person = re.compile(
            rf"\)?\s{{0,3}}(?:\([^()]{{0,80}}\)\s{{0,3}})?(?:,[^,;]{{0,140}}(?:,[^,;]{{0,60}}){{0,3}},)?\s{{0,3}}(?:\w{{2,10}}\s){{0,2}}?(?:{after})"
            rf"|'s?(?:\s[^\s,;.]{{1,30}}){{0,4}}?\s(?:{_either(people['theirs'])})(?!\w)"
        )
        self.subject = re.compile(rf"(?:(?:{_either(people['pronouns'])})\s|$)")
        self.age_after = re.compile(rf",\s(?:\d{{1,2}},|(?:{_either(people['age_words'])})(?!\w))")

    def _read_events(self, events: dict[str, Any], hearings: dict[str, Any], status: dict[str, Any]) -> None:
        self.demands = Phrases([("demand", events["demands"])])
        self.unreal = re.compile(rf"(?<!\w)(?:{_either(events['unreal'])})(?:\s{{1,20}}\w{{1,20}}){{0,2}}\s{{0,20}}$")
        self.cues = Phrases([*events["cues"].items(), ("", events["ignore"])], self.coordinators)
        self.undated_kinds = frozenset(events["undated"]["kinds"])
        weak = hearings["weak"]
        self.hearing_cues = Phrases([("hearing", [c for c in hearings["cues"] if c not in weak]), ("weak", weak)])
        self.ahead = Phrases([("ahead", hearings["ahead"])])
        self.next_without_date = Phrases([("next", hearings["next_without_date"])])
        self.hearing_kinds = [(kind, Phrases([(kind, cues)])) for kind, cues in hearings["kinds"]]
        self.court_words = frozenset(hearings["court_words"])
        self.court_adjectives = frozenset(hearings["court_adjectives"])
        self.court_tails = frozenset(hearings["court_tails"])
        self.forums: list[str] = hearings["forums"]
        self.deciding = frozenset(hearings["deciding"])
        self.statuses = [(code, Phrases([(code, cues)])) for code, cues in status.items()]

    def country_of(self, text: str) -> str | None:
        """The first country named in `text`, by its ISO code (two joined by `/` where they share a page)."""
        match = self._country.search(text.lower())
        return dict(self.countries)[match.group()] if match else None


@cache
def get_language(code: str) -> Language:
    """The language called `code`. LookupError where no file of that name lies in the folder."""
    path = FOLDER / f"{code}.toml"
    if code not in language_codes():
        raise LookupError(f"no language is called {code}")
    return Language(tomllib.loads(path.read_text(encoding="utf-8")))


@cache
def language_codes() -> tuple[str, ...]:
    """The codes of the languages that can be read."""
    return tuple(sorted(p.stem for p in FOLDER.glob("*.toml")))


def language_of(text: str) -> Language:
    """The language most of `text` is in. Refused when it is clearly in none that can be read."""
    words = [w.lower() for w in _WORD.findall(text[:SAMPLE])]
    if len(words) < WORDS_TO_TELL:
        return get_language(DEFAULT)
    shares = {code: sum(w in get_language(code).function_words for w in words) for code in language_codes()}
    best = max(shares, key=lambda code: shares[code])
    if shares[best] < FUNCTION_WORD_SHARE * len(words):
        known = ", ".join(get_language(code).name for code in language_codes())
        raise Refused(
            N_("This page is in a language that cannot be read yet. Languages that can: %(known)s.", known=known),
            "document",
        )
    return get_language(best)
