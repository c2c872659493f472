"""Who an entry is about: names found by how they are written and by what is said to have been done to them.

No list of people is kept. A name is a run of capitalised words that is no body, place or title; it counts as a person
at risk when something was done to it (`was arrested`, `charges against`), and each spelling of one name is one person.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from unicodedata import combining, normalize

from tracker.intake.reading.language import Language
from tracker.intake.reading.model import PersonRead
from tracker.intake.reading.plain import Sentence

#: Points from which a name is a person the entry is about.
ENOUGH = 2

#: When the title names somebody, others need this many.
ENOUGH_BESIDE_TITLE = 4

#: At most this many different names are compared with one another.
MOST_NAMES = 200

#: Longest name in words; a longer run of capitals is a heading.
MOST_WORDS = 8

_TOKEN = re.compile(r"[^\W\d_](?:[\w'\u0300-\u036f-]{0,40}\w)?")
_LIST_JOIN = re.compile(r"^(?:,\s?|\s)(?:(?:and|&)\s)?(?:the\s)?(?:[a-z-]{3,20}\s){0,2}$")


def fold(name: str) -> str:
    """A name for comparing: no accents, no case, no hyphens or apostrophes, single spaces."""
    bare = "".join(c for c in normalize("NFKD", name).casefold() if not combining(c)).replace("ı", "i")
    return re.sub(r"[\W_]+", " ", bare).strip()


@dataclass(frozen=True, slots=True)
class Mention:
    """A name at `start` to `end` of its sentence."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class _Candidate:
    """The spellings of one name, with the points each mention brought."""

    points: int = 0
    in_title: bool = False
    linked: bool = False
    spellings: Counter[str] = field(default_factory=Counter)


def mentions(sentence: Sentence, language: Language) -> list[Mention]:
    """The names of two words or more in a sentence, as written, without titles, demonyms and possessive endings."""
    text = sentence.text
    run: list[re.Match[str]] = []
    found: list[Mention] = []
    for token in _TOKEN.finditer(text):
        if run and not _runs_on(text, run[-1], token, language):
            found.extend(_names_in(run, language))
            run = []
        word = token.group()
        if word[0].isupper() or (run and word.lower() in language.particles) or _is_article_name(word):
            run.append(token)
        elif run:
            found.extend(_names_in(run, language))
            run = []
    found.extend(_names_in(run, language))
    return found


def _is_article_name(word: str) -> bool:
    """`al-Hamid`, `el-Massry`: a small article before a capital."""
    head, _, tail = word.partition("-")
    return bool(tail) and len(head) <= 3 and tail[0].isupper()


def _runs_on(text: str, before: re.Match[str], token: re.Match[str], language: Language) -> bool:
    between = text[before.end() : token.start()]
    if before.group().endswith("'s"):
        return False
    return between.isspace() or (between == ". " and before.group().lower() in language.honorifics)


def _names_in(run: list[re.Match[str]], language: Language) -> list[Mention]:
    """The name in a run of capitalised words: none, one, or (around common words) several."""
    names: list[Mention] = []
    part: list[re.Match[str]] = []
    for token in [*run, None]:
        if token is not None and not _breaks(token.group(), language):
            part.append(token)
            continue
        names.extend(_name_of(part, language))
        part = []
    return names


def _breaks(word: str, language: Language) -> bool:
    low = word.lower()
    if low in language.particles or low in language.not_names:
        return False
    return (
        low in language.common_words or low in language.honorifics or low in language.months or low in language.weekdays
    )


def _name_of(part: list[re.Match[str]], language: Language) -> list[Mention]:
    words = list(part)
    while words and _is_demonym(words[0].group(), language):
        words.pop(0)
    while words and words[0].group().lower() in language.roles:
        words.pop(0)
    while words and words[-1].group().lower() in language.particles and words[-1].group()[0].islower():
        words.pop()
    said = [w.group() for w in words]
    bare = [re.sub(r"'s?$", "", w) for w in said]
    if not 2 <= len(said) <= MOST_WORDS:
        return []
    if any(w.lower() in language.not_names or w.lower() in language.country_words for w in bare):
        return []
    if sum(len(w) > 1 and w.isupper() for w in bare) or sum(w[0].isupper() or "-" in w for w in bare) < 2:
        return []
    if not said[-1].endswith("'s") and _is_named_after(words[-1], language):
        return []
    end = words[-1].end() - (len(said[-1]) - len(bare[-1]))
    return [Mention(" ".join(bare), words[0].start(), end)]


def _is_named_after(last: re.Match[str], language: Language) -> bool:
    """Whether a name is part of a body's or a place's: `Kamal Adwan hospital`."""
    following = _TOKEN.match(last.string, last.end() + 1)
    return following is not None and following.group().lower() in language.not_names


def _is_demonym(word: str, language: Language) -> bool:
    return re.sub(r"'s?$", "", word).lower() in language.country_words


def points_of(mention: Mention, sentence: Sentence, language: Language) -> tuple[int, bool]:
    """How much the words around a name speak for a person at risk, and whether something was done to them."""
    low = sentence.low
    before, after = low[max(0, mention.start - 110) : mention.start], low[mention.end : mention.end + 260]
    before_words = before.split()
    points, linked = 0, False
    match = language.before_person.search(before)
    if match and not any(word in language.barriers for word in match["between"].split()):
        points, linked = points + 2, True
    if language.after_person.match(after):
        points, linked = points + 2, True
    last = before_words[-1].strip(",.") if before_words else ""
    if (
        last in language.others
        or " ".join(before_words[-2:]) in language.others
        or (last in language.barriers and last != "with")
    ):
        return -2, False
    if any(word in language.others for word in before_words[-3:]) and not language.after_person.match(after):
        return -1, False
    if last in language.roles or last in language.country_words or last in language.honorifics:
        points += 1
    if language.age_after.match(after):
        points += 1
    return points, linked


def read_persons(
    title: Sentence | None, sentences: Iterable[Sentence], language: Language, profile: bool = False
) -> tuple[list[PersonRead], bool]:
    """The people an entry is about, in the order they are named, and whether anything is said to have been done to one.

    `profile`: the title is the person's name.
    """
    by_name: dict[str, _Candidate] = {}
    together: set[frozenset[str]] = set()
    also: dict[str, str] = {}
    if title:
        _score(title, language, {}, together, also)
    title_names = mentions(title, language) if title else []
    if profile and title and title_names:
        by_name[title_names[0].name] = _Candidate(5, True, True, Counter({title_names[0].name: 1}))
    in_body = []
    for sentence in sentences:
        in_body.append(sentence)
        if sentence.low in language.people_cues or len(in_body) <= 3:
            _score(sentence, language, by_name, together, also)
    _score_short_forms(in_body, language, by_name)
    if title:
        _score_title(title, title_names, language, by_name)
    groups = _one_per_person(by_name, together, also)
    named_in_title = any(c.in_title and c.points >= ENOUGH for _, c in groups)
    enough = ENOUGH_BESIDE_TITLE if named_in_title else ENOUGH
    chosen = [(n, c) for n, c in groups if c.points >= (ENOUGH if c.in_title else enough)]
    linked = any(c.linked for _, c in chosen)
    people = [PersonRead(name, tuple(s for s in c.spellings if s != name)) for name, c in chosen]
    return people, linked


def _score(
    sentence: Sentence,
    language: Language,
    by_name: dict[str, _Candidate],
    together: set[frozenset[str]],
    also: dict[str, str],
) -> None:
    found = mentions(sentence, language)
    scores = [points_of(m, sentence, language) for m in found]
    for i in range(1, len(found)):
        if (
            sentence.text[found[i - 1].end : found[i].start] == " ("
            and sentence.text[found[i].end : found[i].end + 1] == ")"
        ):
            also[found[i].name] = found[i - 1].name
        if _LIST_JOIN.match(sentence.text[found[i - 1].end : found[i].start]):
            together.add(frozenset((found[i - 1].name, found[i].name)))
            if min(scores[i - 1][0], scores[i][0]) >= 0:
                scores[i] = max(scores[i], scores[i - 1])
    for i in range(len(found) - 1, 0, -1):
        if frozenset((found[i - 1].name, found[i].name)) in together and min(scores[i - 1][0], scores[i][0]) >= 0:
            scores[i - 1] = max(scores[i], scores[i - 1])
    for mention, (points, linked) in zip(found, scores, strict=True):
        candidate = by_name.setdefault(mention.name, _Candidate())
        candidate.points += points
        candidate.linked = candidate.linked or linked
        candidate.spellings[mention.name] += 1


def _score_short_forms(sentences: Sequence[Sentence], language: Language, by_name: dict[str, _Candidate]) -> None:
    """Points for names whose last word alone (`Drareni was arrested`), or `he` after them, had something done to it."""
    by_last: dict[str, str] = {}
    for name, candidate in by_name.items():
        if candidate.points >= 0 and len(by_last) < MOST_NAMES:
            by_last.setdefault(name.split()[-1].lower(), name)
    last_named: str | None = None
    for sentence in sentences:
        told = sentence.low in language.people_cues
        for word in re.finditer(r"[^\W\d_](?:[\w-]{0,40}\w)?", sentence.low):
            named = by_last.get(word.group())
            if named is None:
                continue
            last_named = named
            if told and language.after_person.match(sentence.low[word.end() : word.end() + 260]):
                by_name[named].points += 1
                by_name[named].linked = True
        pronoun = language.subject.match(sentence.low) if told and last_named else None
        if pronoun and last_named and language.after_person.match(sentence.low[pronoun.end() - 1 :][:200]):
            by_name[last_named].points += 1
            by_name[last_named].linked = True


def _score_title(title: Sentence, found: Sequence[Mention], language: Language, by_name: dict[str, _Candidate]) -> None:
    folded = f" {fold(title.text)} "
    for name, candidate in by_name.items():
        if f" {fold(name)} " in folded:
            candidate.in_title = True
            candidate.points += 2
    for mention in found:
        if mention.name not in by_name:
            points, linked = points_of(mention, title, language)
            by_name[mention.name] = _Candidate(max(points, 0), True, linked, Counter({mention.name: 1}))
        elif points_of(mention, title, language)[1]:
            by_name[mention.name].linked = True


def _one_per_person(
    by_name: dict[str, _Candidate], together: set[frozenset[str]], also: dict[str, str]
) -> list[tuple[str, _Candidate]]:
    """Join the spellings of one name. Two names listed side by side (`Ehram and Behram X`) are two people; `also` holds
    the names printed in brackets after another."""
    order = {name: i for i, name in enumerate(by_name)}
    strongest = sorted(by_name, key=lambda n: -by_name[n].points)[:MOST_NAMES]
    names = sorted(strongest, key=lambda n: order[n])
    leader = {name: name for name in names}
    by_word: dict[str, list[str]] = defaultdict(list)
    for name in names:
        words = fold(name).split()
        for other in dict.fromkeys(o for w in (words[0], words[-1]) for o in by_word[w]):
            if leader[name] == name and frozenset((name, other)) not in together and same_name(name, other):
                leader[name] = leader[other]
        for word in {words[0], words[-1]}:
            by_word[word].append(name)
    for name, main in also.items():
        if name in leader and main in leader:
            old, new = leader[name], leader[main]
            leader = {n: new if lead == old else lead for n, lead in leader.items()}
    groups: dict[str, _Candidate] = {}
    for name in names:
        group, one = groups.setdefault(leader[name], _Candidate()), by_name[name]
        group.points = group.points + one.points
        group.in_title, group.linked = group.in_title or one.in_title, group.linked or one.linked
        group.spellings.update(one.spellings)
    return [(_best_spelling(g.spellings, lead if lead in also.values() else None), g) for lead, g in groups.items()]


def _best_spelling(spellings: Counter[str], first: str | None = None) -> str:
    """`first` where given, else the fullest form; among equally full ones the most frequent, then the first."""
    if first is not None:
        return first
    fullest = max(len(s.split()) for s in spellings)
    return max((s for s in spellings if len(s.split()) == fullest), key=lambda s: spellings[s])


def same_name(one: str, other: str) -> bool:
    """Whether two names are spellings of one: the shorter's words stand in the longer's, in order, each alike."""
    short, long = sorted((fold(one).split(), fold(other).split()), key=len)
    if len(short) < 2:
        return False
    if len(short) < len(long) and (not alike(short[0], long[0]) or not alike(short[-1], long[-1])):
        return False
    rest = iter(long)
    slips = 0
    for word in short:
        match = next((w for w in rest if alike(word, w)), None)
        if match is None:
            return False
        slips += match != word
    return slips <= 1


def alike(one: str, other: str) -> bool:
    """Whether two words are equal or, from five letters on, one slip of the pen apart (a letter more, less, other, or
    the same letters in another order after the first)."""
    if one == other:
        return True
    if min(len(one), len(other)) < 5 or abs(len(one) - len(other)) > 1:
        return False
    if one[0] == other[0] and sorted(one) == sorted(other):
        return True
    i = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[i:], other[i:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:]
