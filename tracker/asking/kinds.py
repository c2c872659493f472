"""The two questions this room sends: what became of a hearing, and whether its date has become known.

A question whose answer was lost is sent once more with the same Message-ID: asked twice is better than never.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from tracker.agenda.models import OPEN_STATE
from tracker.asking import planning
from tracker.asking.mails import write_date, write_outcome
from tracker.asking.queries import COORDINATOR, may_be_asked, may_be_asked_for_date, overtaken
from tracker.base import labels
from tracker.base.sentences import on_record
from tracker.hearings.models import Hearing
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message
from tracker.reminders import rules

labels.announce(
    "message_kind",
    {
        planning.OUTCOME: _l("question what happened at a hearing"),
        planning.DATE: _l("question whether a date is known"),
    },
)
labels.announce("cause", {COORDINATOR: _l("coordinates the desk")})
labels.announce("step", {"asking.plan": _l("asks what happened")})


class _Question:
    """What both have in common."""

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why nobody needs to be asked this any more, or not this reader."""
        hearing = session.get(Hearing, message.subject_id, populate_existing=True)
        if hearing is None or hearing.state == "cancelled":
            return planning.IS_OFF
        if hearing.state != OPEN_STATE:
            return planning.ANSWERED
        if hearing.schedule_rev != message.subject_rev:
            return planning.MOVED
        if message.kind == planning.DATE and message.give_up_at is not None and message.give_up_at <= now:
            return planning.ASKED_LATER
        if session.scalar(select(Message.id).where(Message.id == message.id, overtaken(now))) is not None:
            return planning.ASKED_LATER
        return on_record("they are not the one to ask any more")

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back: what is over can wait for the morning."""
        return rules.is_quiet(at, message.tells["reader_zone"])

    @staticmethod
    def may_share(_message: Message) -> bool:
        """All that is asked of one reader at a time may be one mail."""
        return True


@message_kind(planning.OUTCOME, if_unsure="retry_once")
class OutcomeAsked(_Question):
    """What happened in court? Asked of one person after the other, until somebody has said."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: nobody has said, and the recipient is who is to be asked."""
        return may_be_asked(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail, from the rows as they are at `now`."""
        return write_outcome(session, messages, now)


@message_kind(planning.DATE, if_unsure="retry_once")
class DateAsked(_Question):
    """Is the date known by now? Asked once a week of hearings with a window or no date."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: no day is known, and the recipient is who is to be asked."""
        return may_be_asked_for_date(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail, from the rows as they are at `now`."""
        return write_date(session, messages, now)
