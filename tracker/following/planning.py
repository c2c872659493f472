"""Planning what those who follow without an account are told: a function of (stored rows, `now`).

A reminder is written down when it falls due, a notice of a change in the transaction that makes it, and that a case is
not public any more at once. Nothing waits longer than it must: what waits is what could leave in error."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, delete, exists, literal, or_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.agenda.service import chunks
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.parts import takes_part
from tracker.base.sentences import on_record
from tracker.base.work import CLOCK, note_done, settles, unit_of_work
from tracker.cases.models import Case
from tracker.clockwork.kinds import clock_step
from tracker.following import queries, rules, service
from tracker.following.models import Follow, FollowAsk
from tracker.following.queries import AGENDA, CHANGED, CONFIRM, HEARING, REMINDER, STOPPED
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import Message, Recipient
from tracker.outbox.queries import may_have_been_told
from tracker.outbox.service import end_messages, plan_messages
from tracker.publishing.queries import is_open
from tracker.reminders import rules as reminding
from tracker.reminders.queries import REMINDED_STAGES

#: Why mails go out, in words for staff.
FOLLOWS, WAS_TOLD, FOLLOWED = (
    "follows without an account",
    "was told otherwise, without an account",
    "followed without an account",
)

#: Why something that waits is left out.
NOT_SO = on_record("it is not so any more, or not public")

#: What followers are told of a hearing; that its date is sure by now is not for them.
TOLD_CHANGES = ("moved", "corrected", "postponed", "adjourned", "cancelled", "reinstated", reminding.TOOK_PLACE)

#: Messages that went to nobody.
_WENT_NOWHERE = ("cancelled", "skipped", "not_delivered")


@settles("plan")
def settle_following(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """End what is not public any more, take back what is not so any more, and tell those who were told otherwise."""
    for chunk in chunks(cases or ()):
        # Most acts are about cases that nobody follows so: one statement.
        concerned = or_(
            exists(select(Follow.id).where(Follow.case_id.in_(chunk))),
            exists(select(FollowAsk.id).where(FollowAsk.case_id.in_(chunk))),
        )
        if not session.scalar(select(concerned)):
            continue
        end_closed(session, now, chunk)
        _take_back(session, now, chunk)
        _plan_changes(session, now, chunk)


@takes_part("stop")
def stop_following(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Publicity was stopped: tell those who follow to neither write nor post, and end it."""
    end_closed(session, now, cases)


@clock_step("following.plan", every=timedelta(seconds=60), turn="plan")
def plan_step(now: datetime) -> Mapping[str, int]:
    """Plan the reminders that have fallen due, forget addresses whose mail comes back, and end what somebody began to
    follow at the very moment it was closed. Answers {"planned"}."""
    session = db.session()
    due = bool(list_due(session, now))
    lost = session.scalar(select(exists(_lost())))
    closed = session.scalar(select(exists(_closed())))
    session.rollback()
    if not due and not lost and not closed:
        return {"planned": 0}
    with unit_of_work("following.plan", CLOCK, now=now):
        session = db.session()
        end_closed(session, now, list(session.scalars(_closed())))
        for number in list(session.scalars(_lost())):
            service.forget(session, number, now)
        return {"planned": plan_due(session, now)}


@clock_step("following.forget", every=timedelta(hours=1))
def forget_step(now: datetime) -> Mapping[str, int]:
    """Forget asks nobody said yes to in time, and addresses that nothing needs any more. Answers {"addresses"}."""
    over = FollowAsk.expires_at <= now
    session = db.session()
    old = session.scalar(select(exists(select(FollowAsk.id).where(over))))
    idle = session.scalar(
        select(
            exists(
                select(Recipient.id).where(Recipient.address_sealed.is_not(None), ~queries.is_needed(Recipient, now))
            )
        )
    )
    session.rollback()
    if not old and not idle:
        return {"addresses": 0}
    with unit_of_work("following.forget", CLOCK, now=now):
        session = db.session()
        session.execute(delete(FollowAsk).where(over).execution_options(synchronize_session=False))
        return {"addresses": service.forget_idle(session, now)}


def _lost() -> Any:
    """SQL: addresses without an account to which nothing goes any more, because mail comes back."""
    return select(Recipient.id).where(Recipient.address_sealed.is_not(None), Recipient.suppressed_at.is_not(None))


def _closed() -> Any:
    """SQL: cases that are followed though everybody may not know of them."""
    return select(Case.id).where(Case.id.in_(select(Follow.case_id)), ~is_open())


# Reminders ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder that has fallen due for one address."""

    item: AgendaItem
    hearing: Hearing
    lead: reminding.Lead
    recipient_id: int
    zone: str


def list_due(session: Session, now: datetime) -> list[Due]:
    """The reminders that are due and have not been written down."""
    items = session.execute(
        select(AgendaItem, Hearing, Desk.zone)
        .join(Hearing, and_(Hearing.id == AgendaItem.subject_id, Hearing.schedule_rev == AgendaItem.rev))
        .join(Case, Case.id == AgendaItem.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .where(
            AgendaItem.kind == AGENDA,
            AgendaItem.state == OPEN_STATE,
            AgendaItem.audience >= Audience.PUBLIC,
            AgendaItem.starts_at >= now - reminding.BEGUN,
            AgendaItem.starts_at <= now + timedelta(days=max(rules.OFFERED) + 2),
            AgendaItem.remind_until > now,
            Case.stage.in_(REMINDED_STAGES),
            is_open(),
            exists(select(Follow.id).where(Follow.case_id == Case.id).correlate(Case)),
        )
        .order_by(AgendaItem.starts_at, AgendaItem.id)
    ).all()
    chosen: dict[int, list[list[int]]] = {}
    for chunk in chunks(sorted({item.case_id for item, _hearing, _zone in items})):
        for case_id, days in session.execute(
            select(Follow.case_id, Follow.days_before).where(Follow.case_id.in_(chunk)).distinct()
        ):
            chosen.setdefault(case_id, []).append(days)
    found: dict[tuple[int, int], Due] = {}
    for item, hearing, zone in items:
        for days in chosen.get(item.case_id, ()):
            for due in _due(session, item, hearing, zone, days, now):
                key = (item.subject_id, due.recipient_id)
                if key not in found or due.lead.days < found[key].lead.days:
                    found[key] = due
    return _without_told(session, list(found.values()))


def _without_told(session: Session, due: Sequence[Due]) -> list[Due]:
    """Those that were not told the very same already, for this lead or a shorter one: before a date that came back to
    what it was."""
    told: dict[tuple[int, int], list[Message]] = {}
    for chunk in chunks(sorted({each.recipient_id for each in due})):
        for message in session.scalars(
            select(Message).where(
                Message.subject_kind == HEARING,
                Message.subject_id.in_(sorted({each.hearing.id for each in due})),
                Message.recipient_id.in_(chunk),
                Message.state.not_in(_WENT_NOWHERE),
            )
        ):
            told.setdefault((message.subject_id, message.recipient_id), []).append(message)

    def knows(each: Due, message: Message) -> bool:
        if message.days_before is None:
            covers = message.due_at >= each.lead.due_at
        else:
            covers = message.days_before <= each.lead.days
        return covers and reminding.tells_same(message.tells, reminding.tells_of(each.hearing))

    return [each for each in due if not any(knows(each, m) for m in told.get((each.hearing.id, each.recipient_id), ()))]


def _due(
    session: Session, item: AgendaItem, hearing: Hearing, zone: str, days: list[int], now: datetime
) -> Iterator[Due]:
    day = item.local_date or item.earliest_on
    if day is None or item.remind_until is None:
        return
    ahead = reminding.Ahead(day, item.zone, item.remind_until)
    # No working days: these are read at home.
    lead = rules.due_lead(reminding.leads_of(ahead, tuple(days), reminding.Reader(zone, ())), now)
    if lead is None:
        return
    key = literal(_key(item, lead)).concat(cast(Follow.recipient_id, String))
    said = and_(
        Message.subject_kind == HEARING,
        Message.subject_id == item.subject_id,
        Message.recipient_id == Follow.recipient_id,
        Message.subject_rev == item.rev,
        or_(
            Message.dedupe_key == key,
            and_(
                Message.state.not_in(_WENT_NOWHERE),
                or_(
                    and_(Message.kind == REMINDER, Message.days_before < lead.days),
                    and_(Message.kind == CHANGED, Message.due_at >= lead.due_at),
                ),
            ),
        ),
    )
    for recipient_id in session.scalars(
        select(Follow.recipient_id)
        .join(Recipient, Recipient.id == Follow.recipient_id)
        .where(
            Follow.case_id == item.case_id,
            Follow.days_before == days,
            Recipient.address_sealed.is_not(None),
            Recipient.suppressed_at.is_(None),
            ~exists(select(Message.id).where(said).correlate(Follow)),
        )
        .order_by(Follow.recipient_id)
    ):
        yield Due(item, hearing, lead, recipient_id, zone)


def _key(item: AgendaItem, lead: reminding.Lead) -> str:
    return f"{REMINDER}:{item.subject_id}:{item.rev}:{lead.code}:"


def plan_due(session: Session, now: datetime) -> int:
    """Write down the reminders that are due, inside the caller's unit of work; returns how many are new."""
    return plan_messages(
        session,
        [
            {
                "dedupe_key": f"{_key(each.item, each.lead)}{each.recipient_id}",
                "kind": REMINDER,
                "subject_kind": HEARING,
                "subject_id": each.item.subject_id,
                "subject_rev": each.item.rev,
                "recipient_id": each.recipient_id,
                "days_before": each.lead.days,
                "cause": FOLLOWS,
                "tells": {**reminding.tells_of(each.hearing), "reader_zone": each.zone},
                "due_at": max(each.lead.due_at, now - timedelta(minutes=1)),
                "give_up_at": each.lead.give_up_at,
            }
            for each in list_due(session, now)
        ],
    )


# Changes --------------------------------------------------------------------------------------------------------------


def _followed(cases: Sequence[int]) -> Any:
    """SQL: the hearings of these cases."""
    return select(Appearance.hearing_id).where(Appearance.case_id.in_(cases))


def _take_back(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Leave out what waits and is not true any more: at once, not at its turn."""
    still: dict[str, ColumnElement[bool]] = {REMINDER: queries.may_be_reminded(), CHANGED: queries.may_be_told()}
    for kind, so in still.items():
        about = (Message.subject_kind == HEARING, Message.subject_id.in_(_followed(cases)), Message.kind == kind)
        end_messages(session, and_(*about, ~so), "skipped", NOT_SO, now)


def _plan_changes(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Tell those who were told something else of a public hearing than is so."""
    rows = session.execute(
        select(Message, Hearing, Desk.zone)
        .join(Hearing, Hearing.id == Message.subject_id)
        .join(Follow, Follow.recipient_id == Message.recipient_id)
        .join(Case, Case.id == Follow.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .where(
            Message.subject_kind == HEARING,
            Message.subject_id.in_(_followed(cases)),
            Case.id.in_(select(Appearance.case_id).where(Appearance.hearing_id == Hearing.id)),
            Hearing.audience >= Audience.PUBLIC,
            is_open(),
            may_have_been_told(),
        )
        .order_by(Message.id)
    )
    last = {(hearing.id, message.recipient_id): (message, hearing, zone) for message, hearing, zone in rows}
    planned = []
    for message, hearing, zone in last.values():
        true = reminding.tells_of(hearing)
        what = reminding.what_changed(message.tells, true, hearing.last_change)
        if what not in TOLD_CHANGES or not reminding.is_news(message.tells, true, now):
            continue
        planned.append(
            {
                "dedupe_key": f"{CHANGED}:{hearing.id}:{hearing.schedule_rev}:{message.recipient_id}",
                "kind": CHANGED,
                "subject_kind": HEARING,
                "subject_id": hearing.id,
                "subject_rev": hearing.schedule_rev,
                "recipient_id": message.recipient_id,
                "cause": WAS_TOLD,
                "tells": {
                    **true,
                    "what": what,
                    "was": {k: message.tells.get(k) for k in true},
                    "reader_zone": zone,
                },
                # What was done in a page can be undone for three minutes.
                "due_at": max(now, hearing.tell_from or now),
                "give_up_at": reminding.news_until(message.tells, true),
            }
        )
    plan_messages(session, planned)


# The end of it --------------------------------------------------------------------------------------------------------


def end_closed(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Of these cases those that everybody may not know of any more: end who follows them, leave out what waits, and
    send one mail that names nothing."""
    session.flush()
    closed = [
        (row.id, row.version)
        for row in session.execute(
            select(Case.id, Case.version).where(
                Case.id.in_(cases),
                ~is_open(),
                or_(
                    exists(select(Follow.id).where(Follow.case_id == Case.id).correlate(Case)),
                    exists(select(FollowAsk.id).where(FollowAsk.case_id == Case.id).correlate(Case)),
                ),
            )
        )
    ]
    if not closed:
        return
    numbers = [case_id for case_id, _version in closed]
    versions = dict(closed)
    followed = session.execute(
        delete(Follow)
        .where(Follow.case_id.in_(numbers))
        .returning(Follow.recipient_id, Follow.case_id)
        .execution_options(synchronize_session=False)
    ).all()
    asks = and_(Message.kind == CONFIRM, ~queries.may_be_confirmed(now))
    waits = Message.subject_id.in_(select(FollowAsk.id).where(FollowAsk.case_id.in_(numbers)))
    end_messages(session, and_(asks, waits), "skipped", NOT_SO, now)
    session.execute(
        delete(FollowAsk).where(FollowAsk.case_id.in_(numbers)).execution_options(synchronize_session=False)
    )
    _take_back(session, now, numbers)
    plan_messages(
        session,
        [
            {
                "dedupe_key": f"{STOPPED}:{case_id}:{versions[case_id]}:{recipient_id}",
                "kind": STOPPED,
                "subject_kind": queries.CASE,
                "subject_id": case_id,
                "subject_rev": versions[case_id],
                "recipient_id": recipient_id,
                "cause": FOLLOWED,
                "tells": {},
                "due_at": now,
            }
            for recipient_id, case_id in sorted(followed)
        ],
    )
    if followed:
        note_done("follows", None, closed=sorted({case_id for _recipient, case_id in followed}))
