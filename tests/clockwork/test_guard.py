"""The clock of a machine that cannot be believed: an hour ahead, a year ahead, 1970, four hours behind."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tracker.base import clock
from tracker.base.db import db
from tracker.base.house import HouseFact
from tracker.base.work import short_transaction
from tracker.clockwork import rules
from tracker.clockwork.guard import Guard, accept_clock, doubt_of, find_hold, say_free, say_held
from tracker.clockwork.models import Heartbeat
from tracker.clockwork.queries import PULSE, clock_silent_since, database_now, last_ran_at
from tracker.clockwork.service import note_end, note_start, take_lease

NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Machine:
    """A machine whose clock can be set; what cannot be set goes on by itself. Its clock is right at first."""

    def __init__(self) -> None:
        self.off = timedelta()
        self.ran = 0.0

    def wall(self) -> datetime:
        """What the clock shows."""
        return clock.true_now() + timedelta(seconds=self.ran) + self.off

    def elapsed(self) -> float:
        """Seconds since some moment."""
        return clock.elapsed() + self.ran


@pytest.mark.parametrize(
    ("off", "doubted"),
    [
        (timedelta(minutes=2), False),
        (timedelta(minutes=2) + SECOND, True),
        (timedelta(minutes=-2), False),
        (timedelta(minutes=-2) - SECOND, True),
        (timedelta(hours=1), True),
        (timedelta(days=365), True),
        (timedelta(hours=-4), True),
        (timedelta(days=-20_000), True),
    ],
)
def test_while_a_process_runs_two_minutes_are_a_jump(off: timedelta, doubted: bool) -> None:
    doubt = rules.doubt_while_running(NOW + off, NOW)
    assert (doubt is not None) is doubted
    if doubt:
        assert (doubt.why, doubt.says, doubt.against) == ("jumped", NOW + off, NOW)


@pytest.mark.parametrize(
    ("off", "why"),
    [
        (timedelta(), ""),
        (timedelta(minutes=-2), ""),
        (timedelta(minutes=-2) - SECOND, "behind"),
        (timedelta(hours=-4), "behind"),
        (timedelta(days=-20_000), "behind"),
        # Two days without power are a stop, and no fault of the clock.
        (timedelta(days=2), ""),
        (timedelta(days=30), ""),
        (timedelta(days=30) + SECOND, "ahead"),
        (timedelta(days=365), "ahead"),
    ],
)
def test_after_a_start_the_clock_is_compared_with_when_one_last_ran(off: timedelta, why: str) -> None:
    doubt = rules.doubt_since_last_run(NOW + off, NOW)
    assert (doubt.why if doubt else "") == why
    assert rules.doubt_since_last_run(NOW, None) is None


@pytest.mark.parametrize(("minutes", "why"), [(0, ""), (2, ""), (2.1, "database"), (-2, ""), (-2.1, "database")])
def test_machine_and_database_may_differ_by_two_minutes(minutes: float, why: str) -> None:
    doubt = rules.doubt_beside_database(NOW + timedelta(minutes=minutes), NOW)
    assert (doubt.why if doubt else "") == why
    assert rules.doubt_beside_database(NOW, None) is None


@pytest.mark.one_engine
@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(days=365), timedelta(hours=-4), timedelta(days=-20_000)])
def test_a_clock_set_while_the_process_runs_is_doubted_until_it_is_right_again(app: Flask, off: timedelta) -> None:
    machine = Machine()
    guard = Guard(machine.wall, machine.elapsed)
    assert guard.look() is None
    machine.ran += 600
    assert guard.look() is None
    machine.off = off
    assert guard.has_jumped()
    for _ in range(2):
        doubt = guard.look()
        assert doubt is not None
        assert doubt.why == "jumped"
        machine.ran += 600
    machine.off = timedelta()
    assert guard.look() is None
    assert not guard.has_jumped()


def test_what_a_wrong_clock_has_shown_does_not_become_right_by_starting_again(app: Flask) -> None:
    note_end("flags.sweep", clock.true_now(), clock.true_now())
    machine = Machine()
    machine.off = timedelta(hours=-4)
    for _start in range(2):
        guard = Guard(machine.wall, machine.elapsed)
        doubt = guard.look()
        assert doubt is not None
        # A database with a clock of its own says so itself.
        assert doubt.why == ("database" if database_now(db.session()) else "behind")
        note_start(PULSE, machine.wall())
    machine.off = timedelta()
    assert guard.look() is None


def test_a_sign_of_life_of_a_wrong_clock_counts_for_nothing(app: Flask) -> None:
    note_end("flags.sweep", NOW, NOW)
    note_start(PULSE, NOW + timedelta(days=365))
    session = db.session()
    session.rollback()
    assert last_ran_at(session) == NOW
    assert clock_silent_since(session, NOW + timedelta(minutes=6)) == NOW


@pytest.mark.one_engine
def test_somebody_may_say_that_a_clock_is_right_which_is_far_ahead(app: Flask) -> None:
    ran = clock.true_now() - timedelta(days=40)
    note_end("flags.sweep", ran, ran)
    guard = Guard()
    doubt = guard.look()
    assert doubt is not None
    assert doubt.why == "ahead"
    with short_transaction() as session:
        accept_clock(session, clock.true_now())
    assert guard.look() is None
    assert Guard().look() is None


@pytest.mark.one_engine
def test_somebody_may_say_that_a_clock_is_right_which_had_been_ahead(app: Flask) -> None:
    ran = clock.true_now() + timedelta(days=365)
    note_end("flags.sweep", ran, ran)
    assert getattr(Guard().look(), "why", "") == "behind"
    with short_transaction() as session:
        accept_clock(session, clock.true_now())
    assert Guard().look() is None
    db.session.rollback()
    beats = db.session.scalars(select(Heartbeat)).all()
    assert all(beat.started_at <= clock.true_now() for beat in beats)


@pytest.mark.one_engine
def test_a_process_that_runs_hears_that_its_clock_was_accepted(app: Flask) -> None:
    machine = Machine()
    guard = Guard(machine.wall, machine.elapsed)
    assert guard.look() is None
    machine.off = timedelta(hours=1)
    assert guard.look() is not None
    with short_transaction() as session:
        accept_clock(session, machine.wall())
    assert guard.look() is None


def test_it_is_told_once_and_is_over_when_a_clock_works(app: Flask) -> None:
    session = db.session()
    assert find_hold(session) is None
    doubt = rules.Doubt("behind", NOW, NOW + timedelta(days=1))
    say_held(doubt)
    say_held(rules.Doubt("behind", NOW + SECOND, NOW + timedelta(days=1)))
    session.rollback()
    held = find_hold(session)
    assert held is not None
    assert held.doubt == doubt
    say_free()
    session.rollback()
    assert find_hold(session) is None


def test_while_another_machine_works_nothing_is_told(app: Flask) -> None:
    assert take_lease("another machine", timedelta(seconds=60))
    say_held(rules.Doubt("jumped", NOW, NOW))
    session = db.session()
    session.rollback()
    # One file is used by one machine: what holds the lease there is what has just ended.
    assert (find_hold(session) is None) is (database_now(session) is not None)


@pytest.mark.one_engine
@pytest.mark.parametrize("fact", ["rehearsal", "demo"])
def test_a_rehearsal_and_a_demo_may_stand_for_years(app: Flask, fact: str) -> None:
    note_end("flags.sweep", NOW - timedelta(days=900), NOW)
    session = db.session()
    session.rollback()
    assert doubt_of(session, NOW) is not None
    session.rollback()
    with short_transaction() as writing:
        writing.add(HouseFact(key=fact, value="yes"))
    assert doubt_of(session, NOW) is None


@pytest.mark.one_engine
def test_a_lease_of_a_clock_that_was_ahead_holds_nobody_back(app: Flask) -> None:
    assert take_lease("ahead", timedelta(days=365))
    assert take_lease("right", timedelta(seconds=60))
    assert not take_lease("another", timedelta(seconds=60))
