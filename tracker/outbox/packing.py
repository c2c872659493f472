"""Putting what is due into envelopes: which messages are one mail, and under which Message-ID. Nothing here sends.

From three mails a day on, what may share a mail does, so that a morning with many hearings is one mail and not ten. A
reader's messages are therefore looked at together, never half of them on one page and half on the next.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import Table, and_, bindparam, insert, literal_column, or_, select, update
from sqlalchemy.orm import Session

from tracker.base.dates import today_in, zone_of
from tracker.base.db import insert_or_pass
from tracker.base.house import HouseFact, read_fact
from tracker.outbox.kinds import kinds
from tracker.outbox.models import Envelope, Message

#: Messages put into envelopes in one transaction, or a few more: one reader's stay together.
CHUNK = 500

#: From so many mails on a reader's day, what may share one does.
BUNDLED_FROM = 3

#: The fact that holds this database's own name space of Message-IDs.
NAMESPACE = "mail_namespace"

#: What is left to look at after a page: numbers of messages, page by page. None: nothing.
Rest = tuple[tuple[int, ...], ...] | None


@dataclass(frozen=True, slots=True)
class Due:
    """A message as packing sees it."""

    id: int
    dedupe_key: str
    kind: str
    recipient_id: int
    due_at: datetime
    #: Whether it may share a mail with others of its kind.
    may_share: bool = False
    #: IANA zone of its reader, in which their days are counted.
    zone: str = "UTC"


#: Puts messages into envelopes: each inner list shares one, and is all of one recipient and kind.
Policy = Callable[[Sequence[Due]], Iterable[Sequence[Due]]]


def one_each(messages: Sequence[Due]) -> Iterable[Sequence[Due]]:
    """The policy that gives every message a mail of its own."""
    return ([message] for message in messages)


def bundled(messages: Sequence[Due], left: Mapping[int, int]) -> list[list[Due]]:
    """The policy of the house: where a reader would get `BUNDLED_FROM` mails or more on their day, those of one kind
    that may share a mail do, oldest first; every other message has a mail of its own. `left`: mails that left for a
    recipient already today, or are on their way."""
    theirs: dict[int, list[Due]] = {}
    for message in messages:
        theirs.setdefault(message.recipient_id, []).append(message)
    groups: list[list[Due]] = []
    for recipient_id, mine in theirs.items():
        many = left.get(recipient_id, 0) + len(mine) >= BUNDLED_FROM
        shared: dict[str, list[Due]] = {}
        for message in sorted(mine, key=lambda m: (m.due_at, m.id)):
            if many and message.may_share:
                if message.kind not in shared:
                    groups.append(shared.setdefault(message.kind, []))
                shared[message.kind].append(message)
            else:
                groups.append([message])
    return groups


def list_packable(session: Session, now: datetime, after: Rest = None) -> tuple[list[Due], Rest]:
    """One page of the messages that are due and in no envelope yet, all of a recipient's together, who has waited
    longest first, without those that quiet hours hold back; and what comes after it (None: nothing). Reads only.

    A kind that nobody announced, or whose quiet hours cannot be told, is packed: the trouble then ends in its own
    envelope, on record, and not here before all the others.
    """
    pages = _pages(session, now) if after is None else after
    if not pages:
        return [], None
    ready: list[Due] = []
    for start in range(0, len(pages[0]), CHUNK):
        numbers = pages[0][start : start + CHUNK]
        page = select(Message).where(Message.id.in_(numbers), Message.state == "waiting", Message.envelope_id.is_(None))
        ready += [_as_due(m) for m in session.scalars(page) if not is_held(m, now)]
    return sorted(ready, key=lambda m: (m.due_at, m.id)), pages[1:] or None


def _pages(session: Session, now: datetime) -> tuple[tuple[int, ...], ...]:
    waits = (Message.state == "waiting", Message.due_at <= now, Message.envelope_id.is_(None))
    theirs: dict[int, list[int]] = {}
    for message_id, recipient_id in session.execute(
        select(Message.id, Message.recipient_id).where(*waits).order_by(Message.due_at, Message.id)
    ):
        theirs.setdefault(recipient_id, []).append(message_id)
    pages: list[list[int]] = []
    for numbers in theirs.values():
        if not pages or len(pages[-1]) >= CHUNK:
            pages.append([])
        pages[-1] += numbers
    return tuple(tuple(page) for page in pages)


def _as_due(message: Message) -> Due:
    kind = kinds.find(message.kind)
    try:
        shares = kind is not None and kind.may_share(message)
        zone = zone_of(message.tells.get("reader_zone") or message.tells.get("zone") or "UTC").key
    except Exception:
        # Whatever is wrong with it shows in a mail of its own.
        shares, zone = False, "UTC"
    return Due(message.id, message.dedupe_key, message.kind, message.recipient_id, message.due_at, shares, zone)


def is_held(message: Message, now: datetime) -> bool:
    """Whether quiet hours of its recipient hold it back at this instant."""
    kind = kinds.find(message.kind)
    try:
        return kind is not None and kind.waits_for_morning(message, now)
    except Exception:
        return False


def pack(session: Session, due: Sequence[Due], domain: str, now: datetime, policy: Policy | None = None) -> int:
    """Put these messages (a page of `list_packable`) into envelopes, by `bundled` or another policy; those somebody
    else has packed or taken back meanwhile are left out. Returns how many envelopes there are now more.

    A mail's Message-ID is made from its first message's key, so that every try of it carries the same one. `domain`
    is the one mail is sent from.
    """
    still: set[int] = set()
    for start in range(0, len(due), CHUNK):
        numbers = [m.id for m in due[start : start + CHUNK]]
        still.update(
            session.scalars(
                select(Message.id)
                .where(Message.id.in_(numbers), Message.state == "waiting", Message.envelope_id.is_(None))
                .with_for_update(skip_locked=True)
            )
        )
    there = [m for m in due if m.id in still]
    groups = [
        group for group in (policy(there) if policy else bundled(there, _left_today(session, there, now))) if group
    ]
    if not groups:
        return 0
    by_id = _named(session, groups, domain)
    connection = session.connection()
    made = connection.execute(
        _FRESH,
        [
            {
                "recipient_id": group[0].recipient_id,
                "message_id": message_id,
                "not_before": min(m.due_at for m in group),
                "created_at": now,
            }
            for message_id, group in by_id.items()
        ],
    ).all()
    connection.execute(
        _CARRIED,
        [{"of": m.id, "by": envelope_id} for envelope_id, message_id in made for m in by_id[message_id]],
    )
    return len(made)


_ENVELOPES: Table = Envelope.metadata.tables["envelopes"]
_MESSAGES: Table = Message.metadata.tables["messages"]

# What is the same for all is spelled out: the driver reads each value of each row.
_FRESH = (
    insert(_ENVELOPES)
    .values(
        state=literal_column("'waiting'"),
        attempts=literal_column("0"),
        ambiguous_attempts=literal_column("0"),
        reason=literal_column("''"),
    )
    .returning(_ENVELOPES.c.id, _ENVELOPES.c.message_id)
)
_CARRIED = update(_MESSAGES).where(_MESSAGES.c.id == bindparam("of")).values(envelope_id=bindparam("by"))


def _left_today(session: Session, due: Sequence[Due], now: datetime) -> dict[int, int]:
    """How many mails have left today, or are on their way, for those of whom it decides anything: readers with at
    least two messages that may share, and no three messages anyhow."""
    theirs: dict[int, list[Due]] = {}
    for message in due:
        theirs.setdefault(message.recipient_id, []).append(message)
    asked = {
        recipient_id: mine[0].zone
        for recipient_id, mine in theirs.items()
        if len(mine) < BUNDLED_FROM and sum(m.may_share for m in mine) > 1
    }
    if not asked:
        return {}
    midnight = {zone: _midnight(zone, now) for zone in set(asked.values())}
    found: dict[int, int] = {}
    numbers = sorted(asked)
    for start in range(0, len(numbers), CHUNK):
        rows = session.execute(
            select(Envelope.recipient_id, Envelope.state, Envelope.sent_at, Envelope.created_at).where(
                Envelope.recipient_id.in_(numbers[start : start + CHUNK]),
                or_(
                    Envelope.state.in_(("waiting", "sending")),
                    Envelope.sent_at >= min(midnight.values()),
                    and_(Envelope.state == "may_have_arrived", Envelope.created_at >= min(midnight.values())),
                ),
            )
        )
        for row in rows:
            left_at = row.sent_at or (row.created_at if row.state == "may_have_arrived" else None)
            if left_at is None or left_at >= midnight[asked[row.recipient_id]]:
                found[row.recipient_id] = found.get(row.recipient_id, 0) + 1
    return found


def _midnight(zone: str, now: datetime) -> datetime:
    """When the day began there."""
    return datetime.combine(today_in(zone, now), time(), tzinfo=zone_of(zone)).astimezone(UTC)


def _named(session: Session, groups: Sequence[Sequence[Due]], domain: str) -> dict[str, Sequence[Due]]:
    """The groups by the Message-IDs of their mails. A first message that lent its key to a mail before (which ended
    without carrying it) lends it with a number."""
    namespace = _namespace(session)
    named: dict[str, Sequence[Due]] = {}
    nameless = list(groups)
    again = 0
    while nameless:
        suffix = f":{again}" if again else ""
        wanted = {_message_id(namespace, group[0].dedupe_key + suffix, domain): group for group in nameless}
        taken: set[str] = set()
        numbers = list(wanted)
        for start in range(0, len(numbers), CHUNK):
            taken.update(
                session.scalars(
                    select(Envelope.message_id).where(Envelope.message_id.in_(numbers[start : start + CHUNK]))
                )
            )
        named |= {message_id: group for message_id, group in wanted.items() if message_id not in taken}
        nameless = [group for message_id, group in wanted.items() if message_id in taken]
        again += 1
    return named


def _namespace(session: Session) -> uuid.UUID:
    """This database's own: the first mail of another one, or of one made afresh, is not the same mail."""
    known = read_fact(session, NAMESPACE)
    if known is None:
        session.execute(insert_or_pass(session, HouseFact, "key"), [{"key": NAMESPACE, "value": str(uuid.uuid4())}])
        known = read_fact(session, NAMESPACE)
    assert known is not None
    return uuid.UUID(known)


def _message_id(namespace: uuid.UUID, dedupe_key: str, domain: str) -> str:
    return f"<{uuid.uuid5(namespace, dedupe_key)}@{domain if len(domain) <= 80 else 'tracker.invalid'}>"
