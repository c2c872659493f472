"""What pages cost: the same number of statements however long the timeline and however many the cases."""

import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Any

import pytest
from house_of_cases import NOW, ZONE, Browser, Lived, statements
from sqlalchemy import event, func, insert, select, text

from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.db import db
from tracker.cases.models import Case, CaseFace, Involvement
from tracker.hearings.rules import on_day
from tracker.timeline.models import Entry, EntryState


def copy_case(case: Case, count: int, **more: Any) -> None:
    """So many more cases like this one, with their faces and their person."""
    db.session.rollback()
    row = db.session.execute(select(Case.__table__).where(Case.id == case.id)).mappings().one()
    faces = db.session.execute(select(CaseFace.__table__).where(CaseFace.case_id == case.id)).mappings().all()
    involved = db.session.execute(select(Involvement.__table__).where(Involvement.case_id == case.id)).mappings().one()
    first = (db.session.scalar(select(func.max(Case.id))) or 0) + 10_000
    numbers = range(first, first + count)
    refs = {n: f"IOPT-{n}" for n in numbers}
    db.session.execute(
        insert(Case.__table__),
        [{**row, **more, "id": n, "ref": refs[n], "public_id": new_public_id()} for n in numbers],
    )
    db.session.execute(
        insert(CaseFace.__table__), [{**f, "case_id": n, "ref_sort": refs[n]} for n in numbers for f in faces]
    )
    db.session.execute(insert(Involvement.__table__), [{**involved, "id": n, "case_id": n} for n in numbers])
    db.session.commit()


def copy_entry(entry: Entry, count: int) -> None:
    """So many more entries like this one in its case."""
    db.session.rollback()
    row = db.session.execute(select(Entry.__table__).where(Entry.id == entry.id)).mappings().one()
    state = db.session.execute(select(EntryState.__table__).where(EntryState.entry_id == entry.id)).mappings().one()
    first = (db.session.scalar(select(func.max(Entry.id))) or 0) + 10_000
    numbers = range(first, first + count)
    db.session.execute(insert(Entry.__table__), [{**row, "id": n, "public_id": new_public_id()} for n in numbers])
    db.session.execute(insert(EntryState.__table__), [{**state, "entry_id": n} for n in numbers])
    db.session.commit()


def asked_by(browser: Browser, address: str) -> list[str]:
    """The statements that a page asks, once everything is warm."""
    assert browser.get(address).status_code == 200
    with statements() as counted:
        assert browser.get(address).status_code == 200
    return counted.said


def test_a_case_file_costs_the_same_with_10_and_with_200_entries(lived: Lived) -> None:
    case = lived.case()
    lived.hearing(case)
    entry = lived.tell(case, "case.news", sourced=True, persons=[lived.person(case)])
    copy_entry(entry, 8)
    browser = lived.browser(lived.owner)
    few = asked_by(browser, f"/cases/{case.ref}")
    copy_entry(entry, 190)
    many = asked_by(browser, f"/cases/{case.ref}")
    assert len(many) == len(few), "\n\n".join(set(many) - set(few))
    assert len(few) <= 8, "\n\n".join(few)


@pytest.mark.parametrize("who", ["owner", "volunteer"])
def test_a_list_costs_the_same_at_100_and_at_2000_cases(lived: Lived, who: str) -> None:
    case = lived.case(audience=Audience.VOLUNTEERS)
    lived.hearing(case, audience=Audience.VOLUNTEERS)
    copy_case(case, 99)
    browser = lived.browser(getattr(lived, who))
    few = {address: asked_by(browser, address) for address in ("/cases", "/cases?sort=next", "/")}
    assert browser.get("/cases").text.count('class="row-title"') == 50
    copy_case(case, 1900)
    for address, before in few.items():
        after = asked_by(browser, address)
        assert len(after) == len(before), address
    assert len(few["/cases"]) <= 5, "\n\n".join(few["/cases"])


def plan_of(said: str, parameters: Any) -> str:
    """How the database answers a statement."""
    word = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "
    with db.engine.connect() as connection:
        rows: Sequence[Any] = connection.exec_driver_sql(word + said, parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


def test_a_list_is_answered_by_the_index_of_faces(lived: Lived) -> None:
    case = lived.case()
    copy_case(case, 20_000, owner_id=None)
    with db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    browser = lived.browser(lived.owner)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        browser.get("/cases")
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    lists = [(said, given) for said, given in asked if "FROM case_faces" in said and "UNION ALL" in said]
    assert lists, "the list was not asked"
    for said, given in lists:
        plan = plan_of(said, given)
        assert "ix_case_faces_" in plan, plan
        assert not re.search(r"Seq Scan on cases|SCAN cases(?! USING)", plan), plan


def test_nothing_is_asked_row_by_row_on_today(lived: Lived) -> None:
    browser = lived.browser(lived.owner, NOW)
    costs = []
    for _round in range(3):
        for _number in range(3):
            case = lived.case()
            lived.hearing(case, when=on_day(ZONE, date(2024, 3, 18), time(16, 0)), now=NOW - timedelta(hours=3))
        costs.append(len(asked_by(browser, "/")))
    assert costs[1] == costs[2]
