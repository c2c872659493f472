"""Telling somebody else what a reader will not hear, because mail to them comes back.

Nothing is pushed when an address stops working: the plan looks for readers who cannot be reached and hearings they
would be reminded of, and for which of these nobody was told yet. So a reader who is suppressed while the clock stands
still, a hearing that comes into sight later, and one that moves are all one case.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, String, Subquery, and_, case, cast, exists, func, literal, or_, select, union
from sqlalchemy.orm import Session, aliased

from tracker.accounts.models import Desk, Membership, User
from tracker.accounts.rules import is_away
from tracker.agenda.models import OPEN_STATE, AgendaItem
from tracker.agenda.service import chunks
from tracker.base import labels
from tracker.base.db import db
from tracker.base.sentences import on_record
from tracker.base.work import CLOCK, unit_of_work
from tracker.cases.models import Case
from tracker.cases.queries import level
from tracker.clockwork.kinds import clock_step
from tracker.hearings.models import Hearing
from tracker.outbox.kinds import Mail, message_kind
from tracker.outbox.models import Message, Recipient
from tracker.outbox.service import plan_messages
from tracker.reminders import rules
from tracker.reminders.models import Subscription
from tracker.reminders.queries import IS_OFF, MOVED, REMINDED_ROLES, REMINDED_STAGES, UNSEEN, is_stopped
from tracker.reminders.unreached import write_unreached

#: The message kind.
BOUNCED = "mail.bounced"

#: How far ahead a hearing is looked at: as far as the longest lead that a kind of hearing has.
AHEAD = timedelta(days=14)

#: Who is told, the first that can be: the one who keeps the case, who stands in, who coordinates the desk, who stands
#: in for them.
CAUSES = ("owner", "deputy", "coordinates the desk", "coordinates the desk")

labels.announce("message_kind", {BOUNCED: _l("notice that somebody cannot be reached by mail")})
labels.announce("step", {"reminders.bounced": _l("tells of readers who cannot be reached")})


@clock_step("reminders.bounced", every=timedelta(seconds=60), turn="plan")
def tell_of_bounced(now: datetime) -> Mapping[str, int]:
    """Plan a mail for each hearing ahead of which a reader will not hear. Answers {"told"}: messages newly planned.
    While everybody can be reached it costs one statement over the recipients, and takes no lock."""
    session = db.session()
    try:
        if not (session.scalar(_anybody()) and plan_bounced(session, now, write=False)):
            return {"told": 0}
    finally:
        session.rollback()
    with unit_of_work("reminders.bounced", CLOCK, now=now):
        return {"told": plan_bounced(db.session(), now)}


def _anybody() -> Any:
    return select(exists(select(Recipient.id).where(Recipient.suppressed_at.is_not(None))))


# Who cannot be reached ------------------------------------------------------------------------------------------------


def near(now: datetime) -> ColumnElement[bool]:
    """SQL on `agenda_items`: a hearing at most two weeks ahead, of which it makes sense to remind."""
    return and_(
        AgendaItem.kind == "hearing",
        AgendaItem.state == OPEN_STATE,
        AgendaItem.starts_at > now - rules.BEGUN,
        AgendaItem.starts_at <= now + AHEAD,
        AgendaItem.remind_until > now,
    )


def concerned(now: datetime) -> Subquery:
    """SQL: (case_id, recipient_id, user_id, suppressed_at) of those who cannot be reached, with the cases in hand they
    keep, stand in for or follow and have not stopped; whether they may see them is for who asks. Who follows a desk
    counts for its cases with a hearing in the next two weeks only: a desk has hundreds, and for the others nothing is
    lost yet.

    Begins with those who cannot be reached, or with hearings that are near, because both are few; the index over stages
    is kept out of it: an engine without statistics would walk through all cases by it.
    """
    gone = aliased(Recipient)
    gone_users = select(gone.user_id).where(gone.suppressed_at.is_not(None))
    gone_ids = select(gone.id).where(gone.suppressed_at.is_not(None))
    in_hand = (literal("", String) + Case.stage).in_(REMINDED_STAGES)
    of_case, of_desk = aliased(Subscription), aliased(Subscription)
    columns = (Case.id.label("case_id"), Recipient.id.label("recipient_id"), Recipient.user_id, Recipient.suppressed_at)
    cannot = (
        Recipient.suppressed_at.is_not(None),
        in_hand,
        ~is_stopped(Recipient.id, case_id=Case.id),
    )
    kept = [
        select(*columns)
        .select_from(Case)
        .join(Recipient, Recipient.user_id == keeper)
        .where(keeper.in_(gone_users), *cannot)
        for keeper in (Case.owner_id, Case.deputy_id)
    ]
    followed = (
        select(*columns)
        .select_from(of_case)
        .join(Recipient, Recipient.id == of_case.recipient_id)
        .join(Case, Case.id == of_case.case_id)
        .where(of_case.recipient_id.in_(gone_ids), of_case.stopped_at.is_(None), *cannot)
    )
    by_desk = (
        select(*columns)
        .select_from(AgendaItem)
        .join(Case, Case.id == AgendaItem.case_id)
        .join(of_desk, of_desk.desk_id == Case.desk_id)
        .join(Recipient, Recipient.id == of_desk.recipient_id)
        .where(near(now), of_desk.recipient_id.in_(gone_ids), of_desk.stopped_at.is_(None), *cannot)
    )
    return union(*kept, followed, by_desk).subquery("concerned")


# Whom to tell ---------------------------------------------------------------------------------------------------------


class _Missed(NamedTuple):
    """A hearing of a case of which a reader will not hear."""

    hearing_id: int
    rev: int
    case_id: int
    audience: int
    zone: str
    starts_at: datetime
    remind_until: datetime
    recipient_id: int
    user_id: int
    suppressed_at: datetime


class _Near(NamedTuple):
    """Somebody who can be told of a case: as what (a place in CAUSES), and looking from which rung."""

    rank: int
    recipient_id: int
    user_id: int
    zone: str
    away: bool
    rung: int


def plan_bounced(session: Session, now: datetime, *, write: bool = True) -> int:
    """Plan what is missing, inside the caller's unit of work. Returns how many messages are new; without `write`, how
    many would be."""
    missed = _missed(session, now)
    if not missed:
        return 0
    people = _people(session, now, {m.case_id for m in missed})
    rows: dict[str, dict[str, Any]] = {}
    for of in missed:
        for person in _to_tell(of, people.get(of.case_id, ())):
            row = _row(of, person, now)
            rows.setdefault(row["dedupe_key"], row)
    there: set[str] = set()
    for chunk in chunks(sorted({row["subject_id"] for row in rows.values()})):
        about = (Message.subject_kind == "hearing", Message.subject_id.in_(chunk), Message.kind == BOUNCED)
        there.update(session.scalars(select(Message.dedupe_key).where(*about)))
    fresh = [row for key, row in rows.items() if key not in there]
    return plan_messages(session, fresh) if write and fresh else len(fresh)


def _missed(session: Session, now: datetime) -> list[_Missed]:
    who = concerned(now)
    rows = session.execute(
        select(
            AgendaItem.subject_id,
            AgendaItem.rev,
            AgendaItem.case_id,
            AgendaItem.audience,
            AgendaItem.zone,
            AgendaItem.starts_at,
            AgendaItem.remind_until,
            who.c.recipient_id,
            who.c.user_id,
            who.c.suppressed_at,
        )
        .select_from(who)
        .join(Case, Case.id == who.c.case_id)
        .join(AgendaItem, AgendaItem.case_id == who.c.case_id)
        .join(Hearing, Hearing.id == AgendaItem.subject_id)
        .join(User, User.id == who.c.user_id)
        .where(
            near(now),
            User.role.in_(REMINDED_ROLES),
            level(who.c.user_id, Case) <= AgendaItem.audience,
            # What was done in a page a moment ago may be undone.
            or_(Hearing.tell_from.is_(None), Hearing.tell_from <= now),
        )
        .order_by(AgendaItem.starts_at, AgendaItem.subject_id, AgendaItem.case_id, who.c.recipient_id)
    )
    return [_Missed(*row) for row in rows]


def _people(session: Session, now: datetime, cases: set[int]) -> dict[int, list[_Near]]:
    """Who can be told, by case: those whom mail reaches and who may see it."""
    member = aliased(Membership)
    coordinates = exists(
        select(member.id)
        .where(member.user_id == User.id, member.desk_id == Case.desk_id, or_(member.coordinator, member.deputy))
        .correlate(User, Case)
    )
    leads = exists(
        select(member.id)
        .where(member.user_id == User.id, member.desk_id == Case.desk_id, member.coordinator)
        .correlate(User, Case)
    )
    rank = case((User.id == Case.owner_id, 0), (User.id == Case.deputy_id, 1), (leads, 2), else_=3)
    found: dict[int, list[_Near]] = {}
    for chunk in chunks(sorted(cases)):
        for row in session.execute(
            select(
                Case.id,
                rank,
                Recipient.id,
                User.id,
                func.coalesce(User.zone, Desk.zone),
                User.away_until,
                level(User.id, Case),
            )
            .select_from(Case)
            .join(Desk, Desk.id == Case.desk_id)
            .join(User, or_(User.id == Case.owner_id, User.id == Case.deputy_id, coordinates))
            .join(Recipient, Recipient.user_id == User.id)
            .where(
                Case.id.in_(chunk),
                User.active,
                User.role.in_(REMINDED_ROLES),
                Recipient.suppressed_at.is_(None),
            )
        ):
            away = is_away(row[5], row[4], now)
            found.setdefault(row[0], []).append(_Near(row[1], row[2], row[3], row[4], away, row[6]))
    return found


def _to_tell(of: _Missed, people: Sequence[_Near]) -> list[_Near]:
    """Those of the first rank in which somebody may see the hearing and is there; where all are away, in which somebody
    may see it."""
    may = [person for person in people if person.rung <= of.audience]
    here = [person for person in may if not person.away] or may
    first = min((person.rank for person in here), default=None)
    return [person for person in here if person.rank == first]


def _row(of: _Missed, person: _Near, now: datetime) -> dict[str, Any]:
    # With the instant since which they are not reached: reached and lost again is told again.
    since = f"{of.suppressed_at:%Y%m%dT%H%M%S.%f}"
    return {
        "dedupe_key": f"{BOUNCED}:{of.hearing_id}:{of.rev}:{of.recipient_id}:{person.recipient_id}:{since}",
        "kind": BOUNCED,
        "subject_kind": "hearing",
        "subject_id": of.hearing_id,
        "subject_rev": of.rev,
        "recipient_id": person.recipient_id,
        "cause": CAUSES[person.rank],
        "tells": {
            "unreached": of.recipient_id,
            "zone": of.zone,
            "reader_zone": person.zone,
            "starts_at": of.starts_at.isoformat(),
        },
        "due_at": now,
        "give_up_at": of.remind_until,
        "created_at": now,
    }


# The kind -------------------------------------------------------------------------------------------------------------


@message_kind(BOUNCED, if_unsure="retry_once")
class MailBounced:
    """Somebody who would be reminded of a hearing cannot be reached by mail: tell them another way."""

    @staticmethod
    def still_true(now: datetime) -> ColumnElement[bool]:
        """SQL: the hearing stands as planned in a case in hand that the recipient may see, and the other is still not
        reached."""
        return _still_unreached(now)

    @staticmethod
    def render(session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        """The mail: who, why, and what they would have been told."""
        return write_unreached(session, messages, now)

    @staticmethod
    def why_not(session: Session, message: Message, _now: datetime) -> str:
        """Why nobody needs to tell them any more."""
        hearing = session.get(Hearing, message.subject_id, populate_existing=True)
        if hearing is None or hearing.state != OPEN_STATE:
            return IS_OFF
        if hearing.schedule_rev != message.subject_rev:
            return MOVED
        gone = session.get(Recipient, message.tells["unreached"], populate_existing=True)
        if gone is None or gone.suppressed_at is None or gone.suppressed_at > message.created_at:
            return on_record("they can be reached again")
        return UNSEEN

    @staticmethod
    def waits_for_morning(message: Message, at: datetime) -> bool:
        """Quiet hours hold it back, but not within 24 hours of the start."""
        starts_at = datetime.fromisoformat(message.tells["starts_at"])
        return rules.reminder_waits(at, message.tells["reader_zone"], starts_at)

    @staticmethod
    def may_share(_message: Message) -> bool:
        """An address that stops working may leave many hearings unheard of: they are one mail."""
        return True


def _still_unreached(now: datetime) -> ColumnElement[bool]:
    item, of, reader, gone = aliased(AgendaItem), aliased(Case), aliased(Recipient), aliased(Recipient)
    key: ColumnElement[str] = literal(f"{BOUNCED}:", String)
    for number in (Message.subject_id, Message.subject_rev, gone.id, Message.recipient_id):
        key = key + cast(number, String) + ":"
    # Planned since they are not reached, and not when they were lost before.
    of_now = and_(Message.dedupe_key.like(key + "%"), gone.suppressed_at <= Message.created_at)
    return exists(
        select(1)
        .select_from(item)
        .join(of, of.id == item.case_id)
        .join(reader, reader.id == Message.recipient_id)
        .join(gone, and_(gone.suppressed_at.is_not(None), of_now))
        .where(
            item.kind == Message.subject_kind,
            item.subject_id == Message.subject_id,
            item.rev == Message.subject_rev,
            item.state == OPEN_STATE,
            item.remind_until > now,
            of.stage.in_(REMINDED_STAGES),
            reader.suppressed_at.is_(None),
            level(reader.user_id, of) <= item.audience,
        )
        .correlate_except(item, of, reader, gone)
    )
