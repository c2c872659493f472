"""The formats that can be read: every module of this folder that adds a reader to `READERS`.

A reader turns the bytes of a file into text; what the text says is no concern of its. To read a format more, write a
module with a reader here; nothing else needs to know.
"""

from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from flask_babel import gettext as _

from tracker.base.errors import Refused
from tracker.intake.readers.formats import HEAD_BYTES, LARGEST_FILE, READERS, Reader, refuse_if_too_large, shown

__all__ = ["LARGEST_FILE", "READERS", "Document", "Reader", "read_document", "refuse_if_too_large", "shown"]

for _module in sorted(m.name for m in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file and the code of the reader that read it."""

    text: str
    reader: str


def read_document(data: bytes, name: str = "") -> Document:
    """The text of a file. Refused: too large, empty, or in no format that can be read."""
    refuse_if_too_large(len(data), name)
    if not data.strip(b"\x00 \t\r\n"):
        raise Refused(_("%(file)s is empty.", file=shown(name)), "document")
    head = data[:HEAD_BYTES]
    for code in READERS.codes():
        reader = READERS.get(code)
        if reader.sniff(head):
            return Document(reader.read(data, name), code)
    if b"\x00" in head:
        raise Refused(
            _(
                "%(file)s holds NUL characters: it is not plain text. Copy what you see of the page and paste that.",
                file=shown(name),
            ),
            "document",
        )
    raise Refused(
        _(
            "%(file)s is not a text that can be read. Save the page as plain text (UTF-8), or paste its text.",
            file=shown(name),
        ),
        "document",
    )
