"""Where entries begin and end, and what their headings say.

Two layouts are known: a country page (headers `title - LABEL - dd/mm/yyyy`, a footer) and a single document (one entry
with labelled fields, a dateline or nothing of the kind).
"""

import re
from dataclasses import dataclass
from datetime import date

from tracker.intake.reading.dates import finder_for, header_date, only_date
from tracker.intake.reading.language import Language
from tracker.intake.reading.plain import Line, Plain

#: A title longer than this is prose, not a title.
LONGEST_TITLE = 300

_HEADER_DATE = re.compile(r"\s{0,5}[-–—|]\s{0,5}(\d{1,2}[/.]\d{1,2}[/.]\d{4})$")
_SEPARATOR = re.compile(r"\s{1,5}[-–—|]\s{1,5}")
_INDEX = re.compile(r"(?<!\w)([A-Z]{3})\s?(\d{2}/\d{2,5}/\d{4})(?!\d)")
#: A place, a date and a dash before the first words of a report.
_DATELINE = re.compile(r"^[^\W\d_][^!?]{1,50}?,\s([^,!?-]{3,20},?\s\d{4})\s[-–—]+\s")
_YEARS = re.compile(r"^(?:(?:19|20)\d\d\s*){2,}$")
_NUMBERED = re.compile(r"^\d{1,4}\.\s+")
_PREFIX = re.compile(r"^[^:]{2,40}:\s+")

#: A line that is a date has no more letters beside it than a time zone has.
_LETTERS_BESIDE_DATE = 4

#: How many lines of a single document are looked at for its date, title and labels.
HEAD_LINES = 14


@dataclass(frozen=True, slots=True)
class Block:
    """One entry as it lies in the plain text: `body_start` to `end` is its body."""

    title: str
    kind: str
    published: date | None
    start: int
    body_start: int
    end: int


@dataclass(frozen=True, slots=True)
class Page:
    """A country page taken apart; `heading` is what stands before its first entry."""

    heading: str
    updated: date | None
    blocks: tuple[Block, ...]


def country_page(plain: Plain, language: Language) -> Page | None:
    """The entries of a country page; None when the text has no header of an entry."""
    headers: list[tuple[Line, str, str, date]] = []
    footer_at: int | None = None
    updated: date | None = None
    heading: list[str] = []
    for line in plain.lines():
        if not line.text:
            continue
        if header := _header(line, language):
            headers.append((line, *header))
            footer_at = None
        elif not headers:
            if len(heading) < 3:
                heading.append(line.text[:LONGEST_TITLE])
        elif _is_footer(line, language):
            footer_at = line.start if footer_at is None else footer_at
            updated = _updated(line, language) or updated
        elif footer_at is not None and len(line.text) > LONGEST_TITLE:
            footer_at = None  # prose again: what looked like a footer was a line of the entry
    if not headers:
        return None
    ends = [line.start for line, *_ in headers[1:]] + [len(plain.text) if footer_at is None else footer_at]
    blocks = tuple(
        Block(title, kind, published, line.start, line.end, end)
        for (line, title, kind, published), end in zip(headers, ends, strict=True)
    )
    return Page(" ".join(heading), updated, blocks)


def _header(line: Line, language: Language) -> tuple[str, str, date] | None:
    """Title, kind and date of a header line; None when it is none. Refused when its date cannot be."""
    if len(line.text) > 2 * LONGEST_TITLE:
        return None
    match = _HEADER_DATE.search(line.text)
    if match is None:
        return None
    before = line.text[: match.start()]
    seams = list(_SEPARATOR.finditer(before))
    for seam in seams:
        label = before[seam.end() :]
        is_label = label == label.upper() and any(c.isalpha() for c in label)
        if is_label or label.lower() in dict(language.labels):
            kind = kind_of_label(label, language)
            title = re.sub(r"\s+", " ", before[: seam.start()]).strip()
            return (title, kind, header_date(match[1], line.text)) if title else None
    return None


def kind_of_label(label: str, language: Language) -> str:
    """The kind of entry a label such as `JOINT OPEN LETTER` names; `news` where it names none."""
    said = re.sub(r"\s+", " ", label.lower())
    return next((kind for text, kind in language.labels if text in said), "news")


def _is_footer(line: Line, language: Language) -> bool:
    if len(line.text) > 120:
        return False
    low = line.text.lower()
    return bool(_YEARS.match(line.text)) or any(
        low == cue or (low.startswith(cue) and not low[len(cue)].isalpha() and low[-1] not in ".!?")
        for cue in language.footers
    )


def _updated(line: Line, language: Language) -> date | None:
    low = line.text.lower()
    return only_date(line.text, language) if any(low.startswith(cue) for cue in language.updated) else None


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a single document says of itself. `body_start` is where its text begins."""

    title: str
    kind: str | None
    published: date | None
    deadline: date | None
    body_start: int


def document_head(plain: Plain, language: Language) -> Head:
    """Title, kind, date and deadline of a single document, as far as it states them."""
    lines = [
        line for line in plain.lines(0, min(len(plain.text), 200_000)) if line.text and not _is_noise(line, language)
    ]
    lines = lines[:400]
    low = "\n".join(line.text.lower() for line in lines)
    kind = next((kind for kind, cues in language.document_kinds if any(_has(low, cue) for cue in cues)), None)
    title, title_line = _title(lines, language)
    published = _labelled_date(lines, language.published_labels, language, lines[:HEAD_LINES])
    if published is None:
        published = next((d for line in lines[:HEAD_LINES] if (d := _own_line_date(line, language))), None)
    deadline = _labelled_date(lines, language.deadline_labels, language, lines)
    body = title_line.end if title_line else (lines[0].start if lines else 0)
    if title_line is None and lines and (dateline := _DATELINE.match(lines[0].text)):
        body += dateline.end()
    return Head(title, kind, published, deadline, body)


def _has(low: str, cue: str) -> bool:
    at = low.find(cue)
    while at >= 0:
        if (at == 0 or not low[at - 1].isalnum()) and not low[at + len(cue) : at + len(cue) + 1].isalpha():
            return True
        at = low.find(cue, at + 1)
    return False


def _is_noise(line: Line, language: Language) -> bool:
    low = line.text.lower()
    return any(low.startswith(f"{label}:") for label in language.noise_labels) or not any(c.isalnum() for c in low)


def _label_of(line: Line, labels: list[str]) -> str | None:
    """What stands after the first of `labels` in the line; None when none does."""
    low = line.text.lower()
    for label in labels:
        at = low.find(f"{label}:") if len(low) < LONGEST_TITLE else (0 if low.startswith(f"{label}:") else -1)
        if at >= 0 and (at == 0 or not low[at - 1].isalnum()):
            return line.text[at + len(label) + 1 :].strip()
    return None


def _labelled_date(lines: list[Line], labels: list[str], language: Language, where: list[Line]) -> date | None:
    for label in labels:
        for i, line in enumerate(where):
            said = _label_of(line, [label])
            if said is None:
                continue
            if said == "" and i + 1 < len(lines):
                said = lines[i + 1].text
            found = only_date(said[:60], language)
            if found:
                return found
    return None


def _own_line_date(line: Line, language: Language) -> date | None:
    """The date of a line that says little else, or of a dateline (`Washington, D.C., August 6, 2020 - ...`)."""
    if len(line.text) <= 45:
        found = finder_for(language.code).find(line.text, line.text.lower())
        said = sum(c.isalpha() for c in line.text) - sum(
            c.isalpha() for f in found[:1] for c in line.text[f.start : f.end]
        )
        return only_date(line.text, language) if found and said <= _LETTERS_BESIDE_DATE else None
    dateline = _DATELINE.match(line.text)
    return only_date(dateline[1], language) if dateline else None


def _title(lines: list[Line], language: Language) -> tuple[str, Line | None]:
    """The title and the line it stands in: a labelled one, the line under a bare kind label, or the first line."""
    for line in lines[:HEAD_LINES]:
        if said := _label_of(line, language.title_labels):
            return clean_title(said, language), line
    bare = {text for text, _ in language.labels}
    for i, line in enumerate(lines[:HEAD_LINES]):
        if (
            _SEPARATOR.split(line.text.lower())[-1] in bare
            and i + 1 < len(lines)
            and _may_be_title(lines[i + 1], language)
        ):
            return clean_title(lines[i + 1].text, language), lines[i + 1]
    for line in lines[:HEAD_LINES]:
        if language.ua_number.search(line.text.lower()) and _INDEX.search(line.text):
            continue
        if len(line.text) > LONGEST_TITLE or line.text.endswith((".", ";")):
            return "", None
        if line.text.endswith(":"):
            continue
        if not only_date(line.text, language) or len(line.text) > 45:
            return clean_title(line.text, language), line
    return "", None


def _may_be_title(line: Line, language: Language) -> bool:
    return len(line.text) <= LONGEST_TITLE and _own_line_date(line, language) is None


def clean_title(title: str, language: Language) -> str:
    """A title without its number, the label or country before it and the action's number behind it."""
    said = _NUMBERED.sub("", re.sub(r"\s+", " ", title)).strip()
    said = re.sub(r"\s*\([^()]{0,60}UA[^()]{0,20}\)\s*$", "", said)
    for _ in range(2):
        match = _PREFIX.match(said)
        if match and any(match.group().lower().startswith(text) for text, _ in language.labels):
            said = said[match.end() :]
    said = re.sub(r"^(?:I/OPT|Israel/OPT)\s[-–—]\s", "", said)
    match = _PREFIX.match(said)
    if match and language.country_of(match.group()) and len(match.group().split()) <= 3:
        said = said[match.end() :]
    return said


def index_number(text: str) -> str | None:
    """`MDE 15/8123/2024`, or None."""
    match = _INDEX.search(text)
    return f"{match[1]} {match[2]}" if match else None


def ua_number(low: str, language: Language) -> str | None:
    """The number of an urgent action as `161/19` (sequence without leading zeros, two digits of the year), or None."""
    match = language.ua_number.search(low)
    return f"{int(match[1])}/{match[2][-2:]}" if match and int(match[1]) else None
