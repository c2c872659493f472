"""What a reader is, the registry it adds itself to, and the limits that hold for every format."""

from typing import Protocol

from flask_babel import gettext as _

from tracker.base.errors import Refused
from tracker.base.registry import Registry

#: A file larger than this many bytes is refused before it is looked at.
LARGEST_FILE = 5_000_000

#: How many bytes from the start a reader is shown to tell whether the file is for it.
HEAD_BYTES = 4096


class Reader(Protocol):
    """One format. `sniff` is shown the first `HEAD_BYTES` and answers whether it reads such a file; `read` returns the
    text, or raises Refused with a sentence that says what to do."""

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with `head` is for this reader."""
        ...

    def read(self, data: bytes, name: str) -> str:
        """The text of the file; `name` is what the person called it."""
        ...


#: The readers by code, asked in the order they were added.
READERS: Registry[Reader] = Registry("reader")


def refuse_if_too_large(size: int, name: str) -> None:
    """Refused when a file of `size` bytes is over the limit: to be asked before any of it is read into memory."""
    if size > LARGEST_FILE:
        raise Refused(
            _(
                "%(file)s is %(size)s MB. A page may be %(most)s MB at most: save the text alone, or split it.",
                file=shown(name),
                size=f"{size / 1_000_000:.1f}",
                most=LARGEST_FILE // 1_000_000,
            ),
            "document",
        )


def shown(name: str) -> str:
    """A file's name for a message: printable, short, and never empty."""
    said = "".join(c for c in name if c.isprintable()).strip()
    return f"“{said[:80]}”" if said else _("This file")
