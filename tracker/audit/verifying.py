"""Proving the chain: walking it from its first link to its head, and anchors that are kept elsewhere.

Whoever may write the database cannot make a hash that fits, because its key lies outside; but they can take away the
end, or put an old state back. An anchor says how far the chain had come at one moment; kept on another machine, it
tells when the chain is shorter since, or another.
"""

import hmac
import json
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, String, func, select, type_coerce
from sqlalchemy.orm import Session

from tracker.audit.models import Act, ActPart, ChainHead
from tracker.audit.service import HOUSE, ORIGIN, act_hash
from tracker.base.columns import canonical_json
from tracker.base.errors import Misconfigured, Refused
from tracker.base.sealing import Sealer

#: Acts that are held in memory at once.
BATCH = 1000

#: What may be wrong with a link, each with its words.
FAULTS = {
    "gap": "acts are missing before it",
    "duplicate": "its number stands there twice",
    "prev_hash": "it does not follow from the act before it",
    "hash": "it is not what was written: it, or what it did in one of its cases, was changed",
    "head": "the head of the chain does not fit: acts after it were taken away, or added",
    "truncated": "the chain ends here, and an anchor knows of more",
    "anchor": "it is another act than the one an anchor was made of: the chain was rewritten since",
}


@dataclass(frozen=True, slots=True)
class Anchor:
    """How far the chain had come at an instant."""

    #: When it was made, as ISO 8601.
    at: str
    #: Number of the last act.
    seq: int
    #: Its hash.
    hash: str
    #: How many acts there were.
    count: int
    #: Which database it is of: a fingerprint made with the key of its house.
    database: str
    #: Keyed hash over all of this.
    mac: str

    @property
    def line(self) -> str:
        """As it is kept: one line of JSON."""
        return canonical_json({name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain has found."""

    #: Links that hold, from the first on.
    count: int
    #: Number and hash of the last of them.
    seq: int
    hash: str
    #: Anchors that were looked at.
    anchors: int
    #: The first bad link, one of FAULTS; None: the chain is whole.
    bad_seq: int | None = None
    fault: str | None = None

    @property
    def says(self) -> str:
        """In a sentence."""
        if self.fault is None:
            beside = f" and fits {self.anchors} anchor{'s' * (self.anchors != 1)}" if self.anchors else ""
            return f"The chain is whole{beside}: {self.count} acts."
        return f"The chain is broken at act {self.bad_seq}: {FAULTS[self.fault]} ({self.fault})."


def verify(engine: Engine, sealer: Sealer, anchors: Sequence[Anchor] = ()) -> Verdict:
    """Walk the chain as it stands at one moment, in batches, and compare it with its head and with these anchors."""
    known: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        known.setdefault(anchor.seq, []).append(anchor)
    count, seq, last = 0, 0, ORIGIN

    def bad(number: int, fault: str) -> Verdict:
        return Verdict(count, seq, last, len(anchors), number, fault)

    with _one_moment(engine) as connection, closing(_links(connection)) as links:
        head = connection.execute(select(ChainHead.seq, ChainHead.hash)).first()
        for act, parts in links:
            if act.seq != seq + 1:
                return bad(act.seq, "duplicate" if act.seq <= seq else "gap")
            if act.prev_hash != last:
                return bad(act.seq, "prev_hash")
            if not _holds(act, parts, sealer):
                return bad(act.seq, "hash")
            if any(anchor.hash != act.hash or anchor.count != act.seq for anchor in known.get(act.seq, ())):
                return bad(act.seq, "anchor")
            count, seq, last = count + 1, act.seq, act.hash
        if max(known, default=0) > seq:
            return bad(seq, "truncated")
        stray = connection.scalar(select(func.min(ActPart.seq)).where(ActPart.seq > seq))
        if stray is not None or (head is None) != (seq == 0) or (head is not None and tuple(head) != (seq, last)):
            return bad(seq, "head")
    return Verdict(count, seq, last, len(anchors))


def make_anchor(session: Session, sealer: Sealer, now: datetime) -> Anchor:
    """An anchor of the chain as it stands. Refused where its head does not fit what stands there: an anchor of that
    would only bear witness to it."""
    counted = select(func.count(Act.seq)).scalar_subquery()
    head = session.execute(
        select(ChainHead.seq, ChainHead.hash, counted.label("how_many"), Act.hash.label("last"))
        .outerjoin(Act, Act.seq == ChainHead.seq)
        .where(ChainHead.id == 1)
    ).first()
    if head is None:
        raise Refused("Nothing has been done in this database yet: there is no act to anchor.")
    if head.hash != head.last or head.seq != head.how_many:
        raise Refused("The chain does not fit its head. Run: tracker audit verify", "chain")
    at, database = now.isoformat(timespec="seconds"), _which(session, sealer)
    mac = _mac((at, head.seq, head.hash, head.how_many, database), sealer)
    return Anchor(at, head.seq, head.hash, head.how_many, database, mac)


def read_anchors(path: Path, session: Session, sealer: Sealer) -> list[Anchor]:
    """The anchors of a file, one a line. Refused when it cannot be read, holds none, or holds one that was not made
    here: by another keyring, or of another database."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as fault:
        raise Refused(f"{path} cannot be read.", "anchor") from fault
    if not lines:
        raise Refused(f"{path} holds no anchor.", "anchor")
    here = _which(session, sealer)
    found = []
    for number, line in enumerate(lines, 1):
        anchor = _read_line(line)
        if anchor is None:
            raise Refused(f"{path}, line {number}, is no anchor.", "anchor")
        said = (anchor.at, anchor.seq, anchor.hash, anchor.count, anchor.database)
        if not hmac.compare_digest(_mac(said, sealer), anchor.mac):
            raise Refused(
                f"{path}, line {number}: this anchor was made with another keyring, of another database, or changed.",
                "anchor",
            )
        if anchor.database != here:
            raise Refused(f"{path}, line {number}: this anchor is of another database.", "anchor")
        found.append(anchor)
    return found


def keep_anchor(anchor: Anchor, path: Path) -> None:
    """Append an anchor to a file (mode 0600 where it is made), and let it reach the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
        file.write(anchor.line + "\n")
        file.flush()
        os.fsync(file.fileno())


def last_kept(path: Path) -> Anchor | None:
    """The last anchor of a file, as it says of itself; None where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    return next((anchor for line in reversed(lines) if (anchor := _read_line(line)) is not None), None)


def forget_kept(session: Session, sealer: Sealer, path: Path) -> int:
    """Take the anchors of this database out of a file: it is about to be emptied, and the chain that begins anew fits
    none of them. Those of others stay. How many there were."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return 0
    ours = _which(session, sealer)
    kept = [line for line in lines if (anchor := _read_line(line)) is None or anchor.database != ours]
    if len(kept) < len(lines):
        path.write_text("".join(kept), encoding="utf-8") if kept else path.unlink()
    return len(lines) - len(kept)


def _read_line(line: str) -> Anchor | None:
    try:
        held: dict[str, Any] = json.loads(line)
        anchor = Anchor(**held)
        datetime.fromisoformat(anchor.at)
        texts: tuple[Any, ...] = (anchor.at, anchor.hash, anchor.database, anchor.mac)
        numbers: tuple[Any, ...] = (anchor.seq, anchor.count)
    except (ValueError, TypeError):
        return None
    whole = all(isinstance(t, str) and t.isascii() for t in texts) and all(type(n) is int for n in numbers)
    return anchor if whole else None


def _mac(said: Sequence[object], sealer: Sealer) -> str:
    return sealer.keyring.blind(canonical_json(list(said)), "audit anchor")


def _which(session: Session, sealer: Sealer) -> str:
    """A fingerprint of this database: the key of its house is in no other."""
    try:
        key = sealer.find_key(session, HOUSE)
    except Misconfigured:
        key = None
    return hmac.digest(key or b"", b"which database", "sha256").hex()[:16]


@contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    """A connection to which nothing that is written meanwhile shows: head and links are of one moment."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def _links(connection: Connection) -> Generator[tuple[Any, Sequence[Any]], None, None]:
    """Every act in the order of the chain with its parts, in batches."""
    # On SQLite an instant is text, and may have been made one that is none.
    at = type_coerce(Act.at, String) if connection.dialect.name == "sqlite" else Act.at
    columns = [c for c in Act.__table__.columns if c.name != "at"]
    found = select(*columns, at.label("at")).order_by(Act.seq)
    with connection.execute(found, execution_options={"yield_per": BATCH}) as acts:
        after = 0
        for batch in acts.partitions(BATCH):
            within = (ActPart.seq > after) & (ActPart.seq <= batch[-1].seq)
            parts: dict[int, list[Any]] = {}
            for part in connection.execute(
                select(*ActPart.__table__.columns).where(within).order_by(ActPart.seq, ActPart.case_id)
            ):
                parts.setdefault(part.seq, []).append(part)
            for act in batch:
                yield act, parts.get(act.seq, ())
            after = batch[-1].seq


@dataclass(frozen=True, slots=True)
class _Link:
    """An act with its instant read."""

    seq: Any
    at: Any
    actor_kind: Any
    actor_id: Any
    act: Any
    subject: Any
    case_id: Any
    shows: Any
    changes_sealed: Any
    prev_hash: Any


def _holds(act: Any, parts: Sequence[Any], sealer: Sealer) -> bool:
    """Whether an act is what was written. Whatever a column was made to hold, it is an answer and no fault of ours."""
    try:
        at = datetime.fromisoformat(act.at) if isinstance(act.at, str) else act.at
        said = {name: getattr(act, name) for name in _Link.__slots__ if name != "at"}
        return hmac.compare_digest(act_hash(_Link(at=at, **said), sealer, parts), str(act.hash))
    except (TypeError, ValueError, AttributeError):
        return False
