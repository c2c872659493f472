"""The mails to those who follow a public case without an account. One whose answer was lost is sent once more with the
same Message-ID, but for the first one."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from tracker.base import labels
from tracker.base.sentences import on_record
from tracker.following import planning, queries, service
from tracker.following.mails import write_change, write_confirm, write_reminder, write_stopped
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message
from tracker.reminders import rules as reminding

labels.announce(
    "act",
    {
        "following.ask": _l("asked to follow a case without an account"),
        "following.confirm": _l("follows a case without an account"),
        "following.leave": _l("follows a case without an account no more"),
        "following.forget": _l("had an address forgotten"),
        "following.plan": _l("mails to those who follow without an account planned"),
    },
)
labels.announce(
    "step",
    {
        "following.plan": _l("plans what those who follow without an account are told"),
        "following.forget": _l("forgets addresses that nothing needs any more"),
    },
)
labels.announce(
    "message_kind",
    {
        queries.CONFIRM: _l("question whether somebody wants to follow a case"),
        queries.REMINDER: _l("reminder of a public hearing"),
        queries.CHANGED: _l("notice that a public hearing changed"),
        queries.STOPPED: _l("notice that a case is not public any more"),
    },
)
labels.announce(
    "cause",
    {
        service.ASKED: _l("asked to follow"),
        planning.FOLLOWS: _l("follows without an account"),
        planning.WAS_TOLD: _l("was told otherwise, without an account"),
        planning.FOLLOWED: _l("followed without an account"),
    },
)


@message_kind(queries.CONFIRM, if_unsure="wait")
class FollowConfirm:
    """The first mail to an address: a link, good once and for three days, by which its reader says yes."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the link is good, and the case public."""
        return queries.may_be_confirmed(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, with the link made as it is written."""
        return write_confirm(session, messages[0])

    @staticmethod
    def why_not(_session: Session, _message: Message, _now: datetime) -> str:
        """Why it is not sent."""
        return on_record("its link has been used, or has ended")


class _OfHearing:
    """What reminders and notices of a change have in common."""

    @staticmethod
    def as_written() -> ColumnElement[bool]:
        """SQL: the hearing and the cases it names are as they were when it was written."""
        return queries.as_written()

    @staticmethod
    def why_not(_session: Session, _message: Message, _now: datetime) -> str:
        """Why it is not sent: the same whatever it is, because who follows what is nobody's to know."""
        return planning.NOT_SO


@message_kind(queries.REMINDER, if_unsure="retry_once")
class FollowReminder(_OfHearing):
    """Some days before a public hearing of a public case: what, when, where, as its public page shows it."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        """SQL: the hearing stands as planned and is public, in a public case in hand that is followed."""
        return queries.may_be_reminded()

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        return write_reminder(session, messages[0])

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back, but not within 24 hours of the start."""
        return reminding.reminder_waits(at, message.tells["reader_zone"], reminding.starts_at_of(message.tells))


@message_kind(queries.CHANGED, if_unsure="retry_once")
class FollowChanged(_OfHearing):
    """Who was told of a public hearing learns that it moved, was given wrongly, did not sit, goes on another day, is
    off, on again, or took place."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        """SQL: the hearing stands as the notice says and is public, in a public case that is followed."""
        return queries.may_be_told()

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail: what they were told, and what is so."""
        return write_change(session, messages[0])

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back, but not when the old or the new date of a change is within 72 hours."""
        return reminding.notice_waits(at, message.tells["reader_zone"], message.tells)


@message_kind(queries.STOPPED, if_unsure="retry_once")
class FollowStopped:
    """A case that was followed is not public any more: please do not write or post. At whatever hour, and once."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        """SQL: the case is closed to the public."""
        return queries.is_closed()

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, which names nothing."""
        return write_stopped(session, messages[0])

    @staticmethod
    def why_not(_session: Session, _message: Message, _now: datetime) -> str:
        """Why it is not sent."""
        return on_record("the case is public again")
