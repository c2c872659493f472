"""A text made plain for reading, without losing where everything stood.

The plain text has no bidirectional marks, zero-width or control characters; its apostrophes and quotes are straight;
tags, web addresses, page numbers and line ends inside a paragraph are blanks. `Plain.quote` leads back to the original.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from tracker.intake.reading.language import Language
from tracker.intake.reading.model import Quote

#: A sentence longer than this is read in pieces, so that no search runs over more than this many characters.
LONGEST_SENTENCE = 1_500

_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_STRAIGHT = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "\t": " ", "\x0c": "\n",
     "\r": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "‑": "-"}
)  # fmt: skip
_TAG = re.compile(r"</?[a-zA-Z!][^<>\n]{0,300}>")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S{1,2000}", re.IGNORECASE)
_PAGE_NUMBER = re.compile(r"^[ ]*\d{1,3}[ ]*$", re.MULTILINE)
_STOP = re.compile(r"[.!?…][\"')\]]{0,3}(?=\s|$)")
_LABEL = re.compile(r"[A-Z][\w '/&-]{1,45}:(?=\s|$)")
_ITEM = re.compile(
    r"\s*(?:[-*•·]\s|\d{1,2}\.\s|[A-Za-z]{3,9}\.?\s\d{1,2},\s\d{4}\s+[-–—]|\d{1,2}\s\w{3,9}\s\d{4}\s+[-–—])"
)
#: A field inside a line: `Date of Detention: `; a line that holds three or more of them is a row of fields.
_FIELD = re.compile(r"(?:(?<=\s)|^)(?:[A-Z][a-z]{2,14}\s(?:of\s)?){0,2}[A-Z][a-z]{2,14}:\s")
_FIELDS_IN_ROW = 3
_SAYS = re.compile(r"[^\W_]")
_BEFORE_STOP = re.compile(r"([^\W\d_](?:[\w.]{0,10}))$")

#: A line shorter than this, before one that begins with a capital, ends what it says.
_SHORT_LINE = 55


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _lower(text: str) -> str:
    """Lower case of the same length: the few capitals whose small letter is two characters long stay as they are."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the plain text, without the blanks at its ends."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the plain text. `low` is `text` in lower case, of the same length; `paragraph` counts from 0."""

    text: str
    low: str
    start: int
    end: int
    paragraph: int


class Plain:
    """A text and its plain form. Positions are those of the plain form unless said otherwise."""

    def __init__(self, original: str) -> None:
        self.original = original
        dropped = [m.start() for m in _DROPPED.finditer(original)]
        self._dropped_before = [position - i for i, position in enumerate(dropped)]
        plain = (_DROPPED.sub("", original) if dropped else original).translate(_STRAIGHT)
        for noise in (_TAG, _ADDRESS):
            plain = noise.sub(_blank, plain)
        self.text = plain
        self.low = _lower(plain)

    def origin(self, position: int) -> int:
        """Where the character at `position` stands in the original."""
        return position + bisect_right(self._dropped_before, position)

    def quote(self, start: int, end: int) -> Quote:
        """The original between two positions (end exclusive, not before start + 1)."""
        first, last = self.origin(start), self.origin(end - 1) + 1
        return Quote(self.original[first:last], first, last)

    def lines(self, start: int = 0, end: int | None = None) -> Iterator[Line]:
        """The lines between two positions, blank ones included."""
        stop = len(self.text) if end is None else end
        while start < stop:
            newline = self.text.find("\n", start, stop)
            line_end = stop if newline < 0 else newline
            raw = self.text[start:line_end]
            said = raw.strip()
            at = start + (len(raw) - len(raw.lstrip())) if said else start
            yield Line(said, at, at + len(said))
            start = line_end + 1

    def sentences(self, start: int, end: int, language: Language) -> Iterator[Sentence]:
        """The sentences between two positions, in order, none longer than `LONGEST_SENTENCE`."""
        paragraph = 0
        block: list[Line] = []
        for line in self.lines(start, end):
            if line.text and _PAGE_NUMBER.match(line.text):
                continue
            if line.text and not (block and self._ends(block[-1], line)):
                block.append(line)
                continue
            if block:
                yield from self._split(block, language, paragraph)
            block = [line] if line.text else []
            paragraph += not line.text
        if block:
            yield from self._split(block, language, paragraph)

    @staticmethod
    def _ends(line: Line, following: Line) -> bool:
        """Whether `line` and the one after it are two things said, not one that runs over the line's end."""
        if _LABEL.match(following.text) or _ITEM.match(following.text):
            return True
        return len(line.text) < _SHORT_LINE and not following.text[0].islower() and line.text[-1] not in ",;-"

    def _split(self, block: list[Line], language: Language, paragraph: int) -> Iterator[Sentence]:
        start, end = block[0].start, block[-1].end
        text = _PAGE_NUMBER.sub(_blank, self.text[start:end]).replace("\n", " ")
        low = self.low[start:end] if "\n" not in self.text[start:end] else _lower(text)
        stops = {m.end() for m in _STOP.finditer(text) if self._is_stop(text, m, language)}
        fields = [m.start() for m in _FIELD.finditer(text)]
        if len(fields) >= _FIELDS_IN_ROW:
            stops.update(fields)
        at = 0
        for stop in sorted(stops | {len(text)}):
            while at < stop:
                piece_end = stop
                if stop - at > LONGEST_SENTENCE:
                    blank = text.rfind(" ", at + 1, at + LONGEST_SENTENCE)
                    piece_end = blank if blank > at else at + LONGEST_SENTENCE
                piece = text[at:piece_end]
                said = piece.strip()
                if said and _SAYS.search(said):
                    first = at + len(piece) - len(piece.lstrip())
                    last = first + len(said)
                    yield Sentence(said, low[first:last], start + first, start + last, paragraph)
                at = piece_end

    @staticmethod
    def _is_stop(text: str, match: re.Match[str], language: Language) -> bool:
        following = text[match.end() : match.end() + 12].lstrip(" \"'([")
        if following and following[0].islower():
            return False
        if match.group()[0] != ".":
            return True
        word = _BEFORE_STOP.search(text[max(0, match.start() - 12) : match.start()])
        if word is None:
            return True
        before = word.group(1).lower()
        return before not in language.abbreviations and not (len(before) == 1 and word.group(1).isupper())
