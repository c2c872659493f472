"""F8, F9, F10: the database is locked, is full, is killed. Whatever cannot be written down does not leave."""

import os
import pwd
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import Postgres
from house_of_faults import FaultTable, judge
from outbox_ground import NOW, Outbox
from psycopg import sql
from raw_relay import RawRelay
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from zygote import Zygote

from tracker.base import failpoints
from tracker.base.db import WRITES, db
from tracker.base.house import write_fact
from tracker.base.work import short_transaction
from tracker.outbox import deliver as delivering

#: Long enough that every wait is over.
LATER = (timedelta(minutes=1), timedelta(minutes=12), timedelta(minutes=30))


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Insisting on a database that is away takes half a minute; here, less."""
    monkeypatch.setattr(delivering, "INSIST", (0.1, 0.2))


def recovered(outbox: Outbox, relay: RawRelay) -> Any:
    """Everything works again: what becomes of the mails."""
    # Leases of a process that lives go by themselves.
    outbox.write_beside(text("UPDATE envelopes SET lease_until = NULL WHERE state = 'sending'"))
    for span in LATER:
        outbox.deliver(NOW + span)
    return judge(outbox.engine, relay.copies())


# Locked ---------------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
@pytest.mark.parametrize("point", ["after_claim", "after_rcpt", "after_mark", "after_data"])
def test_locked_between_two_steps_of_a_send(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch, fault_table: FaultTable, point: str
) -> None:
    """Another process takes the lock at this step and keeps it for twice as long as anybody waits."""
    outbox.plan(1, 2)
    patience(outbox, 0.2)

    def lock() -> None:
        taken = threading.Event()

        def hold() -> None:
            with outbox.app.app_context(), db.engine.connect().execution_options(**{WRITES: True}) as locker:
                locker.begin()
                taken.set()
                time.sleep(0.4)
                locker.rollback()

        threading.Thread(target=hold).start()
        taken.wait()

    once_at(monkeypatch, point, lock)
    try:
        outbox.deliver()
    except OperationalError:
        time.sleep(0.4)
    verdict = fault_table.add(f"database locked: {point}", recovered(outbox, relay))
    assert (verdict.states, verdict.doubled, verdict.lost) == ({"sent": 2}, 0, 0)


def patience(outbox: Outbox, seconds: float) -> None:
    """How long this process waits for a lock from now on."""

    def wait_less(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

    event.listen(outbox.engine, "checkout", wait_less)


def once_at(monkeypatch: pytest.MonkeyPatch, wanted: str, do: Callable[[], None]) -> None:
    """Do something when a delivery first comes by a step."""
    left = [do]

    def passed(name: str) -> None:
        if name == wanted and left:
            left.pop()()

    monkeypatch.setattr(failpoints, "point", passed)


def test_many_processes_write_the_same_new_fact_at_once(outbox: Outbox) -> None:
    """Found by four deliverers that began together: the second to say that the relay works failed."""
    together = threading.Barrier(6)
    faults: list[BaseException] = []

    def say(number: int) -> None:
        with outbox.app.app_context():
            try:
                for turn in range(5):
                    together.wait(30)
                    with short_transaction() as session:
                        write_fact(session, f"of all {turn}", str(number))
            except BaseException as fault:
                faults.append(fault)
                together.abort()

    threads = [threading.Thread(target=say, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


# Full -----------------------------------------------------------------------------------------------------------------


@pytest.mark.one_engine
@pytest.mark.parametrize("point", ["after_claim", "after_rcpt", "after_mark", "after_data"])
def test_a_full_disk_lets_nothing_leave_that_was_not_written_down(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch, fault_table: FaultTable, point: str
) -> None:
    outbox.plan(*range(12), tells={"text": "a note " * 300})
    pages: list[int] = []

    def fill(connection: Any, _record: Any, _proxy: Any) -> None:
        if pages:
            connection.execute(f"PRAGMA max_page_count={pages[0]}")

    event.listen(outbox.engine, "checkout", fill)

    def full() -> None:
        # Not a page more, and what is free is taken: every write that needs one fails from here on.
        with outbox.engine.connect() as connection:
            pages.append(int(connection.exec_driver_sql("PRAGMA page_count").scalar() or 0))
        with outbox.engine.connect().execution_options(**{WRITES: True}) as eater, eater.begin():
            eater.exec_driver_sql("CREATE TABLE eater (bytes BLOB)")
        with outbox.engine.connect().execution_options(**{WRITES: True}) as eater:
            for size in (100_000, 10_000, 3000, 1000, 300):
                while True:
                    try:
                        with eater.begin():
                            eater.exec_driver_sql("INSERT INTO eater VALUES (zeroblob(?))", (size,))
                    except OperationalError:
                        break

    def try_full() -> None:
        try:
            full()
        except OperationalError:
            return

    once_at(monkeypatch, point, try_full)
    failed = ""
    try:
        outbox.deliver()
    except OperationalError as fault:
        failed = str(fault.orig)
    marked = outbox.attempts()
    pages[:] = [1_000_000]
    with outbox.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    verdict = fault_table.add(f"disk full: {point}", recovered(outbox, relay))
    assert verdict.lost == 0
    assert verdict.states == {"sent": 12}
    # A copy more only of what had left already when its end could not be written.
    assert verdict.doubled <= (1 if point in ("after_mark", "after_data") else 0), (failed, marked)


@pytest.mark.one_engine
def test_a_log_that_cannot_grow_lets_nothing_leave_that_was_not_written_down(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, fault_table: FaultTable
) -> None:
    """No file of the process may grow beyond so many bytes: the write-ahead log stops it sooner or later."""
    outbox.plan(*range(6))
    sets = {"tracker.outbox.deliver:INSIST": [0.05], "tracker.base.db:BUSY_TIMEOUT_MS": 500}
    failed = 0
    for kilobytes in (0, 8, 24, 48, 64, 80, 96, 112, 128, 160):
        outbox.engine.dispose()
        with outbox.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        life = zygote.start("deliver", outbox.env, NOW, file_bytes=kilobytes * 1024 + 1, sets=sets)
        failed += life.wait() != 0
        assert max(relay.copies().values(), default=0) <= 1
    assert failed
    verdict = fault_table.add("write-ahead log cannot grow", recovered(outbox, relay), failed)
    assert (verdict.lost, sum(verdict.states.values())) == (0, 6)
    assert set(verdict.states) <= {"sent", "may_have_arrived", "not_delivered"}


@pytest.fixture
def small_disk(outbox: Outbox, request: pytest.FixtureRequest) -> Iterator[None]:
    """The tables of the outbox lie on a disk of two megabytes of their own."""
    server: Postgres = request.getfixturevalue("postgres")
    if not server.is_ours or os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root on Linux can give a server of ours a small disk")
    folder = Path(tempfile.mkdtemp(prefix="tracker-small-"))
    options = f"size=2m,mode=0700,uid={pwd.getpwnam('nobody').pw_uid}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        server.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(folder))))
        try:
            _lie_in(outbox, "small")
            yield
        finally:
            db.session.rollback()
            with outbox.engine.begin() as connection:
                connection.exec_driver_sql("DROP TABLE IF EXISTS eater")
            _lie_in(outbox, "pg_default")
            server.execute(sql.SQL("DROP TABLESPACE small"))
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def _lie_in(outbox: Outbox, space: str) -> None:
    with outbox.engine.begin() as connection:
        for table in ("messages", "envelopes", "attempts"):
            connection.exec_driver_sql(f"ALTER TABLE {table} SET TABLESPACE {space}")


@pytest.mark.only_postgres
@pytest.mark.parametrize("point", ["after_claim", "after_rcpt", "after_mark", "after_data"])
def test_a_full_disk_under_postgresql_lets_nothing_leave_that_was_not_written_down(
    outbox: Outbox,
    relay: RawRelay,
    small_disk: None,
    monkeypatch: pytest.MonkeyPatch,
    fault_table: FaultTable,
    point: str,
) -> None:
    # As large as fits: so that what is changed needs another page.
    outbox.plan(*range(12), tells={"text": secrets.token_hex(900)})

    def full() -> None:
        with outbox.engine.connect() as eater:
            eater.exec_driver_sql("CREATE TABLE eater (bytes TEXT) TABLESPACE small")
            eater.commit()
            while True:
                try:
                    eater.exec_driver_sql("INSERT INTO eater VALUES (repeat('x', 7000))")
                    eater.commit()
                except OperationalError:
                    eater.rollback()
                    return

    once_at(monkeypatch, point, full)
    with pytest.raises(OperationalError) as told:
        outbox.deliver()
    assert getattr(told.value.orig, "sqlstate", "") == "53100"
    assert max(relay.copies().values(), default=0) <= 1
    db.session.rollback()
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE eater")
    verdict = fault_table.add(f"disk full: {point}", recovered(outbox, relay))
    assert (verdict.states, verdict.lost) == ({"sent": 12}, 0)
    # A copy more only of what had left already when its end could not be written.
    assert verdict.doubled <= 1


# Killed ---------------------------------------------------------------------------------------------------------------


@pytest.mark.only_postgres
@pytest.mark.parametrize("point", ["in_claim", "after_claim", "after_rcpt", "in_mark", "after_mark", "in_settle"])
def test_a_connection_that_is_ended_at_a_step(
    outbox: Outbox, relay: RawRelay, monkeypatch: pytest.MonkeyPatch, fault_table: FaultTable, point: str
) -> None:
    outbox.plan(1, 2, 3)
    end = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    once_at(monkeypatch, point, lambda: outbox.write_beside(end))
    try:
        outbox.deliver()
    except DBAPIError:
        db.session.rollback()
    verdict = fault_table.add(f"connection ended: {point}", recovered(outbox, relay))
    assert (verdict.states, verdict.lost) == ({"sent": 3}, 0)
    assert verdict.doubled <= (1 if point == "in_settle" else 0)


@pytest.mark.only_postgres
def test_a_server_that_hangs_up_while_the_relay_takes_its_time_is_nobodys_failure(
    outbox: Outbox, relay: RawRelay, fault_table: FaultTable
) -> None:
    outbox.plan(1, 2, 3)
    end = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    relay.at["dot"] = [lambda: None, lambda: outbox.write_beside(end)]
    relay.slow["dot"] = 1.2
    assert outbox.deliver() == {"sent": 3, "failed": 0, "waiting": 0}
    verdict = fault_table.add("connection ended: while the relay answers", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.lost, verdict.doubled) == ({"sent": 3}, 0, 0)


@pytest.mark.only_postgres
@pytest.mark.slow
@pytest.mark.parametrize("point", ["in_claim", "after_rcpt", "in_mark", "after_mark", "in_settle"])
def test_a_server_that_is_killed_at_a_step_and_comes_back(
    outbox: Outbox,
    relay: RawRelay,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    fault_table: FaultTable,
    point: str,
) -> None:
    """One of its processes is killed: it ends all the others at once, and recovers what was committed."""
    server: Postgres = request.getfixturevalue("postgres")
    if not server.is_ours:
        pytest.skip("the server that was named is not ours to kill")
    monkeypatch.setattr(delivering, "INSIST", (0.5,) * 20)
    # It does not wait for the disk in tests; here a commit must be one.
    name = make_url(outbox.env["TRACKER_DATABASE_URL"]).database
    server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit TO on").format(sql.Identifier(str(name))))
    outbox.engine.dispose()
    server.execute(sql.SQL("CHECKPOINT"))
    outbox.plan(1, 2, 3)

    def kill() -> None:
        with outbox.engine.connect() as connection:
            os.kill(int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() or 0), signal.SIGKILL)

    once_at(monkeypatch, point, kill)
    try:
        outbox.deliver()
    except DBAPIError:
        db.session.rollback()
    wait_for(outbox)
    verdict = fault_table.add(f"PostgreSQL killed: {point}", recovered(outbox, relay))
    assert (verdict.states, verdict.lost) == ({"sent": 3}, 0)
    assert verdict.doubled <= (1 if point == "in_settle" else 0)


def wait_for(outbox: Outbox) -> None:
    """Until the server is back."""
    give_up = time.monotonic() + 30
    while True:
        try:
            with outbox.engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
            return
        except DBAPIError:
            assert time.monotonic() < give_up
            time.sleep(0.1)
