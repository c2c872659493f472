"""Looking before it leaves: what one mail would say now, and what the next tick would do. Nothing is changed, and
nothing is sent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from tracker.outbox.kinds import Mail, NoLonger, kinds
from tracker.outbox.models import Envelope, Message, Recipient, accounts, reader_name, shown_address
from tracker.outbox.packing import is_held
from tracker.outbox.pausing import Pause, read_pause
from tracker.outbox.protocol import reachable, why_not

#: What would become of a message at the next tick.
FATES = ("send", "hold", "skip", "not_delivered")

#: Why it would not be sent, each in words for those who read it on a command line. `untrue` says its own words.
WHYS = {
    "paused": "mail is paused",
    "quiet_hours": "its reader has quiet hours",
    "again_later": "it is tried again later",
    "no_relay": "no relay is set",
    "under_way": "it is being handed over at this moment",
    "too_late": "it is too late for it",
    "no_words": "it cannot be composed",
    "untrue": "",
}

#: Messages looked at in one dry run.
MOST = 1_000

#: A part of a link that is a secret of its reader: the word in a link to stop, or to a calendar.
_SECRET = re.compile(r"(?<=[/=])[A-Za-z0-9_.~-]{24,}")
_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Fate:
    """What would become of one message. `would` is one of FATES, `why` empty or one of WHYS, `reason` in words."""

    id: int
    kind: str
    subject_kind: str
    subject_id: int
    name: str
    address: str
    cause: str
    days_before: int | None
    due_at: datetime
    would: str
    why: str
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """One mail as it would be written now; no mail, and why not, where it would not go. Links that only its reader may
    use are blotted out."""

    #: Whom to.
    name: str
    address: str
    would: str
    why: str
    reason: str
    subject: str = ""
    text: str = ""
    #: (name, value) of each header beside subject, sender and recipient.
    headers: tuple[tuple[str, str], ...] = ()
    #: Further messages that go in the same mail.
    beside: int = 0
    #: Whether a calendar file goes with it.
    with_calendar: bool = False


def dry_run(
    session: Session, now: datetime, *, relay_set: bool, sees: ColumnElement[bool] | None = None, limit: int = MOST
) -> list[Fate]:
    """What the next tick would do with what is due, in the order it is due, as things stand in the outbox. What is
    planned only then is not in it. `relay_set`: whether the settings name one; `sees`: SQL on `messages`."""
    rows = (
        select(Message, reader_name, shown_address(), Envelope.not_before, Envelope.state)
        .join(Recipient, Recipient.id == Message.recipient_id)
        .outerjoin(accounts, accounts.c.id == Recipient.user_id)
        .outerjoin(Envelope, Envelope.id == Message.envelope_id)
        .where(Message.state.in_(("waiting", "sending", "paused")), Message.due_at <= now)
    )
    if sees is not None:
        rows = rows.where(sees)
    found = session.execute(rows.order_by(Message.due_at, Message.id).limit(limit)).all()
    pause = read_pause(session)
    true_ids = _still_true(session, [row[0] for row in found], now)
    held = _held_mails([row[0] for row in found], now)
    fates = []
    for message, name, address, not_before, envelope_state in found:
        would, why, reason = _fate(session, message, now, pause, message.id in true_ids)
        if message.state == "paused":
            would, why, reason = "hold", "paused", message.reason
        if would == "send":
            if message.id in held:
                would, why = "hold", "quiet_hours"
            elif not relay_set:
                would, why = "hold", "no_relay"
            elif envelope_state == "waiting" and not_before > now:
                would, why = "hold", "again_later"
            else:
                would, why, reason = _written(session, message, now)[:3]
        fates.append(
            Fate(
                message.id,
                message.kind,
                message.subject_kind,
                message.subject_id,
                name,
                address,
                message.cause,
                message.days_before,
                message.due_at,
                would,
                why,
                reason or WHYS.get(why, ""),
            )
        )
    return fates


def preview(session: Session, message: Message, now: datetime) -> Preview:
    """The mail of this message as it would be written now, whether it is due already or not."""
    name, address = session.execute(
        select(reader_name, shown_address())
        .join(Recipient, Recipient.user_id == accounts.c.id)
        .join(Message, Message.recipient_id == Recipient.id)
        .where(Message.id == message.id)
    ).one()
    if message.state not in ("waiting", "paused"):
        return Preview(name, address, "skip", message.state, message.reason)
    true_now = message.id in _still_true(session, [message], now)
    would, why, reason = _fate(session, message, now, None, true_now)
    mail: Mail | None = None
    if would == "send":
        would, why, reason, mail = _written(session, message, now)
    if mail is None:
        return Preview(name, address, would, why, reason or WHYS.get(why, ""))
    beside = 0
    if message.envelope_id is not None:
        others = (Message.envelope_id == message.envelope_id, Message.id != message.id, Message.state == message.state)
        beside = len(session.scalars(select(Message.id).where(*others)).all())
    pause = read_pause(session)
    if message.state == "paused" or (pause and not pause.lets(message.due_at)):
        would, why = "hold", "paused"
    return Preview(
        name,
        address,
        would,
        why,
        WHYS.get(why, ""),
        mail.subject,
        blotted(mail.text),
        (*((key, blotted(value)) for key, value in mail.headers.items()), ("X-Tracker-Kind", message.kind)),
        beside,
        bool(mail.calendar),
    )


def blotted(text: str) -> str:
    """The text without what in its links only the reader may use."""
    return _LINK.sub(lambda link: _SECRET.sub("…", link[0]), text)


def _fate(
    session: Session, message: Message, now: datetime, pause: Pause | None, true_now: bool
) -> tuple[str, str, str]:
    """What becomes of it before anything is composed: (would, why, reason)."""
    if message.state == "sending":
        return "hold", "under_way", ""
    if pause is not None and not pause.lets(message.due_at):
        return "hold", "paused", ""
    if not true_now:
        return "skip", "untrue", why_not(session, message, now)
    if message.give_up_at is not None and message.give_up_at <= now:
        return "not_delivered", "too_late", ""
    return "send", "", ""


def _written(session: Session, message: Message, now: datetime) -> tuple[str, str, str, Mail | None]:
    """Compose it: (would, why, reason, mail)."""
    try:
        with session.begin_nested():
            return "send", "", "", kinds.get(message.kind).render(session, [message], now)
    except NoLonger:
        return "skip", "untrue", why_not(session, message, now), None
    except Exception as fault:
        # What the fault says may be content of the mail.
        return "hold", "no_words", f"{WHYS['no_words']} ({type(fault).__name__})", None


def _still_true(session: Session, messages: Sequence[Message], now: datetime) -> set[int]:
    found: set[int] = set()
    for code in {m.kind for m in messages}:
        kind = kinds.find(code)
        those = [m.id for m in messages if m.kind == code]
        if kind is None:
            found.update(those)
            continue
        found.update(
            session.scalars(select(Message.id).where(Message.id.in_(those), kind.still_true(now), reachable()))
        )
    return found


def _held_mails(messages: Sequence[Message], now: datetime) -> set[int]:
    """Those that quiet hours hold back: what is in a mail already, only with all the others of that mail."""
    alone = {m.id for m in messages if is_held(m, now)}
    goes = {m.envelope_id for m in messages if m.id not in alone}
    return {m.id for m in messages if m.id in alone and (m.envelope_id is None or m.envelope_id not in goes)}
