"""A clock process for tests: the real runner over a real database, at a faster pace, with steps that write to a file.

Called with a folder and what its second step does: `well`, `hang`, `slow` (goes on for a second after it
was asked to end) or `still` (its scheduler stops calling). The machine's clock is off by the seconds in the folder's
file `off`, whenever that is written.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import apscheduler.schedulers.base as scheduler

from tracker import create_app
from tracker.base import clock as reader
from tracker.clockwork import runner
from tracker.clockwork.kinds import clock_step, progress, steps


def pace_of(manner: str) -> runner.Pace:
    """Fast enough for a test. A limit is short for what is to pass it, and elsewhere longer than a busy machine lets a
    process stand still."""
    return runner.Pace(
        lease=timedelta(seconds=8),
        pulse=timedelta(milliseconds=400),
        hang=timedelta(seconds=5 if manner == "still" else 60),
        step=timedelta(seconds=4 if manner == "hang" else 60),
        end=timedelta(seconds=20),
    )


def set_clocks_by(off: Path) -> None:
    """Whatever reads the machine's clock in this process reads one that is off."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            by = off.read_text().strip() if off.exists() else ""
            return datetime.now(tz) + timedelta(seconds=float(by or 0))

    for module in (reader, scheduler):
        module.datetime = Shifted  # type: ignore[attr-defined]


def main(folder: Path, manner: str) -> None:
    """Run until told to end."""
    set_clocks_by(folder / "off")
    diary = folder / "diary"

    def write(what: str) -> None:
        with diary.open("a") as file:
            file.write(json.dumps({"pid": os.getpid(), "what": what, "at": time.monotonic()}) + "\n")

    logging.basicConfig(level=logging.INFO)
    app = create_app()
    steps._things.clear()

    @clock_step("test.first", every=timedelta(milliseconds=300))
    def first(now: datetime) -> Mapping[str, int]:
        """Leaves a line."""
        write("first")
        return {}

    @clock_step("test.fails", every=timedelta(milliseconds=300))
    def fails(now: datetime) -> Mapping[str, int]:
        """Always fails."""
        raise RuntimeError("as it must")

    @clock_step("test.second", every=timedelta(milliseconds=300))
    def second(now: datetime) -> Mapping[str, int]:
        """Does what was asked for."""
        write("second begins")
        if manner == "hang":
            threading.Event().wait()
        if manner == "slow":
            while not progress.must_end():
                time.sleep(0.05)
            time.sleep(1)
        write("second ends")
        return {}

    clock = runner.Clock(app, pace_of(manner))
    if manner == "still":
        threading.Timer(1.5, lambda: clock._scheduler.pause()).start()
    clock.run()
    write("ended")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
