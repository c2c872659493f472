"""The mail that this room sends: one for each stop of the clock to whoever keeps a case that it concerned."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from tracker.base import labels
from tracker.base.sentences import on_record
from tracker.catching_up.mails import write_report
from tracker.clockwork.models import Outage
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message
from tracker.reminders.rules import is_quiet

labels.announce("message_kind", {"outage.report": _l("report of a stop of the clock")})
labels.announce("cause", {"keeps a case": _l("keeps a case that a stop of the clock concerned")})


@message_kind("outage.report", if_unsure="wait")
class OutageReport:
    """What a stop of the clock has done to the reader's cases."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        """SQL: the stop is on record. What it concerned is looked at when the mail is written."""
        return exists(select(Outage.id).where(Outage.id == Message.subject_id).correlate(Message))

    @staticmethod
    def render(session: Session, messages: Sequence[Message], _now: datetime) -> Mail:
        """The mail, from the rows as they are."""
        return write_report(session, messages[0])

    @staticmethod
    def why_not(_session: Session, _message: Message, _now: datetime) -> str:
        """Why there is nothing to report."""
        return on_record("none of their cases was concerned")

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back: what is urgent in it, reminders have said."""
        return is_quiet(at, message.tells["zone"])
