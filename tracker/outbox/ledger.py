"""A record of what the relay took, outside the database: one line a mail in `instance/sent.log`, readable by us alone.

A backup that is restored has forgotten what was sent after it, and would send all of it again. This file has not: see
`restored`. It holds no address and no content, only keys of messages and fingerprints of what they told. That it cannot
be written stops no mail; staff are told.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

#: The file's name in the instance folder.
NAME = "sent.log"

#: How long a line is kept: longer than anybody would go back to a backup.
KEPT_FOR = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Line:
    """One mail the relay took: when, out of which database (its name space of Message-IDs), under which Message-ID, and
    what it carried (see `carried`)."""

    at: datetime
    of: str
    message_id: str
    carried: tuple[str, ...]


def carried(dedupe_key: str, tells: Mapping[str, Any]) -> str:
    """A message as it stands in a line: its key, and a fingerprint of what it told, so that the same key with other
    content is another message."""
    said = hashlib.sha256(json.dumps(tells, sort_keys=True, separators=(",", ":")).encode())
    return f"{dedupe_key}#{said.hexdigest()[:12]}"


class Ledger:
    """The file at `path`, which several processes of this machine write. `trouble`: why it could not be written or read
    the last time, in words; empty: it could."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._unsynced = False

    def note(self, of: str, message_id: str, carried: Sequence[str], at: datetime) -> None:
        """Add a line. Never raises."""
        line = {"at": at.astimezone(UTC).isoformat(), "of": of, "id": message_id, "carried": list(carried)}
        try:
            with self._open() as file:
                os.write(file, _spelled(line))
        except OSError as fault:
            self._in_trouble(fault)
        else:
            self.trouble, self._unsynced = "", True

    def keep(self) -> None:
        """Have what was added on the disk. Never raises."""
        if self._unsynced:
            try:
                with self._open() as file:
                    os.fdatasync(file)
            except OSError as fault:
                self._in_trouble(fault)
            self._unsynced = False

    def name(self) -> str:
        """The log's own name, made with it: a database may know those of several machines. Empty while it cannot be
        read."""
        try:
            with self._open(), self.path.open("rb") as reading:
                return str(json.loads(reading.readline())["log"])
        except (OSError, ValueError, KeyError) as fault:
            self._in_trouble(fault)
            return ""

    def read(self, of: str, after: str = "") -> list[Line]:
        """Its lines about one database, oldest first; only those after the mail `after`, where that is among them."""
        found: list[Line] = []
        try:
            with self.path.open("rb") as reading:
                for raw in reading:
                    line = _read(raw)
                    if line is None or line.of != of:
                        continue
                    found.append(line)
                    if line.message_id == after:
                        found.clear()
        except FileNotFoundError:
            return []
        except OSError as fault:
            self._in_trouble(fault)
        return found

    def trim(self, now: datetime) -> None:
        """Let go of lines older than 60 days. Never raises."""
        try:
            with self._open():
                lines = self.path.read_bytes().splitlines(keepends=True)
                read = [(raw, _read(raw)) for raw in lines]
                # What is no whole line (a disk was full) goes, too.
                fresh = [raw for raw, line in read if line is not None and line.at > now - KEPT_FOR]
                if len(fresh) == len(lines) - 1:
                    return
                beside = self.path.with_suffix(f".{os.getpid()}")
                written = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                try:
                    os.write(written, b"".join([lines[0], *fresh]))
                    os.fsync(written)
                finally:
                    os.close(written)
                os.replace(beside, self.path)
        except OSError as fault:
            self._in_trouble(fault)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """The file, open at its end and ours alone for the block; made, with its name in the first line, where there is
        none. OSError."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                # Another process may have put a trimmed one in its place while we waited.
                with suppress(FileNotFoundError):
                    if os.fstat(file).st_ino == self.path.stat().st_ino:
                        if os.fstat(file).st_size == 0:
                            os.write(file, _spelled({"log": secrets.token_hex(6)}))
                        yield file
                        return
            finally:
                os.close(file)

    def _in_trouble(self, fault: Exception) -> None:
        self.trouble = (fault.strerror if isinstance(fault, OSError) else None) or type(fault).__name__


def _spelled(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _read(raw: bytes) -> Line | None:
    """A line; None for the first one, and for what a full disk or a power cut has left of one."""
    try:
        line = json.loads(raw)
        return Line(datetime.fromisoformat(line["at"]), line["of"], line["id"], tuple(line["carried"]))
    except (ValueError, KeyError, TypeError):
        return None
