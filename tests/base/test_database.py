"""What the database holds is what was meant: instants, settings of connections, writers that wait for each other."""

import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask
from signed_in import make_desk
from sqlalchemy import String, Table, bindparam, cast, create_engine, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from tracker.accounts.models import Desk
from tracker.base.db import db, normalise_url, quick_checkout
from tracker.base.errors import Misconfigured
from tracker.base.together import execute_together
from tracker.base.work import COMMAND, current_work, short_transaction, unit_of_work


def test_an_instant_comes_back_as_itself_whatever_its_offset(app: Flask) -> None:
    at = datetime(2026, 4, 8, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    make_desk(now=at)
    db.session.expire_all()
    stored = db.session.scalars(select(Desk.created_at)).one()
    assert stored == at
    assert stored.tzinfo is UTC


def test_a_naive_instant_is_refused(app: Flask) -> None:
    with pytest.raises(StatementError, match="naive"):
        make_desk(now=datetime(2026, 4, 8, 9, 30))  # noqa: DTZ001  # the very mistake


def test_every_connection_is_set_up(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("pragmas are SQLite's")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15000, "secure_delete": 1}
    with db.engine.connect() as one, db.engine.connect() as other:
        for connection in (one, other):
            assert {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in wanted} == wanted


def test_no_increment_is_lost_between_writers(app: Flask) -> None:
    make_desk()
    faults: list[BaseException] = []

    def count_up() -> None:
        try:
            for _ in range(10):
                with app.app_context(), unit_of_work("count", COMMAND):
                    desk = db.session.scalars(select(Desk).with_for_update()).one()
                    desk.stale_low_days += 1
        except BaseException as fault:
            faults.append(fault)

    writers = [threading.Thread(target=count_up) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    db.session.rollback()
    assert db.session.scalars(select(Desk.stale_low_days)).one() == 100


def test_services_cannot_write_outside_a_unit_of_work(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="no unit of work"):
        current_work()


def test_units_of_work_do_not_nest(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="do not nest"), unit_of_work("one", COMMAND), unit_of_work("two", COMMAND):
        pass


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql://u@h:5433/db", "postgresql+psycopg://u@h:5433/db"),
        ("sqlite:////srv/tracker.db", "sqlite:////srv/tracker.db"),
    ],
)
def test_spellings_of_an_address(said: str, meant: str) -> None:
    assert normalise_url(said) == meant


@pytest.mark.parametrize("said", ["mysql://h/db", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_databases_are_refused_by_the_settings_name(said: str) -> None:
    with pytest.raises(Misconfigured, match="TRACKER_DATABASE_URL"):
        normalise_url(said)


def _at(session: Session, code: str) -> datetime:
    return session.scalars(select(Desk.created_at).where(Desk.code == code)).one()


def test_statements_sent_together_write_what_the_session_would_and_count_their_rows(app: Flask) -> None:
    for code in ("one", "two", "three"):
        make_desk(code)
    at = datetime(2026, 4, 8, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    table: Table = Desk.metadata.tables["desks"]
    instant = update(table).where(Desk.code == bindparam("of")).values(created_at=bindparam("at"))
    some = update(table).where(Desk.code.in_(["one", "two"])).values(created_at=at, stale_low_days=7)
    with short_transaction() as session:
        session.execute(update(Desk).where(Desk.code == "three").values(created_at=at))
        counts = execute_together(session, [(instant, {"of": "nobody", "at": at}), (some, {})])
    assert counts == [0, 2]
    session.expire_all()
    stored = [str(v) for v in session.scalars(select(cast(Desk.created_at, String))).all()]
    assert len(set(stored)) == 1
    # The same statement once more, with other values.
    with short_transaction() as session:
        assert execute_together(session, [(instant, {"of": "two", "at": at + timedelta(days=1)})]) == [1]
    assert _at(session, "two") == at + timedelta(days=1)
    assert _at(session, "one") == at


def test_a_fault_among_statements_sent_together_leaves_nothing_of_them(app: Flask) -> None:
    make_desk("one")
    make_desk("two")
    table: Table = Desk.metadata.tables["desks"]
    days = update(table).where(Desk.code == "one").values(stale_low_days=bindparam("days"))
    same = update(table).where(Desk.code == "one").values(code=bindparam("named"))
    with pytest.raises(IntegrityError), short_transaction() as session:
        execute_together(session, [(days, {"days": 3}), (same, {"named": "two"}), (days, {"days": 4})])
    assert db.session.scalars(select(Desk.stale_low_days).where(Desk.code == "one")).one() == 60
    with short_transaction() as session:
        assert execute_together(session, [(days, {"days": 5})]) == [1]
    assert db.session.scalars(select(Desk.stale_low_days).where(Desk.code == "one")).one() == 5


def _held_ready(session: Session) -> set[str]:
    held = text("SELECT name FROM pg_prepared_statements WHERE name LIKE 'together%'")
    return set(session.scalars(held))


def test_the_server_holds_statements_ready_until_a_rollback_and_then_anew(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("a file holds nothing ready")
    make_desk("one")
    table: Table = Desk.metadata.tables["desks"]
    days = update(table).where(Desk.code == "one").values(stale_low_days=bindparam("days"))
    others = update(table).where(Desk.code != "one").values(stale_low_days=bindparam("days"))
    held = []
    for turn in range(3):
        with short_transaction() as session:
            assert execute_together(session, [(days, {"days": turn}), (others, {"days": turn})]) == [1, 0]
            held.append(_held_ready(session))
    assert [len(names) for names in held] == [2, 2, 2]
    assert held[0] == held[1] == held[2]
    # The driver prepares something, too, and at a rollback has the server let go of everything.
    raw = db.session.connection().connection.driver_connection
    assert raw is not None
    raw.execute("SELECT 1", prepare=True)
    db.session.rollback()
    with short_transaction() as session:
        assert execute_together(session, [(days, {"days": 7})]) == [1]
        assert len(_held_ready(session)) == 1
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            raise ZeroDivisionError
        assert execute_together(session, [(days, {"days": 8})]) == [1]
    assert db.session.scalars(select(Desk.stale_low_days).where(Desk.code == "one")).one() == 8


def _hang_up() -> None:
    """End every other connection to the test's database."""
    with create_engine(db.engine.url, poolclass=NullPool).connect() as beside:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
        beside.execute(text(f"{ended}current_database()"))


def test_a_connection_lost_under_statements_sent_together_is_a_fault_and_the_next_try_gets_another(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("a file hangs up on nobody")
    make_desk("one")
    table: Table = Desk.metadata.tables["desks"]
    days = update(table).where(Desk.code == "one").values(stale_low_days=bindparam("days"))
    with short_transaction() as session:
        execute_together(session, [(days, {"days": 3})])
        _hang_up()
        with pytest.raises(OperationalError) as told:
            execute_together(session, [(days, {"days": 4}), (days, {"days": 5})])
        session.rollback()
    assert told.value.connection_invalidated
    with short_transaction() as session, quick_checkout():
        assert execute_together(session, [(days, {"days": 6})]) == [1]


def test_only_who_asks_for_it_gets_a_connection_that_was_not_tried_first(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("a file hangs up on nobody")
    make_desk("one")
    for hold, faults in ((nullcontext, 0), (quick_checkout, 1)):
        with short_transaction() as session:
            session.execute(text("SELECT 1"))
        _hang_up()
        told = 0
        with hold():
            try:
                with short_transaction() as session:
                    session.execute(text("SELECT 1"))
            except OperationalError:
                told += 1
            # A lost one is not taken again.
            with short_transaction() as session:
                session.execute(text("SELECT 1"))
        assert told == faults
