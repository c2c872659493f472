"""Planning who is asked what became of a hearing, and whether a date is known: a function of (stored rows, `now`).

A question is written down when it falls due, to whoever stands in line then: somebody may be away by that morning, or
keep the case no longer. That somebody has said what happened takes back what waits, in the same unit of work.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk
from tracker.agenda.models import OPEN_STATE
from tracker.agenda.service import chunks
from tracker.asking import queries, rules
from tracker.asking.queries import Lines, Person
from tracker.base.dates import name_of_week, week_began
from tracker.base.db import db
from tracker.base.sentences import on_record
from tracker.base.work import CLOCK, settles, unit_of_work
from tracker.clockwork.kinds import clock_step
from tracker.outbox.models import Message
from tracker.outbox.service import cancel_messages, end_messages, plan_messages

#: The message kinds planned here.
OUTCOME, DATE = "hearing.outcome_asked", "hearing.date_asked"

#: Why a question is taken back or left out, in words for staff.
ANSWERED = on_record("somebody said what happened")
IS_OFF, MOVED, CASE_CLOSED = (
    on_record("the hearing is off"),
    on_record("the hearing moved"),
    on_record("the case is not in hand"),
)
ASKED_LATER, MISSED = (
    on_record("a later question asks it"),
    on_record("missed while the clock stood still; a later question asks it"),
)

#: Ends of a question that is not asked again as the same step: everything but these says that nobody was asked.
_STOOD_FOR = (ASKED_LATER, MISSED)

#: How far on either side of a desk's week its readers' weeks begin.
ZONES_APART = timedelta(hours=26)


@settles("plan")
def settle_questions(session: Session, now: datetime, cases: Sequence[int] | None) -> None:
    """Take back the questions that an act on these cases has answered."""
    _take_back(session, now, cases)


@clock_step("asking.plan", every=timedelta(seconds=60), turn="plan")
def plan_step(now: datetime) -> Mapping[str, int]:
    """Plan the questions that have come due, and take back those that need no answer any more. Answers {"asked",
    "cancelled"}."""
    with unit_of_work("asking.plan", CLOCK, now=now):
        return plan(db.session(), now)


def plan(session: Session, now: datetime) -> dict[str, int]:
    """Bring the questions up to date at `now`, inside the caller's unit of work. Returns {"asked": questions newly to
    be sent, "cancelled": waiting ones taken back or overtaken}. With nothing to ask it costs four indexed
    statements."""
    cancelled = _take_back(session, now, None)
    asked = _ask_outcomes(session, now) + _ask_dates(session, now)
    return {"asked": asked, "cancelled": cancelled + _overtake(session, now)}


def _take_back(session: Session, now: datetime, cases: Sequence[int] | None) -> int:
    taken: dict[str, list[int]] = {}
    for row in queries.list_waiting(session, (OUTCOME, DATE), cases):
        if row.state == "cancelled":
            reason = IS_OFF
        elif row.state != OPEN_STATE:
            reason = ANSWERED
        elif not row.current:
            reason = MOVED
        elif not row.in_hand:
            reason = CASE_CLOSED
        else:
            continue
        taken.setdefault(reason, []).append(row.id)
    return sum(
        cancel_messages(session, Message.id.in_(chunk), reason, now)
        for reason, ids in taken.items()
        for chunk in chunks(ids)
    )


def _overtake(session: Session, now: datetime) -> int:
    """Of questions of one hearing that could not leave for long, only the last goes out."""
    overdue = and_(Message.kind.in_((OUTCOME, DATE)), Message.state == "waiting", queries.overtaken(now))
    return end_messages(session, overdue, "skipped", ASKED_LATER, now)


# What is written ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Question:
    """One question about one hearing to one person, for one or several cases."""

    row: Any
    person: Person
    cause: str
    step: rules.Step
    gives_up_at: datetime
    then: list[tuple[str, datetime]]
    missed: tuple[rules.Step, ...] = ()
    cases: set[int] = field(default_factory=set)


def _written(question: _Question, kind: str, name: str, step: rules.Step | None = None) -> dict[str, Any]:
    row, person, of = question.row, question.person, step or question.step
    return {
        "dedupe_key": f"{kind}:{row.subject_id}:{row.rev}:{name}:{person.recipient_id}",
        "kind": kind,
        "subject_kind": queries.SUBJECT,
        "subject_id": row.subject_id,
        "subject_rev": row.rev,
        "recipient_id": person.recipient_id,
        "cause": question.cause,
        "tells": {
            "step": name,
            "cases": sorted(question.cases),
            "reader_zone": person.zone,
            "then": [[who, at.isoformat()] for who, at in question.then],
        },
        "due_at": of.due_at,
        "give_up_at": question.gives_up_at,
        **({"state": "skipped", "reason": MISSED} if step else {}),
    }


# What happened? -------------------------------------------------------------------------------------------------------


def _ask_outcomes(session: Session, now: datetime) -> int:
    due = [(row, steps) for row in queries.list_passed(session, now) if (steps := _steps(row))[0].due_at <= now]
    if not due:
        return 0
    asked = _asked(session, [row.subject_id for row, _steps in due])
    wanted = []
    for row, steps in due:
        covered, reached = asked.get((row.subject_id, row.rev, row.case_id), (set(), set()))
        ask = rules.ask_now(steps, now, covered)
        if ask is not None:
            wanted.append((row, steps, ask, reached))
    if not wanted:
        return 0
    lines = Lines(session, [row for row, *_about in wanted], now)
    questions: dict[tuple[int, int], _Question] = {}
    for row, steps, ask, reached in wanted:
        line = lines.of(row)
        standing = [[person.recipient_id for person, _cause in rung] for rung in line]
        rung = rules.rung_of(ask.step, standing, reached)
        if rung >= len(line):
            continue
        following = rules.follows(steps, ask.step, standing, reached)
        gives_up_at = rules.gives_up_at(steps, ask.step, following)
        for person, cause in line[rung]:
            then = _then(following, line, person)
            _join(questions, _Question(row, person, cause, ask.step, gives_up_at, then, ask.missed))
    written = [_written(q, OUTCOME, q.step.code) for q in questions.values()]
    missed = [_written(q, OUTCOME, step.code, step) for q in questions.values() for step in q.missed]
    plan_messages(session, missed)
    return plan_messages(session, written)


def _join(questions: dict[tuple[int, int], _Question], question: _Question) -> None:
    """One question about a hearing to one person, for all of their cases at it: the one furthest on."""
    key = (question.row.subject_id, question.person.recipient_id)
    held = questions.get(key)
    if held is None or question.step.due_at > held.step.due_at:
        questions[key] = question
    if held is not None:
        questions[key].cases |= held.cases
    questions[key].cases.add(question.row.case_id)


def _steps(row: Any) -> tuple[rules.Step, ...]:
    sitting = rules.Sitting(row.local_date or row.latest_on, row.zone, row.starts_at if row.local_time else None)
    owner, deputy = row.owner_zone or row.desk_zone, row.deputy_zone or row.desk_zone
    clocks = rules.Clocks(owner, deputy, row.desk_zone, tuple(row.working_days))
    return rules.steps_of(sitting, clocks, row.risk)


def _asked(session: Session, hearing_ids: Iterable[int]) -> dict[tuple[int, int, int], tuple[set[str], set[int]]]:
    """What was asked so far by (hearing, version, case): steps that are out or stood for, and recipients asked."""
    found: dict[tuple[int, int, int], tuple[set[str], set[int]]] = {}
    for row in queries.list_questions(session, OUTCOME, sorted(set(hearing_ids))):
        nobody_asked = row.state in ("skipped", "cancelled")
        if nobody_asked and row.reason not in _STOOD_FOR:
            continue
        for case_id in row.tells["cases"]:
            covered, reached = found.setdefault((row.subject_id, row.subject_rev, case_id), (set(), set()))
            covered.add(row.tells["step"])
            if row.reason != MISSED:
                reached.add(row.recipient_id)
    return found


def _then(
    following: Sequence[tuple[rules.Step, int]], line: Sequence[Sequence[tuple[Person, str]]], reader: Person
) -> list[tuple[str, datetime]]:
    """Who is asked next and when, as things stand: `you` or who they are to the case."""
    firsts = [(step, *line[rung][0]) for step, rung in following]
    return [("you" if person == reader else cause, step.due_at) for step, person, cause in firsts]


# Is the date known? ---------------------------------------------------------------------------------------------------


def _ask_dates(session: Session, now: datetime) -> int:
    """Once a week, when the desk's week begins, whoever comes first in line is asked for dates that are not known.
    What somebody has recorded since about a hearing of that case is answer enough for this week."""
    desks = [
        desk.id
        for desk in session.execute(select(Desk.id, Desk.zone, Desk.working_days))
        if now - week_began(now + ZONES_APART, desk.zone, desk.working_days) < rules.WEEKLY_LATE + ZONES_APART
    ]
    rows = queries.list_without_day(session, now, desks) if desks else ()
    if not rows:
        return 0
    asked = {
        (row.subject_id, row.subject_rev, case_id, row.tells["step"])
        for row in queries.list_questions(session, DATE, sorted({row.subject_id for row in rows}))
        if row.state not in ("skipped", "cancelled") or row.reason in _STOOD_FOR
        for case_id in row.tells["cases"]
    }
    lines = Lines(session, rows, now)
    questions: dict[tuple[int, int], _Question] = {}
    for row in rows:
        for person, cause in (lines.of(row) or ((),))[0]:
            began = week_began(now, person.zone, row.working_days)
            week = name_of_week(began, person.zone)
            since = row.told_at is not None and row.told_at > began
            if since or now - began >= rules.WEEKLY_LATE or (row.subject_id, row.rev, row.case_id, week) in asked:
                continue
            step = rules.Step(week, 0, began)
            _join(questions, _Question(row, person, cause, step, began + rules.WEEKLY_WAITS, []))
    return plan_messages(session, [_written(q, DATE, q.step.code) for q in questions.values()])
