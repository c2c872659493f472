"""Points at which a test may end this process as `kill -9` does. Anywhere else they do nothing.

Two things must be true: the process was started with FAILPOINT_FOR_TESTS, and whoever runs the step has found the
database to be one for rehearsals and said so with `arm`. Neither alone does anything.
"""

import os
import signal

#: `after_mark` ends the process there; `after_mark*3` the third time it comes by.
WANTED = os.environ.get("FAILPOINT_FOR_TESTS", "")

_left: dict[str, int] = {}


def arm(rehearsal: bool) -> None:
    """Let the wanted point work, when this is a rehearsal database; once armed it stays so."""
    if WANTED and rehearsal and not _left:
        name, _, times = WANTED.partition("*")
        _left[name] = int(times or "1")


def point(name: str) -> None:
    """A step between two things of which either may be the last that happened."""
    if not _left or name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
