"""The two kinds of mail this room sends: a reminder of a hearing, and the notice that what a reminder said has changed.

A reminder whose answer was lost is sent once more with the same Message-ID: a second identical mail costs less than a
hearing nobody knew of.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from tracker.base import labels
from tracker.base.sentences import on_record
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.kinds import Mail, Write, message_kind
from tracker.outbox.models import Message, Recipient
from tracker.reminders import rules
from tracker.reminders.mails import as_written, change_writer, reminder_writer, write_change, write_reminder
from tracker.reminders.queries import (
    CASE_CLOSED,
    CHANGED_AGAIN,
    FOLLOWS_NO_MORE,
    IS_OFF,
    MOVED,
    REMINDED_STAGES,
    SERVED_LATER,
    STANDS_IN,
    STOPPED,
    UNSEEN,
    WAS_PROVISIONAL,
    may_be_reminded,
    may_be_told,
    wants_no_news,
)

labels.announce(
    "message_kind",
    {"hearing.reminder": _l("reminder of a hearing"), "hearing.changed": _l("notice that a hearing changed")},
)
labels.announce(
    "cause",
    {
        "owner": _l("keeps the case"),
        "deputy": _l("stands in for who keeps it"),
        "follows the case": _l("follows the case"),
        "follows the desk": _l("follows the desk"),
        "stands in while they are away": _l("coordinates the desk while who keeps the case is away"),
        "was told otherwise": _l("was told otherwise before"),
        "was told it was provisional": _l("was told before that the date was provisional"),
        "was told of it": _l("was told of the hearing before"),
    },
)
labels.announce(
    "follow_cause",
    {
        "owner": _l("you keep it"),
        "deputy": _l("you stand in for who keeps it"),
        "follows": _l("you chose to follow it"),
    },
)


@message_kind("hearing.reminder", if_unsure="retry_once")
class HearingReminder:
    """Some days before a hearing: what, where, when, and how sure that is."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the hearing stands as planned, in a case in hand which the recipient may see and follows."""
        return may_be_reminded(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail, from the rows as they are at `now`."""
        return write_reminder(session, messages, now)

    @staticmethod
    def writer(session: Session, messages: Sequence[Message]) -> Write:
        """What writes many of them, read for together."""
        return reminder_writer(session, messages)

    @staticmethod
    def as_written() -> ColumnElement[bool]:
        """SQL: the hearing and the cases it names are as they were, and the recipient may know of all of them."""
        return as_written(in_hand=True)

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why it is not true any more."""
        hearing = session.get(Hearing, message.subject_id, populate_existing=True)
        if hearing is None or hearing.state != "scheduled":
            return IS_OFF
        if hearing.schedule_rev != message.subject_rev:
            return MOVED
        if not _has_case(session, message, Case.stage.in_(REMINDED_STAGES)):
            return CASE_CLOSED
        why = _why_unheard(session, message)
        if not why and message.give_up_at is not None and message.give_up_at <= now:
            return SERVED_LATER
        if not why and message.cause == STANDS_IN:
            return on_record("whoever keeps the case is here again")
        return why or FOLLOWS_NO_MORE

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back, but not within 24 hours of the start."""
        zone = message.tells.get("reader_zone") or message.tells["zone"]
        return rules.reminder_waits(at, zone, rules.starts_at_of(message.tells))

    @staticmethod
    def may_share(message: Message) -> bool:
        """Several may be one mail on a day that brings many, but not the 1-day reminder: it stands for itself."""
        return message.days_before is not None and message.days_before > 1


@message_kind("hearing.changed", if_unsure="retry_once")
class HearingChanged:
    """Whoever was told of a hearing learns that it moved, was given wrongly, did not sit, goes on another day, is off,
    has become sure, or took place."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the hearing stands as the notice says, and the recipient may see it and wants to hear of it."""
        return may_be_told(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail: what they were told, and what is so."""
        return write_change(session, messages, now)

    @staticmethod
    def writer(session: Session, messages: Sequence[Message]) -> Write:
        """What writes many of them, read for together."""
        return change_writer(session, messages)

    @staticmethod
    def as_written() -> ColumnElement[bool]:
        """SQL: the same, whether the cases are in hand or not."""
        return as_written(in_hand=False)

    @staticmethod
    def why_not(session: Session, message: Message, now: datetime) -> str:
        """Why it is not true any more."""
        hearing = session.get(Hearing, message.subject_id, populate_existing=True)
        if hearing is None or hearing.schedule_rev != message.subject_rev:
            return CHANGED_AGAIN
        if message.cause == WAS_PROVISIONAL and hearing.certainty != "confirmed":
            return CHANGED_AGAIN
        if message.give_up_at is not None and message.give_up_at <= now:
            return on_record("the hearing has begun")
        return _why_unheard(session, message)

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back, but not when the old or the new date of a change is within 72 hours."""
        zone = message.tells.get("reader_zone") or message.tells["zone"]
        return rules.notice_waits(at, zone, message.tells)


def _why_unheard(session: Session, message: Message) -> str:
    """The reason that lies with the reader; empty: none."""
    recipient = session.get(Recipient, message.recipient_id)
    hearing = session.get(Hearing, message.subject_id)
    if recipient is None or hearing is None:
        return UNSEEN
    if not _has_case(session, message, level(recipient.user_id, Case) <= hearing.audience):
        return UNSEEN
    if not _has_case(session, message, ~wants_no_news(Recipient, Case), recipient.id):
        return STOPPED
    return ""


def _has_case(
    session: Session, message: Message, condition: ColumnElement[bool], recipient_id: int | None = None
) -> bool:
    """Whether one of the hearing's cases meets the condition (SQL on cases and, where given, on the recipient)."""
    found = (
        select(1)
        .select_from(Case)
        .join(Appearance, Appearance.case_id == Case.id)
        .where(Appearance.hearing_id == message.subject_id, condition)
    )
    if recipient_id is not None:
        found = found.join(Recipient, Recipient.id == recipient_id)
    return bool(session.scalar(select(exists(found.correlate(None)))))
