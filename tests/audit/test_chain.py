"""The audit: one act per unit of work, in its transaction, chained, sealed, and never forked."""

import json
import threading

import pytest
from flask import Flask
from signed_in import make_desk
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from tracker.accounts.models import Desk
from tracker.accounts.service import change_desk
from tracker.audit.models import Act, ChainHead
from tracker.audit.service import ORIGIN, act_hash
from tracker.base.db import db
from tracker.base.work import CLOCK, COMMAND, Actor, Work, unit_of_work, writes_audit


def chain() -> list[Act]:
    """All acts, in their order."""
    db.session.rollback()
    return list(db.session.scalars(select(Act).order_by(Act.seq)))


def test_it_works(app: Flask) -> None:
    make_desk()
    make_desk("mena", "Elsewhere", ("EG",), "Africa/Cairo")
    first, second = chain()
    assert (first.seq, first.prev_hash) == (1, ORIGIN)
    assert (second.seq, second.prev_hash) == (2, first.hash)
    assert [act_hash(act, app.extensions["sealer"]) for act in (first, second)] == [first.hash, second.hash]
    head = db.session.scalars(select(ChainHead)).one()
    assert (head.seq, head.hash) == (2, second.hash)


def test_differences_are_sealed_and_open_with_the_key(app: Flask) -> None:
    desk = make_desk()
    with unit_of_work("desks.change", COMMAND) as now:
        change_desk(
            db.session(),
            desk.code,
            version=1,
            thresholds={"stale_low_days": 61},
            working_days=desk.working_days,
            now=now,
        )
    act = chain()[-1]
    assert "stale_low_days" not in act.changes_sealed
    opened = app.extensions["sealer"].unseal_for(db.session(), "house", act.changes_sealed, f"acts|{act.seq}|changes")
    fields = {name: values for change in json.loads(opened) for name, values in change["fields"].items()}
    assert fields["stale_low_days"] == [60, 61]


def test_the_clock_leaves_no_row_where_it_changed_nothing(app: Flask) -> None:
    with unit_of_work("nothing", CLOCK):
        pass
    assert chain() == []


def test_what_a_person_does_leaves_a_row_even_where_nothing_changed(app: Flask) -> None:
    for actor in (COMMAND, Actor("user", 7, "Amal"), Actor("link", 7, "stop link")):
        with unit_of_work("nothing", actor):
            pass
    assert [(act.act, act.actor_kind, act.case_id) for act in chain()] == [
        ("nothing", "command", None),
        ("nothing", "user", None),
        ("nothing", "link", None),
    ]


def test_no_act_without_its_record(app: Flask) -> None:
    """A fault in the audit undoes the act."""

    def fails(_session: object, _work: Work) -> None:
        raise RuntimeError("the audit cannot be written")

    from tracker.audit.service import write_act

    writes_audit(fails)
    try:
        with pytest.raises(RuntimeError, match="cannot be written"):
            make_desk()
    finally:
        writes_audit(write_act)
    db.session.rollback()
    assert db.session.scalars(select(Desk)).all() == []


def test_a_refused_act_leaves_neither_row_nor_record(app: Flask) -> None:

    def half() -> None:
        with unit_of_work("desks.add", COMMAND) as now:
            db.session.add(Desk(code="half", name="Half", zone="UTC", created_at=now))
            db.session.flush()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        half()
    assert chain() == []
    assert db.session.scalars(select(Desk)).all() == []


@pytest.mark.parametrize("statement", ["UPDATE acts SET act = 'x'", "DELETE FROM acts"])
def test_the_past_is_not_rewritten(app: Flask, statement: str) -> None:
    make_desk()
    db.session.rollback()
    with pytest.raises(DatabaseError, match="append-only"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_many_writers_make_one_chain(app: Flask) -> None:
    faults: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with app.app_context():
                make_desk(f"d{number}", f"Desk {number}")
        except BaseException as fault:
            faults.append(fault)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    acts = chain()
    assert [act.seq for act in acts] == list(range(1, 9))
    assert [act.prev_hash for act in acts] == [ORIGIN, *(act.hash for act in acts[:-1])]
