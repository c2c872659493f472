"""What a tick costs: statements counted, and every one of them answered by an index however many cases there are."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from house_of_flags import House, at
from sqlalchemy import event, insert, text, update

from tracker.accounts.models import User
from tracker.agenda.models import AgendaItem
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.flags.kinds import finders
from tracker.flags.sweep import clearing, look, sweep, sweep_flags
from tracker.outbox.models import Recipient

NOW = at("2024-04-05T07:00Z")

#: Enough that no planner takes the whole table for the shortest way.
MANY = 20_000

#: A whole table walked through, as each engine says it.
WALKS = re.compile(r"^SCAN (cases|agenda_items|flags|held)\b(?!.*USING)|Seq Scan on (cases|agenda_items)\b")


def fill(house: House) -> None:
    """Many cases of which few need anybody: one in a hundred is stale or unowned, or has a hearing soon or passed."""
    chance = random.Random(1)
    owners = [1000 + n for n in range(MANY // 40)]
    keeper = {"email": "k@example.org", "name": "K", "password": "", "role": "staff", "created_at": NOW}
    day = timedelta(days=1)
    cases: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for number in range(1, MANY + 1):
        needy = number % 100 == 0
        cases.append(
            {
                "id": number,
                "ref": f"IOPT-{number}",
                "public_id": str(number),
                "nickname": "Cedar",
                "title": "A case",
                "summary": "",
                "desk_id": house.desk.id,
                "stage": chance.choice(["open", "open", "monitoring", "closed"]),
                "risk": "low",
                "audience": Audience.DESK,
                "created_at": NOW - 90 * day,
                "owner_id": None if needy else chance.choice(owners),
                "stale_at": NOW + (-1 if needy else 1) * chance.random() * 50 * day,
                "stale_grace_working_days": 0,
                "version": 1,
            }
        )
        ahead = chance.uniform(-3, 3) if needy else chance.uniform(20, 700) * chance.choice([-1, 1])
        starts_at = NOW + ahead * day
        items.append(
            {
                "kind": "hearing",
                "subject_id": number,
                "rev": 1,
                "case_id": number,
                "lead_kind": "hearing",
                "audience": Audience.DESK,
                "zone": "Asia/Jerusalem",
                "local_date": starts_at.date(),
                "starts_at": starts_at,
                "outcome_due_at": starts_at + day,
                "remind_until": starts_at,
                "certainty": "confirmed",
                "state": "scheduled" if needy or ahead > 0 else "took_place",
            }
        )
    with unit_of_work("fill", COMMAND):
        db.session.execute(
            insert(User), [{**keeper, "id": n, "email_key": f"{n}", "fs_uniquifier": f"{n}"} for n in owners]
        )
        db.session.execute(insert(Recipient), [{"user_id": n, "suppressed_at": None} for n in owners])
        db.session.execute(update(Recipient).where(Recipient.user_id == owners[0]).values(suppressed_at=NOW))
        db.session.execute(insert(Case), cases)
        db.session.execute(insert(AgendaItem), items)


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are run inside, with their parameters."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        said.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def plan(statement: str, parameters: Any) -> list[str]:
    """How the database goes about a statement, step by step."""
    on_sqlite = db.engine.dialect.name == "sqlite"
    ask = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
    rows = db.session.connection().exec_driver_sql(ask + statement, parameters).all()
    return [row[3] if on_sqlite else row[0].strip() for row in rows]


def walks(said: list[tuple[str, Any]]) -> list[str]:
    """The steps that walk through a whole table."""
    asked = [(s, p) for s, p in said if s.split(None, 1)[0] in ("SELECT", "INSERT", "UPDATE")]
    return [step for statement, parameters in asked for step in plan(statement, parameters) if WALKS.search(step)]


@pytest.mark.slow
def test_a_tick_among_many_cases_is_answered_by_indexes(house: House) -> None:
    fill(house)
    with unit_of_work("flags.sweep", COMMAND, now=NOW):
        found = sweep(db.session(), NOW)
    assert found.raised > 300
    for statistics in (False, True):
        if statistics:
            with db.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        elif db.engine.dialect.name == "postgresql":
            # Its statistics are made by autovacuum within a minute; before that it guesses.
            continue
        with statements() as said:
            assert sweep_flags(NOW) == {"raised": 0, "cleared": 0, "open": found.open}
        assert walks(said) == []
        with statements() as said:
            assert look(db.session(), NOW, [100]).settled
        assert walks(said) == []
        for code in finders.codes():
            with statements() as said:
                db.session.execute(clearing(code, NOW, None, None), {"today_there": '{"Asia/Jerusalem":"2024-04-05"}'})
            assert walks(said) == [], code
        db.session.rollback()


def test_the_flags_of_one_case_are_compared_in_two_statements(house: House) -> None:
    case = house.case()
    house.hearing(case, "2024-04-20", "09:30")
    look(db.session(), NOW, [case.id])
    with statements() as said:
        look(db.session(), NOW, [case.id])
    assert len([s for s, _parameters in said if not s.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))]) == 2


def test_a_tick_with_nothing_to_do_asks_the_same_whatever_there_is(house: House) -> None:
    counts = []
    for _ in range(2):
        for _ in range(5):
            house.hearing(house.case(owner_id=None), "2024-04-08", "09:30")
        sweep_flags(NOW)
        with statements() as said:
            sweep_flags(NOW)
        counts.append(len(said))
    assert counts[0] == counts[1]
