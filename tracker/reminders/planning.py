"""Planning what goes out, from the agenda into the outbox: a function of (stored rows, `now`), run after each act for
the cases it touched and every minute for whatever has come into sight.

Nothing is armed, so nothing is lost: a reminder is planned because no message with its key stands there yet. Notices of
a change go to whoever was last told something else than what is true now; changes that follow each other quickly, and a
move there and back, collapse by themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, Membership, User
from tracker.agenda.kinds import kinds as agenda_kinds
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.agenda.service import chunks
from tracker.base.columns import JSONText
from tracker.base.db import db
from tracker.base.house import read_fact, write_fact
from tracker.base.sentences import on_record
from tracker.base.work import CLOCK, settles, unit_of_work
from tracker.cases.models import Case, CaseGrant
from tracker.cases.queries import level
from tracker.clockwork.kinds import clock_step, rederives
from tracker.hearings.models import STATES, Appearance, Hearing
from tracker.outbox.bounces import UNREACHABLE
from tracker.outbox.bulk import Alike, plan_alike
from tracker.outbox.models import Message, Recipient
from tracker.outbox.protocol import ACCOUNT_CLOSED, ADDRESS_STOPPED, TOO_LATE
from tracker.outbox.queries import may_have_been_told
from tracker.outbox.service import cancel_messages, end_messages, plan_messages
from tracker.reminders import rules
from tracker.reminders.models import Subscription
from tracker.reminders.queries import (
    CASE_CLOSED,
    CHANGED_AGAIN,
    FOLLOWS_NO_MORE,
    IS_OFF,
    IS_OVER,
    MOVED,
    REMINDED_ROLES,
    REMINDED_STAGES,
    SERVED_LATER,
    STANDS_IN,
    STOPPED,
    UNSEEN,
    WAS_PROVISIONAL,
    away_now,
    follows,
    is_stopped,
    wants_no_news,
)
from tracker.reminders.rules import Ahead, Lead, Planned, Reader
from tracker.timeline.models import Entry

#: The agenda kind reminded of here, and the message kinds.
SUBJECT, REMINDER, CHANGED = "hearing", "hearing.reminder", "hearing.changed"

#: Why somebody is reminded, the strongest reason first, in words for staff.
CAUSES = ("owner", "deputy", "follows the case", "follows the desk", STANDS_IN)

#: Why a notice goes out, and where not of a change: because a date was told as provisional, or the hearing at all.
WAS_TOLD, WAS_TOLD_OF = "was told otherwise", "was told of it"

#: Why a notice does not go to whoever made what it tells.
KNEW = on_record("they said so themselves")

#: States of a message that has not left and may still.
WAITS = ("waiting", "paused")

#: Why a reminder is taken back whose reader chose others.
OTHER_DAYS = on_record("other days are chosen for it")

#: Of the reasons why waiting messages are taken back, those that may turn again; then the plan revives them.
MAY_TURN = (CASE_CLOSED, FOLLOWS_NO_MORE, OTHER_DAYS)

#: Why a notice ended that its reader could not, or would not, read just then. That too may turn; then they are told.
UNHEARD = (UNSEEN, STOPPED, ACCOUNT_CLOSED, ADDRESS_STOPPED, UNREACHABLE)

#: What ends so shortly before a reminder is found to be served may be what serves it: clocks differ, and commits wait.
AT_ONCE = timedelta(minutes=1)

#: The fact that holds what the last full look was based on.
OUTLOOK = "reminders_outlook"

#: How far back a hearing may lie of which somebody may have to be told still. More than `rules.HISTORY`, which counts
#: from the later of two dates: the one that was told may lie after the one that is true.
BEHIND = rules.HISTORY + timedelta(days=rules.LONGEST_LEAD)


@settles("plan")
def settle_plan(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Plan and take back what follows from an act on these cases; with None, whatever has come into sight."""
    plan(session, now, cases)


@clock_step("reminders.plan", every=timedelta(seconds=60), turn="plan")
def plan_step(now: datetime) -> Mapping[str, int]:
    """Plan what has come into sight since the last look. Answers {"planned", "cancelled"}: messages of this step only;
    acts plan for the cases they touch."""
    with unit_of_work("reminders.plan", CLOCK, now=now):
        return plan(db.session(), now)


def plan(session: Session, now: datetime, cases: Sequence[int] | None = None) -> dict[str, int]:
    """Bring the plan up to date at `now`: for the hearings of these cases, or (None) for all whose time has come.

    Returns {"planned": messages newly to be sent, "cancelled": waiting ones taken back or served by another}. Runs
    inside the caller's unit of work. With nothing to do it costs five indexed statements.
    """
    if cases is not None:
        subjects = _hearings_of(session, cases)
        if not subjects:
            return {"planned": 0, "cancelled": 0}
        cancelled = _withdraw(session, now, subjects)
        _retell(session, subjects)
        planned = _plan_notices(session, now, subjects) + _plan_reminders(session, now, subjects)
        return {"planned": planned, "cancelled": cancelled}
    subjects = list(session.scalars(select(Hearing.id).where(Hearing.tell_from <= now).order_by(Hearing.id)))
    cancelled = planned = 0
    if subjects:
        cancelled = _withdraw(session, now, subjects)
        planned = _plan_notices(session, now, subjects) + _plan_reminders(session, now, subjects)
    seen = outlook(session, now)
    if seen != read_fact(session, OUTLOOK):
        # Notices first: what is due of a hearing that moved is served by them.
        planned += _plan_notices(session, now, _untold(session, now)) + _plan_reminders(session, now, None)
        write_fact(session, OUTLOOK, seen)
    return {"planned": planned, "cancelled": cancelled + _collapse(session, now)}


@rederives("reminders")
def plan_anew(session: Session, now: datetime) -> int:
    """Move what waits to its readers' mornings by the present rules of their zones; answers how many have moved. Keys
    stay, so nothing goes out twice, and what was sent is not looked at."""
    waits = (Message.subject_kind == SUBJECT, Message.kind == REMINDER, Message.state.in_(WAITS), Message.due_at > now)
    due = select(Message.id, Message.due_at).where(*waits)
    before = {row.id: row.due_at for row in session.execute(due)}
    subjects = list(session.scalars(select(Message.subject_id).where(*waits).distinct().order_by(Message.subject_id)))
    if subjects:
        _plan_reminders(session, now, subjects)
    return sum(1 for row in session.execute(due) if before.get(row.id, row.due_at) != row.due_at)


def plan_for(session: Session, now: datetime, recipient_id: int) -> dict[str, int]:
    """Bring the plan of one recipient up to date, after they followed or stopped something."""
    cancelled = _withdraw(session, now, None, recipient_id)
    return {"planned": _plan_reminders(session, now, None, recipient_id), "cancelled": cancelled}


def outlook(session: Session, now: datetime) -> str:
    """All that decides whom to remind of what, in a few sums: while they stay the same within an hour, looking at
    every reader of every hearing again would find nothing new. One statement over small tables and near dates."""
    first, last = _span(now, max(max(days) for days in agenda_kinds.get(SUBJECT).days_before.values()))
    near = (
        select(
            func.count(AgendaItem.id),
            func.sum(AgendaItem.id),
            func.sum(AgendaItem.id * AgendaItem.rev),
            func.sum(type_coerce(AgendaItem.audience, Integer)),
            func.sum(Case.version),
        )
        .join(Case, Case.id == AgendaItem.case_id)
        .where(AgendaItem.state == OPEN_STATE, AgendaItem.starts_at >= first, AgendaItem.starts_at <= last)
        .subquery()
    )
    sums: list[Any] = list(near.c)
    for columns in (
        (func.sum(User.version), func.sum(case((User.active, 1), else_=0)), func.count(User.away_until)),
        (func.count(Membership.id), func.sum(Membership.id), func.sum(case((Membership.coordinator, Membership.id)))),
        (func.count(Recipient.id), func.count(Recipient.suppressed_at)),
        (func.count(Subscription.id), func.sum(Subscription.id), func.count(Subscription.stopped_at)),
        (func.count(CaseGrant.user_id), func.sum(CaseGrant.user_id * CaseGrant.case_id)),
        (func.sum(Desk.version),),
    ):
        sums += [select(column).scalar_subquery() for column in columns]
    row = session.execute(select(*sums).select_from(near)).one()
    return f"{now:%Y-%m-%dT%H} " + " ".join(str(int(value or 0)) for value in row)


def _span(now: datetime, days: int) -> tuple[datetime, datetime]:
    """Between which instants a hearing begins that is to be in the plan for leads of up to `days`; the same all day."""
    today = datetime.combine(now.date(), time(), tzinfo=UTC)
    return today - rules.BEGUN, today + timedelta(days=days + rules.AHEAD_DAYS + 2)


def _hearings_of(session: Session, cases: Sequence[int]) -> list[int]:
    found: set[int] = set()
    for chunk in chunks(cases):
        found.update(session.scalars(select(Appearance.hearing_id).where(Appearance.case_id.in_(chunk)).distinct()))
    return sorted(found)


# Taking back ----------------------------------------------------------------------------------------------------------


def _collapse(session: Session, now: datetime) -> int:
    """Of reminders that wait although a shorter one of the same hearing is due, or a notice says it anyway, only the
    latest word goes out: after a stop of the clock nobody gets two mails at once."""
    later = aliased(Message)
    same = and_(
        later.subject_kind == Message.subject_kind,
        later.subject_id == Message.subject_id,
        later.subject_rev == Message.subject_rev,
        later.recipient_id == Message.recipient_id,
        later.due_at <= now,
    )
    shorter = and_(later.kind == REMINDER, later.due_at > Message.due_at, later.state.in_((*WAITS, "sending")))
    notice = and_(later.kind == CHANGED, later.state.in_((*WAITS, "sending")))
    waiting = and_(Message.state.in_(WAITS), Message.due_at <= now, Message.kind == REMINDER)
    return sum(
        end_messages(
            session,
            and_(waiting, select(1).where(same, condition).correlate(Message.__table__).exists()),
            "skipped",
            reason,
            now,
        )
        for condition, reason in ((shorter, SERVED_LATER), (notice, rules.SERVED_BY_NOTICE))
    )


def _withdraw(session: Session, now: datetime, subjects: Sequence[int] | None, recipient_id: int | None = None) -> int:
    """Take back messages that wait, paused or not, and are no longer so: of these hearings, or of this recipient. What
    is due already and only lost its reader is left to the last look before sending, which keeps it on record as
    skipped. What was due before a hearing that has sat meanwhile was not delivered, and a human hears of that."""
    in_hand = (
        select(1)
        .select_from(Appearance)
        .join(Case, Case.id == Appearance.case_id)
        .where(Appearance.hearing_id == Hearing.id, Case.stage.in_(REMINDED_STAGES))
        .correlate(Hearing.__table__)
        .exists()
    )
    followed = (
        select(1)
        .select_from(Appearance)
        .join(Case, Case.id == Appearance.case_id)
        .join(Recipient, Recipient.id == Message.recipient_id)
        .where(Appearance.hearing_id == Hearing.id, follows(Recipient, Case, now))
        .correlate(Hearing.__table__, Message.__table__)
        .exists()
    )
    waiting = (
        select(
            Message.id,
            Message.kind,
            Message.due_at,
            Message.cause,
            Hearing.certainty,
            (Message.subject_rev == Hearing.schedule_rev).label("current"),
            (Hearing.state == OPEN_STATE).label("ahead"),
            Hearing.state.in_(IS_OVER).label("over"),
            in_hand.label("in_hand"),
            followed.label("followed"),
        )
        .join(Hearing, Hearing.id == Message.subject_id)
        .where(Message.subject_kind == SUBJECT, Message.state.in_(WAITS), Message.kind.in_((REMINDER, CHANGED)))
    )
    taken: dict[str, list[int]] = {}
    asked = (
        [waiting.where(Message.recipient_id == recipient_id)]
        if subjects is None
        else [waiting.where(Message.subject_id.in_(chunk)) for chunk in chunks(subjects)]
    )
    for statement in asked:
        for row in session.execute(statement):
            reason = _why_back(row, now)
            if reason:
                taken.setdefault(reason, []).append(row.id)
    missed = taken.pop(TOO_LATE, [])
    if missed:
        # Of several that were due the last word counts; the others were served by it.
        _collapse(session, now)
    for chunk in chunks(missed):
        end_messages(session, Message.id.in_(chunk), "not_delivered", TOO_LATE, now)
    return sum(
        cancel_messages(session, Message.id.in_(chunk), reason, now)
        for reason, ids in taken.items()
        for chunk in chunks(ids)
    )


def _why_back(row: Any, now: datetime) -> str:
    if row.kind == CHANGED:
        unsure_again = row.cause == WAS_PROVISIONAL and row.certainty != "confirmed"
        return CHANGED_AGAIN if unsure_again or not row.current else ""
    if not row.ahead:
        return TOO_LATE if row.over and row.due_at <= now and row.followed else IS_OFF
    if not row.current:
        return MOVED
    if not row.in_hand:
        return CASE_CLOSED
    return FOLLOWS_NO_MORE if not row.followed and row.due_at > now else ""


def _retell(session: Session, subjects: Sequence[int]) -> None:
    """Make what waits tell how sure the date is now: its mail will say so, and what was told is what later notices are
    measured by. Where an earlier try may have arrived, what it told stays on record."""
    sure: dict[int, str] = {}
    waits = (Message.subject_kind == SUBJECT, Message.state.in_(WAITS), ~may_have_been_told())
    for chunk in chunks(subjects):
        # What is told of a hearing differs by the reader's zone alone: few rows, however many readers.
        rows = session.execute(
            select(Message.subject_id, Message.tells, Hearing.certainty)
            .join(Hearing, Hearing.id == Message.subject_id)
            .where(*waits, Message.subject_id.in_(chunk), Message.subject_rev == Hearing.schedule_rev)
            .distinct()
        )
        sure.update((number, certainty) for number, tells, certainty in rows if tells.get("certainty") != certainty)
    for chunk in chunks(sorted(sure)):
        stale = session.execute(
            select(Message.id, Message.subject_id, Message.tells)
            .join(Hearing, Hearing.id == Message.subject_id)
            .where(*waits, Message.subject_id.in_(chunk), Message.subject_rev == Hearing.schedule_rev)
        )
        told = [{"id": row.id, "tells": {**row.tells, "certainty": sure[row.subject_id]}} for row in stale]
        if told:
            session.execute(update(Message), told)


# Notices of changes ---------------------------------------------------------------------------------------------------


def tells_of(hearing: Any) -> dict[str, Any]:
    """What a mail about a hearing (its row, or a row with its columns) tells: when, where, state, certainty."""
    return {**rules.tells_of(hearing), "certainty": hearing.certainty}


_TELLING = (
    Hearing.id,
    Hearing.schedule_rev,
    Hearing.last_change,
    Hearing.confirmed_at,
    Hearing.local_date,
    Hearing.local_time,
    Hearing.fold,
    Hearing.zone,
    Hearing.earliest_on,
    Hearing.latest_on,
    Hearing.precision,
    Hearing.court,
    Hearing.place,
    Hearing.state,
    Hearing.certainty,
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one recipient was told of one hearing: the last word, and every mail that said what is true now."""

    last: Mapping[str, Any]
    #: Shortest lead covered by mails that said the same as is true now; None: none did.
    days: int | None


def _told(session: Session, hearings: Mapping[int, Mapping[str, Any]]) -> dict[tuple[int, int], _Told]:
    """What recipients were told of these hearings ({id: what is true}), by (hearing, recipient)."""
    said: dict[tuple[int, int], list[Any]] = {}
    for chunk in chunks(list(hearings)):
        for row in session.execute(
            select(
                Message.subject_id,
                Message.recipient_id,
                Message.subject_rev,
                Message.days_before,
                Message.reason,
                Message.tells,
                Message.ended_at,
                Message.sent_at,
                may_have_been_told().label("told"),
            )
            .where(
                Message.subject_kind == SUBJECT,
                Message.subject_id.in_(chunk),
                Message.kind.in_((REMINDER, CHANGED)),
                or_(Message.state == "skipped", may_have_been_told()),
            )
            # What is under way arrives after whatever has ended.
            .order_by(
                case((Message.state.in_((*WAITS, "sending")), 1), else_=0),
                func.coalesce(Message.sent_at, Message.ended_at, Message.created_at),
                Message.id,
            )
        ):
            said.setdefault((row.subject_id, row.recipient_id), []).append(row)
    found: dict[tuple[int, int], _Told] = {}
    for key, rows in said.items():
        sent = [r for r in rows if r.told or r.reason == KNEW]
        if not sent:
            continue
        revs = {r.subject_rev for r in sent if rules.tells_same(r.tells, hearings[key[0]])}
        news = [r for r in sent if r.days_before is None]
        covered = [
            r.days_before
            for r in rows
            if r.subject_rev in revs
            and r.days_before is not None
            and (r.told or r.reason.startswith(("served by", "told already")))
            # A notice that was withdrawn served nothing.
            and (
                r.reason != rules.SERVED_BY_NOTICE
                or any(n.subject_rev == r.subject_rev and _after(n.sent_at or n.ended_at, r.ended_at) for n in news)
            )
        ]
        found[key] = _Told(sent[-1].tells, min(covered, default=None))
    return found


def _after(notice: datetime | None, served: datetime | None) -> bool:
    """Whether a notice that ended then (None: it has not) is the one by which a reminder was served that ended then."""
    return notice is None or served is None or notice >= served - AT_ONCE


def _plan_notices(session: Session, now: datetime, subjects: Sequence[int]) -> int:
    """Plan the notices due for these hearings, let those wait again whose readers can hear now, and note that everybody
    concerned has been seen to. Returns how many are to be sent."""
    if not subjects:
        return 0
    ready = [
        row
        for chunk in chunks(subjects)
        for row in session.execute(
            select(*_TELLING).where(Hearing.id.in_(chunk), or_(Hearing.tell_from.is_(None), Hearing.tell_from <= now))
        )
    ]
    changed = {row.id: row for row in ready if row.schedule_rev > 1 or row.confirmed_at is not None}
    true = {number: tells_of(row) for number, row in changed.items()}
    wanted: dict[tuple[int, int], dict[str, Any]] = {}
    for (hearing_id, recipient_id), told in _told(session, true).items():
        what = rules.what_changed(told.last, true[hearing_id], changed[hearing_id].last_change)
        if what is not None and rules.is_news(told.last, true[hearing_id], now):
            was = {name: told.last.get(name) for name in (*rules.COMPARED, "certainty")}
            zone = told.last.get("reader_zone")
            wanted[hearing_id, recipient_id] = {**true[hearing_id], "what": what, "was": was, "reader_zone": zone}
    numbers = sorted({hearing_id for hearing_id, _recipient in wanted})
    allowed = _may_hear(session, numbers)
    done_by = _done_by(
        session,
        sorted({key[0] for key, tells in wanted.items() if tells["what"] in (rules.CONFIRMED, rules.TOOK_PLACE)}),
    )
    coming = _coming(session, sorted({key[0] for key, tells in wanted.items() if tells["what"] == rules.CONFIRMED}))
    rows = [
        _notice(changed[hearing_id], recipient_id, tells, now, allowed[hearing_id, recipient_id], done_by)
        for (hearing_id, recipient_id), tells in wanted.items()
        if (hearing_id, recipient_id) in allowed
        and not (tells["what"] == rules.CONFIRMED and (hearing_id, recipient_id) in coming)
    ]
    again = _unheard(session, numbers) if rows else set()
    fresh = [row for row in rows if row["dedupe_key"] not in again]
    plan_messages(session, [row for row in fresh if row["state"] == "skipped"])
    planned = plan_messages(session, [row for row in fresh if row["state"] == "waiting"])
    planned += _tell_after_all(session, [row for row in rows if row["dedupe_key"] in again])
    _note_seen_to(session, now, [row.id for row in ready], list(changed))
    return planned


def _unheard(session: Session, hearings: Sequence[int]) -> set[str]:
    """The keys of notices of these hearings that ended because their reader could not be told just then."""
    found: set[str] = set()
    for chunk in chunks(hearings):
        found.update(
            session.scalars(
                select(Message.dedupe_key).where(
                    Message.subject_kind == SUBJECT, Message.subject_id.in_(chunk), Message.kind == CHANGED, _may_turn()
                )
            )
        )
    return found


def _may_turn(message: Any = Message) -> ColumnElement[bool]:
    """SQL on a notice: it ended, and did not leave, for a reason that may turn."""
    return and_(message.state.in_(("skipped", "cancelled")), message.reason.in_(UNHEARD))


def _tell_after_all(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Let notices wait again that ended so: under their keys, in a mail of their own. Returns how many are to be
    sent."""
    if not rows:
        return 0
    table = Message.__table__
    session.connection().execute(
        update(table)  # type: ignore[arg-type]  # a Table, which the mapper types as FromClause
        .where(
            table.c.dedupe_key == bindparam("key"),
            # Many at once take no IN.
            or_(*(table.c.state == state for state in ("skipped", "cancelled"))),
            or_(*(table.c.reason == reason for reason in UNHEARD)),
        )
        .values(envelope_id=None, **{name: bindparam(f"new_{name}") for name in _ANEW}),
        [{"key": row["dedupe_key"], **{f"new_{name}": row[name] for name in _ANEW}} for row in rows],
    )
    return sum(1 for row in rows if row["state"] == "waiting")


#: What is written anew of a notice that waits again.
_ANEW = ("tells", "due_at", "give_up_at", "state", "reason", "ended_at")


def _untold(session: Session, now: datetime) -> list[int]:
    """The hearings of which somebody may be told, was told something older than what is true now, and has no notice of
    that: they were off the desk, or mail did not reach them, when it changed. One anti-join over what was told of the
    hearings whose date is not long past; whether it is news is for `_plan_notices`."""
    looked_at = aliased(Hearing)
    changed = and_(
        looked_at.state.in_([state for state in STATES if state != "not_known"]),
        # What somebody made sure of later, and not as it was written down.
        or_(looked_at.schedule_rev > 1, looked_at.confirmed_at > looked_at.created_at),
        or_(looked_at.tell_from.is_(None), looked_at.tell_from <= now),
    )
    dated = select(looked_at.id).where(changed, looked_at.starts_at > now - BEHIND)
    undated = select(looked_at.id).where(changed, looked_at.starts_at.is_(None))
    newer = aliased(Message)
    theirs = and_(
        newer.subject_kind == SUBJECT,
        newer.subject_id == Message.subject_id,
        newer.recipient_id == Message.recipient_id,
        newer.subject_rev == Hearing.schedule_rev,
        or_(
            newer.state.in_(("sent", "sending", "may_have_arrived")),
            and_(newer.kind == CHANGED, ~_may_turn(newer)),
        ),
    )
    at, newer_at = (func.coalesce(m.sent_at, m.ended_at, m.created_at) for m in (Message, newer))
    moved = and_(
        Message.subject_rev < Hearing.schedule_rev,
        ~select(1).where(theirs, newer.kind.in_((REMINDER, CHANGED))).correlate_except(newer).exists(),
    )
    # Being sure does not move the version: what was told of that stands first in what a message tells.
    has_become_sure = and_(
        Message.subject_rev == Hearing.schedule_rev,
        Hearing.state == OPEN_STATE,
        Hearing.certainty == "confirmed",
        Hearing.starts_at > now - rules.BEGUN,
        _tells_certainty(Message, "provisional"),
        ~select(1).where(theirs, newer_at >= at, _tells_certainty(newer, "confirmed")).correlate_except(newer).exists(),
    )
    return list(
        session.scalars(
            select(Hearing.id)
            .join(Message, and_(Message.subject_kind == SUBJECT, Message.subject_id == Hearing.id))
            .join(Recipient, Recipient.id == Message.recipient_id)
            .join(Appearance, Appearance.hearing_id == Hearing.id)
            .join(Case, Case.id == Appearance.case_id)
            .where(
                Hearing.id.in_(union_all(dated, undated)),
                Message.kind.in_((REMINDER, CHANGED)),
                or_(moved, has_become_sure),
                *_hears(),
            )
            .distinct()
            .order_by(Hearing.id)
        )
    )


def _tells_certainty(message: Any, certainty: str) -> ColumnElement[bool]:
    """SQL: how sure of its date a message tells its hearing to be. Stored with sorted keys, this one is the first."""
    told: ColumnElement[str] = type_coerce(message.tells, Text)
    return told.startswith(f'{{"certainty":"{certainty}"', autoescape=True)


def _notice(
    hearing: Any, recipient_id: int, tells: dict[str, Any], now: datetime, user_id: int, done_by: Mapping[int, int]
) -> dict[str, Any]:
    """The row of a notice. Its key is unique for each fact that is told: the version of the hearing, and, because being
    sure of a date does not move that, when somebody made sure."""
    what = tells["what"]
    sure = what == rules.CONFIRMED
    version = f"{hearing.schedule_rev}:{hearing.confirmed_at:%Y%m%dT%H%M%S}" if sure else str(hearing.schedule_rev)
    knew = what in (rules.CONFIRMED, rules.TOOK_PLACE) and done_by.get(hearing.id) == user_id
    return {
        "dedupe_key": f"{CHANGED}:{hearing.id}:{version}:{recipient_id}",
        "kind": CHANGED,
        "subject_kind": SUBJECT,
        "subject_id": hearing.id,
        "subject_rev": hearing.schedule_rev,
        "recipient_id": recipient_id,
        "days_before": None,
        "cause": {rules.CONFIRMED: WAS_PROVISIONAL, rules.TOOK_PLACE: WAS_TOLD_OF}.get(what, WAS_TOLD),
        "tells": tells,
        "due_at": now,
        "give_up_at": rules.begins_at_of(tells) if sure else rules.news_until(tells["was"], tells),
        "state": "skipped" if knew else "waiting",
        "reason": KNEW if knew else "",
        "ended_at": now if knew else None,
        "created_at": now,
    }


def _done_by(session: Session, hearings: Sequence[int]) -> dict[int, int]:
    """Who last made sure of the date of these hearings, or said what became of them: the account that did it, whoever
    had told it. By hearing; hearings of which no account did are left out."""
    found: dict[int, int | None] = {}
    for chunk in chunks(hearings):
        of = select(Appearance.case_id).where(Appearance.hearing_id.in_(chunk))
        rows = session.execute(
            select(Entry.payload, Entry.recorded_by)
            .where(Entry.case_id.in_(of), Entry.kind.in_(("hearing.confirmed", "hearing.outcome_recorded")))
            .order_by(Entry.recorded_at, Entry.id)
        )
        found.update((payload["hearing_id"], user_id) for payload, user_id in rows)
    return {number: user_id for number, user_id in found.items() if user_id is not None}


def _coming(session: Session, hearings: Sequence[int]) -> set[tuple[int, int]]:
    """(hearing, recipient) of those to whom a notice that the date is sure is on its way already."""
    found: set[tuple[int, int]] = set()
    for chunk in chunks(hearings):
        found.update(
            (row[0], row[1])
            for row in session.execute(
                select(Message.subject_id, Message.recipient_id)
                .join(Hearing, Hearing.id == Message.subject_id)
                .where(
                    Message.subject_kind == SUBJECT,
                    Message.subject_id.in_(chunk),
                    Message.subject_rev == Hearing.schedule_rev,
                    Message.kind == CHANGED,
                    Message.cause == WAS_PROVISIONAL,
                    Message.state.in_(WAITS),
                )
            )
        )
    return found


def _may_hear(session: Session, hearings: Sequence[int]) -> dict[tuple[int, int], int]:
    """{(hearing, recipient): account} of those who may be told of a change and have not stopped hearing of it."""
    found: dict[tuple[int, int], int] = {}
    for chunk in chunks(hearings):
        found.update(
            ((row[0], row[1]), row[2] or 0)
            for row in session.execute(
                select(Appearance.hearing_id, Recipient.id, Recipient.user_id)
                .select_from(Appearance)
                .join(Hearing, Hearing.id == Appearance.hearing_id)
                .join(Case, Case.id == Appearance.case_id)
                .join(Message, and_(Message.subject_kind == SUBJECT, Message.subject_id == Appearance.hearing_id))
                .join(Recipient, Recipient.id == Message.recipient_id)
                .where(Appearance.hearing_id.in_(chunk), Recipient.user_id.is_not(None), *_hears())
                .distinct()
            )
        )
    return found


def _hears() -> tuple[ColumnElement[bool], ...]:
    """SQL on a message, its recipient, its hearing and a case of it: they were told of the hearing, may hear more of it
    through this case, and have not stopped."""
    return (
        or_(may_have_been_told(), Message.reason == KNEW),
        Recipient.suppressed_at.is_(None),
        level(Recipient.user_id, Case) <= Hearing.audience,
        ~wants_no_news(Recipient, Case),
    )


def _note_seen_to(session: Session, now: datetime, ready: Sequence[int], changed: Sequence[int]) -> None:
    """Clear `tell_from`; but where a mail about an older date is on its way at this moment, look again: it may arrive,
    and then its reader was told wrong."""
    under_way: set[int] = set()
    for chunk in chunks(changed):
        under_way.update(
            session.scalars(
                select(Message.subject_id)
                .join(Hearing, Hearing.id == Message.subject_id)
                .where(
                    Message.subject_kind == SUBJECT,
                    Message.subject_id.in_(chunk),
                    Message.state == "sending",
                    Message.subject_rev < Hearing.schedule_rev,
                )
            )
        )
    for ids, value in (([i for i in ready if i not in under_way], None), (sorted(under_way), now)):
        unset = [] if value is None else [Hearing.tell_from.is_(None)]
        for chunk in chunks(ids):
            session.execute(
                update(Hearing)
                .where(Hearing.id.in_(chunk), or_(Hearing.tell_from <= now, *unset))
                .values(tell_from=value)
                .execution_options(synchronize_session=False)
            )


# Reminders ------------------------------------------------------------------------------------------------------------


class _Pair(NamedTuple):
    """One reader of one hearing, for the strongest of their reasons."""

    cause: int
    desk_id: int
    own_zone: str | None
    chosen: tuple[int, ...] | None
    #: Who stands in gets what falls due before whoever keeps the case is here again.
    until: datetime | None


def _plan_reminders(
    session: Session, now: datetime, subjects: Sequence[int] | None, recipient_id: int | None = None
) -> int:
    """Plan reminders: of these hearings, of this recipient, or of all that lack one."""
    pairs: dict[tuple[int, int], _Pair] = {}
    filters: list[ColumnElement[bool] | None] = [None]
    if subjects is not None:
        filters = [AgendaItem.subject_id.in_(chunk) for chunk in chunks(subjects)]
    away = away_now(session, now)
    for narrowed in filters:
        for row in session.execute(_candidates(now, narrowed, recipient_id, away)):
            key = (row.subject_id, row.recipient_id)
            chosen = tuple(row.days_before) if row.days_before else None
            until = away[row.owner_id] if CAUSES[row.cause] == STANDS_IN else None
            held = pairs.get(key)
            if held is None or (row.cause, row.desk_id) < held[:2]:
                pairs[key] = _Pair(row.cause, row.desk_id, row.zone, (held.chosen if held else None) or chosen, until)
            elif chosen and not held.chosen:
                pairs[key] = held._replace(chosen=chosen)
            elif until and held.until and held.until < until:
                pairs[key] = held._replace(until=until)
    if not pairs:
        return 0
    return _fill(session, now, pairs)


def _candidates(
    now: datetime, narrowed: ColumnElement[bool] | None, recipient_id: int | None, away: Iterable[int]
) -> Any:
    """SQL: (hearing, recipient, cause, …) of everybody who is to be reminded of a hearing that lies ahead and whose
    reminders due for planning are not all there yet. `away`: the accounts that are away."""
    today = now.date()
    known = agenda_kinds.get(SUBJECT).days_before
    longest = max(max(days) for days in known.values())
    planned = aliased(Message)
    held = (
        select(func.count(planned.days_before.distinct()))
        .where(
            planned.subject_kind == SUBJECT,
            planned.subject_id == AgendaItem.subject_id,
            planned.recipient_id == Recipient.id,
            planned.subject_rev == AgendaItem.rev,
            planned.kind == REMINDER,
            ~and_(planned.state == "cancelled", planned.reason.in_(MAY_TURN)),
            ~and_(planned.state == "skipped", planned.reason == rules.SERVED_BY_NOTICE),
        )
        .correlate(AgendaItem.__table__, Recipient.__table__)
        .scalar_subquery()
    )
    day = func.coalesce(AgendaItem.local_date, AgendaItem.earliest_on)
    expected = case(
        *((AgendaItem.lead_kind == kind, _due_for_planning(day, days, today)) for kind, days in known.items() if kind),
        else_=_due_for_planning(day, known[""], today),
    )
    # After an act everything of its hearings is looked at again: an instant may have shifted without a lead missing,
    # and a lead that stands there may be none any more.
    lacks = expected > held if narrowed is None and recipient_id is None else true()

    def those(cause: int, chosen: bool | None) -> Select[Any]:
        statement = (
            select(
                AgendaItem.subject_id,
                Recipient.id.label("recipient_id"),
                literal(cause).label("cause"),
                Case.desk_id,
                Case.owner_id,
                User.zone,
                (Subscription.days_before if cause in (2, 3) else type_coerce(null(), JSONText)).label("days_before"),
            )
            .select_from(AgendaItem)
            .join(Case, Case.id == AgendaItem.case_id)
            .join(Hearing, Hearing.id == AgendaItem.subject_id)
        )
        if cause == 4:
            statement = statement.join(
                Membership, and_(Membership.desk_id == Case.desk_id, Membership.coordinator.is_(True))
            ).join(Recipient, Recipient.user_id == Membership.user_id)
        elif cause > 1:
            subject = (Subscription.case_id == Case.id, Subscription.desk_id == Case.desk_id)[cause - 2]
            statement = statement.join(Subscription, and_(subject, Subscription.stopped_at.is_(None))).join(
                Recipient, Recipient.id == Subscription.recipient_id
            )
        else:
            keeper = (Case.owner_id, Case.deputy_id)[cause]
            statement = statement.join(Recipient, Recipient.user_id == keeper)
        first, last = _span(now, rules.LONGEST_LEAD if chosen else longest)
        conditions = [
            AgendaItem.kind == SUBJECT,
            AgendaItem.state == OPEN_STATE,
            AgendaItem.starts_at >= first,
            AgendaItem.starts_at <= last,
            AgendaItem.remind_until > now,
            Case.stage.in_(REMINDED_STAGES),
            or_(Hearing.tell_from.is_(None), Hearing.tell_from <= now),
            Recipient.suppressed_at.is_(None),
            User.role.in_(REMINDED_ROLES),
            Subscription.days_before.is_not(None) if chosen else lacks,
        ]
        if chosen is False:
            conditions.append(Subscription.days_before.is_(None))
        if cause == 4:
            conditions += [
                Case.owner_id.in_(away),
                or_(Case.deputy_id.is_(None), Case.deputy_id.in_(away)),
                ~is_stopped(Recipient.id, desk_id=Case.desk_id),
            ]
        if narrowed is not None:
            conditions.append(narrowed)
        if recipient_id is not None:
            conditions.append(Recipient.id == recipient_id)
        conditions += [
            ~is_stopped(Recipient.id, case_id=Case.id),
            level(Recipient.user_id, Case) <= AgendaItem.audience,
        ]
        return statement.join(User, User.id == Recipient.user_id).where(*conditions)

    reasons = [those(0, None), those(1, None), those(2, False), those(3, False), those(2, True), those(3, True)]
    return union_all(*reasons, those(4, None)) if away else union_all(*reasons)


def _due_for_planning(day: Any, days_before: Sequence[int], today: date) -> Any:
    """SQL: how many of these leads are to stand in the plan today (`rules.nominally_due_by`, in SQL)."""
    reached = [
        case((day <= today + timedelta(days=days + rules.AHEAD_DAYS), 1), else_=0)
        for days in dict.fromkeys(days_before)
    ]
    return sum(reached[1:], start=reached[0])


@dataclass(frozen=True, slots=True)
class _Subject:
    """A hearing as the plan takes it."""

    rev: int
    ahead: Ahead
    days_before: tuple[int, ...]
    tells: dict[str, Any]


class _Class(NamedTuple):
    """Readers of one hearing for whom the same instants hold."""

    hearing_id: int
    reader: Reader
    chosen: tuple[int, ...] | None
    #: Shortest lead covered by mails that told the same; None: none did.
    known: int | None
    #: Whether a notice tells what is true now.
    notice: bool
    #: As of a pair.
    until: datetime | None


def _fill(session: Session, now: datetime, pairs: Mapping[tuple[int, int], _Pair]) -> int:
    """Write what these readers lack; move what waits at an instant that is no longer right, and take back what waits
    for days that are not theirs any more. Returns how many messages to be sent are new or revived."""
    numbers = sorted({hearing_id for hearing_id, _recipient in pairs})
    subjects = _subjects(session, numbers)
    told = _told(session, {number: s.tells for number, s in subjects.items() if s.rev > 1})
    standing, noticed = _standing(session, numbers)
    waiting: list[Alike] = []
    served: list[Alike] = []
    again: list[dict[str, Any]] = []
    days_of: dict[tuple[int, int, int], tuple[int, ...]] = {}
    for of, members in _classes(session, pairs, subjects, told, noticed).items():
        subject = subjects[of.hearing_id]
        tells = {**subject.tells, "reader_zone": of.reader.zone}
        days = of.chosen or subject.days_before
        if standing:
            days_of.update(((of.hearing_id, subject.rev, recipient_id), days) for recipient_id, _cause in members)
        for planned in rules.schedule(rules.leads_of(subject.ahead, days, of.reader), now, of.known, of.notice):
            if not rules.nominally_due_by(subject.ahead.day, planned.lead.days, now.date()):
                continue
            if of.until is not None and planned.lead.due_at >= of.until:
                continue
            stem = f"{REMINDER}:{of.hearing_id}:{subject.rev}:{planned.lead.code}:"
            each = [(f"{stem}{recipient_id}", recipient_id, CAUSES[cause]) for recipient_id, cause in members]
            if standing:
                again += [
                    _as_planned(key, planned, tells, now, standing[key].state)
                    for key, _recipient, _cause in each
                    if key in standing and _is_off(standing[key], planned, now)
                ]
                each = [row for row in each if row[0] not in standing]
            if each:
                into = served if planned.reason else waiting
                into.append(Alike(_shared(of.hearing_id, subject, planned, tells, now), each))
    plan_alike(session, served)
    count = plan_alike(session, waiting)
    if again:
        _put_right(session, again)
    not_theirs = [
        there.id
        for there in standing.values()
        if there.state in WAITS
        and there.envelope_id is None
        and there.due_at > now
        and there.days not in days_of.get(there.of, (there.days,))
    ]
    for chunk in chunks(not_theirs):
        cancel_messages(session, Message.id.in_(chunk), OTHER_DAYS, now)
    return count + sum(1 for r in again if standing[r["key"]].state not in WAITS and r["new_state"] == "waiting")


def _classes(
    session: Session,
    pairs: Mapping[tuple[int, int], _Pair],
    subjects: Mapping[int, "_Subject"],
    told: Mapping[tuple[int, int], "_Told"],
    noticed: set[tuple[int, int, int]],
) -> dict[_Class, list[tuple[int, int]]]:
    """Readers by what decides their instants: (recipient, cause) of each. Thousands share few classes a hearing."""
    wanted = {pair.desk_id for pair in pairs.values()}
    desks = {
        desk.id: (desk.zone, tuple(desk.working_days))
        for desk in session.execute(select(Desk.id, Desk.zone, Desk.working_days).where(Desk.id.in_(wanted)))
    }
    readers: dict[tuple[str | None, int], Reader] = {}
    found: dict[_Class, list[tuple[int, int]]] = {}
    for (hearing_id, recipient_id), pair in pairs.items():
        subject = subjects.get(hearing_id)
        if subject is None:
            continue
        reader = readers.get((pair.own_zone, pair.desk_id))
        if reader is None:
            zone, working_days = desks[pair.desk_id]
            reader = readers[pair.own_zone, pair.desk_id] = Reader(pair.own_zone or zone, working_days)
        said = told.get((hearing_id, recipient_id))
        known = said.days if said else None
        notice = said is not None and not rules.tells_same(said.last, subject.tells)
        notice = notice or (hearing_id, subject.rev, recipient_id) in noticed
        of = _Class(hearing_id, reader, pair.chosen, known, notice, pair.until)
        found.setdefault(of, []).append((recipient_id, pair.cause))
    return found


def _subjects(session: Session, numbers: Sequence[int]) -> dict[int, _Subject]:
    found: dict[int, _Subject] = {}
    for chunk in chunks(numbers):
        for row in session.execute(
            select(*_TELLING, AgendaItem.rev, AgendaItem.remind_until, AgendaItem.lead_kind)
            .join(AgendaItem, and_(AgendaItem.kind == SUBJECT, AgendaItem.subject_id == Hearing.id))
            .where(Hearing.id.in_(chunk), AgendaItem.rev == Hearing.schedule_rev)
        ):
            day = row.local_date or row.earliest_on
            if day is not None and row.remind_until is not None:
                found[row.id] = _Subject(
                    row.rev,
                    Ahead(day, row.zone, row.remind_until),
                    agenda_kinds.get(SUBJECT).leads(row.lead_kind),
                    tells_of(row),
                )
    return found


class _Standing(NamedTuple):
    """A message that is there already."""

    state: str
    reason: str
    due_at: datetime
    give_up_at: datetime | None
    envelope_id: int | None
    #: Served by a notice that was withdrawn, or left out, before it could say it.
    unserved: bool
    id: int
    days: int | None
    #: (hearing, version, recipient).
    of: tuple[int, int, int]


def _standing(session: Session, numbers: Sequence[int]) -> tuple[dict[str, _Standing], set[tuple[int, int, int]]]:
    """The reminders of these hearings that are there already, by key; and (hearing, version, recipient) of the notices
    that have not left yet."""
    found: dict[str, _Standing] = {}
    noticed: set[tuple[int, int, int]] = set()
    rows: list[Any] = []
    heard: dict[tuple[int, int, int], list[datetime | None]] = {}
    for chunk in chunks(numbers):
        rows += session.execute(
            select(
                Message.dedupe_key,
                Message.kind,
                Message.subject_id,
                Message.subject_rev,
                Message.recipient_id,
                Message.state,
                Message.reason,
                Message.due_at,
                Message.give_up_at,
                Message.envelope_id,
                Message.id,
                Message.days_before,
                Message.sent_at,
                Message.ended_at,
            ).where(
                Message.subject_kind == SUBJECT,
                Message.subject_id.in_(chunk),
                or_(
                    Message.kind == REMINDER,
                    and_(Message.kind == CHANGED, Message.state.not_in(("skipped", "cancelled"))),
                ),
            )
        ).all()
    for row in rows:
        of = (row.subject_id, row.subject_rev, row.recipient_id)
        if row.kind == CHANGED:
            heard.setdefault(of, []).append(row.sent_at or row.ended_at)
            if row.state in (*WAITS, "sending"):
                noticed.add(of)
    for row in rows:
        of = (row.subject_id, row.subject_rev, row.recipient_id)
        if row.kind == REMINDER:
            served = row.state == "skipped" and row.reason == rules.SERVED_BY_NOTICE
            unserved = served and not any(_after(ended_at, row.ended_at) for ended_at in heard.get(of, ()))
            found[row.dedupe_key] = _Standing(
                row.state,
                row.reason,
                row.due_at,
                row.give_up_at,
                row.envelope_id,
                unserved,
                row.id,
                row.days_before,
                of,
            )
    return found, noticed


def _is_off(there: _Standing, planned: Planned, now: datetime) -> bool:
    """Whether a message that stands there is to be put right: one taken back for a reason that has turned, or one that
    waits for an instant that has shifted. What a deliverer has in hand keeps its course; but what was taken back has
    never left, whichever mail it was in: else it would have ended as may have arrived."""
    if there.state == "cancelled":
        return there.reason in MAY_TURN
    if there.unserved:
        return not planned.reason
    if there.envelope_id is not None:
        return False
    shifted = (there.due_at, there.give_up_at) != (planned.lead.due_at, planned.lead.give_up_at)
    return there.state in WAITS and there.due_at > now and shifted


def _shared(
    hearing_id: int, subject: _Subject, planned: Planned, tells: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """What the messages of one lead have in common."""
    lead: Lead = planned.lead
    return {
        "kind": REMINDER,
        "subject_kind": SUBJECT,
        "subject_id": hearing_id,
        "subject_rev": subject.rev,
        "days_before": lead.days,
        "tells": tells,
        "due_at": lead.due_at,
        "give_up_at": lead.give_up_at,
        "state": "skipped" if planned.reason else "waiting",
        "reason": planned.reason,
        "envelope_id": None,
        "sent_at": None,
        "ended_at": now if planned.reason else None,
        "created_at": now,
    }


def _as_planned(key: str, planned: Planned, tells: dict[str, Any], now: datetime, state: str) -> dict[str, Any]:
    return {
        "key": key,
        "new_state": "skipped" if planned.reason else "paused" if state == "paused" else "waiting",
        "new_reason": planned.reason,
        # With the zone its reader lives in now: quiet hours are theirs.
        "new_tells": tells,
        "new_due_at": planned.lead.due_at,
        "new_give_up_at": planned.lead.give_up_at,
        "new_ended_at": now if planned.reason else None,
    }


def _put_right(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    table = Message.__table__
    session.connection().execute(
        update(table)  # type: ignore[arg-type]  # a Table, which the mapper types as FromClause
        .where(
            table.c.dedupe_key == bindparam("key"),
            # Many at once take no IN.
            or_(
                table.c.state == "cancelled",
                and_(table.c.state == "skipped", table.c.reason == rules.SERVED_BY_NOTICE),
                and_(or_(*(table.c.state == state for state in WAITS)), table.c.envelope_id.is_(None)),
            ),
        )
        .values(
            # A mail of its own: the one it was taken out of has ended, or goes without it.
            envelope_id=None,
            state=bindparam("new_state"),
            reason=bindparam("new_reason"),
            tells=bindparam("new_tells"),
            due_at=bindparam("new_due_at"),
            give_up_at=bindparam("new_give_up_at"),
            ended_at=bindparam("new_ended_at"),
        ),
        list(rows),
    )
