"""Reading a page: the one way in. Pure; the text comes decoded from a reader, the day from whoever knows it."""

from dataclasses import replace
from datetime import date

from tracker.base.errors import Refused
from tracker.base.sentences import Sentence as N_
from tracker.intake.reading.events import EntryReader, read_status
from tracker.intake.reading.language import Language, language_of
from tracker.intake.reading.layout import (
    Block,
    country_page,
    document_head,
    index_number,
    ua_number,
)
from tracker.intake.reading.model import GENERAL_KINDS, EntryRead, Reading
from tracker.intake.reading.names import read_persons
from tracker.intake.reading.plain import Plain, Sentence

#: A page with more entries than this is no country page.
MOST_ENTRIES = 20_000

#: A page's own heading stands in so many of its first characters.
_HEAD = 20_000

_NO_ENTRIES = N_(
    "No entries were found on this page. An entry begins with a line such as "
    "“Title - URGENT ACTION - 21/03/2024”, or the page is one text about a person."
)


def read_page(text: str, published: date | None = None) -> Reading:
    """Read a country page or a single document.

    `published` is used for a single document that prints no date of its own. Offsets in the reading are offsets into
    `text`. Refused: a page with no entries, a header with a date that cannot be, a language that cannot be read.
    """
    if not text.strip():
        raise Refused(_NO_ENTRIES, "document")
    plain = Plain(text)
    language = language_of(plain.text)
    page = country_page(plain, language)
    if page is None:
        entry = _read_document(plain, language, published)
        if entry is None:
            raise Refused(_NO_ENTRIES, "document")
        return Reading(language.code, entry.country, None, (entry,))
    if len(page.blocks) > MOST_ENTRIES:
        raise Refused(N_("This page has more than %(most)s entries. Split it.", most=MOST_ENTRIES), "document")
    country = language.country_of(page.heading)
    entries = tuple(_read_block(plain, language, block, country) for block in page.blocks)
    return Reading(language.code, country, page.updated, entries)


def heading_of(text: str) -> str:
    """What a country page calls itself, in its first line above the entries; empty where it has no such line."""
    plain = Plain(text[:_HEAD])
    try:
        page = country_page(plain, language_of(plain.text))
    except Refused:  # only what `read_page` took is asked about; its head may have been cut in a header
        return ""
    if page is None or not page.heading:
        return ""
    return next(line.text for line in plain.lines() if line.text)


def _read_block(plain: Plain, language: Language, block: Block, country: str | None) -> EntryRead:
    title = Sentence(block.title, block.title.lower(), block.start, block.start + len(block.title), -1)
    return _read_entry(plain, language, block, title, country, None, profile=block.kind == "case_profile")


def _read_document(plain: Plain, language: Language, published: date | None) -> EntryRead | None:
    """The one entry of a single document; None when nothing in it speaks of a case or of an action."""
    head = document_head(plain, language)
    start = len(plain.text) - len(plain.text.lstrip())
    block = Block(
        head.title, head.kind or "news", head.published or published, start, head.body_start, len(plain.text.rstrip())
    )
    title_at = plain.text.find(head.title, 0, block.body_start) if head.title else -1
    title = (
        Sentence(head.title, head.title.lower(), title_at, title_at + len(head.title), -1) if title_at >= 0 else None
    )
    country = language.country_of(plain.text[: block.body_start]) or language.country_of(plain.text[:4000])
    entry = _read_entry(plain, language, block, title, country, head.deadline, profile=head.kind == "case_profile")
    return entry if head.kind is not None or entry.individual_case else None


def _read_entry(
    plain: Plain,
    language: Language,
    block: Block,
    title: Sentence | None,
    country: str | None,
    deadline: date | None,
    profile: bool,
) -> EntryRead:
    head = plain.text[block.start : min(block.end, block.start + 5_000)]
    body_start, body_end = _trim(plain, block.body_start, block.end)
    whole = plain.quote(block.start, max(body_end, block.start + 1))
    body = plain.quote(body_start, body_end).quote if body_end > body_start else ""
    about_no_one = EntryRead(
        title=block.title,
        kind=block.kind,
        published=block.published,
        country=country,
        ua_number=ua_number(head.lower(), language),
        index_number=index_number(head),
        persons=(),
        events=(),
        hearings=(),
        status=None,
        action_deadline=deadline,
        individual_case=False,
        start=whole.start,
        end=whole.end,
        body=body,
    )
    if block.kind in GENERAL_KINDS:
        return about_no_one
    sentences = list(plain.sentences(body_start, body_end, language))
    persons, linked = read_persons(title, sentences, language, profile)
    if not persons or (block.kind == "news" and not linked):
        return about_no_one
    found = EntryReader(plain, language, block.published, persons).read(sentences, title)
    told = [*sentences, title] if title else sentences
    status, status_from = read_status(found.events, found.hearings, told, plain, language, len(persons))
    return replace(
        about_no_one,
        persons=tuple(persons),
        events=tuple(found.events),
        hearings=tuple(found.hearings),
        status=status,
        individual_case=True,
        status_from=status_from,
    )


def _trim(plain: Plain, start: int, end: int) -> tuple[int, int]:
    while start < end and plain.text[start].isspace():
        start += 1
    while end > start and plain.text[end - 1].isspace():
        end -= 1
    return start, end
