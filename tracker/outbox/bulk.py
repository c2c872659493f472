"""Planning very many messages at once: what many of them share is converted once, and the database gets them in few
statements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.orm import Session

from tracker.outbox.models import Message

#: Rows of one statement.
ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Alike:
    """Messages that differ in key, recipient and cause only. `shared`: every other column that a new message has;
    `each`: (dedupe_key, recipient_id, cause)."""

    shared: Mapping[str, Any]
    each: Sequence[tuple[str, int, str]]


_TABLE: Table = Message.__table__  # type: ignore[assignment]  # typed as any selectable
_EACH = ("dedupe_key", "recipient_id", "cause")
_SHARED = tuple(c.name for c in _TABLE.columns if c.name not in ("id", "seen_to_at", "address_sealed", *_EACH))

# Made of names of columns only: nothing anybody typed is part of a statement.
_INSERT = f"INSERT INTO messages ({', '.join((*_EACH, *_SHARED))})"
_SKIP = "ON CONFLICT (dedupe_key) DO NOTHING"


def plan_alike(session: Session, batches: Iterable[Alike]) -> int:
    """Plan these messages; what was planned before (the same `dedupe_key`) is passed over. Returns how many are new."""
    connection = session.connection()
    write = _write_on_postgresql if connection.dialect.name == "postgresql" else _write_on_sqlite
    new = count = 0
    gathered: list[Alike] = []
    for batch in batches:
        gathered.append(batch)
        count += len(batch.each)
        if count >= ROWS:
            new += write(connection, gathered)
            gathered, count = [], 0
    return new + write(connection, gathered) if gathered else new


def _spelled(connection: Connection, batch: Alike) -> list[Any]:
    """What a batch shares, as the driver wants it."""
    told = []
    for name in _SHARED:
        spell = _TABLE.columns[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        told.append(spell(batch.shared[name]) if spell else batch.shared[name])
    return told


def _write_on_sqlite(connection: Connection, batches: Sequence[Alike]) -> int:
    rows: list[tuple[Any, ...]] = []
    for batch in batches:
        told = _spelled(connection, batch)
        rows.extend([(*each, *told) for each in batch.each])
    places = ", ".join("?" * (len(_EACH) + len(_SHARED)))
    written: int = connection.exec_driver_sql(f"{_INSERT} VALUES ({places}) {_SKIP}", rows).rowcount
    return written


def _write_on_postgresql(connection: Connection, batches: Sequence[Alike]) -> int:
    """As two documents, joined by the server: its driver spells a value of an array slower than it is stored."""
    types = {c.name: c.type.compile(connection.dialect) for c in _TABLE.columns}
    shared = ", ".join(f"(v ->> {n})::{types[name]} AS {name}" for n, name in enumerate(_SHARED))
    source = (
        f"WITH s AS MATERIALIZED (SELECT n, {shared} "  # noqa: S608  # names and types of columns
        "FROM json_array_elements(%s::json) WITH ORDINALITY AS given(v, n)), "
        "e AS MATERIALIZED (SELECT (v ->> 0)::bigint AS n, v ->> 1 AS key, (v ->> 2)::bigint AS recipient, "
        "v ->> 3 AS cause FROM json_array_elements(%s::json) AS given(v)) "
        f"SELECT key, recipient, cause, {', '.join(_SHARED)} FROM e JOIN s USING (n)"
    )
    told = [_spelled(connection, batch) for batch in batches]
    each = [(n, *row) for n, batch in enumerate(batches, 1) for row in batch.each]
    written: int = connection.exec_driver_sql(
        f"{_INSERT} {source} {_SKIP}", (json.dumps(told, default=_plain), json.dumps(each))
    ).rowcount
    return written


def _plain(value: datetime) -> str:
    return value.isoformat()
