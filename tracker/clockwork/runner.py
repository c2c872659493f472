"""The clock process: calls the announced steps, holds the lease, and ends itself rather than hang.

Nothing is armed in memory: a step looks at stored rows and at `now`, so a clock that was down catches up by running.
The scheduler only calls; its store is empty at each start.
"""

import logging
import os
import secrets
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from tracker.base import clock
from tracker.base.db import db
from tracker.clockwork.kinds import ClockStep, PartlyFailed, in_turn, progress, steps
from tracker.clockwork.service import give_lease_back, note_end, note_failure, note_start, take_lease

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long; tests run faster."""

    #: For how long the lease is held without a sign of life: a second clock takes over after it.
    lease: timedelta = timedelta(seconds=30)
    #: Between two signs of life.
    pulse: timedelta = timedelta(seconds=10)
    #: Without a sign of life for this long, the scheduler hangs (it stands still when the machine's clock is put back).
    hang: timedelta = timedelta(seconds=60)
    #: A step that gets nowhere for this long hangs.
    step: timedelta = timedelta(minutes=10)
    #: What a running step may still take once the process is asked to end.
    end: timedelta = timedelta(seconds=25)


def run_clock(app: Flask, pace: Pace | None = None) -> None:
    """Run the steps until SIGTERM or SIGINT; then finish the running one, at most 25 seconds. Blocks.

    Ends the process with 1 when it hangs: whatever started it starts it again.
    """
    Clock(app, pace or Pace()).run()


def tick(app: Flask, now: datetime, faults: dict[str, str] | None = None) -> dict[str, dict[str, int]]:
    """Run each step once, in the order announced, at the instant `now`; returns what each answers by its code.

    A step that fails is noted and the others go on; `faults`, when given, gets its code and what failed.
    """
    answers = {}
    for step in in_turn():
        answers[step.code], fault = run_step(app, step, now)
        if fault and faults is not None:
            faults[step.code] = fault
    return answers


def run_step(app: Flask, step: ClockStep, now: datetime) -> tuple[dict[str, int], str]:
    """Run one step in an application context of its own. Returns its answer and what failed in it (empty: nothing);
    raises nothing. Its heartbeat is kept."""
    with app.app_context():
        began = clock.monotonic()
        counts: Mapping[str, int] = {}
        fault = ""
        try:
            note_start(step.code, now)
            counts = step.run(now)
        except PartlyFailed as part:
            counts, fault = part.counts, part.fault
        except Exception as failure:
            # Only the kind of failure is shown: its text may quote what is stored.
            fault = type(failure).__name__
            log.exception("the step %s has failed", step.code)
        db.session.rollback()
        try:
            if fault:
                note_failure(step.code, now, fault)
            else:
                note_end(step.code, now, now + timedelta(seconds=clock.monotonic() - began))
        except Exception:
            log.exception("the heartbeat of %s could not be kept", step.code)
        return dict(counts), fault


class Clock:
    """One clock process."""

    def __init__(self, app: Flask, pace: Pace) -> None:
        self._app = app
        self._pace = pace
        self._holder = secrets.token_hex(16)
        self._held_until = 0.0
        self._holds: bool | None = None
        self._pulsed = clock.monotonic()
        self._running = ""
        self._asked_to_end = threading.Event()
        self._asked_at = 0.0
        self._ended = threading.Event()
        # One thread for the steps: they never run beside each other, so that each sees what the one before it has done.
        # The lease is kept in another, while a step takes longer than the lease holds.
        self._scheduler = BlockingScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1), "pulse": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def run(self) -> None:
        """Run until asked to end."""
        # A step that is not done when it is due again is skipped, and that is no news.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_end)
        self._pulse()
        start = clock.true_now()
        self._call("clock pulse", self._pulse, self._pace.pulse, start, "pulse")
        for place, step in enumerate(in_turn()):
            # Steps due at the same moment would run in the order of their names.
            self._call(step.code, self._step_job(step), step.every, start + timedelta(milliseconds=place), "default")
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        threading.Thread(target=self._end, name="ending", daemon=True).start()
        log.info("the clock runs %d steps", len(steps))
        self._scheduler.start()
        self._ended.set()
        with self._app.app_context():
            try:
                give_lease_back(self._holder)
            except Exception:
                log.exception("the lease could not be given back; it ends by itself")
        log.info("the clock has ended")

    def _call(self, code: str, what: Any, every: timedelta, first: datetime, executor: str) -> None:
        self._scheduler.add_job(
            what, "interval", seconds=every.total_seconds(), id=code, next_run_time=first, executor=executor
        )

    def _step_job(self, step: ClockStep) -> Any:
        def job() -> None:
            if self._asked_to_end.is_set() or clock.monotonic() >= self._held_until:
                return
            progress.made()
            self._running = step.code
            try:
                run_step(self._app, step, clock.now())
            finally:
                self._running = ""

        return job

    def _pulse(self) -> None:
        """Keep the lease, and show that the scheduler still calls."""
        self._pulsed = before = clock.monotonic()
        try:
            with self._app.app_context():
                holds = take_lease(self._holder, self._pace.lease)
        except Exception as failure:
            # The database may be away for a while; what is held runs out by itself.
            log.error("the lease could not be asked for: %s", type(failure).__name__)
            return
        finally:
            self._pulsed = clock.monotonic()
        if holds:
            self._held_until = before + self._pace.lease.total_seconds()
        else:
            self._held_until = 0.0
        if holds != self._holds:
            log.info("this clock works now" if holds else "another clock works; this one waits")
        self._holds = holds

    def _ask_to_end(self, _number: int, _frame: Any) -> None:
        # Only marks: a signal may come while the scheduler holds its own locks.
        if not self._asked_to_end.is_set():
            self._asked_at = clock.monotonic()
            self._asked_to_end.set()

    def _end(self) -> None:
        self._asked_to_end.wait()
        progress.end()
        while not self._scheduler.running:
            if self._ended.wait(0.05):
                return
        self._scheduler.shutdown(wait=True)

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            if clock.monotonic() - self._pulsed > self._pace.hang.total_seconds():
                _exit_now("the clock's scheduler does not call any more")
            if self._running and progress.silent_seconds() > self._pace.step.total_seconds():
                _exit_now(f"the step {self._running} gets nowhere")
            if self._asked_to_end.is_set() and clock.monotonic() - self._asked_at > self._pace.end.total_seconds():
                _exit_now(f"the step {self._running} did not end in time")


def _exit_now(why: str) -> None:
    log.critical("%s; the process ends so that it is started again", why)
    logging.shutdown()
    os._exit(1)
