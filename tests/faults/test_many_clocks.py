"""F2 and F11: several clocks and deliverers at once, with the lease and without; stopped and woken; asked to end."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from house_of_faults import FaultTable, judge, late
from land import Land
from outbox_ground import NOW, Outbox
from raw_relay import RawRelay
from sqlalchemy import insert, select, update
from sqlalchemy.engine import make_url
from zygote import PATIENCE, Life, Zygote

from tracker.accounts.models import Desk, Membership, User
from tracker.base import clock
from tracker.base.columns import new_public_id
from tracker.base.db import WRITES, db
from tracker.base.work import COMMAND, unit_of_work
from tracker.hearings.rules import on_day
from tracker.outbox.models import Attempt, Envelope, Message, Recipient
from tracker.reminders.models import Subscription

#: Readers of two hearings each: fewer than are put into one mail.
READERS = 100


def wait_until(holds: Callable[[], bool], why: Callable[[], Any] = lambda: "") -> None:
    """Wait for what happens in other processes."""
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up, why()
        time.sleep(0.05)


@pytest.fixture
def crowd(app: Flask, relay: RawRelay) -> Land:
    """A hundred readers who follow the desk, and two hearings this very day: two hundred mails are due."""
    land = Land(app, relay)
    now = clock.true_now()
    with unit_of_work("readers", COMMAND, now=now):
        session = db.session()
        session.execute(update(Desk).values(zone="UTC"))
        made = session.scalars(
            insert(User).returning(User.id),
            [
                {
                    "email": f"reader{n}@example.org",
                    "email_key": f"reader{n}@example.org",
                    "name": f"Reader {n}",
                    "password": "",
                    "fs_uniquifier": new_public_id(),
                    "role": "staff",
                    "created_at": now,
                }
                for n in range(READERS)
            ],
        ).all()
        session.execute(insert(Membership), [{"user_id": n, "desk_id": land.desk, "coordinator": False} for n in made])
        recipients = session.scalars(insert(Recipient).returning(Recipient.id), [{"user_id": n} for n in made]).all()
        session.execute(
            insert(Subscription),
            [
                {"token": new_public_id(), "recipient_id": n, "desk_id": land.desk, "created_at": now}
                for n in recipients
            ],
        )
        # Only they: the desk's own people stand aside.
        session.execute(update(User).where(User.id.in_(land.users)).values(active=False))
    soon = datetime.now(UTC) + timedelta(hours=3)
    for case in (0, 1):
        assert land.schedule(now, on_day("UTC", soon.date(), soon.time().replace(second=0, microsecond=0)), case)
    db.session.rollback()
    assert len(db.session.scalars(select(Message.id).where(Message.state == "waiting")).all()) == 2 * READERS
    db.session.rollback()
    return land


def stop_between_transactions(pid: int, database_url: str) -> None:
    """SIGSTOP, at a moment at which it holds nothing of the database: whoever did would hold up everybody."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        # What it had sent before is still on its way to the server, which says that nothing is begun.
        time.sleep(0.2)
        if not holds_the_database(database_url):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.03)


def holds_the_database(database_url: str) -> bool:
    """Whether somebody is in the middle of a transaction that writes."""
    if not database_url.startswith("sqlite"):
        address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as connection:
            within = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()"
            return bool(connection.execute(within).fetchone()[0])  # type: ignore[index]
    with closing(sqlite3.connect(str(make_url(database_url).database), timeout=0.1)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


@pytest.fixture
def lives() -> Iterator[list[Life]]:
    """Whatever a test has started ends with it."""
    started: list[Life] = []
    yield started
    for life in started:
        life.kill()


def all_sent(relay: RawRelay) -> bool:
    """Whether nothing waits any more."""
    if len(relay.arrivals) < 2 * READERS:
        return False
    db.session.rollback()
    left = db.session.scalars(select(Message.id).where(Message.state.in_(("waiting", "sending"))).limit(1)).first()
    db.session.rollback()
    return left is None


@pytest.mark.slow
def test_three_clocks_under_the_lease_send_two_hundred_mails(
    crowd: Land, relay: RawRelay, tracker_env: dict[str, str], tmp_path: Path, fault_table: FaultTable
) -> None:
    began = clock.true_now()
    command = str(Path(sys.executable).with_name("tracker"))
    with (tmp_path / "log").open("ab") as log:
        clocks = [subprocess.Popen([command, "clockwork"], env=tracker_env, stdout=log, stderr=log) for _ in range(3)]
    try:
        wait_until(lambda: all_sent(relay), lambda: (tmp_path / "log").read_text()[-3000:])
        for one in clocks:
            one.send_signal(signal.SIGTERM)
        assert [one.wait(timeout=PATIENCE) for one in clocks] == [0, 0, 0]
    finally:
        for one in clocks:
            one.kill()
            one.wait()
    verdict = fault_table.add("three clocks, with the lease", judge(db.engine, relay.copies()))
    assert (verdict.lost, verdict.doubled, verdict.unsure) == (0, 0, 0)
    assert len(relay.copies()) == len(relay.arrivals) == 2 * READERS
    assert late(db.engine, began) == []


@pytest.mark.slow
def test_three_clocks_and_four_deliverers_without_a_lease_send_two_hundred_mails(
    crowd: Land,
    relay: RawRelay,
    tracker_env: dict[str, str],
    zygote: Zygote,
    lives: list[Life],
    fault_table: FaultTable,
) -> None:
    began = clock.true_now()
    lives += [zygote.start("clock", tracker_env, alone=False) for _ in range(3)]
    lives += [zygote.start("mail", tracker_env, loops=True) for _ in range(4)]
    wait_until(lambda: all_sent(relay), lambda: [life.log[-800:] for life in lives])
    for life in lives:
        os.kill(life.pid, signal.SIGTERM)
    for life in lives:
        life.said()
    verdict = fault_table.add("three clocks and four deliverers, no lease", judge(db.engine, relay.copies()))
    assert (verdict.lost, verdict.doubled, verdict.unsure) == (0, 0, 0)
    assert len(relay.copies()) == len(relay.arrivals) == 2 * READERS
    assert late(db.engine, began) == []


@pytest.mark.slow
def test_a_clock_that_stood_still_beyond_its_lease_does_no_harm_when_it_goes_on(
    crowd: Land,
    relay: RawRelay,
    tracker_env: dict[str, str],
    zygote: Zygote,
    lives: list[Life],
    database_url: str,
    fault_table: FaultTable,
) -> None:
    sets = {
        "tracker.outbox.protocol:CLAIM_LEASE": {"seconds": 4},
        "tracker.outbox.protocol:CLAIM_MARGIN": {"seconds": 2},
        # One line alone: a mail that the other had marked would wait until nobody can say whether it left.
        "tracker.outbox.protocol:BATCH": 4 * READERS,
    }
    first = zygote.start("clock", tracker_env, sets=sets, lease=10)
    lives.append(first)
    wait_until(lambda: "this clock works now" in first.log, lambda: first.log)
    second = zygote.start("clock", tracker_env, sets=sets, lease=10)
    lives.append(second)
    relay.at["RCPT"] = [lambda: stop_between_transactions(first.pid, database_url)]
    wait_until(lambda: all_sent(relay), lambda: (first.log, second.log))
    assert "this clock works now" in second.log
    os.kill(first.pid, signal.SIGCONT)
    wait_until(lambda: "another clock works" in first.log, lambda: first.log)
    for life in lives:
        os.kill(life.pid, signal.SIGTERM)
    for life in lives:
        assert life.said() == "ended"
    verdict = fault_table.add("a clock stopped beyond its lease, then woken", judge(db.engine, relay.copies()))
    assert (verdict.lost, verdict.doubled, verdict.unsure) == (0, 0, 0)
    assert len(relay.arrivals) == 2 * READERS


@pytest.mark.slow
@pytest.mark.one_engine
def test_a_clock_whose_database_is_locked_for_longer_than_it_waits_goes_on(
    crowd: Land,
    relay: RawRelay,
    tracker_env: dict[str, str],
    zygote: Zygote,
    lives: list[Life],
    fault_table: FaultTable,
) -> None:
    life = zygote.start("clock", tracker_env, sets={"tracker.base.db:BUSY_TIMEOUT_MS": 300})
    lives.append(life)
    lockers: list[threading.Thread] = []

    def lock() -> None:
        taken = threading.Event()

        def hold() -> None:
            with crowd.app.app_context(), db.engine.connect().execution_options(**{WRITES: True}) as locker:
                locker.begin()
                taken.set()
                wait_until(lambda: "OperationalError" in life.log, lambda: life.log)
                locker.rollback()

        lockers.append(threading.Thread(target=hold))
        lockers[-1].start()
        taken.wait()

    relay.at["RCPT"] = [lambda: None] * 10 + [lock]
    wait_until(lambda: all_sent(relay), lambda: life.log)
    assert lockers
    assert "OperationalError" in life.log
    os.kill(life.pid, signal.SIGTERM)
    assert life.said() == "ended"
    lockers[0].join()
    verdict = fault_table.add("database locked under a clock", judge(db.engine, relay.copies()))
    assert (verdict.lost, verdict.doubled, verdict.unsure) == (0, 0, 0)
    assert len(relay.arrivals) == 2 * READERS


# One deliverer that is stopped and woken ------------------------------------------------------------------------------


def run_out(outbox: Outbox) -> None:
    """Let every lease be over, as if its time had passed."""
    outbox.write_beside(update(Envelope).values(lease_until=NOW - timedelta(days=1)))


def stopped_at(outbox: Outbox, relay: RawRelay, zygote: Zygote, verb: str) -> Life:
    """A deliverer that stands still since the relay has heard a verb from it."""
    life = zygote.start("deliver", outbox.env, NOW)
    stood: list[bool] = []

    def stop() -> None:
        os.kill(life.pid, signal.SIGSTOP)
        stood.append(True)

    relay.at[verb] = [stop]
    wait_until(lambda: bool(stood), lambda: life.log)
    return life


def test_a_deliverer_that_stood_still_before_its_mark_is_fenced(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, lives: list[Life], fault_table: FaultTable
) -> None:
    outbox.plan(1, 2)
    slow = stopped_at(outbox, relay, zygote, "RCPT")
    lives.append(slow)
    run_out(outbox)
    assert outbox.deliver() == {"sent": 2, "failed": 0, "waiting": 0}
    os.kill(slow.pid, signal.SIGCONT)
    assert slow.said()["sent"] == 0
    verdict = fault_table.add("stopped before the mark, overtaken, woken", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.doubled) == ({"sent": 2}, 0)


def test_a_deliverer_that_stood_still_within_data_settles_nothing_and_is_on_record(
    outbox: Outbox, relay: RawRelay, zygote: Zygote, lives: list[Life], fault_table: FaultTable
) -> None:
    outbox.plan(1)
    slow = stopped_at(outbox, relay, zygote, "dot")
    lives.append(slow)
    run_out(outbox)
    assert outbox.deliver() == {"sent": 0, "failed": 0, "waiting": 1}
    os.kill(slow.pid, signal.SIGCONT)
    assert slow.said()["sent"] == 0
    assert outbox.states() == ["waiting"]
    assert outbox.attempts() == [("dispatching", "unsure"), ("answered", "sent")]
    db.session.rollback()
    details = db.session.scalars(select(Attempt.detail).where(Attempt.outcome == "sent")).all()
    assert "after another deliverer had taken it over" in details[0]
    assert outbox.deliver(NOW + timedelta(minutes=10))["sent"] == 1
    verdict = fault_table.add("stopped within DATA, overtaken, woken", judge(outbox.engine, relay.copies()))
    assert (verdict.states, verdict.doubled) == ({"sent": 1}, 1)


# Asked to end ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_asked_to_end_within_a_mail_it_finishes_that_one_and_leaves_the_others(
    crowd: Land,
    relay: RawRelay,
    tracker_env: dict[str, str],
    zygote: Zygote,
    lives: list[Life],
    fault_table: FaultTable,
) -> None:
    relay.slow["dot"] = 6.0
    life = zygote.start("clock", tracker_env)
    lives.append(life)
    relay.at["middle"] = [lambda: os.kill(life.pid, signal.SIGTERM)]
    # It ends by itself with another code when it takes longer than 25 seconds.
    assert life.said() == "ended"
    # Of two lines, where there are two, each may have one in hand.
    finished = len(relay.arrivals)
    assert 1 <= finished <= (1 if db.engine.dialect.name == "sqlite" else 2)
    db.session.rollback()
    assert len(db.session.scalars(select(Message.id).where(Message.state == "sent")).all()) == finished
    assert db.session.scalars(select(Envelope.id).where(Envelope.state == "sending")).all() == []
    db.session.rollback()
    relay.slow.clear()
    zygote.start("mail", tracker_env).said()
    verdict = fault_table.add("SIGTERM within DATA", judge(db.engine, relay.copies()))
    assert (verdict.lost, verdict.doubled, verdict.unsure) == (0, 0, 0)
    assert len(relay.arrivals) == 2 * READERS
