"""Reading who follows what. The conditions here are the only ones that decide who is reminded: the plan, the last look
before sending and the pages all use them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.rules import is_away
from tracker.agenda.kinds import kinds
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.base.dates import instant_of
from tracker.base.sentences import on_record
from tracker.cases.models import Case
from tracker.cases.queries import NOTHING, level
from tracker.hearings.models import Appearance, Hearing
from tracker.outbox.models import Message, Recipient
from tracker.outbox.queries import needs_human
from tracker.reminders import rules
from tracker.reminders.models import Subscription

#: Stages in which a case's dates are reminded of.
REMINDED_STAGES = ("open", "monitoring")

#: States of a hearing of which somebody should have been reminded, whoever says so afterwards.
IS_OVER = ("took_place", "adjourned", "not_known")

#: Why a reminder that waited too long does not go out by itself.
SERVED_LATER = on_record("served by a later reminder")

#: Why a notice goes out to those who were told a date as provisional.
WAS_PROVISIONAL = "was told it was provisional"

#: Why what waits about a hearing does not go out, in words for staff.
MOVED, IS_OFF = on_record("the hearing moved"), on_record("the hearing is no longer ahead")
CHANGED_AGAIN = on_record("it changed again")
CASE_CLOSED, FOLLOWS_NO_MORE = on_record("the case is not in hand"), on_record("they no longer follow it")

#: Why something does not go out that its reader may not know of, or does not want to.
UNSEEN, STOPPED = on_record("they may no longer see it"), on_record("they stopped these reminders")

#: Why somebody gets what an owner gets who is away.
STANDS_IN = "stands in while they are away"

#: A hearing so close makes a mail that did not arrive urgent.
URGENT = timedelta(hours=72)

#: Mail of the longest lead that did not arrive lies no further back.
UNHEARD_LOOKS_BACK = timedelta(days=45)

#: Who may be reminded of hearings: volunteers hear of actions, not of hearings as such.
REMINDED_ROLES = ("staff", "admin")


def holds(recipient_id: Any, *, case_id: Any = None, desk_id: Any = None) -> ColumnElement[bool]:
    """SQL: a subscription of this recipient to this case, or desk, holds."""
    return _row(recipient_id, case_id, desk_id, stopped=False)


def is_stopped(recipient_id: Any, *, case_id: Any = None, desk_id: Any = None) -> ColumnElement[bool]:
    """SQL: this recipient has stopped reminders of this case, or desk."""
    return _row(recipient_id, case_id, desk_id, stopped=True)


def _row(recipient_id: Any, case_id: Any, desk_id: Any, stopped: bool) -> ColumnElement[bool]:
    row = _subscribed()
    subject = row.case_id == case_id if case_id is not None else row.desk_id == desk_id
    state = row.stopped_at.is_not(None) if stopped else row.stopped_at.is_(None)
    return exists(select(1).where(row.recipient_id == recipient_id, subject, state).correlate_except(row))


@cache
def _subscribed() -> Any:
    """The table `_row` looks into, under a name of its own. Made once: it stands in the FROM of its own subquery,
    however often that is asked in one statement, and making it takes longer than all the rest."""
    return aliased(Subscription)


def follows(recipient: Any, case: Any, now: datetime | None = None) -> ColumnElement[bool]:
    """SQL: a recipient follows a case (entities or aliases of both): its owner and deputy, whoever follows it or its
    desk, and, asked for an instant, who stands in then; but not who has stopped reminders of this very case."""
    reasons = [
        case.owner_id == recipient.user_id,
        case.deputy_id == recipient.user_id,
        holds(recipient.id, case_id=case.id),
        holds(recipient.id, desk_id=case.desk_id),
    ]
    if now is not None:
        reasons.append(stands_in(recipient, case, now))
    return and_(or_(*reasons), ~is_stopped(recipient.id, case_id=case.id))


def stands_in(recipient: Any, case: Any, now: datetime) -> ColumnElement[bool]:
    """SQL: a recipient coordinates the desk of a case whose owner is away and which has no deputy who is here, and has
    not stopped the desk. For the look before a mail leaves: a day is over here when it is over everywhere. Who is
    planned for is decided by `away_now`, on everybody's own calendar."""
    owner, deputy, member = _standing_in()
    last = _last_day(now)
    gone = select(1).where(owner.id == case.owner_id, owner.away_until >= last)
    here = select(1).where(
        deputy.id == case.deputy_id, deputy.active, or_(deputy.away_until.is_(None), deputy.away_until < last)
    )
    coordinates = select(1).where(
        member.desk_id == case.desk_id, member.user_id == recipient.user_id, member.coordinator.is_(True)
    )
    return and_(
        exists(gone.correlate_except(owner)),
        ~exists(here.correlate_except(deputy)),
        exists(coordinates.correlate_except(member)),
        ~is_stopped(recipient.id, desk_id=case.desk_id),
    )


@cache
def _standing_in() -> tuple[Any, ...]:
    """The tables `stands_in` looks into, each in the FROM of its own subquery: made once, as for `_row`."""
    return aliased(User), aliased(User), aliased(Membership)


def _last_day(now: datetime) -> date:
    """The earliest day it is anywhere: no calendar is further behind than twelve hours."""
    return (now.astimezone(UTC) - timedelta(hours=12)).date()


def wants_no_news(recipient: Any, case: Any) -> ColumnElement[bool]:
    """SQL: a recipient who was told of a case's date wants to hear no more of it: stopped the case, or stopped the desk
    and has no other reason to follow. Who merely ceased to be its owner is still told what became of it."""
    return or_(
        is_stopped(recipient.id, case_id=case.id),
        and_(is_stopped(recipient.id, desk_id=case.desk_id), ~follows(recipient, case)),
    )


def may_be_reminded(now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a reminder: its hearing stands as the message says, in a case in hand that the recipient may see and
    follows; and no shorter reminder has fallen due, which says it better. (One that missed its hearing is not untrue,
    nor does it become so when somebody records the outcome: it was not delivered, and somebody must hear of that.)"""
    item, case, recipient, user = aliased(AgendaItem), aliased(Case), aliased(Recipient), aliased(User)
    ahead = and_(item.rev == message.subject_rev, item.state == OPEN_STATE)
    # An outcome moves the version by one.
    over = and_(item.rev == message.subject_rev + 1, item.state.in_(IS_OVER), message.give_up_at <= now)
    return exists(
        select(1)
        .select_from(item)
        .join(case, case.id == item.case_id)
        .join(recipient, recipient.id == message.recipient_id)
        .join(user, user.id == recipient.user_id)
        .where(
            user.role.in_(REMINDED_ROLES),
            item.kind == message.subject_kind,
            item.subject_id == message.subject_id,
            or_(ahead, over),
            case.stage.in_(REMINDED_STAGES),
            recipient.suppressed_at.is_(None),
            level(recipient.user_id, case) <= item.audience,
            follows(recipient, case, now),
            or_(message.give_up_at.is_(None), message.give_up_at > now, item.remind_until <= now),
        )
        .correlate_except(item, case, recipient, user)
    )


def may_be_told(now: datetime, message: Any = Message) -> ColumnElement[bool]:
    """SQL on a notice of a change: its hearing stands as the notice says, and the recipient may see one of its cases
    and has not stopped hearing of it. That a date is sure is true while it is, and until the hearing begins."""
    sure_still = or_(message.give_up_at.is_(None), message.give_up_at > now)
    hearing, appearance, case, recipient = aliased(Hearing), aliased(Appearance), aliased(Case), aliased(Recipient)
    return exists(
        select(1)
        .select_from(hearing)
        .join(appearance, appearance.hearing_id == hearing.id)
        .join(case, case.id == appearance.case_id)
        .join(recipient, recipient.id == message.recipient_id)
        .where(
            hearing.id == message.subject_id,
            hearing.schedule_rev == message.subject_rev,
            or_(message.cause != WAS_PROVISIONAL, and_(hearing.certainty == "confirmed", sure_still)),
            recipient.suppressed_at.is_(None),
            level(recipient.user_id, case) <= hearing.audience,
            ~wants_no_news(recipient, case),
        )
        .correlate_except(hearing, appearance, case, recipient)
    )


def away_now(session: Session, now: datetime) -> dict[int, datetime]:
    """The accounts that are away at `now`, and when each is here again: when their last day away is over on their own
    calendar. As many statements whoever is away: one, and two more when somebody is."""
    away = session.scalars(select(User).where(User.away_until >= _last_day(now), User.active))
    return {
        user.id: instant_of(user.away_until + timedelta(days=1), None, user.reading_zone)
        for user in away
        if user.away_until is not None and is_away(user.away_until, user.reading_zone, now)
    }


@dataclass(frozen=True, slots=True)
class Follow:
    """One thing an account follows: a case or a desk. `derived`: as its owner or deputy, without a row of its own.
    `token` names it in forms; for a derived one it is empty."""

    case: Case | None
    desk: Desk | None
    cause: str
    derived: bool
    days_before: tuple[int, ...] | None
    token: str
    stopped_at: datetime | None


def list_follows(session: Session, user: User) -> list[Follow]:
    """What an account follows or has stopped, desks first, then cases by their reference. Three statements. Cases it
    may no longer see are left out."""
    recipient = session.scalar(select(Recipient).where(Recipient.user_id == user.id))
    if recipient is None:
        return []
    found: list[Follow] = []
    on_cases: set[int] = set()
    rows = session.execute(
        select(Subscription, Case, Desk)
        .outerjoin(Case, Case.id == Subscription.case_id)
        .outerjoin(Desk, Desk.id == Subscription.desk_id)
        .where(Subscription.recipient_id == recipient.id, or_(Subscription.case_id.is_(None), level(user.id) < NOTHING))
        .order_by(Desk.name, Case.ref)
    )
    for row, case, desk in rows:
        if case is not None:
            on_cases.add(case.id)
        days = tuple(row.days_before) if row.days_before else None
        found.append(Follow(case, desk, "follows", False, days, row.token, row.stopped_at))
    own = session.scalars(
        select(Case)
        .where(or_(Case.owner_id == user.id, Case.deputy_id == user.id), Case.stage.in_(REMINDED_STAGES))
        .order_by(Case.ref)
    )
    for case in own:
        if case.id not in on_cases:
            cause = "owner" if case.owner_id == user.id else "deputy"
            found.append(Follow(case, None, cause, True, None, "", None))
    return sorted(found, key=lambda f: (f.desk is None, f.desk.name if f.desk else "", f.case.ref if f.case else ""))


def find_follow(session: Session, user: User, case: Case) -> Follow | None:
    """How an account follows this case, or that it has stopped; None: not at all. A row for the case says more than one
    for its desk, and that more than being its owner."""
    rows = session.execute(
        select(Subscription)
        .join(Recipient, Recipient.id == Subscription.recipient_id)
        .where(
            Recipient.user_id == user.id,
            or_(Subscription.case_id == case.id, Subscription.desk_id == case.desk_id),
        )
        .order_by(Subscription.case_id.is_(None))
    ).scalars()
    derived = "owner" if case.owner_id == user.id else "deputy" if case.deputy_id == user.id else ""
    for row in rows:
        days = tuple(row.days_before) if row.days_before else None
        if row.case_id is not None:
            return Follow(case, None, "follows", False, days, row.token, row.stopped_at)
        if row.stopped_at is None and not derived:
            return Follow(case, session.get(Desk, row.desk_id), "follows the desk", False, days, row.token, None)
    return Follow(case, None, derived, True, None, "", None) if derived else None


def list_stoppable(session: Session, recipient_id: int, case_ids: Sequence[int]) -> list[tuple[Case, bool]]:
    """Those of these cases the recipient may still see, by reference, and whether their reminders are stopped."""
    rows = session.execute(
        select(Case, is_stopped(Recipient.id, case_id=Case.id))
        .join(Recipient, Recipient.id == recipient_id)
        .where(Case.id.in_(case_ids), level(Recipient.user_id) < NOTHING)
        .order_by(Case.ref)
    )
    return [(case, bool(stopped)) for case, stopped in rows]


def next_mails(session: Session, user: User, now: datetime, limit: int = 20) -> list[tuple[Message, Hearing, Case]]:
    """What stands in the plan for an account, first due first, with one case of the hearing that it may see."""
    seen_case = (
        select(func.min(Case.id))
        .join(Appearance, Appearance.case_id == Case.id)
        .where(Appearance.hearing_id == Hearing.id, level(user.id) <= Hearing.audience)
        .correlate(Hearing.__table__)
        .scalar_subquery()
    )
    shown = aliased(Case)
    rows = session.execute(
        select(Message, Hearing, shown)
        .join(Recipient, Recipient.id == Message.recipient_id)
        .join(Hearing, and_(Hearing.id == Message.subject_id, Message.subject_kind == "hearing"))
        .join(shown, shown.id == seen_case)
        .where(
            Recipient.user_id == user.id,
            Message.state.in_(("waiting", "paused")),
            or_(Message.give_up_at.is_(None), Message.give_up_at > now),
        )
        .order_by(Message.due_at, Message.id)
        .limit(limit)
    )
    return [(message, hearing, case) for message, hearing, case in rows]


@dataclass(frozen=True, slots=True)
class FirstMail:
    """The next mail an account will get, as things stand: when, and about which case."""

    at: datetime
    case: Case


def first_mail(session: Session, user: User, now: datetime, case: Case | None = None) -> FirstMail | None:
    """When the first reminder of what an account follows goes out, of this case or of all; None: no date lies ahead.
    Looks at the fifty hearings that come first."""
    wanted = (
        select(AgendaItem, Case, Desk.zone, Desk.working_days)
        .join(Case, Case.id == AgendaItem.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .join(Recipient, Recipient.user_id == user.id)
        .where(
            AgendaItem.kind == "hearing",
            AgendaItem.state == OPEN_STATE,
            AgendaItem.remind_until > now,
            Case.stage.in_(REMINDED_STAGES),
            level(user.id) <= AgendaItem.audience,
            follows(Recipient, Case),
        )
        .order_by(AgendaItem.starts_at, AgendaItem.id)
        .limit(50)
    )
    if case is not None:
        wanted = wanted.where(Case.id == case.id)
    first: FirstMail | None = None
    for item, of, zone, working_days in session.execute(wanted):
        day = item.local_date or item.earliest_on
        if day is None or item.remind_until is None:
            continue
        ahead = rules.Ahead(day, item.zone, item.remind_until)
        leads = rules.leads_of(
            ahead, kinds.get("hearing").leads(item.lead_kind), rules.Reader(user.zone or zone, tuple(working_days))
        )
        due = [lead.due_at for lead in leads if lead.due_at > now]
        if due and (first is None or due[0] < first.at):
            first = FirstMail(due[0], of)
    return first


def unheard(now: datetime, soon: timedelta) -> Select[Message, AgendaItem]:
    """SQL: (message, agenda item) of mails about a hearing that were not delivered or may have arrived, of which
    neither anybody has seen to it nor a later mail has told its reader, while it makes sense to tell them: until
    reminding of the hearing ends, from `soon` before it on; where it has lost its date, for `soon` after the mail
    ended, because its reader believes in the old one. One row for each case of the hearing. Read from the index of what
    ended lately."""
    later = aliased(Message)
    told = exists(
        select(later.id)
        .where(
            later.subject_kind == Message.subject_kind,
            later.subject_id == Message.subject_id,
            later.recipient_id == Message.recipient_id,
            later.subject_rev >= Message.subject_rev,
            later.state == "sent",
            later.sent_at > Message.ended_at,
        )
        .correlate(Message)
    )
    item = AgendaItem
    return (
        select(Message, item)
        .join(item, and_(item.kind == Message.subject_kind, item.subject_id == Message.subject_id))
        .where(
            needs_human(),
            Message.subject_kind == "hearing",
            Message.ended_at > now - UNHEARD_LOOKS_BACK,
            Message.subject_rev == item.rev,
            or_(
                and_(item.remind_until > now, item.starts_at <= now + soon),
                and_(item.starts_at.is_(None), Message.ended_at > now - soon),
            ),
            ~told,
        )
    )
