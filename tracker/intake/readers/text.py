"""Plain text in UTF-8 (with or without its mark) or UTF-16 with a byte order mark.

The text is given back as it was decoded: nothing is added, dropped or put in another form, line ends included, so that
a position in the text is a position in the file.
"""

import codecs

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from tracker.base.errors import Refused
from tracker.intake.readers.formats import READERS, shown

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_OTHER_FORMATS = {
    b"%PDF": _l("a PDF"),
    b"PK\x03\x04": _l("a Word document or an archive"),
    b"\xd0\xcf\x11\xe0": _l("an old Word document"),
    b"{\\rtf": _l("a rich text file"),
    b"\x89PNG": _l("a picture"),
    b"\xff\xd8\xff": _l("a picture"),
    b"GIF8": _l("a picture"),
}
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")


class TextReader:
    """Reads plain text; of what is not, it says what it looks like."""

    def sniff(self, head: bytes) -> bool:
        """Any file with no NUL in its head, and UTF-16 by its mark; formats known by their first bytes are refused by
        `read`, with their name."""
        return head.startswith((*_UTF16, *_UTF32, *_OTHER_FORMATS)) or b"\x00" not in head

    def read(self, data: bytes, name: str) -> str:
        """The text. Refused: another format, markup, NUL or binary data, bytes that are no UTF-8."""
        for mark, what in _OTHER_FORMATS.items():
            if data.startswith(mark):
                raise Refused(
                    _(
                        "%(file)s is %(what)s, which cannot be read yet. Paste its text instead.",
                        file=shown(name),
                        what=what,
                    ),
                    "document",
                )
        text = self._decode(data, name)
        if text.lstrip()[:200].lower().encode("utf-8", "replace").startswith(_MARKUP):
            raise Refused(
                _(
                    "%(file)s is a web page's source. Open it in a browser, copy what you see and paste that.",
                    file=shown(name),
                ),
                "document",
            )
        if "\x00" in text:
            raise Refused(
                _("%(file)s holds NUL characters: it is not plain text. Paste its text instead.", file=shown(name)),
                "document",
            )
        if self._looks_binary(text):
            raise Refused(
                _("%(file)s is binary data, not text. Save the page as plain text (UTF-8).", file=shown(name)),
                "document",
            )
        return text

    @staticmethod
    def _decode(data: bytes, name: str) -> str:
        encoding = "utf-8-sig"
        if data.startswith(_UTF16) and not data.startswith(codecs.BOM_UTF32_LE):
            encoding = "utf-16"
        elif data.startswith(_UTF32):
            encoding = "utf-32"
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as fault:
            raise Refused(
                _(
                    "%(file)s is not text in UTF-8 (byte %(number)s cannot be read). "
                    "Save it as plain text in UTF-8, or paste its text.",
                    file=shown(name),
                    number=fault.start,
                ),
                "document",
            ) from fault

    @staticmethod
    def _looks_binary(text: str) -> bool:
        """More than one control character in a hundred in the first part of it: no writing has that."""
        part = text[:10_000]
        controls = sum(c < " " and c not in "\t\n\r\x0b\x0c" for c in part)
        return controls * 100 > len(part)


READERS.add("text", TextReader())
