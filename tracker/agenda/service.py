"""Projecting what lies ahead. Each room calls `project` from its settler of the phase `agenda`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from tracker.agenda.models import AgendaItem


def project(session: Session, kind: str, cases: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make the agenda of `cases` hold exactly `rows` of this kind: new ones in, changed ones changed, others out.

    A row is a mapping of AgendaItem's columns but `id` and `kind`. Rows keep their id while their subject lives.
    """
    wanted = {(row["subject_id"], row["case_id"]): {**row, "kind": kind} for row in rows}
    columns = [c for c in AgendaItem.__table__.columns if c.key != "id"]
    held: dict[tuple[int, int], Any] = {}
    for chunk in chunks(cases):
        for row in session.execute(
            select(AgendaItem.__table__).where(AgendaItem.kind == kind, AgendaItem.case_id.in_(chunk))
        ):
            held[(row.subject_id, row.case_id)] = row
    gone = [row.id for key, row in held.items() if key not in wanted]
    for chunk in chunks(gone):
        session.execute(delete(AgendaItem).where(AgendaItem.id.in_(chunk)))
    fresh = [row for key, row in wanted.items() if key not in held]
    if fresh:
        session.execute(insert(AgendaItem), fresh)
    changed = [
        {"id": held[key].id, **row}
        for key, row in wanted.items()
        if key in held and any(getattr(held[key], c.key) != row.get(c.key) for c in columns)
    ]
    if changed:
        session.execute(update(AgendaItem), changed)


def chunks(ids: Sequence[int], size: int = 500) -> list[Sequence[int]]:
    """`ids` in pieces that fit into one statement's parameters."""
    return [ids[i : i + size] for i in range(0, len(ids), size)]
