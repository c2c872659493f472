"""Who is told of an action, and what still must be true when the mail leaves: SQL that the plan, the last look and the
words of a mail share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, case, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, User
from tracker.actions.models import UrgentAction
from tracker.actions.queries import OUT, can_be_taken, list_before
from tracker.actions.rules import TOLD_HOLDS
from tracker.agenda.models import OPEN_STATE
from tracker.agenda.service import chunks
from tracker.base.audience import Audience
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import NOTHING, level
from tracker.flags.rules import WIDEST_OFFSET
from tracker.groups.models import GroupMember
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.kinds import STAMP
from tracker.outbox.models import Message, Recipient
from tracker.reminders.models import Subscription
from tracker.reminders.queries import REMINDED_STAGES, holds, is_stopped
from tracker.steps.models import ActionReading, Step
from tracker.telling.rules import DAYS_BEFORE
from tracker.timeline.codes import DEATHS
from tracker.timeline.kinds import kinds
from tracker.timeline.models import Entry, EntryState

#: What these mails are about, for the outbox.
SUBJECT = "action"

#: The message kinds of this room.
STOPPED, UPDATED, SOON, RESULT = "action.stopped", "action.updated", "action.ends_soon", "action.result"

#: What is told afterwards to those who wrote: of a release, a verdict that sets free, or a death.
RESULTS = ("acquitted", "charges_dropped")

#: What happened longer ago is no news any more, however late it is written down.
RESULT_OF = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with an account who is told, on their own clock; `wrote`: they, or their group, said that they did;
    `through_group`: they themselves neither said so nor opened it."""

    user_id: int
    zone: str
    wrote: bool
    through_group: bool = False


def ended(action: Any = UrgentAction) -> ColumnElement[bool]:
    """SQL: an action that could be taken and of whose end, or hold, those who acted are told by mail. Not of a double,
    nor of one whose place an update has taken: who wrote for it is told of that."""
    update = aliased(UrgentAction)
    follows = select(1).where(update.previous_id == action.id, update.activated_at.is_not(None))
    replaced = and_(action.state_reason == "replaced", exists(follows.correlate_except(update)))
    return and_(
        action.activated_at.is_not(None),
        or_(
            action.state == "stopped",
            and_(action.state == "closed", action.state_reason != "duplicate", ~replaced),
            and_(action.state == "on_hold", action.state_reason.in_(TOLD_HOLDS)),
        ),
    )


def list_ended(session: Session, cases: Sequence[int]) -> Sequence[tuple[UrgentAction, str]]:
    """Actions of these cases of whose end nobody was told yet, each with the zone of its desk."""
    told = _told_of(STOPPED).where(Message.created_at >= UrgentAction.state_since)
    return [(action, zone) for action, zone in session.execute(_with_zone(cases).where(ended(), ~exists(told)))]


def list_acted(session: Session, action: UrgentAction, zone: str) -> list[Reader]:
    """Everybody with an open account who took, opened or printed an action before it stood as it stands, and whoever is
    in a group that wrote for it: who wrote first, and among them who wrote last. `zone`: of whoever set none."""
    since = action.state_since
    wrote: dict[int, datetime] = {}
    groups: dict[int, datetime] = {}
    opened: set[int] = set()
    steps = select(Step.user_id, Step.group_id, Step.recorded_at, Step.undone_at).where(
        Step.action_id == action.id, Step.recorded_at <= since
    )
    for user_id, group_id, recorded_at, undone_at in session.execute(steps):
        if user_id is not None:
            opened.add(user_id)
        if undone_at is not None:
            continue
        if user_id is not None:
            wrote[user_id] = max(recorded_at, wrote.get(user_id, recorded_at))
        if group_id is not None:
            groups[group_id] = max(recorded_at, groups.get(group_id, recorded_at))
    readings = select(ActionReading.user_id).where(ActionReading.action_id == action.id)
    opened.update(session.scalars(readings.where(ActionReading.opened_at <= since)))
    members = select(GroupMember.user_id, GroupMember.group_id, GroupMember.joined_at)
    for user_id, group_id, joined_at in session.execute(members.where(GroupMember.group_id.in_(groups))):
        if joined_at <= groups[group_id]:
            wrote[user_id] = max(groups[group_id], wrote.get(user_id, groups[group_id]))
    zones = zones_of(session, sorted(opened | wrote.keys()), zone)
    first = sorted((user_id for user_id in wrote if user_id in zones), key=lambda one: (wrote[one], one), reverse=True)
    return [
        *(Reader(user_id, zones[user_id], wrote=True, through_group=user_id not in opened) for user_id in first),
        *(Reader(user_id, zones[user_id], wrote=False) for user_id in sorted(zones.keys() - wrote.keys())),
    ]


# What is planned ------------------------------------------------------------------------------------------------------


def list_updates(session: Session, cases: Sequence[int], now: datetime) -> Sequence[tuple[UrgentAction, str]]:
    """Updates of these cases that can be taken and of which nobody was told yet, each with the zone of its desk."""
    rows = session.execute(
        _with_zone(cases).where(UrgentAction.previous_id.is_not(None), can_be_taken(now), ~exists(_told_of(UPDATED)))
    )
    return [(action, zone) for action, zone in rows]


def list_wrote_before(session: Session, update: UrgentAction, zone: str) -> list[Reader]:
    """Who wrote for what an update follows, however far back its chain goes, may know of it and has not written for it;
    who wrote last first."""
    return _list_wrote(session, sorted(list_before(session, update)), update, zone)


def list_results(session: Session, cases: Sequence[int], now: datetime) -> Sequence[tuple[UrgentAction, int, str]]:
    """Actions of these cases with the latest entry that tells those who wrote what became of it, is open to volunteers
    and was told to nobody yet; and the zone of the desk."""
    told = _told_of(RESULT).where(Message.subject_rev >= Entry.id)
    rows = session.execute(
        _with_zone(cases)
        .join(EntryState, EntryState.case_id == Case.id)
        .join(Entry, Entry.id == EntryState.entry_id)
        .add_columns(Entry.id)
        .where(
            UrgentAction.activated_at.is_not(None),
            UrgentAction.state != "stopped",
            Case.audience >= Audience.VOLUNTEERS,
            EntryState.counts,
            EntryState.audience >= Audience.VOLUNTEERS,
            EntryState.recorded_at >= UrgentAction.activated_at,
            EntryState.latest_on > (now - RESULT_OF).date(),
            _stands_so(Entry, Case),
            ~exists(told),
        )
        .order_by(Entry.id)
    )
    latest = {action.id: (action, entry_id, zone) for action, zone, entry_id in rows}
    return list(latest.values())


def _stands_so(entry: Any, of: Any) -> ColumnElement[bool]:
    """SQL: an entry tells of a release, a verdict that sets free or a death, and somebody at risk in the case stands
    where it says: who was arrested again since is no good news."""
    involved = aliased(Involvement)
    of_case = (involved.case_id == of.id, involved.role == "at_risk")

    def stands(codes: Sequence[str], column: Any, value: str) -> ColumnElement[bool]:
        there = select(1).where(*of_case, column == value).correlate_except(involved)
        return and_(entry.kind.in_(codes), exists(there))

    return or_(
        *(
            stands([kind.code for kind in kinds if kind.custody == code], involved.custody, code)
            for code in (*DEATHS, *OUT)
        ),
        *(
            stands([kind.code for kind in kinds if kind.proceedings == code], involved.proceedings, code)
            for code in RESULTS
        ),
    )


def list_wrote(session: Session, action: UrgentAction, zone: str) -> list[Reader]:
    """Who wrote for an action and may know of its case; who wrote last first."""
    return _list_wrote(session, [action.id], None, zone)


def _list_wrote(session: Session, action_ids: Sequence[int], update: UrgentAction | None, zone: str) -> list[Reader]:
    last = func.max(Step.recorded_at)
    case_of = select(UrgentAction.case_id).where(UrgentAction.id == (update.id if update else action_ids[0]))
    chosen = (
        select(User.id, User.zone)
        .join(Step, Step.user_id == User.id)
        .join(Case, Case.id == case_of.scalar_subquery())
        .where(Step.action_id.in_(action_ids), Step.undone_at.is_(None), User.active, level(User.id) < NOTHING)
        .group_by(User.id, User.zone)
        .order_by(last.desc(), User.id)
    )
    if update is not None:
        chosen = chosen.where(~exists(_wrote_for(User.id, update.id)))
    return [Reader(user_id, own or zone, wrote=True) for user_id, own in session.execute(chosen)]


@dataclass(frozen=True, slots=True)
class Following:
    """Somebody who follows the case of an action whose last day is near, and has not written."""

    action: UrgentAction
    recipient_id: int
    reader: Reader


def list_following(session: Session, now: datetime) -> list[Following]:
    """Volunteers who follow the case of an action that can be taken and whose last day is over within nine days, may
    know of it, have not written, and were not told of that last day yet. One statement, and it costs what is near."""
    near = now + timedelta(days=DAYS_BEFORE + 1) + WIDEST_OFFSET
    told = _told_of(SOON).where(Message.recipient_id == Recipient.id, Message.give_up_at == UrgentAction.act_until_at)
    rows = session.execute(
        select(UrgentAction, Recipient.id, User.id, User.zone, Desk.zone)
        .join(Case, Case.id == UrgentAction.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .join(Subscription, or_(Subscription.case_id == Case.id, Subscription.desk_id == Case.desk_id))
        .join(Recipient, Recipient.id == Subscription.recipient_id)
        .join(User, User.id == Recipient.user_id)
        .where(
            can_be_taken(now),
            UrgentAction.act_until_at <= near,
            Subscription.stopped_at.is_(None),
            Recipient.suppressed_at.is_(None),
            _may_write(User, Recipient, Case, UrgentAction),
            User.role == "volunteer",
            ~exists(told.correlate(UrgentAction, Recipient)),
        )
        .order_by(UrgentAction.id, Recipient.id)
        .distinct()
    )
    return [
        Following(action, recipient_id, Reader(user_id, own or zone, wrote=False))
        for action, recipient_id, user_id, own, zone in rows
    ]


def list_followed(session: Session, recipient_id: int) -> Sequence[int]:
    """The cases that a recipient follows by themselves."""
    return session.scalars(
        select(Subscription.case_id).where(
            Subscription.recipient_id == recipient_id,
            Subscription.case_id.is_not(None),
            Subscription.stopped_at.is_(None),
        )
    ).all()  # type: ignore[return-value]  # those without a case are left out above


def _with_zone(cases: Sequence[int]) -> Select[UrgentAction, str]:
    return (
        select(UrgentAction, Desk.zone)
        .join(Case, Case.id == UrgentAction.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .where(UrgentAction.case_id.in_(cases))
        .order_by(UrgentAction.id)
    )


def _told_of(kind: str) -> Select[int]:
    return select(1).where(Message.subject_kind == SUBJECT, Message.subject_id == UrgentAction.id, Message.kind == kind)


def _wrote_for(user_id: Any, action_id: Any) -> Select[int]:
    step = aliased(Step)
    return (
        select(1)
        .where(step.user_id == user_id, step.action_id == action_id, step.undone_at.is_(None))
        .correlate_except(step)
    )


def _may_write(user: Any, recipient: Any, of: Any, action: Any) -> ColumnElement[bool]:
    """SQL: this reader may know of the action and its case, has not written for it, and has not stopped its mails."""
    return and_(
        user.active,
        of.stage.in_(REMINDED_STAGES),
        level(user.id, of) <= action.audience,
        ~exists(_wrote_for(user.id, action.id)),
        ~is_stopped(recipient.id, case_id=of.id),
    )


def zones_of(session: Session, user_ids: Sequence[int], zone: str) -> Mapping[int, str]:
    """On which clock each of these accounts reads, as far as they are open."""
    found: dict[int, str] = {}
    for chunk in chunks(user_ids):
        rows = session.execute(select(User.id, User.zone).where(User.id.in_(chunk), User.active))
        found.update((user_id, own or zone) for user_id, own in rows)
    return found


# What must be so when it leaves --------------------------------------------------------------------------------------


def stands_ended(_now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a mail that tells of a stop: nothing was done with the action since that moved it. Who may see its case is
    no matter: whoever acted is told, and the mail says no more than they may know."""
    action = aliased(UrgentAction)
    still = select(1).where(action.id == message.subject_id, ended(action), action.state_since <= message.created_at)
    return exists(still.correlate_except(action))


def may_still_write(now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a mail that asks for a letter: its action can be taken until the very instant the mail names, by this
    reader, who has not written and has not stopped such mails."""
    action, of, recipient, user = aliased(UrgentAction), aliased(Case), aliased(Recipient), aliased(User)
    return exists(
        select(1)
        .select_from(action)
        .join(of, of.id == action.case_id)
        .join(recipient, recipient.id == message.recipient_id)
        .join(user, user.id == recipient.user_id)
        .where(
            action.id == message.subject_id,
            action.state == "active",
            action.act_until_at > now,
            or_(message.kind != SOON, action.act_until_at == message.give_up_at),
            _may_write(user, recipient, of, action),
        )
        .correlate_except(action, of, recipient, user)
    )


def follows_it(message: Any = Message) -> ColumnElement[bool]:
    """SQL on a mail about an action: its reader follows the case, or its desk."""
    action, of = aliased(UrgentAction), aliased(Case)
    return exists(
        select(1)
        .select_from(action)
        .join(of, of.id == action.case_id)
        .where(
            action.id == message.subject_id,
            or_(
                holds(message.recipient_id, case_id=of.id),
                holds(message.recipient_id, desk_id=of.desk_id),
            ),
        )
        .correlate_except(action, of)
    )


def still_tells(message: Any = Message) -> ColumnElement[bool]:
    """SQL on a mail that tells what became of it: the entry counts, its reader may know of it, the action was not
    stopped, and they have not stopped such mails."""
    action, of, recipient = aliased(UrgentAction), aliased(Case), aliased(Recipient)
    state, entry = aliased(EntryState), aliased(Entry)
    return exists(
        select(1)
        .select_from(action)
        .join(of, of.id == action.case_id)
        .join(recipient, recipient.id == message.recipient_id)
        .join(state, state.entry_id == message.subject_rev)
        .join(entry, entry.id == state.entry_id)
        .where(
            action.id == message.subject_id,
            action.state != "stopped",
            state.counts,
            state.case_id == of.id,
            _stands_so(entry, of),
            level(recipient.user_id, of) <= state.audience,
            ~is_stopped(recipient.id, case_id=of.id),
        )
        .correlate_except(action, of, recipient, state, entry)
    )


def find_entry(session: Session, message: Message) -> Entry | None:
    """The entry that a mail about a result tells of, if its reader may know of it."""
    return session.scalar(
        select(Entry)
        .join(Message, Message.subject_rev == Entry.id)
        .where(Message.id == message.id, Message.kind == RESULT, still_tells())
    )


def next_hearing(session: Session, known: "Known", today: date) -> date | None:
    """The day of the next hearing of the case that this reader may know of, before letters stop being of use."""
    return session.scalar(
        select(func.min(Hearing.local_date))
        .join(Appearance, Appearance.hearing_id == Hearing.id)
        .join(Case, Case.id == Appearance.case_id)
        .where(
            Case.id == known.case.id,
            Hearing.state == OPEN_STATE,
            Hearing.local_date >= today,
            Hearing.local_date <= known.action.act_until + timedelta(days=DAYS_BEFORE),
            level(known.reader.id) <= Hearing.audience,
        )
    )


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
