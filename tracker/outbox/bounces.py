"""What follows from mail that came back. Nothing here answers it: two machines that answer each other never end.

An address whose mail server says that it does not work is *suppressed*: nothing more goes there, staff see it, and
somebody else is told of what its reader will not hear. One that only could not take a mail is suppressed when that
happened on five days, with less than a month between one and the next. A mail that came back was not delivered,
whatever the relay had said when it took it; that it took it stays on record in the attempts.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from tracker.base.db import insert_or_pass
from tracker.base.errors import NotFound
from tracker.base.sentences import on_record
from tracker.outbox.models import Attempt, Bounce, Envelope, Message, Recipient, accounts
from tracker.outbox.reports import Report, in_words, is_hard
from tracker.outbox.return_path import read_return_path
from tracker.outbox.service import cancel_messages

#: On so many days mail must have come back for a reason that may pass, before an address is taken not to work. One day
#: counts once, however many mails there were: a full mailbox is one fault.
SOFT_DAYS = 5

#: After so many days without one, those before are forgotten.
SOFT_MEMORY = timedelta(days=30)

#: Why messages are taken back that wait for an address which does not work. Reaching it again brings them back.
UNREACHABLE = on_record("mail to this address comes back")

#: Why a mail that had left was not delivered.
CAME_BACK = on_record("it came back: %(words)s")

#: Why nothing more goes to an address from which mail came back for something that may pass.
CAME_BACK_OFTEN = on_record("mail came back on %(days)s days: %(words)s")


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of one report. `what`: hard, soft (a delay, too), ignored, unrecognised, or known: it was read
    before. `suppressed`: because of it nothing more goes to that address."""

    what: str
    suppressed: bool = False


def find_envelope(session: Session, report: Report) -> int | None:
    """The mail a report is about, by the signed address it was delivered to; None: none of ours, or it speaks of
    somebody whom that mail did not go to."""
    for address in report.delivered_to:
        named = read_return_path(address)
        if named is None:
            continue
        row = session.execute(
            select(Envelope.message_id, Envelope.sent_at, Envelope.created_at)
            .add_columns(Recipient.reachable_since, accounts.c.email)
            .join(Recipient, Recipient.id == Envelope.recipient_id)
            .outerjoin(accounts, accounts.c.id == Recipient.user_id)
            .where(Envelope.id == named.envelope_id)
        ).one_or_none()
        if row is None or not named.is_of(row.message_id):
            continue
        # What left before the address was put right may have gone to another one, which is kept nowhere.
        left_since = row.reachable_since is None or (row.sent_at or row.created_at) >= row.reachable_since
        return None if left_since and _is_about_another(report, row.email) else named.envelope_id
    return None


def _is_about_another(report: Report, address: str | None) -> bool:
    """Whether a report names whom the mail was for, and that is not who has this address."""
    if not report.about or not address or not address.isascii():
        return False
    return address.casefold() not in {named.casefold() for named in report.about}


def is_known(session: Session, report: Report) -> bool:
    """Whether this very report was taken in before."""
    return session.scalar(select(Bounce.id).where(Bounce.fingerprint == report.fingerprint)) is not None


def take_in(session: Session, report: Report, now: datetime) -> TakenIn:
    """Draw the consequences of one report, inside the caller's unit of work. Reading it twice changes nothing."""
    if report.verdict == "unrecognised":
        return TakenIn("unrecognised")
    envelope_id = find_envelope(session, report)
    if envelope_id is None:
        return TakenIn("unrecognised")
    if report.verdict in ("fine", "answer"):
        return TakenIn("ignored")
    if not _note(session, report, envelope_id, now):
        return TakenIn("known")
    if report.verdict in ("hard", "soft"):
        _was_not_delivered(session, report, envelope_id, now)
    recipient, sent_at = _recipient_of(session, envelope_id)
    elsewhere = exists(
        select(Message.id).where(Message.envelope_id == envelope_id, Message.address_sealed.is_not(None))
    )
    if session.scalar(select(elsewhere)):
        # It speaks of an address the account has no more.
        return TakenIn("soft" if report.verdict in ("soft", "delayed") else "hard")
    if recipient.reachable_since is not None and sent_at < recipient.reachable_since:
        # It speaks of the address as it was before somebody put it right.
        return TakenIn("soft" if report.verdict in ("soft", "delayed") else "hard")
    if report.verdict in ("hard", "complaint"):
        return TakenIn("hard", stop_sending(session, recipient, in_words(report.verdict, report.status), now))
    return TakenIn("soft", report.verdict == "soft" and _count_soft(session, recipient, report, now))


def reach_again(session: Session, recipient_id: int, now: datetime) -> bool:
    """Take it that mail arrives at this recipient again: what waited for them waits again, as far as it is not too
    late. Whether there was anything to take back. NotFound when there is no such recipient."""
    recipient = session.get(Recipient, recipient_id, populate_existing=True, with_for_update=True)
    if recipient is None:
        raise NotFound("There is nobody with this number to write to.")
    stopped = recipient.suppressed_at is not None
    recipient.suppressed_at, recipient.suppressed_reason = None, ""
    recipient.soft_bounces, recipient.soft_bounced_on = 0, None
    recipient.reachable_since = now
    session.flush()
    session.execute(
        update(Message)
        .where(
            Message.recipient_id == recipient_id,
            Message.state == "cancelled",
            Message.reason == UNREACHABLE,
            or_(Message.give_up_at.is_(None), Message.give_up_at > now),
        )
        # In a mail of its own: one it was taken out of has ended, or goes without it. It has never left, else it would
        # have ended as may have arrived.
        .values(state="waiting", reason="", ended_at=None, envelope_id=None)
        .execution_options(synchronize_session=False)
    )
    return stopped


def soft_days(known: int, last_on: date | None, today: date) -> int:
    """On how many days mail came back, with one more today: the same day counts once, and what is over thirty days
    old is forgotten."""
    if last_on is None or today - last_on > SOFT_MEMORY:
        return 1
    return known if today <= last_on else known + 1


def _note(session: Session, report: Report, envelope_id: int, now: datetime) -> bool:
    statement = insert_or_pass(session, Bounce, "fingerprint").execution_options(preserve_rowcount=True)
    done: Any = session.execute(
        statement.values(
            envelope_id=envelope_id,
            fingerprint=report.fingerprint,
            read_at=now,
            verdict="hard" if report.verdict == "complaint" else report.verdict,
            status=report.status[:12],
        )
    )
    return bool(done.rowcount)


def _was_not_delivered(session: Session, report: Report, envelope_id: int, now: datetime) -> None:
    """Let what this mail carried end as not delivered. Where it is to be sent once more, because nobody knew whether it
    had arrived, that goes on unless the address does not work."""
    ended: list[str] = ["sent", "may_have_arrived"]
    if report.verdict == "hard":
        ended += ["waiting", "paused"]
    reason = (CAME_BACK % {"words": in_words(report.verdict, report.status)})[:300]

    def end(model: Any, *where: ColumnElement[bool], **more: Any) -> None:
        session.execute(
            update(model)
            .where(*where, model.state.in_(ended))
            .values(state="not_delivered", reason=reason, **more)
            .execution_options(synchronize_session=False)
        )

    end(Message, Message.envelope_id == envelope_id, ended_at=now)
    end(Envelope, Envelope.id == envelope_id)


def _recipient_of(session: Session, envelope_id: int) -> tuple[Recipient, datetime]:
    """Whom a mail went to, locked, and when it left."""
    row = session.execute(
        select(Recipient, Envelope.sent_at, Envelope.created_at)
        .join(Envelope, Envelope.recipient_id == Recipient.id)
        .where(Envelope.id == envelope_id)
        .with_for_update(of=Recipient)
        .execution_options(populate_existing=True)
    ).one()
    return row[0], row[1] or row[2]


def _count_soft(session: Session, recipient: Recipient, report: Report, now: datetime) -> bool:
    today = now.date()
    recipient.soft_bounces = soft_days(recipient.soft_bounces, recipient.soft_bounced_on, today)
    recipient.soft_bounced_on = max(today, recipient.soft_bounced_on or today)
    session.flush()
    if recipient.soft_bounces < SOFT_DAYS:
        return False
    words = CAME_BACK_OFTEN % {"days": recipient.soft_bounces, "words": in_words(report.verdict, report.status)}
    return stop_sending(session, recipient, words, now)


def refused_at_once(session: Session, recipient_id: int, words: str, now: datetime) -> bool:
    """Draw the consequences of a relay that knows an address not to work and says so (`550 5.1.1 …`) before it takes a
    mail: no report of it will ever come back. Whether nothing more goes there because of it."""
    said = _REFUSAL.match(words)
    if said is None or not is_hard(said[1]) or _went_elsewhere(session, recipient_id):
        return False
    recipient = session.get(Recipient, recipient_id, populate_existing=True, with_for_update=True)
    return recipient is not None and stop_sending(session, recipient, in_words("hard", said[1]), now)


def _went_elsewhere(session: Session, recipient_id: int) -> bool:
    """Whether what was last tried went to another address than the account's: to the one it had, or may have soon. What
    that one answers says nothing of the account's."""
    tried = (
        select(Attempt.envelope_id)
        .join(Envelope, Envelope.id == Attempt.envelope_id)
        .where(Envelope.recipient_id == recipient_id)
        .order_by(Attempt.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    elsewhere = exists(select(Message.id).where(Message.envelope_id == tried, Message.address_sealed.is_not(None)))
    return bool(session.scalar(select(elsewhere)))


#: A refusal for good, and its enhanced status (RFC 2034).
_REFUSAL = re.compile(r"5\d\d[ -](5\.\d{1,3}\.\d{1,3})\b")


def stop_sending(session: Session, recipient: Recipient, reason: str, now: datetime) -> bool:
    """Send nothing more there. False where it is so already: since when, and why first, are kept."""
    if recipient.suppressed_at is not None:
        return False
    recipient.suppressed_at, recipient.suppressed_reason = now, reason[:200]
    session.flush()
    cancel_messages(session, Message.recipient_id == recipient.id, UNREACHABLE, now)
    return True
