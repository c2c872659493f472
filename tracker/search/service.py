"""Keeping the index: each room calls `index` from its settler of the phase `search`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from tracker.base.audience import Audience
from tracker.search.models import SearchRow


@dataclass(frozen=True, slots=True)
class Findable:
    """A thing and the words by which one rung of the ladder may find it."""

    ref: int
    case_id: int
    audience: Audience
    words: str


def index(session: Session, kind: str, cases: Sequence[int], things: Iterable[Findable]) -> None:
    """Make the index of `cases` hold exactly `things` of this kind; rows are found by id, never by their words."""
    wanted = {(t.ref, t.audience): t for t in things}
    held = {
        (row.ref, row.audience): row
        for row in session.execute(
            select(SearchRow.id, SearchRow.ref, SearchRow.audience, SearchRow.words).where(
                SearchRow.kind == kind, SearchRow.case_id.in_(cases)
            )
        )
    }
    gone = [row.id for key, row in held.items() if key not in wanted]
    if gone:
        session.execute(delete(SearchRow).where(SearchRow.id.in_(gone)))
    fresh = [
        {"kind": kind, "ref": t.ref, "case_id": t.case_id, "audience": t.audience, "words": t.words}
        for key, t in wanted.items()
        if key not in held
    ]
    if fresh:
        session.execute(insert(SearchRow), fresh)
    changed = [
        {"id": held[key].id, "words": t.words}
        for key, t in wanted.items()
        if key in held and held[key].words != t.words
    ]
    if changed:
        session.execute(update(SearchRow), changed)
