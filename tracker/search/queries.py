"""Asking the index."""

from typing import Any

from sqlalchemy import ColumnElement, Select, column, func, literal, select, table, text
from sqlalchemy.orm import Session

from tracker.search.models import SearchRow
from tracker.search.rules import name_key, question


def cases_matching(session: Session, asked: str) -> "Select[*tuple[Any, ...]] | None":
    """SELECT of (case id, audience) of what holds all words asked for, as beginnings of words; None when nothing was
    asked. The caller joins its own face, so that nobody finds by words they may not read."""
    words = question(asked)
    if not words:
        return None
    return select(SearchRow.case_id, SearchRow.audience).where(_matches(session, words))


def _matches(session: Session, words: list[str]) -> ColumnElement[bool]:
    """Each word as the beginning of a word, or, for names, by its consonant key."""
    spellings = [(word, name_key(word)) for word in words]
    if session.get_bind().dialect.name == "sqlite":
        asked = " AND ".join(f'("{w}"* OR "{key}")' if key else f'"{w}"*' for w, key in spellings)
        index = table("search_words", column("rowid"))
        return SearchRow.id.in_(select(index.c.rowid).where(text("search_words MATCH :asked").bindparams(asked=asked)))
    asked = " & ".join(f"('{w}':* | '{key}')" if key else f"'{w}':*" for w, key in spellings)
    vector = func.to_tsvector(text("'simple'"), SearchRow.words)
    return vector.bool_op("@@")(func.to_tsquery(text("'simple'"), literal(asked)))
