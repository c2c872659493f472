"""The words of links. That of a first mail is used once and stands nowhere; that by which somebody leaves names a
recipient and cases, does not run out, and cannot be made by anybody else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app

from tracker.base.errors import NotFound

#: Said of a link nobody made.
NOT_WHOLE = "This link is not whole. Open it from the mail once more, or copy all of it."


def make_word(nonce: str) -> str:
    """The word of a first mail (43 characters, 256 bits): a keyed fingerprint of its nonce."""
    mac: str = current_app.extensions["sealer"].keyring.blind(nonce, "follow")
    return base64.urlsafe_b64encode(bytes.fromhex(mac)).decode().rstrip("=")


def hash_word(word: str) -> str:
    """What is stored of a word, hex. Nothing slower is needed: it is random and long."""
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a link ends: a recipient's following of these cases."""

    recipient_id: int
    case_ids: tuple[int, ...]


def leave_word(recipient_id: int, case_ids: Sequence[int]) -> str:
    """The word for this recipient and these cases."""
    said = json.dumps([recipient_id, *case_ids], separators=(",", ":")).encode()
    return f"{base64.urlsafe_b64encode(said).decode().rstrip('=')}.{_mac(said)}"


def read_leave_word(word: str) -> Leaves:
    """What a word says. NotFound when it was not made here."""
    body, _dot, mac = word.partition(".")
    try:
        said = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        if not hmac.compare_digest(_mac(said).encode(), mac.encode("utf-8", "surrogateescape")):
            raise NotFound(NOT_WHOLE)
        recipient_id, *case_ids = json.loads(said)
    except ValueError:
        raise NotFound(NOT_WHOLE) from None
    return Leaves(recipient_id, tuple(case_ids))


def _mac(said: bytes) -> str:
    blinded: str = current_app.extensions["sealer"].keyring.blind(said.decode("latin-1"), "leave-link")
    return blinded[:32]
