"""A clock process for tests: the real runner over a real database, at a faster pace, with steps that write to a file.

Called with a folder and what its second step does: `well`, `hang`, `slow` or `still` (its scheduler stops calling).
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from tracker import create_app
from tracker.clockwork import runner
from tracker.clockwork.kinds import clock_step, steps

#: Fast enough for a test, slow enough for a busy machine.
PACE = runner.Pace(
    lease=timedelta(seconds=2),
    pulse=timedelta(milliseconds=400),
    hang=timedelta(seconds=5),
    step=timedelta(seconds=4),
    end=timedelta(seconds=20),
)


def main(folder: Path, manner: str) -> None:
    """Run until told to end."""
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
            time.sleep(3)
        write("second ends")
        return {}

    clock = runner.Clock(app, PACE)
    if manner == "still":
        threading.Timer(1.5, lambda: clock._scheduler.pause()).start()
    clock.run()
    write("ended")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
