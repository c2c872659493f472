"""Reading who follows a public case without an account. What decides whether a mail may leave stands here: the plan and
the last look before sending use the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, Text, and_, bindparam, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session, lazyload

from tracker.accounts.models import Desk
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.base.audience import Audience
from tracker.base.errors import NotFound
from tracker.cases.models import Case
from tracker.following.models import Follow, FollowAsk
from tracker.following.tokens import NOT_WHOLE, hash_word
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.kinds import STAMP
from tracker.outbox.models import Message
from tracker.publishing.queries import is_open
from tracker.reminders.queries import REMINDED_STAGES

#: The kinds of mail, as each says in its header.
CONFIRM, REMINDER, CHANGED, STOPPED = "follow.confirm", "follow.reminder", "follow.changed", "follow.stopped"

#: What messages call what they are about: an ask, a hearing as followers know it, a case.
ASK, HEARING, CASE = "follow_ask", "followed_hearing", "followed_case"

#: The agenda kind that followers are reminded of.
AGENDA = "hearing"


def _follows(message: Any = Message) -> ColumnElement[bool]:
    return and_(Follow.case_id == Case.id, Follow.recipient_id == message.recipient_id)


def may_be_confirmed(now: datetime) -> ColumnElement[bool]:
    """SQL on a first mail: its link is good at `now`, and everybody may know of the case."""
    return exists(
        select(FollowAsk.id)
        .join(Case, Case.id == FollowAsk.case_id)
        .where(FollowAsk.id == Message.subject_id, FollowAsk.used_at.is_(None), FollowAsk.expires_at > now, is_open())
        .correlate(Message)
    )


def may_be_reminded() -> ColumnElement[bool]:
    """SQL on a reminder: its hearing lies ahead as the message says and everybody may know of it, in a case in hand
    that is open to everybody and that the recipient follows."""
    return exists(
        select(AgendaItem.id)
        .join(Case, Case.id == AgendaItem.case_id)
        .join(Follow, _follows())
        .where(
            AgendaItem.kind == AGENDA,
            AgendaItem.subject_id == Message.subject_id,
            AgendaItem.rev == Message.subject_rev,
            AgendaItem.state == OPEN_STATE,
            AgendaItem.audience >= Audience.PUBLIC,
            Case.stage.in_(REMINDED_STAGES),
            is_open(),
        )
        .correlate(Message)
    )


def may_be_told() -> ColumnElement[bool]:
    """SQL on a notice of a change: its hearing stands as the notice says and everybody may know of it, in a case that
    is open to everybody and that the recipient follows."""
    return exists(_told(select(Hearing.id)).where(Hearing.schedule_rev == Message.subject_rev).correlate(Message))


def _told(what: Any, message: Any = Message) -> Any:
    """SQL on `messages`, or about one of them: of its hearing, where everybody may know of it, the cases that are open
    to everybody and that the recipient follows."""
    return (
        what.select_from(Hearing)
        .join(Case, Case.id.in_(select(Appearance.case_id).where(Appearance.hearing_id == Hearing.id)))
        .join(Follow, _follows(message))
        .where(Hearing.id == message.subject_id, Hearing.audience >= Audience.PUBLIC, is_open())
    )


def as_written() -> ColumnElement[bool]:
    """SQL on `messages`: the hearing, and the cases its mail names, are as they were when it was written, and what the
    message tells (which a row that was waited for shows afresh)."""

    def text(of: Any) -> ColumnElement[str]:
        return cast(of, String)

    now_so: ColumnElement[str] = literal("", Text())
    for part in (func.max(Hearing.version), func.count(Case.id), func.sum(Case.id), func.sum(Case.version)):
        now_so = now_so.concat(text(func.coalesce(part, 0))).concat(literal(" ", Text()))
    stamp = bindparam(STAMP, type_=Text())
    return _told(select(now_so == stamp)).correlate(Message).scalar_subquery()


def stamp_of(hearing: Hearing, cases: "list[tuple[Case, Desk]]") -> str:
    """What a mail was written from, as `as_written` spells it."""
    numbers = (
        hearing.version,
        len(cases),
        sum(case.id for case, _desk in cases),
        sum(case.version for case, _desk in cases),
    )
    return "".join(f"{number} " for number in numbers)


def read_told(session: Session, message: Message) -> tuple[Hearing, list[tuple[Case, Desk]]] | None:
    """The hearing of a message and the cases through which its recipient may be told of it, in the order of their
    references; None: it may not be told."""
    afresh = {"populate_existing": True}
    rows = session.execute(
        _told(select(Hearing, Case, Desk), message)
        .join(Desk, Desk.id == Case.desk_id)
        .options(lazyload("*"))
        .order_by(Case.ref),
        execution_options=afresh,
    ).all()
    return (rows[0][0], [(case, desk) for _hearing, case, desk in rows]) if rows else None


def is_closed() -> ColumnElement[bool]:
    """SQL on a STOP mail: everybody may not know of its case any more."""
    return ~exists(select(Case.id).where(Case.id == Message.subject_id, is_open()).correlate(Message))


@dataclass(frozen=True, slots=True)
class Asked:
    """An ask, and the case it is about as everybody may know it now."""

    ask: FollowAsk
    case: Case
    is_open: bool


def find_ask(session: Session, word: str) -> Asked:
    """The ask with this word. NotFound when none was made with it. It is looked up by its hash in an index: how long
    that takes says nothing about a word."""
    row = session.execute(
        select(FollowAsk, Case, is_open())
        .join(Case, Case.id == FollowAsk.case_id)
        .where(FollowAsk.token_hash == hash_word(word))
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound(NOT_WHOLE)
    return Asked(row[0], row[1], bool(row[2]))


def list_followed(session: Session, recipient_id: int, case_ids: Sequence[int]) -> Sequence[Case]:
    """Those of these cases that this recipient follows and everybody may know of."""
    return session.scalars(
        select(Case)
        .join(Follow, Follow.case_id == Case.id)
        .where(Follow.recipient_id == recipient_id, Case.id.in_(case_ids), is_open())
        .order_by(Case.ref)
    ).all()


def is_needed(recipient: Any, now: datetime) -> ColumnElement[bool]:
    """SQL on `recipients`: the address is needed still, because it follows, may say yes, or is to be told something."""
    return or_(
        exists(select(Follow.id).where(Follow.recipient_id == recipient.id).correlate_except(Follow)),
        exists(
            select(FollowAsk.id)
            .where(FollowAsk.recipient_id == recipient.id, FollowAsk.used_at.is_(None), FollowAsk.expires_at > now)
            .correlate_except(FollowAsk)
        ),
        exists(
            select(Message.id)
            .where(Message.recipient_id == recipient.id, Message.state.in_(("waiting", "sending", "paused")))
            .correlate_except(Message)
        ),
    )
