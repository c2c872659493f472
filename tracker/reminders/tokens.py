"""The word in the "stop" link of a mail: says whose reminders of which cases, and cannot be made by anybody else.

Nothing is stored for it, so that owners, who follow without a row, can stop as well; and it does not run out, because a
mail may be opened months later.
"""

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app

from tracker.base.errors import NotFound


@dataclass(frozen=True, slots=True)
class Stops:
    """What a link stops: a recipient's reminders of these cases."""

    recipient_id: int
    case_ids: tuple[int, ...]


def stop_token(recipient_id: int, case_ids: Sequence[int]) -> str:
    """The word for this recipient and these cases."""
    said = json.dumps([recipient_id, *sorted(case_ids)], separators=(",", ":")).encode()
    return f"{base64.urlsafe_b64encode(said).decode().rstrip('=')}.{_mac(said)}"


def read_stop_token(token: str) -> Stops:
    """What a word says. NotFound when it was not made here."""
    body, _dot, mac = token.partition(".")
    try:
        said = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        numbers = json.loads(said) if hmac.compare_digest(_mac(said), mac) else []
    except ValueError:
        numbers = []
    if len(numbers) < 2:
        raise NotFound("This link is not whole. Open it from the mail once more, or copy all of it.")
    return Stops(numbers[0], tuple(numbers[1:]))


def _mac(said: bytes) -> str:
    blinded: str = current_app.extensions["sealer"].keyring.blind(said.decode("latin-1"), "stop-link")
    return blinded[:32]
