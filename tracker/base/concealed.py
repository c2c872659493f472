"""Numbers of rows in addresses, written so that nobody reads from them how many there are, or in what order they came.

A row with an address of its own has a random public id. Where a row is only pressed at (a flag, a mail, a sign-in), its
number stands in the address encrypted under a key of its kind: AES-SIV (RFC 5297), which gives the same word for the
same number, so nothing is stored, and takes no word that was not made here. Whether somebody may press is asked all
the same: a word is no permission.
"""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from flask import Flask, current_app
from werkzeug.routing import BaseConverter, ValidationError

#: Bytes of a number: what the widest column holds.
_WIDTH = 8


def conceal(kind: str, number: int) -> str:
    """The word for the row with this number, among rows of this kind."""
    sealed = _cipher(current_app, kind).encrypt(number.to_bytes(_WIDTH), None)
    return base64.urlsafe_b64encode(sealed).decode()


def reveal(kind: str, word: str) -> int | None:
    """The number a word of this kind stands for; None: it was not made here, or for rows of another kind."""
    try:
        return int.from_bytes(_cipher(current_app, kind).decrypt(base64.urlsafe_b64decode(word), None))
    except (InvalidTag, ValueError):
        return None


def set_up(app: Flask) -> None:
    """Let routes name rows so: `<concealed("flag"):flag_id>`. Any other word is an address there is not."""
    app.url_map.converters["concealed"] = Concealed


class Concealed(BaseConverter):
    """The part of an address that names a row by its concealed number."""

    regex = "[A-Za-z0-9_-]{32}"

    def __init__(self, url_map: object, kind: str) -> None:
        super().__init__(url_map)  # type: ignore[arg-type]  # werkzeug's own map
        self.kind = kind

    def to_python(self, value: str) -> int:
        """The number."""
        number = reveal(self.kind, value)
        if number is None:
            raise ValidationError
        return number

    def to_url(self, value: int) -> str:
        """The word."""
        return conceal(self.kind, value)


def _cipher(app: Flask, kind: str) -> AESSIV:
    known: dict[str, AESSIV] = app.extensions.setdefault("concealed", {})
    if kind not in known:
        known[kind] = AESSIV(bytes.fromhex(app.extensions["sealer"].keyring.blind(kind, "address")))
    return known[kind]
