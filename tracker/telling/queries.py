"""Who is told of an action, and what still must be true when the mail leaves: SQL that the plan, the last look and the
words of a mail share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, bindparam, case, cast, exists, literal, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, User
from tracker.actions.models import UrgentAction
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.outbox.kinds import STAMP
from tracker.outbox.models import Message, Recipient
from tracker.steps.models import ActionReading, Step
from tracker.telling.rules import TOLD_HOLDS

#: What these mails are about, for the outbox.
SUBJECT = "action"

#: The message kinds of this room.
STOPPED = "action.stopped"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with an account who is told, on their own clock; `wrote`: they said that they did."""

    user_id: int
    zone: str
    wrote: bool


def ended(action: Any = UrgentAction) -> ColumnElement[bool]:
    """SQL: an action that could be taken and of whose end, or hold, those who acted are told by mail."""
    return and_(
        action.activated_at.is_not(None),
        or_(
            action.state == "stopped",
            and_(action.state == "closed", action.state_reason != "duplicate"),
            and_(action.state == "on_hold", action.state_reason.in_(TOLD_HOLDS)),
        ),
    )


def list_ended(session: Session, cases: Sequence[int]) -> Sequence[tuple[UrgentAction, str]]:
    """Actions of these cases of whose end nobody was told yet, each with the zone of its desk."""
    told = (
        select(1)
        .where(
            Message.subject_kind == SUBJECT,
            Message.subject_id == UrgentAction.id,
            Message.kind == STOPPED,
            Message.created_at >= UrgentAction.state_since,
        )
        .correlate(UrgentAction)
    )
    rows = session.execute(
        select(UrgentAction, Desk.zone)
        .join(Case, Case.id == UrgentAction.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .where(UrgentAction.case_id.in_(cases), ended(), ~exists(told))
        .order_by(UrgentAction.id)
    )
    return [(action, zone) for action, zone in rows]


def list_acted(session: Session, action: UrgentAction, zone: str) -> list[Reader]:
    """Everybody with an open account who took, opened or printed an action before it stood as it stands: who wrote
    first, and among them who wrote last. `zone`: of whoever set none."""
    since = action.state_since
    wrote: dict[int, datetime] = {}
    opened: set[int] = set()
    steps = select(Step.user_id, Step.recorded_at, Step.undone_at).where(
        Step.action_id == action.id, Step.recorded_at <= since
    )
    for user_id, recorded_at, undone_at in session.execute(steps):
        if user_id is None:
            continue
        opened.add(user_id)
        if undone_at is None:
            wrote[user_id] = max(recorded_at, wrote.get(user_id, recorded_at))
    readings = select(ActionReading.user_id).where(ActionReading.action_id == action.id)
    opened.update(session.scalars(readings.where(ActionReading.opened_at <= since)))
    zones = zones_of(session, sorted(opened), zone)
    first = sorted((user_id for user_id in wrote if user_id in zones), key=lambda one: (wrote[one], one), reverse=True)
    return [
        *(Reader(user_id, zones[user_id], wrote=True) for user_id in first),
        *(Reader(user_id, zones[user_id], wrote=False) for user_id in sorted(zones.keys() - wrote.keys())),
    ]


def zones_of(session: Session, user_ids: Sequence[int], zone: str) -> Mapping[int, str]:
    """On which clock each of these accounts reads, as far as they are open."""
    rows = session.execute(select(User.id, User.zone).where(User.id.in_(user_ids), User.active))
    return {user_id: own or zone for user_id, own in rows}


def stands_ended(_now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a mail that tells of a stop: nothing was done with the action since that moved it. Who may see its case is
    no matter: whoever acted is told, and the mail says no more than they may know."""
    action = aliased(UrgentAction)
    still = select(1).where(action.id == message.subject_id, ended(action), action.state_since <= message.created_at)
    return exists(still.correlate_except(action))


def stamp_of() -> ColumnElement[str]:
    """SQL on `messages`: which version of its action, and whether its reader may know of the case at this moment."""
    action, of, recipient = aliased(UrgentAction), aliased(Case), aliased(Recipient)
    known = case((level(recipient.user_id, of) <= action.audience, literal("open", Text())), else_="closed")
    return (
        select(cast(action.version, Text).concat(literal(":", Text())).concat(known))
        .select_from(action)
        .join(of, of.id == action.case_id)
        .join(recipient, recipient.id == Message.recipient_id)
        .where(action.id == Message.subject_id)
        .correlate(Message)
        .scalar_subquery()
    )


def as_written() -> ColumnElement[bool]:
    """SQL on `messages`: action and sight are as they were when the mail was written."""
    return stamp_of() == bindparam(STAMP, type_=Text())


@dataclass(frozen=True, slots=True)
class Known:
    """What a mail is written from. `open`: its reader may know of the case; `stamp`: as `as_written` spells it."""

    message: Message
    action: UrgentAction
    case: Case
    reader: User
    open: bool
    stamp: str


def read_known(session: Session, message: Message) -> Known | None:
    """What one mail is written from, as it stands now; None: the action or the account is gone."""
    row = session.execute(
        select(UrgentAction, Case, User, stamp_of())
        .select_from(Message)
        .join(UrgentAction, UrgentAction.id == Message.subject_id)
        .join(Case, Case.id == UrgentAction.case_id)
        .join(Recipient, Recipient.id == Message.recipient_id)
        .join(User, User.id == Recipient.user_id)
        .where(Message.id == message.id)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        return None
    action, of, reader, stamp = row
    return Known(message, action, of, reader, stamp.endswith(":open"), stamp)
