"""Switching the weekly agenda off and on. Nothing here commits."""

import hmac

from flask import current_app
from sqlalchemy.orm import Session

from tracker.base.errors import NotFound
from tracker.outbox.models import Recipient


def switch(session: Session, recipient_id: int, wanted: bool) -> None:
    """Let the weekly agenda go to a recipient, or not. What waits already is left out when it would leave. NotFound
    when there is no such recipient."""
    recipient = session.get(Recipient, recipient_id, populate_existing=True)
    if recipient is None:
        raise NotFound("There is no such mail, or no longer.")
    recipient.wants_digest = wanted


def stop_word(recipient_id: int) -> str:
    """The word in the stop link of a recipient's mail; nobody else can make it, and it does not run out."""
    blinded: str = current_app.extensions["sealer"].keyring.blind(str(recipient_id), "digest-stop")
    return f"{recipient_id}.{blinded[:32]}"


def read_stop_word(word: str) -> int:
    """Whose mail a word stops. NotFound when it was not made here."""
    number = word.partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 19) or not hmac.compare_digest(
        stop_word(int(number)).encode(), word.encode()
    ):
        raise NotFound("This link is not whole. Open it from the mail once more, or copy all of it.")
    return int(number)
