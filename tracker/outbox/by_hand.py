"""What people do with one message: take it back, send it again, or say that its reader heard in another way.

Sending again is for what was not delivered or may have arrived. It is not planned anew (its key stands there already):
it is opened again, in the mail it was in, so that a second copy of one that arrived after all carries the same
Message-ID. Every try stays on record.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, aliased

from tracker.base.errors import NotFound, Refused
from tracker.base.sentences import on_record
from tracker.base.words import say_record
from tracker.base.work import Change, current_work
from tracker.outbox.kinds import kinds
from tracker.outbox.models import NEEDS_HUMAN, Envelope, Message
from tracker.outbox.protocol import reachable, why_not
from tracker.outbox.service import end_messages

#: Why a message ends that somebody took back, in words for staff.
TAKEN_BACK = on_record("taken back by hand")

#: Why one waits that somebody sends again.
SENT_AGAIN = on_record("sent again by hand")

#: How a message stands, as the end of a sentence that says what cannot be done to it.
_SAID = {
    "waiting": _l("it waits for its turn"),
    "paused": _l("it is paused"),
    "sending": _l("it is being handed over to the relay at this moment"),
    "sent": _l("it was sent"),
    "skipped": _l("it was left out"),
    "cancelled": _l("it was taken back"),
    "not_delivered": _l("it was not delivered"),
    "may_have_arrived": _l("it may have arrived"),
}


def get_message(session: Session, message_id: int) -> Message:
    """The message with this number, locked until the end of the transaction. NotFound."""
    message = session.get(Message, message_id, populate_existing=True, with_for_update=True)
    if message is None:
        raise NotFound(f"There is no message {message_id}.")
    return message


def cancel_message(session: Session, message_id: int, now: datetime) -> str:
    """Take back a message that waits or is paused. Returns how it ended: *cancelled*, or *may have arrived* where an
    earlier try may have brought it. Refused when it is too late for that."""
    message = get_message(session, message_id)
    before = message.state
    if before not in ("waiting", "paused"):
        raise Refused(_("Message %(number)s cannot be taken back: %(how)s.", number=message_id, how=_how(message)))
    end_messages(session, Message.id == message_id, "cancelled", TAKEN_BACK, now)
    return _changed(session, message, before)


def retry_message(session: Session, message_id: int, now: datetime) -> list[int]:
    """Let a message that was not delivered or may have arrived go again at the next tick, and with it what was in the
    same mail and has the same need. Returns the numbers of all of them.

    Refused, with the reason, when it ended otherwise, is no longer true, may not go to its reader, or its time is over.
    """
    # All messages of the mail, upwards, and only then the mail: the order in which everything locks them.
    this = aliased(Message)
    beside = select(this.envelope_id).where(this.id == message_id).scalar_subquery()
    session.execute(
        select(Message.id)
        .where(or_(Message.id == message_id, Message.envelope_id == beside))
        .order_by(Message.id)
        .with_for_update(of=Message)
    )
    message = get_message(session, message_id)
    if message.state not in NEEDS_HUMAN:
        raise Refused(_("Message %(number)s cannot be sent again: %(how)s.", number=message_id, how=_how(message)))
    if not _can_go(session, [message], now):
        raise Refused(
            _("Message %(number)s cannot be sent again: %(how)s.", number=message_id, how=_why(session, message, now))
        )
    envelope = None
    if message.envelope_id is not None:
        envelope = session.get(Envelope, message.envelope_id, populate_existing=True, with_for_update=True)
    if envelope is None or envelope.sent_at is not None:
        # The relay took that mail, and it came back: the next one is another, which a late report does not touch.
        again = [message]
        values: dict[str, object] = {"envelope_id": None}
    elif envelope.state in ("waiting", "sending", "paused"):
        raise Refused(
            _(
                "Message %(number)s cannot be sent again now: the mail it was in goes once more already.",
                number=message_id,
            )
        )
    else:
        alike = session.scalars(
            select(Message)
            .where(Message.envelope_id == envelope.id, Message.state.in_(NEEDS_HUMAN))
            .order_by(Message.id)
            .with_for_update()
        ).all()
        again, values = _can_go(session, alike, now), {}
        envelope.state, envelope.reason, envelope.not_before = "waiting", SENT_AGAIN, now
        session.flush()
    before = {m.id: m.state for m in again}
    session.execute(
        update(Message)
        .where(Message.id.in_(before))
        .values(state="waiting", reason=SENT_AGAIN, ended_at=None, sent_at=None, seen_to_at=None, **values)
        .execution_options(synchronize_session=False)
    )
    for each in again:
        _changed(session, each, before[each.id])
    return sorted(before)


def see_to_message(session: Session, message_id: int, now: datetime) -> bool:
    """Note that the reader of a message that was not delivered or may have arrived heard in another way: nobody need be
    told of it any more. False when somebody had noted it before. Refused when it ended otherwise."""
    message = get_message(session, message_id)
    if message.state not in NEEDS_HUMAN:
        raise Refused(_("Nobody need see to message %(number)s: %(how)s.", number=message_id, how=_how(message)))
    if message.seen_to_at is not None:
        return False
    message.seen_to_at = now
    session.flush()
    _note(session, message_id, "seen_to_at", None, now.isoformat())
    return True


def _can_go(session: Session, messages: Sequence[Message], now: datetime) -> list[Message]:
    """Those that are true still, may go to their reader, and are not too late."""
    found: set[int] = set()
    for code in {m.kind for m in messages}:
        kind = kinds.find(code)
        if kind is not None:
            numbers = [m.id for m in messages if m.kind == code]
            found.update(
                session.scalars(select(Message.id).where(Message.id.in_(numbers), kind.still_true(now), reachable()))
            )
    return [m for m in messages if m.id in found and (m.give_up_at is None or m.give_up_at > now)]


def _why(session: Session, message: Message, now: datetime) -> str:
    if message.give_up_at is not None and message.give_up_at <= now:
        return _("its time is over since %(when)s UTC", when=f"{message.give_up_at:%Y-%m-%d %H:%M}")
    if kinds.find(message.kind) is None:
        return _("nothing here knows that kind of message any more")
    return say_record(why_not(session, message, now))


def _how(message: Message) -> str:
    said = str(_SAID.get(message.state, message.state))
    if message.state == "sent" and message.sent_at is not None:
        return _(
            "it was sent on %(date)s at %(time)s UTC",
            date=f"{message.sent_at:%Y-%m-%d}",
            time=f"{message.sent_at:%H:%M}",
        )
    return _("%(how)s (%(reason)s)", how=said, reason=say_record(message.reason)) if message.reason else said


def _changed(session: Session, message: Message, before: str) -> str:
    session.refresh(message)
    _note(session, message.id, "state", before, message.state)
    return message.state


def _note(session: Session, message_id: int, field: str, old: object, new: object) -> None:
    """Put it on record by hand: the outbox is a log of its own, and its rows are not watched."""
    current_work(session).changes.append(Change("messages", message_id, None, "changed", {field: (old, new)}))
