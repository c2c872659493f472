"""A form is done once: a double click, a reload or a second tab leads to the first one's result."""

import re
import secrets
from datetime import datetime

from sqlalchemy import String, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.base.columns import UTCDateTime
from tracker.base.db import Model
from tracker.base.errors import TrackerError
from tracker.base.work import current_work

#: Length of a token in characters.
TOKEN_LENGTH = 22


class OnceToken(Model):
    """A form that was sent, and where its sender was taken."""

    __tablename__ = "once_tokens"
    audited = False

    #: Random, made when the form was shown.
    token: Mapped[str] = mapped_column(String(TOKEN_LENGTH), primary_key=True)
    #: Account that sent it, as text; a token is nobody else's.
    sender: Mapped[str] = mapped_column(String(20))
    #: Where it led.
    result: Mapped[str] = mapped_column(String(300), default="")
    #: When.
    sent_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class DoneAlready(TrackerError):
    """The form was sent before; `result` is where it led."""

    def __init__(self, result: str) -> None:
        super().__init__("This was done already.")
        self.result = result


def new_token() -> str:
    """A token for a form about to be shown."""
    return secrets.token_urlsafe(16)


def claim(session: Session, token: str) -> None:
    """Begin the work of a form, inside its unit of work. DoneAlready when it was done: the second sender of a token
    waits here for the first to commit."""
    if not re.fullmatch(rf"[\w-]{{{TOKEN_LENGTH}}}", token, re.ASCII):
        return
    work = current_work(session)
    sender = str(work.actor.user_id)
    held = session.scalar(select(OnceToken).where(OnceToken.token == token))
    if held is None:
        try:
            with session.begin_nested():
                session.execute(insert(OnceToken).values(token=token, sender=sender, result="", sent_at=work.now))
            return
        except IntegrityError:
            held = session.scalar(select(OnceToken).where(OnceToken.token == token))
    if held is not None and held.sender == sender:
        raise DoneAlready(held.result or "/")


def finish(session: Session, token: str, result: str) -> None:
    """Say where the form led."""
    session.execute(update(OnceToken).where(OnceToken.token == token).values(result=result[:300]))
