"""Real clock processes: killed, doubled, hung and asked to end."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tracker.base.db import db
from tracker.clockwork.guard import find_hold
from tracker.clockwork.models import Heartbeat
from tracker.clockwork.queries import PULSE

PROGRAM = Path(__file__).with_name("clock_process.py")

Start = Callable[..., "subprocess.Popen[bytes]"]

#: Seconds in which a busy machine does what takes one.
PATIENCE = 90.0


@pytest.fixture
def start(tracker_env: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts clocks; none is left over."""
    started: list[subprocess.Popen[bytes]] = []

    def run(manner: str = "well") -> "subprocess.Popen[bytes]":
        with (tmp_path / "log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(tmp_path), manner], env=tracker_env, stdout=log, stderr=log
            )
        started.append(child)
        return child

    yield run
    for child in started:
        child.kill()
        child.wait()


def diary(folder: Path) -> list[dict[str, Any]]:
    """What the clocks wrote, whole lines only."""
    path = folder / "diary"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def wait_for(folder: Path, holds: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The diary once it holds what is waited for; fails with the clocks' log when it never does."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if holds(lines := diary(folder)):
            return lines
        time.sleep(0.05)
    raise AssertionError(f"waited in vain: {diary(folder)[-5:]} {(folder / 'log').read_text()[-3000:]}")


def count(lines: list[dict[str, Any]], pid: int, what: str = "first") -> int:
    """How often a clock did something."""
    return sum(line["pid"] == pid and line["what"] == what for line in lines)


@pytest.mark.slow
def test_one_of_two_clocks_works_and_the_other_takes_over_when_it_is_killed(start: Start, tmp_path: Path) -> None:
    one = start()
    wait_for(tmp_path, lambda lines: count(lines, one.pid) >= 2)
    two = start()
    # The second is up when it waits for the first.
    give_up = time.monotonic() + PATIENCE
    while "another clock works" not in (tmp_path / "log").read_text():
        assert time.monotonic() < give_up, (tmp_path / "log").read_text()[-3000:]
        time.sleep(0.05)
    before = count(diary(tmp_path), one.pid)
    wait_for(tmp_path, lambda lines: count(lines, one.pid) >= before + 3)
    assert count(diary(tmp_path), two.pid) == 0
    one.send_signal(signal.SIGKILL)
    one.wait()
    wait_for(tmp_path, lambda lines: count(lines, two.pid) >= 2)


@pytest.mark.slow
@pytest.mark.one_engine
def test_steps_run_in_order_one_at_a_time_and_a_failing_one_stops_nothing(start: Start, tmp_path: Path) -> None:
    child = start()
    lines = wait_for(tmp_path, lambda lines: count(lines, child.pid, "second ends") >= 4)
    said = [line["what"] for line in lines if line["what"].startswith("second")]
    assert said[:8] == ["second begins", "second ends"] * 4
    assert lines[0]["what"] == "first"


@pytest.mark.slow
@pytest.mark.one_engine
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_finishes_the_running_step_and_gives_its_lease_back(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    child = start("slow")
    wait_for(tmp_path, lambda lines: count(lines, child.pid, "second begins") == 1)
    asked = time.monotonic()
    child.send_signal(number)
    assert child.wait(timeout=PATIENCE) == 0
    lines = diary(tmp_path)
    assert [line["what"] for line in lines][-2:] == ["second ends", "ended"]
    assert lines[-1]["at"] - asked < 25
    # Nobody waits for the lease to run out.
    other = start()
    wait_for(tmp_path, lambda lines: count(lines, other.pid) >= 1)


@pytest.mark.slow
@pytest.mark.one_engine
@pytest.mark.parametrize(("manner", "why"), [("hang", "gets nowhere"), ("still", "does not call any more")])
def test_a_clock_that_hangs_ends_itself(start: Start, tmp_path: Path, manner: str, why: str) -> None:
    child = start(manner)
    assert child.wait(timeout=PATIENCE) == 1
    assert why in (tmp_path / "log").read_text()


@pytest.mark.slow
@pytest.mark.one_engine
@pytest.mark.parametrize("seconds", [3600, -4 * 3600, -56 * 365 * 86_400])
def test_while_the_machines_clock_is_wrong_no_step_runs_and_when_it_is_right_they_go_on(
    start: Start, tmp_path: Path, app: Flask, seconds: int
) -> None:
    stands_still_while_off(start(), tmp_path, seconds)


@pytest.mark.slow
def test_a_clock_a_year_ahead_runs_no_step(start: Start, tmp_path: Path, app: Flask) -> None:
    stands_still_while_off(start(), tmp_path, 365 * 86_400)


def stands_still_while_off(child: "subprocess.Popen[bytes]", tmp_path: Path, seconds: int) -> None:
    """It works; its machine's clock is set wrong, and right again: in between nothing runs but its sign of life."""
    wait_for(tmp_path, lambda lines: count(lines, child.pid) >= 2)
    set_off(tmp_path, seconds)
    until(lambda: find_hold(db.session()) is not None, tmp_path)
    held = find_hold(db.session())
    assert held is not None
    db.session.rollback()
    assert held.doubt.why in ("jumped", "database")
    # What had begun before ends; and it lives, and says so, by whatever its machine's clock says.
    another_beat(tmp_path)
    before = len(diary(tmp_path))
    time.sleep(2)
    assert len(diary(tmp_path)) == before
    another_beat(tmp_path)
    set_off(tmp_path, 0)
    wait_for(tmp_path, lambda lines: count(lines[before:], child.pid) >= 2)
    until(lambda: find_hold(db.session()) is None, tmp_path)
    assert child.poll() is None


def another_beat(folder: Path) -> None:
    """Wait for one more sign of life."""
    pulse = beat(PULSE)
    until(lambda: beat(PULSE) != pulse, folder)


def set_off(folder: Path, seconds: int) -> None:
    """Set the machine's clock, for the children."""
    (folder / "off.new").write_text(str(seconds))
    (folder / "off.new").rename(folder / "off")


def until(holds: Callable[[], bool], folder: Path) -> None:
    """Wait until it is so."""
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up, (folder / "log").read_text()[-3000:]
        db.session.rollback()
        time.sleep(0.05)
    db.session.rollback()


def beat(step: str) -> datetime:
    """When a step last began."""
    db.session.rollback()
    found = db.session.scalar(select(Heartbeat.started_at).where(Heartbeat.step == step))
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.one_engine
def test_the_command_runs_the_house_and_ends_when_asked(
    tracker_env: dict[str, str], run_tracker: Any, tmp_path: Path
) -> None:
    command = str(Path(sys.executable).with_name("tracker"))
    with (tmp_path / "log").open("ab") as log:
        child = subprocess.Popen([command, "clockwork"], env=tracker_env, stdout=log, stderr=log)
    try:
        give_up = time.monotonic() + PATIENCE
        while "the clock runs" not in (tmp_path / "log").read_text() and time.monotonic() < give_up:
            time.sleep(0.1)
        time.sleep(1)
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=PATIENCE) == 0, (tmp_path / "log").read_text()
    finally:
        child.kill()
        child.wait()
    assert "has failed" not in (tmp_path / "log").read_text()
