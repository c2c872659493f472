"""The weekly agenda of a desk, for those on it who do not follow its dates."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from tracker.base import labels
from tracker.base.sentences import on_record
from tracker.digests import planning
from tracker.digests.mails import write_digest
from tracker.digests.queries import may_be_told
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message, Recipient
from tracker.reminders import rules

labels.announce("message_kind", {planning.DIGEST: _l("weekly agenda of the desk")})
labels.announce("cause", {planning.ON_DESK: _l("is on the desk")})
labels.announce("step", {"digests.plan": _l("plans the weekly agenda")})


@message_kind(planning.DIGEST, if_unsure="retry_once")
class Digest:
    """What is in court in the coming days and which cases need somebody, once a week."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: its recipient still is one who gets it, and the week is not too old."""
        return may_be_told(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail, from the rows as they are at `now`."""
        return write_digest(session, messages, now)

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why it does not go out."""
        if message.give_up_at is not None and message.give_up_at <= now:
            return on_record("too late for this week")
        wanted = session.scalar(select(Recipient.wants_digest).where(Recipient.id == message.recipient_id))
        if not wanted:
            return on_record("they switched it off")
        if session.scalar(select(Message.id).where(Message.id == message.id, may_be_told(now))) is None:
            return on_record("they follow the desk, or are not on it any more")
        return planning.NOTHING

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back."""
        return rules.is_quiet(at, message.tells["reader_zone"])
