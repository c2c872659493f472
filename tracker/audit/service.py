"""Writing the chain: one act per unit of work, in the same transaction, the head locked last.

`SELECT … FOR UPDATE` of the tail does not serialise writers on PostgreSQL, and a naive chain forks; updating the one
head row does both.

What an act did is shared out by the cases it concerns, and each share is sealed with the key of its case: the history
of a case opens its own share and nothing else, and a key that is destroyed takes with it all that was kept of its case.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import current_app
from sqlalchemy import event, inspect, update
from sqlalchemy.orm import Session

from tracker.audit.kinds import concerned, rungs
from tracker.audit.models import Act, ActPart, ChainHead
from tracker.base.columns import canonical_json
from tracker.base.db import Model, insert_or_pass
from tracker.base.sealing import Sealer, seal_with
from tracker.base.work import CLOCK, STRANGER, Change, Work, writes_audit

ORIGIN = "0" * 64

#: The subject of the key that seals what concerns no case.
HOUSE = "house"


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
    opened: list[Any] = [r for r in (*fields.get("audience", ()), getattr(row, "audience", None)) if r is not None]
    belongs: tuple[str, int] | None = None
    if row.part_of is not None:
        # One that was taken away has lost its parent already: who that was stands in what it held.
        held: Any = getattr(row, row.part_of[1]) or next(iter(fields.get(row.part_of[1], ())), None)
        belongs = (row.part_of[0], held) if held is not None else None
    return Change(
        row.__tablename__,
        identity[0] if len(identity) == 1 else str(identity),
        case_id,
        how,
        fields,
        min((int(r) for r in opened), default=None),
        belongs,
    )


@writes_audit
def write_act(session: Session, work: Work) -> None:
    """Append the act of this unit of work. One of the clock that changed nothing leaves no row, nor one of strangers:
    they do not make the chain grow. What a person does, or has done by a link or a command, always does."""
    if not work.changes and work.actor.kind in (CLOCK.kind, STRANGER.kind):
        return
    shares = _share_out(session, work.changes)
    cases = sorted(case_id for case_id in shares if case_id is not None)
    whole = cases[0] if len(cases) == 1 and None not in shares else None
    sealer: Sealer = current_app.extensions["sealer"]
    subject_of = {case_id: HOUSE if case_id is None else f"case:{case_id}" for case_id in {None, *shares}}
    # Keys may have to be made; after the head is locked nothing else may wait.
    keys = sealer.keys_for(session, sorted({subject_of[whole], *(subject_of[c] for c in cases)}))
    session.execute(insert_or_pass(session, ChainHead, "id").values(id=1, seq=0, hash=ORIGIN))
    seq, prev = session.execute(
        update(ChainHead)
        .where(ChainHead.id == 1)
        .values(seq=ChainHead.seq + 1)
        .returning(ChainHead.seq, ChainHead.hash)
        .execution_options(synchronize_session=False)
    ).one()

    def sealed(case_id: int | None, place: str) -> str:
        told = canonical_json([_told(change) for change in shares.get(case_id, ())])
        return seal_with(keys[subject_of[case_id]], subject_of[case_id], told.encode(), place)

    parts = [
        ActPart(
            seq=seq,
            case_id=case_id,
            shows=_shows(shares[case_id]),
            changes_sealed=sealed(case_id, part_place(seq, case_id)),
        )
        for case_id in (cases if whole is None else ())
    ]
    act = Act(
        seq=seq,
        at=work.now,
        actor_kind=work.actor.kind,
        actor_id=work.actor.user_id,
        act=work.act,
        subject=work.subject,
        case_id=whole,
        shows=_shows(work.changes),
        changes_sealed=sealed(whole, act_place(seq)),
        prev_hash=prev,
        hash="",
    )
    act.hash = act_hash(act, sealer, parts)
    session.add_all([act, *parts])
    session.execute(update(ChainHead).where(ChainHead.id == 1).values(hash=act.hash))
    session.flush()


def act_place(seq: int) -> str:
    """What binds the sealed differences of an act to their place."""
    return f"acts|{seq}|changes"


def part_place(seq: int, case_id: int) -> str:
    """The same for those of one of its cases."""
    return f"act_parts|{seq}|{case_id}|changes"


def act_hash(act: Any, sealer: Sealer, parts: Iterable[Any] = ()) -> str:
    """The keyed hash of a link: everything in it and in its parts, in one canonical spelling. Both may be rows of the
    models or of their columns. TypeError for what cannot have been written here."""
    said = [
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
    shared = [[part.case_id, bool(part.shows), part.changes_sealed] for part in parts]
    if act.shows or shared:
        # Acts of the first days had neither: theirs is spelled as it was.
        said += [bool(act.shows), shared]
    key = sealer.keyring.blind("", "audit").encode()
    return hmac.new(key, canonical_json(said).encode(), hashlib.sha256).hexdigest()


def _share_out(session: Session, changes: Sequence[Change]) -> dict[int | None, list[Change]]:
    """What is told in each case; by None what concerns none. One statement for each table that has to be asked."""
    leads = _led_by(session, changes, concerned)
    strictest = _led_by(session, [c for c in changes if c.rung is None], rungs)
    found: dict[int | None, list[Change]] = {}
    for change in changes:
        table, number = _root(change)
        rung = change.rung if change.rung is not None else strictest.get(table, {}).get(number)
        told = replace(change, rung=None if rung is None else int(rung))
        cases = {change.case_id} if change.case_id is not None else set(leads.get(table, {}).get(number, ()))
        for case_id in cases or {None}:
            found.setdefault(case_id, []).append(told)
    ids = [case_id for case_id in found if case_id is not None]
    of_cases = rungs.find("cases")
    if ids and of_cases is not None:
        opened = of_cases(session, ids)
        for case_id in ids:
            cap = int(opened.get(case_id, 0))
            found[case_id] = [replace(c, rung=cap if c.rung is None else min(c.rung, cap)) for c in found[case_id]]
    return found


def _led_by(session: Session, changes: Sequence[Change], registry: Any) -> dict[str, Mapping[int, Any]]:
    """The answers of a registry about the rows of these changes, table by table."""
    asked: dict[str, set[int]] = {}
    for change in changes:
        table, number = _root(change)
        if isinstance(number, int) and table != "cases" and registry.find(table) is not None:
            if registry is concerned and change.case_id is not None:
                continue
            asked.setdefault(table, set()).add(number)
    return {table: registry.get(table)(session, sorted(numbers)) for table, numbers in asked.items()}


def _root(change: Change) -> tuple[str, Any]:
    return change.part_of or (change.table, change.row_id)


def _shows(changes: Iterable[Change]) -> bool:
    return any(change.how == "read" for change in changes)


def _told(change: Change) -> dict[str, object]:
    told: dict[str, object] = {"table": change.table, "row": change.row_id, "how": change.how}
    if change.rung is not None:
        told["rung"] = change.rung
    return told | {"fields": {name: [_value(old), _value(new)] for name, (old, new) in change.fields.items()}}


def _value(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | list | dict | type(None)) else str(value)
