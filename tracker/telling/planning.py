"""Planning what those who write are told of an action: a function of (stored rows, `now`), planned and not pushed.

That an action is stopped is planned in the transaction that stops it, and due at once: neither the three minutes of an
act in a page nor quiet hours, agendas or shared mails keep it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.actions.models import UrgentAction
from tracker.actions.rules import ends_at
from tracker.agenda.service import chunks
from tracker.base.db import db
from tracker.base.sentences import on_record
from tracker.base.work import CLOCK, current_work, settles, unit_of_work
from tracker.cases.models import Case
from tracker.clockwork.kinds import clock_step, rederives
from tracker.hearings.service import UNDO
from tracker.outbox.models import Message, Recipient
from tracker.outbox.service import end_messages, ensure_recipients, plan_messages
from tracker.telling import queries, rules
from tracker.telling.queries import Reader

#: Why somebody is told, in words for staff.
WROTE, OPENED = "wrote for the action", "opened the action"
IN_GROUP = "is in a group that wrote for the action"
WROTE_BEFORE, FOLLOWS = "wrote for the action before", "follows the case as a volunteer"

#: Why whoever ended it has no mail of it.
DID_IT = on_record("they did it themselves")

#: Why something that waits is left out.
NOT_SO = on_record("it is not so any more, or they may not know of it")


@settles("plan")
def settle_telling(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Plan what follows for those who acted from what changed in these cases."""
    for chunk in chunks(cases or ()):
        ours = session.scalars(
            select(UrgentAction.id).where(UrgentAction.case_id.in_(chunk), UrgentAction.activated_at.is_not(None))
        ).all()
        if ours:
            _take_back(session, now, ours)
            _tell_ended(session, now, chunk)
            _tell_updates(session, now, chunk)
            _tell_results(session, now, chunk)


@clock_step("telling.plan", every=timedelta(seconds=60), turn="plan")
def plan_step(now: datetime) -> Mapping[str, int]:
    """Plan the one mail that those who follow a case get seven days before the last day of its action. Answers
    {"planned"}."""
    due = _due_soon(db.session(), now)
    db.session.rollback()
    if not due:
        return {"planned": 0}
    with unit_of_work("telling.plan", CLOCK, now=now):
        return {"planned": plan_soon(db.session(), now)}


def plan_soon(session: Session, now: datetime) -> int:
    """Plan these mails, inside the caller's unit of work; returns how many are new."""
    return plan_messages(
        session,
        [
            {
                **_written(
                    queries.SOON, str(each.action.act_until.toordinal()), each.action, each.recipient_id, each.reader
                ),
                "days_before": rules.DAYS_BEFORE,
                "cause": FOLLOWS,
                "tells": {"until": each.action.act_until.isoformat(), "reader_zone": each.reader.zone},
                "due_at": rules.soon_from(each.action.act_until, each.reader.zone),
                "give_up_at": each.action.act_until_at,
            }
            for each in _due_soon(session, now)
        ],
    )


@rederives("telling")
def keep_ends(session: Session, now: datetime) -> int:
    """Let mails about a last day name the instant at which that very day is over by the present rules of its zone;
    answers how many have changed. None is taken for a mail about another day, so nobody is told twice."""
    changed = 0
    for message, act_until, zone in session.execute(
        select(Message, UrgentAction.act_until, Desk.zone)
        .join(UrgentAction, UrgentAction.id == Message.subject_id)
        .join(Case, Case.id == UrgentAction.case_id)
        .join(Desk, Desk.id == Case.desk_id)
        .where(Message.kind == queries.SOON, Message.subject_kind == queries.SUBJECT, UrgentAction.act_until_at > now)
    ):
        # Worked out here: what the action holds may be of the old rules still.
        over = ends_at(act_until, zone)
        if message.tells["until"] == act_until.isoformat() and message.give_up_at != over:
            message.give_up_at = over
            changed += 1
    return changed


def _due_soon(session: Session, now: datetime) -> list[queries.Following]:
    return [
        each
        for each in queries.list_following(session, now)
        if rules.soon_from(each.action.act_until, each.reader.zone) <= now
    ]


def _take_back(session: Session, now: datetime, actions: Sequence[int]) -> None:
    """Leave out what waits and is not true any more, or may not be known by its reader: at once, not at its turn."""
    for chunk in chunks(actions):
        about = and_(
            Message.subject_kind == queries.SUBJECT,
            Message.subject_id.in_(chunk),
            Message.state.in_(("waiting", "paused")),
            Message.kind.in_((queries.UPDATED, queries.SOON, queries.RESULT)),
        )
        for kind in session.scalars(select(Message.kind).where(about).distinct()).all():
            still = queries.still_tells() if kind == queries.RESULT else queries.may_still_write(now)
            end_messages(session, and_(about, Message.kind == kind, ~still), "skipped", NOT_SO, now)


def _tell_ended(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Tell everybody who took, opened or printed an action that it is stopped, on hold or closed; who took it first."""
    doer = current_work(session).actor.user_id
    for action, zone in queries.list_ended(session, cases):
        since = int(action.state_since.timestamp() * 1_000_000)
        readers = queries.list_acted(session, action, zone)
        recipients = _recipients(session, readers)
        plan_messages(
            session,
            [
                {
                    **_written(queries.STOPPED, f"{since}:{action.state}", action, recipients[reader.user_id], reader),
                    **({"cause": IN_GROUP} if reader.through_group else {}),
                    "tells": {
                        "state": action.state,
                        "wrote": reader.wrote,
                        "through_group": reader.through_group,
                        "reader_zone": reader.zone,
                    },
                    "due_at": now,
                    **({"state": "skipped", "reason": DID_IT} if reader.user_id == doer else {}),
                }
                for reader in readers
            ],
        )


def _tell_updates(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Tell those who wrote for what an update follows that there is one. What was opened in a page is told three
    minutes later, so that it can be put on hold before."""
    by_hand = current_work(session).actor.by_hand
    for action, zone in queries.list_updates(session, cases, now):
        readers = queries.list_wrote_before(session, action, zone)
        recipients = _recipients(session, readers)
        plan_messages(
            session,
            [
                {
                    **_written(queries.UPDATED, "update", action, recipients[reader.user_id], reader),
                    "cause": WROTE_BEFORE,
                    "tells": {"reader_zone": reader.zone},
                    "due_at": now + UNDO if by_hand else now,
                    "give_up_at": action.act_until_at,
                }
                for reader in readers
            ],
        )


def _tell_results(session: Session, now: datetime, cases: Sequence[int]) -> None:
    """Tell those who wrote, on their next morning, what became of it, as far as it is open to volunteers."""
    for action, entry_id, zone in queries.list_results(session, cases, now):
        readers = queries.list_wrote(session, action, zone)
        recipients = _recipients(session, readers)
        plan_messages(
            session,
            [
                {
                    **_written(queries.RESULT, str(entry_id), action, recipients[reader.user_id], reader),
                    "subject_rev": entry_id,
                    "tells": {"reader_zone": reader.zone},
                    "due_at": rules.next_morning(now, reader.zone),
                }
                for reader in readers
            ],
        )


def _recipients(session: Session, readers: Iterable[Reader]) -> Mapping[int, int]:
    """The recipients of these people, by account."""
    user_ids = sorted({reader.user_id for reader in readers})
    ensure_recipients(session, user_ids)
    found: dict[int, int] = {}
    for chunk in chunks(user_ids):
        rows = session.execute(select(Recipient.user_id, Recipient.id).where(Recipient.user_id.in_(chunk)))
        found.update((row.user_id, row.id) for row in rows)
    return found


def _written(kind: str, occasion: str, action: UrgentAction, recipient_id: int, reader: Reader) -> dict[str, Any]:
    return {
        "dedupe_key": f"{kind}:{action.id}:{occasion}:{recipient_id}",
        "kind": kind,
        "subject_kind": queries.SUBJECT,
        "subject_id": action.id,
        "subject_rev": action.version,
        "recipient_id": recipient_id,
        "cause": WROTE if reader.wrote else OPENED,
    }
