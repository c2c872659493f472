"""One tick, what it keeps of each step, and the silence of a clock."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from tracker.base.db import db
from tracker.clockwork.kinds import PartlyFailed, Step, clock_step, in_turn, steps
from tracker.clockwork.models import Heartbeat
from tracker.clockwork.queries import NEVER, clock_silent_since, heartbeats
from tracker.clockwork.runner import tick
from tracker.clockwork.service import note_end, note_failure, note_start

NOW = datetime(2024, 4, 5, 7, tzinfo=UTC)

Announce = Callable[[str, Step], None]

#: What a tick does, in this order, whatever was imported first: mail that was just planned leaves in the same tick.
IN_TURN = ("clockwork.zones", "flags.sweep", "faces.refresh", "reminders.plan", "outbox.deliver")


@pytest.fixture
def another_step() -> Iterator[Announce]:
    """Announces a step for the length of a test."""
    announced = []

    def announce(code: str, step: Step) -> None:
        clock_step(code, every=timedelta(seconds=60))(step)
        announced.append(code)

    yield announce
    for code in announced:
        del steps._things[code]


def beat(code: str) -> Heartbeat:
    """The heartbeat of a step, read afresh."""
    db.session.rollback()
    db.session.expire_all()
    found = db.session.get(Heartbeat, code)
    assert found is not None
    return found


def test_a_tick_runs_each_step_once_in_order_at_its_instant(app: Flask, another_step: Announce) -> None:
    ran: list[tuple[str, datetime]] = []

    def first(now: datetime) -> Mapping[str, int]:
        ran.append(("first", now))
        return {"done": 1}

    def second(now: datetime) -> Mapping[str, int]:
        ran.append(("second", now))
        return {"done": 2}

    another_step("zz.first", first)
    another_step("aa.second", second)
    said = tick(app, NOW)
    assert ran == [("first", NOW), ("second", NOW)]
    assert (said["zz.first"], said["aa.second"]) == ({"done": 1}, {"done": 2})
    assert list(said) == [step.code for step in in_turn()]
    assert [code for code in said if code in IN_TURN] == list(IN_TURN)
    kept = beat("zz.first")
    assert (kept.started_at, kept.failures, kept.fault) == (NOW, 0, "")
    assert kept.ended_at is not None
    assert NOW <= kept.ended_at < NOW + timedelta(minutes=5)


def test_a_step_that_fails_is_kept_and_the_others_run(app: Flask, another_step: Announce) -> None:
    ran = []

    def fails(now: datetime) -> Mapping[str, int]:
        db.session.execute(text("SELECT 1"))
        raise ValueError("the name of somebody")

    def runs(now: datetime) -> Mapping[str, int]:
        ran.append(now)
        return {}

    another_step("fails", fails)
    another_step("runs", runs)
    faults: dict[str, str] = {}
    for _ in range(2):
        assert tick(app, NOW, faults)["fails"] == {}
    assert faults == {"fails": "ValueError"}
    assert len(ran) == 2
    kept = beat("fails")
    assert (kept.failures, kept.fault, kept.ended_at) == (2, "ValueError", None)


def test_a_step_that_runs_again_forgets_its_failures(app: Flask, another_step: Announce) -> None:
    broken = [True]

    def mended(now: datetime) -> Mapping[str, int]:
        if broken[0]:
            raise PartlyFailed("Half of it failed", {"done": 1})
        return {"done": 2}

    another_step("mended", mended)
    assert tick(app, NOW)["mended"] == {"done": 1}
    assert (beat("mended").failures, beat("mended").fault) == (1, "Half of it failed")
    broken[0] = False
    assert tick(app, NOW + timedelta(minutes=1))["mended"] == {"done": 2}
    assert (beat("mended").failures, beat("mended").fault) == (0, "")


def test_a_failure_keeps_when_the_step_last_ended_well(app: Flask) -> None:
    note_start("a.step", NOW)
    note_end("a.step", NOW, NOW + timedelta(seconds=2))
    later = NOW + timedelta(minutes=1)
    note_start("a.step", later)
    note_failure("a.step", later, "x" * 400)
    kept = beat("a.step")
    assert (kept.started_at, kept.ended_at) == (later, NOW + timedelta(seconds=2))
    assert (kept.failures, kept.fault) == (1, "x" * 300)


def test_heartbeats_stand_in_the_order_of_a_tick(app: Flask) -> None:
    for code in ("gone.step", "flags.sweep", "clockwork.zones"):
        note_end(code, NOW, NOW)
    order = [step.code for step in in_turn() if step.code in ("flags.sweep", "clockwork.zones")]
    assert [b.step for b in heartbeats(db.session())] == [*order, "gone.step"]


def test_five_minutes_without_a_step_are_silence(app: Flask) -> None:
    assert clock_silent_since(db.session(), NOW) == NEVER
    note_failure("flags.sweep", NOW, "It fails, and so it runs")
    db.session.rollback()
    five = NOW + timedelta(minutes=5)
    assert clock_silent_since(db.session(), five - timedelta(microseconds=1)) is None
    assert clock_silent_since(db.session(), five) == NOW
    note_start("clockwork.zones", five)
    db.session.rollback()
    assert clock_silent_since(db.session(), five) is None
