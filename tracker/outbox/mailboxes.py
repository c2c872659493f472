"""Reading a mailbox on this machine: a Maildir, an mbox file, or one mail in a file. Changes nothing unless told to."""

import hashlib
import mailbox
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tracker.base.errors import Refused
from tracker.outbox.reports import LONGEST

#: How the first line of a mail looks.
_HEADER = re.compile(rb"[!-9;-~]{1,60}:")


class Maildir:
    """A folder with one file for each mail: new ones in `new`, seen ones in `cur`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Each mail with its key: its first LONGEST bytes and one more, so that a longer one is told from one that
        fits. Those that are taken away meanwhile are passed over."""
        for folder in ("new", "cur"):
            for file in sorted((self._path / folder).iterdir()):
                if file.name.startswith(".") or not file.is_file():
                    continue
                try:
                    with file.open("rb") as opened:
                        yield f"{folder}/{file.name}", opened.read(LONGEST + 1)
                except FileNotFoundError:
                    continue

    def remove(self, keys: Collection[str]) -> None:
        """Delete these mails."""
        for key in keys:
            (self._path / key).unlink(missing_ok=True)


class Mbox:
    """A file of mails, one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Each mail with its key, as above: its place in the file and its fingerprint."""
        box: Any = mailbox.mbox(self._path, create=False)
        try:
            for place in box.iterkeys():
                raw = _begin(box, place)
                yield _key(place, raw), raw
        finally:
            box.close()

    def remove(self, keys: Collection[str]) -> None:
        """Delete these mails. Refused when somebody else is writing to the file, or it has changed since; then all of
        them stay."""
        if not keys:
            return
        box: Any = mailbox.mbox(self._path, create=False)
        try:
            box.lock()
            try:
                places = [int(key.partition(":")[0]) for key in keys]
                if {_key(place, _begin(box, place)) for place in places} != set(keys):
                    raise Refused("The mailbox has changed meanwhile: nothing was deleted in it. Try again.", "path")
                for place in places:
                    box.remove(place)
                box.flush()
            finally:
                box.unlock()
        except (mailbox.Error, KeyError) as fault:
            raise Refused("The mailbox is being written to: nothing was deleted in it. Try again.", "path") from fault
        finally:
            box.close()


def _begin(box: Any, place: int) -> bytes:
    with box.get_file(place) as opened:
        return bytes(opened.read(LONGEST + 1))


def _key(place: int, raw: bytes) -> str:
    return f"{place}:{hashlib.sha256(raw).hexdigest()}"


class OneMail:
    """A file that is one mail."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """The mail, as above."""
        with self._path.open("rb") as opened:
            yield self._path.name, opened.read(LONGEST + 1)

    def remove(self, keys: Collection[str]) -> None:
        """Delete it."""
        if keys:
            self._path.unlink(missing_ok=True)


def open_mailbox(path: Path) -> Maildir | Mbox | OneMail:
    """The mailbox at `path`. Refused, naming what is wrong, when there is none or it cannot be read."""
    name = str(path)[:200]
    try:
        if path.is_dir():
            if not all((path / folder).is_dir() for folder in ("new", "cur")):
                raise Refused(f"{name} is no Maildir: it holds no folders “new” and “cur”.", "path")
            next((path / "new").iterdir(), None)
            return Maildir(path)
        if not path.is_file():
            raise Refused(f"There is no mailbox {name}.", "path")
        with path.open("rb") as opened:
            begins = opened.read(200).lstrip(b"\r\n")
    except OSError as fault:
        raise Refused(f"{name} cannot be read: {fault.strerror}.", "path") from fault
    if not begins or begins.startswith(b"From "):
        return Mbox(path)
    if _HEADER.match(begins):
        return OneMail(path)
    raise Refused(f"{name} is neither a Maildir, nor an mbox file, nor a mail.", "path")
