"""What those who write letters are told of an action by mail. A mail whose answer was lost is sent once more with the
same Message-ID: told twice to stop is better than never."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from tracker.actions.models import UrgentAction
from tracker.base import labels
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message
from tracker.telling import planning, queries
from tracker.telling.mails import write_stopped

labels.announce(
    "message_kind",
    {
        queries.STOPPED: _l("notice that an action is stopped, on hold or closed"),
    },
)
labels.announce(
    "cause",
    {
        planning.WROTE: _l("wrote for the action"),
        planning.OPENED: _l("opened the action"),
    },
)


@message_kind(queries.STOPPED, if_unsure="retry_once")
class ActionStopped:
    """Do not write (any more): to everybody who took, opened or printed an action, whatever hour it is."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the action stands ended, or on hold, as it did when this was planned."""
        return queries.stands_ended(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        return write_stopped(session, messages)

    @staticmethod
    def as_written() -> ColumnElement[bool]:
        """SQL: the action, and whether its reader may know of the case, are as they were when it was written."""
        return queries.as_written()

    @staticmethod
    def why_not(session: Session, message: Message, _now: datetime) -> str:
        """Why it is not true any more."""
        action = session.get(UrgentAction, message.subject_id, populate_existing=True)
        if action is not None and action.state == "active":
            return "the action goes on"
        return "something else was done with the action since"
