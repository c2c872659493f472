"""The registry of message kinds: a room announces what it wants to say, and how it is known to be true still."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from tracker.base.registry import Registry
from tracker.outbox.models import Message

#: What to do when nobody knows whether a mail arrived: send the very same once more, or wait for a human.
IfUnsure = Literal["retry_once", "wait"]


@dataclass(frozen=True, slots=True)
class Mail:
    """What is said, ready to be put into an envelope: text first, HTML beside it."""

    subject: str
    text: str
    html: str
    #: Extra headers, such as List-Unsubscribe. Never an address.
    headers: dict[str, str] = field(default_factory=dict)
    #: A calendar file (RFC 5545, METHOD:PUBLISH) that goes with it; empty: none.
    calendar: bytes = b""
    #: What it was written from, for a kind with `as_written`: its words hold for as long as that is so.
    stamp: str = ""


def one_click(link: str) -> dict[str, str]:
    """The headers by which a mail program itself can stop what this link stops (RFC 8058)."""
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


class NoLonger(Exception):
    """Nothing in the mail is true any more, or may go there: nothing may leave. A kind's `render` may raise it too;
    then its messages are skipped, with what `why_not` says."""


#: Writes one mail for these messages (all of one kind and recipient) as things stand at the instant. It may raise
#: `NoLonger` when there is nothing left that its recipient may know.
Render = Callable[[Session, Sequence[Message], datetime], Mail]

#: The same for many mails of a kind, for which what they need was read together: takes the messages of one of them.
Write = Callable[[Sequence[Message], datetime], Mail]

#: Reads what many mails of a kind need, in a few statements, and answers with what writes them. It raises nothing for
#: one of them: that is for what it answers with.
Writer = Callable[[Session, Sequence[Message]], Write]

#: SQL on `messages`: is this message true still, and may its recipient still know? Used inside the mark's UPDATE.
StillTrue = Callable[[datetime], ColumnElement[bool]]

#: The name under which `as_written` finds the stamp of the mail.
STAMP = "written_from"

#: SQL on `messages`: is all that the mail says of this message still so? It compares what is there with the stamp of
#: the mail, `bindparam(STAMP)`. Used inside the mark's UPDATE.
AsWritten = Callable[[], ColumnElement[bool]]

#: Why a message is no longer true, in words for staff, asked once it was found not to be.
WhyNot = Callable[[Session, Message, datetime], str]


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message."""

    code: str
    if_unsure: IfUnsure
    still_true: StillTrue
    render: Render
    why_not: WhyNot
    #: Whether quiet hours of the recipient hold it back (a function of the message and the instant it would be sent).
    waits_for_morning: Callable[[Message, datetime], bool]
    #: Whether it may share a mail with others of its kind to the same reader, on a day that brings them many.
    may_share: Callable[[Message], bool] = lambda _message: False
    #: Reads for many mails at once; None: each is read for by itself.
    writer: Writer | None = None
    #: Whether the words that were written a moment ago are so still; None: `still_true` says all there is to say.
    as_written: AsWritten | None = None
    #: Whether it may go to somebody who was invited and has no open account yet.
    to_invited: bool = False

    def write_with(self, session: Session, messages: Sequence[Message]) -> Write:
        """What writes the mails that carry these messages."""
        if self.writer is not None:
            return self.writer(session, messages)
        return lambda those, now: self.render(session, those, now)


kinds: Registry[MessageKind] = Registry("message kind")

#: How long a second try waits when nobody knows whether the first arrived.
UNSURE_WAIT = timedelta(minutes=10)


def message_kind(code: str, *, if_unsure: IfUnsure) -> Callable[[type[Any]], type[Any]]:
    """Announce a class with the static methods `still_true`, `render`, `why_not` and (optional) `waits_for_morning`,
    `may_share`, `writer` and `as_written`; and with `to_invited`, where it goes to people before they have come."""

    def announce(cls: type[Any]) -> type[Any]:
        kinds.add(
            code,
            MessageKind(
                code=code,
                if_unsure=if_unsure,
                still_true=cls.still_true,
                render=cls.render,
                why_not=cls.why_not,
                waits_for_morning=getattr(cls, "waits_for_morning", lambda _message, _at: False),
                may_share=getattr(cls, "may_share", lambda _message: False),
                writer=getattr(cls, "writer", None),
                as_written=getattr(cls, "as_written", None),
                to_invited=getattr(cls, "to_invited", False),
            ),
        )
        return cls

    return announce
