"""The clock process: calls the announced steps, holds the lease, and ends itself rather than hang.

Nothing is armed in memory: a step looks at stored rows and at `now`, so a clock that was down catches up by running.
The scheduler only calls; its store is empty at each start. While the machine's clock is not believed (`guard`), nothing
runs but the sign of life.
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
from apscheduler.triggers.base import BaseTrigger
from flask import Flask

from tracker.base import clock
from tracker.base.db import db
from tracker.clockwork import guard, rules
from tracker.clockwork.guard import Guard
from tracker.clockwork.kinds import ClockStep, PartlyFailed, in_turn, progress, steps
from tracker.clockwork.queries import PULSE
from tracker.clockwork.service import (
    give_lease_back,
    note_end,
    note_failure,
    note_outage,
    note_start,
    take_lease,
)

log = logging.getLogger(__name__)

#: When the clock was put back by more than this, the scheduler is told; less it bears by itself.
PUT_BACK = timedelta(seconds=5)


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


class _Every(BaseTrigger):
    """Fires `span` after it last did, counted from now: the library's own counts each time that was missed, which after
    a clock was set ahead by a year are millions."""

    def __init__(self, span: timedelta) -> None:
        self._span = span

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """When to fire next."""
        return now + self._span


class Clock:
    """One clock process. `guard`: what tells whether this machine's clock is believed."""

    def __init__(self, app: Flask, pace: Pace, guard: Guard | None = None) -> None:
        self._app = app
        self._pace = pace
        self._guard = guard or Guard()
        self._doubts: bool = False
        #: When a step of this process last began, while its clock was believed.
        self._worked_at: datetime | None = None
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
        progress.holds_when(self._guard.has_jumped)
        self._pulse()
        start = clock.true_now()
        self._call("clock pulse", self._pulse, self._pace.pulse, start, "pulse")
        for place, step in enumerate(in_turn()):
            # Steps due at the same moment would run in the order of their names.
            apart = timedelta(milliseconds=place)
            self._call(step.code, self._step_job(step), step.every + apart, start + apart, "default")
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
        self._scheduler.add_job(what, _Every(every), id=code, next_run_time=first, executor=executor)

    def _call_anew(self) -> None:
        """Let all that is called be called from now on: after the clock was put back the scheduler would wait until it
        shows again what it showed."""
        log.warning("this machine's clock was put back")
        if self._scheduler.running:
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=clock.true_now())

    def _step_job(self, step: ClockStep) -> Any:
        def job() -> None:
            if self._asked_to_end.is_set() or clock.monotonic() >= self._held_until or self._guard.has_jumped():
                return
            progress.made()
            self._running = step.code
            try:
                now = clock.now()
                self.notice_outage(now)
                run_step(self._app, step, now)
            finally:
                self._running = ""

        return job

    def notice_outage(self, now: datetime) -> None:
        """Look whether no clock worked for a while, when this one did not. The heartbeats tell until the first step
        begins."""
        if self._worked_at is None or rules.is_outage(self._worked_at, now):
            try:
                with self._app.app_context():
                    note_outage(now)
            except Exception:
                log.exception("the stop of the clock could not be kept")
                return
        self._worked_at = now

    def _believes(self) -> bool:
        """Whether the clock is believed, and everybody knows when it is not. Then another machine's may take over."""
        doubt = self._guard.look()
        if doubt is None:
            if self._doubts:
                log.warning("this machine's clock is right again: the steps run")
            self._doubts = False
            return True
        if not self._doubts:
            log.error("this machine's clock is not believed (%s): no step runs", doubt.why)
            give_lease_back(self._holder)
        self._doubts = True
        guard.say_held(doubt)
        return False

    def _pulse(self) -> None:
        """Keep the lease, and show that the scheduler still calls."""
        self._pulsed = before = clock.monotonic()
        try:
            with self._app.app_context():
                holds = self._believes() and take_lease(self._holder, self._pace.lease)
                if holds and not self._holds:
                    guard.say_free()
                if holds or self._doubts:
                    note_start(PULSE, clock.true_now())
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
        if holds != self._holds and not self._doubts:
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
        wall, elapsed = clock.true_now(), clock.elapsed()
        while not self._ended.wait(0.5):
            put_back = (wall - clock.true_now()) + timedelta(seconds=clock.elapsed() - elapsed)
            wall, elapsed = clock.true_now(), clock.elapsed()
            if put_back > PUT_BACK:
                self._call_anew()
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
