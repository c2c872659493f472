"""Writing the chain: one act per unit of work, in the same transaction, the head locked last.

`SELECT … FOR UPDATE` of the tail does not serialise writers on PostgreSQL, and a naive chain forks; updating the one
head row does both.
"""

import hashlib
import hmac
from typing import Any

from flask import current_app
from sqlalchemy import event, inspect, update
from sqlalchemy.orm import Session

from tracker.audit.models import Act, ChainHead
from tracker.base.columns import canonical_json
from tracker.base.db import Model, insert_or_pass
from tracker.base.sealing import Sealer
from tracker.base.work import Change, Work, writes_audit

ORIGIN = "0" * 64


def watch(session_class: type[Session]) -> None:
    """Collect what each unit of work changes, row by row, as flushed; once, however many applications are made."""
    if not event.contains(session_class, "after_flush", _collect):
        event.listen(session_class, "after_flush", _collect)


def _collect(session: Session, _context: Any) -> None:
    work = session.info.get("work")
    if not isinstance(work, Work):
        return
    for how, rows in (("created", session.new), ("changed", session.dirty), ("deleted", session.deleted)):
        for row in rows:
            if isinstance(row, Model) and row.audited:
                change = _change(row, how)
                if change.fields or how != "changed":
                    work.changes.append(change)


def _change(row: Model, how: str) -> Change:
    state = inspect(row)
    fields: dict[str, tuple[object, object]] = {}
    for column in state.mapper.column_attrs:
        history = state.attrs[column.key].history
        if not history.has_changes():
            continue
        if column.key in row.audit_hides:
            fields[column.key] = ("hidden", "hidden")
        else:
            fields[column.key] = (
                history.deleted[0] if history.deleted else None,
                history.added[0] if history.added else None,
            )
    case_id = row.id if row.__tablename__ == "cases" else getattr(row, "case_id", None)  # type: ignore[attr-defined]
    identity = state.identity or tuple(getattr(row, str(c.key)) for c in state.mapper.primary_key)
    return Change(row.__tablename__, identity[0] if len(identity) == 1 else str(identity), case_id, how, fields)


@writes_audit
def write_act(session: Session, work: Work) -> None:
    """Append the act of this unit of work. An act that changed nothing leaves no row."""
    if not work.changes:
        return
    cases = {c.case_id for c in work.changes if c.case_id is not None}
    case_id = next(iter(cases)) if len(cases) == 1 else None
    subject_of_key = f"case:{case_id}" if case_id else "house"
    changes = canonical_json(
        [{"table": c.table, "row": c.row_id, "how": c.how, "fields": _plain(c.fields)} for c in work.changes]
    )
    sealer: Sealer = current_app.extensions["sealer"]
    # The key may have to be made; after the head is locked nothing else may wait.
    sealer.seal_for(session, subject_of_key, b"", "warm")
    session.execute(insert_or_pass(session, ChainHead, "id").values(id=1, seq=0, hash=ORIGIN))
    seq, prev = session.execute(
        update(ChainHead)
        .where(ChainHead.id == 1)
        .values(seq=ChainHead.seq + 1)
        .returning(ChainHead.seq, ChainHead.hash)
        .execution_options(synchronize_session=False)
    ).one()
    act = Act(
        seq=seq,
        at=work.now,
        actor_kind=work.actor.kind,
        actor_id=work.actor.user_id,
        act=work.act,
        subject=work.subject,
        case_id=case_id,
        changes_sealed=sealer.seal_for(session, subject_of_key, changes.encode(), f"acts|{seq}|changes"),
        prev_hash=prev,
        hash="",
    )
    act.hash = act_hash(act, sealer)
    session.add(act)
    session.execute(update(ChainHead).where(ChainHead.id == 1).values(hash=act.hash))
    session.flush()


def act_hash(act: Act, sealer: Sealer) -> str:
    """The keyed hash of a link: everything in it, in one canonical spelling."""
    said = canonical_json(
        [
            act.seq,
            act.at.isoformat(timespec="microseconds"),
            act.actor_kind,
            act.actor_id,
            act.act,
            act.subject,
            act.case_id,
            act.changes_sealed,
            act.prev_hash,
        ]
    )
    return hmac.new(sealer.keyring.blind("", "audit").encode(), said.encode(), hashlib.sha256).hexdigest()


def _plain(fields: dict[str, tuple[object, object]]) -> dict[str, list[object]]:
    return {name: [_value(old), _value(new)] for name, (old, new) in fields.items()}


def _value(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | list | dict | type(None)) else str(value)
