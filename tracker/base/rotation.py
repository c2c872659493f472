"""Changing the key of the keyring while everything runs.

A new key is put first into the file of the keyring, at once and whole, so that whoever reads it finds the old file or
the new one. From then on everything is sealed with it; what was sealed before is sealed anew, row by row, each only
while it still holds what was read. Running processes read the file again as soon as it is another, so nothing has to be
started anew. Where a rotation ended in the middle, the next one goes on with it.

Several machines have each a copy of the file: there the new key is added first (`add_key`: it waits, opens, and seals
nothing), the file is copied, and only then taken into use.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.base.errors import Misconfigured, Refused
from tracker.base.house import read_fact, write_fact
from tracker.base.registry import Registry
from tracker.base.sealing import RETIRED, ROOT, WAITS, DataKey, Keyring, Ring, key_place, new_line
from tracker.base.work import short_transaction

#: Rows that are sealed anew in one transaction: short enough that nobody waits for it.
BATCH = 200

#: How often rows that somebody else changed meanwhile are looked at again.
PASSES = 5


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column that is sealed with a key of the ring itself, not with that of a subject."""

    #: The column.
    column: InstrumentedAttribute[Any]
    #: The number of its row.
    number: InstrumentedAttribute[int]
    #: What of the row its place is made of.
    bound_to: InstrumentedAttribute[Any]
    #: The place, from that.
    place: Callable[[Any], str]


#: By `table.column`. What is announced here is sealed anew when keys are rotated, and keeps a key from being retired.
sealed_columns: Registry[Sealed] = Registry("sealed column")

sealed_columns.add("data_keys.wrapped", Sealed(DataKey.wrapped, DataKey.id, DataKey.subject, key_place))


@dataclass(frozen=True, slots=True)
class Use:
    """A key of the ring and what is sealed with it."""

    id: str
    #: primary, waiting, old; missing: rows name it and the ring does not hold it.
    state: str
    #: Rows by sealed column.
    sealed: Mapping[str, int]

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.sealed.values())


def list_uses(session: Session, ring: Ring) -> list[Use]:
    """The keys, in their order, with how much is sealed with each; last, if there is such, what no key here opens. One
    statement for each column."""
    counts: dict[str, dict[str, int]] = {key_id: {} for key_id in ring.keys}
    lost: dict[str, int] = {}
    for code in sealed_columns.codes():
        column = sealed_columns.get(code).column
        asked = [func.count(case((_sealed_with(column, key_id), 1))) for key_id in ring.keys]
        total, *found = session.execute(select(func.count(column), *asked)).one()
        for key_id, number in zip(ring.keys, found, strict=True):
            counts[key_id][code] = number
        if total > sum(found):
            lost[code] = total - sum(found)

    def state(key_id: str) -> str:
        return "primary" if key_id == ring.primary else "waiting" if key_id in ring.waiting else "old"

    uses = [Use(key_id, state(key_id), counts[key_id]) for key_id in ring.keys]
    return [*uses, Use("", "missing", lost)] if lost else uses


def fresh_id() -> str:
    """An id for a new key."""
    return secrets.token_hex(4)


def add_key(keyring: Keyring) -> str:
    """Put a new key into the file of the keyring, where it waits. Its id. Refused when one waits already, or when the
    keyring is not in a file that may be written."""
    path, lines = _lines(keyring)
    waiting = keyring.ring.waiting
    if waiting:
        raise Refused(f"The key {next(iter(waiting))} waits already: tracker keys rotate takes it into use.")
    fresh = fresh_id()
    _write(path, [*lines[:1], WAITS + new_line(fresh), *lines[1:]])
    return fresh


def take_into_use(keyring: Keyring) -> str:
    """Let a new key seal from now on: the one that waits, or else one that is made now. Its id. Refused when the
    keyring is not in a file that may be written."""
    path, lines = _lines(keyring)
    waits = next((line for line in lines if line.startswith(WAITS)), None)
    first = waits.removeprefix(WAITS) if waits else new_line(fresh_id())
    _write(path, [first, *(line for line in lines if line != waits)])
    return first.partition(":")[0]


def is_unfinished(session: Session, ring: Ring) -> bool:
    """Whether something that can be opened is still sealed with another key than the first."""
    return any(use.total for use in list_uses(session, ring) if use.state in ("old", "waiting"))


def seal_anew(keyring: Keyring) -> tuple[int, int]:
    """Seal with the first key everything that is sealed with another. How many rows were, and how many cannot be opened
    with any key here: those stay as they are.

    Each batch is a transaction of its own, and each row changes only while it holds what was read: a sign-in that its
    browser wrote meanwhile is looked at again.
    """
    done = unopened = 0
    for code in sealed_columns.codes():
        for _again in range(PASSES):
            changed, missed, unopened_here = _one_pass(sealed_columns.get(code), keyring)
            done += changed
            if not missed:
                break
        unopened += unopened_here
    return done, unopened


def retire_key(session: Session, keyring: Keyring, key_id: str) -> None:
    """Take a key out of the file of the keyring. Inside the caller's unit of work: whoever would seal with it from now
    on is refused. Refused when it seals, when something is sealed with it, or when there is no such key."""
    ring = keyring.ring
    if key_id not in ring.keys:
        raise Refused(f"The keyring holds no key {key_id[:12]}.", "retire")
    if key_id == ring.primary:
        raise Refused(f"{key_id} is the key that seals: rotate first.", "retire")
    path, lines = _lines(keyring)
    if session.get_bind().dialect.name == "postgresql":
        # Keys that are just being made are waited for; those that come after find the fact.
        session.execute(text("LOCK TABLE data_keys IN SHARE ROW EXCLUSIVE MODE"))
    used = next((use.total for use in list_uses(session, ring) if use.id == key_id), 0)
    if used:
        raise Refused(f"{used} rows are sealed with {key_id} still. Run: tracker keys rotate", "retire")
    gone = {*(read_fact(session, RETIRED) or "").split(), key_id}
    write_fact(session, RETIRED, " ".join(sorted(gone)))
    # The file last: should the act fail after this, only a key that nothing needs is gone.
    _write(path, [line for line in lines if line.partition(":")[0].removeprefix(WAITS) != key_id])


def _sealed_with(column: Any, key_id: str) -> ColumnElement[bool]:
    return column.startswith(f"v1:{key_id}:", autoescape=True)


def _one_pass(sealed: Sealed, keyring: Keyring) -> tuple[int, int, int]:
    """Go once through a column: rows sealed anew, rows that somebody else changed first, rows that do not open."""
    changed = missed = unopened = 0
    for rows in _batches(sealed, keyring):
        with short_transaction() as session:
            for number, bound_to, old in rows:
                try:
                    plain = keyring.unseal(old, sealed.place(bound_to))
                except Misconfigured:
                    unopened += 1
                    continue
                fresh = keyring.seal(plain, sealed.place(bound_to))
                done: Any = session.execute(
                    update(sealed.column.class_)
                    .where(and_(sealed.number == number, sealed.column == old))
                    .values({sealed.column: fresh})
                    .execution_options(synchronize_session=False)
                )
                changed += done.rowcount
                missed += 1 - done.rowcount
    return changed, missed, unopened


def _batches(sealed: Sealed, keyring: Keyring) -> Iterator[Sequence[Any]]:
    """What is sealed with another key than the first, in the order of the rows."""
    last = 0
    while True:
        with short_transaction() as session:
            rows = session.execute(
                select(sealed.number, sealed.bound_to, sealed.column)
                .where(sealed.number > last, not_(_sealed_with(sealed.column, keyring.ring.primary)))
                .order_by(sealed.number)
                .limit(BATCH)
            ).all()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _lines(keyring: Keyring) -> tuple[Path, list[str]]:
    """The file of a keyring and its lines, among them the root. Refused when it may not be written."""
    path = keyring.path
    if path is None:
        raise Refused("The keyring stands in TRACKER_KEYRING_KEYS, which only you can change.")
    # A link stays a link: what it leads to is what changes.
    path = path.resolve()
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise Refused(f"{path} may not be written by this process.")
    lines = path.read_text().split()
    ring = Ring.read("\n".join(lines))
    if not ring.has_root:
        # Until now the oldest key was it; from now on it stands there by itself, whichever key is taken away.
        oldest = next(line for line in reversed(lines) if not line.startswith(WAITS))
        lines.append(f"{ROOT}:{oldest.partition(':')[2]}")
    return path, lines


def _write(path: Path, lines: Sequence[str]) -> None:
    """Put a keyring in the place of the old one, whole or not at all (mode 0600)."""
    Ring.read("\n".join(lines))
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as fault:
        aside.unlink(missing_ok=True)
        raise Refused(f"{path} cannot be written.") from fault
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
