"""`tracker clock accept`, `tracker doctor`, and a tick that is refused while the clock cannot be believed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tracker.base import clock
from tracker.base.db import db
from tracker.clockwork.guard import Guard, find_hold, say_held
from tracker.clockwork.kinds import in_turn
from tracker.clockwork.runner import tick
from tracker.clockwork.service import note_end, note_failure

pytestmark = pytest.mark.one_engine


def ran(ago: timedelta) -> None:
    """Every step last ran so long ago."""
    at = clock.true_now() - ago
    for step in in_turn():
        note_end(step.code, at, at)


def test_a_tick_by_a_clock_far_ahead_is_refused_until_somebody_says_it_is_right(app: Flask, run_tracker: Any) -> None:
    ran(timedelta(days=365))
    refused = run_tracker("tick", "--json")
    assert refused.code == 2
    assert "365 days after it last ran" in refused.err
    assert "tracker clock accept" in refused.err
    assert run_tracker("clock", "accept").code == 0
    assert run_tracker("tick", "--json").code == 0


def test_accepting_ends_what_was_held(app: Flask, run_tracker: Any) -> None:
    ran(timedelta(days=40))
    doubt = Guard().look()
    assert doubt is not None
    say_held(doubt)
    done = run_tracker("doctor")
    assert done.code == 1
    assert "40 days after it last ran. No mail leaves." in done.out
    before = clock.true_now()
    said = datetime.fromisoformat(run_tracker("clock", "accept", "--json").json["accepted"])
    assert before.replace(microsecond=0) <= said <= clock.true_now()
    db.session.rollback()
    assert find_hold(db.session()) is None
    assert Guard().look() is None


def test_the_doctor_says_ok_or_the_one_next_command(app: Flask, run_tracker: Any, mail_sink: Any) -> None:
    never = run_tracker("doctor")
    assert (never.code, "tracker clockwork" in never.out) == (1, True)
    ran(timedelta())
    unset = run_tracker("doctor")
    assert (unset.code, "TRACKER_SMTP_URL" in unset.out) == (1, True)
    relay = {"TRACKER_SMTP_URL": mail_sink.url}
    well = run_tracker("doctor", env=relay)
    assert (well.code, well.out) == (0, "OK\n")
    assert run_tracker("doctor", "--json", env=relay).json == {"ok": True, "says": "Everything runs."}
    assert run_tracker("outbox", "pause").code == 0
    paused = run_tracker("doctor", env=relay)
    assert (paused.code, "tracker outbox release" in paused.out) == (1, True)
    assert run_tracker("outbox", "release").code == 0
    for _failure in range(3):
        note_failure("flags.sweep", clock.true_now(), "ValueError")
    failing = run_tracker("doctor", env=relay)
    assert (failing.code, "flags.sweep" in failing.out) == (1, True)
    tick(app, clock.true_now())
    assert run_tracker("doctor", env=relay).code == 0
