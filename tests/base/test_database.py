"""What the database holds is what was meant: instants, settings of connections, writers that wait for each other."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask
from signed_in import make_desk
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from tracker.accounts.models import Desk
from tracker.base.db import db, normalise_url
from tracker.base.errors import Misconfigured
from tracker.base.work import COMMAND, current_work, unit_of_work


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
