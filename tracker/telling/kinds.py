"""What those who write letters are told of an action by mail. A mail whose answer was lost is sent once more with the
same Message-ID: told twice to stop is better than never."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from tracker.actions.models import UrgentAction
from tracker.base import labels
from tracker.base.sentences import on_record
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message
from tracker.reminders.queries import STOPPED, is_stopped
from tracker.telling import planning, queries, rules
from tracker.telling.mails import write_result, write_soon, write_stopped, write_updated

labels.announce(
    "message_kind",
    {
        queries.STOPPED: _l("notice that an action is stopped, on hold or closed"),
        queries.UPDATED: _l("news of an update to who wrote before"),
        queries.SOON: _l("the last days of an action"),
        queries.RESULT: _l("what became of somebody written for"),
    },
)
labels.announce(
    "cause",
    {
        planning.WROTE: _l("wrote for the action"),
        planning.OPENED: _l("opened the action"),
        planning.IN_GROUP: _l("is in a group that wrote for the action"),
        planning.WROTE_BEFORE: _l("wrote for the action before"),
        planning.FOLLOWS: _l("follows the case as a volunteer"),
    },
)
labels.announce(
    "act",
    {"telling.plan": _l("mails about actions planned"), "telling.follow": _l("followed a case as a volunteer")},
)
labels.announce("step", {"telling.plan": _l("plans what those who write are told")})


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
            return on_record("the action goes on")
        return on_record("something else was done with the action since")


class _Asking:
    """What mails have in common that wait for the morning, and that nobody gets who stopped them."""

    @staticmethod
    def as_written() -> ColumnElement[bool]:
        """SQL: the action, and whether its reader may know of the case, are as they were when it was written."""
        return queries.as_written()

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why it does not go out."""
        action = session.get(UrgentAction, message.subject_id, populate_existing=True)
        if action is None or (action.state not in ("active", "expired") and message.kind != queries.RESULT):
            return on_record("the action cannot be taken any more")
        if message.kind == queries.SOON and action.act_until_at != message.give_up_at:
            return on_record("its last day was moved")
        stopped = select(Message.id).join(UrgentAction, UrgentAction.id == Message.subject_id)
        if session.scalar(
            stopped.where(Message.id == message.id, is_stopped(Message.recipient_id, case_id=UrgentAction.case_id))
        ):
            return STOPPED
        return planning.NOT_SO

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours of volunteers hold it back."""
        return rules.is_quiet(at, message.tells["reader_zone"])


@message_kind(queries.UPDATED, if_unsure="retry_once")
class ActionUpdated(_Asking):
    """There is an update: to those first who wrote for what it follows."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: it can be taken, by this reader, who has not written for it."""
        return queries.may_still_write(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail, from the rows as they are at `now`."""
        return write_updated(session, messages, now)


@message_kind(queries.SOON, if_unsure="wait")
class ActionEndsSoon(_Asking):
    """Seven days before the last day on which a letter helps, to volunteers who follow its case and did not write."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: it can be taken until that very day, by this reader, who follows the case and has not written."""
        return and_(queries.may_still_write(now), queries.follows_it())

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail, from the rows as they are at `now`."""
        return write_soon(session, messages, now)


@message_kind(queries.RESULT, if_unsure="retry_once")
class ActionResult(_Asking):
    """What became of somebody, to those who wrote, as far as it is open to volunteers."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        """SQL: what it tells counts, and its reader may know of it."""
        return queries.still_tells()

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        return write_result(session, messages)
