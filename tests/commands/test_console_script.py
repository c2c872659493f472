"""The console script itself says what the tests' quicker way of running it says."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(sys.executable).with_name("tracker")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["outbox", "list", "--json"],
        ["outbox", "list", "--state", "nowhere"],
        ["hearings", "cancel", "4711"],
        ["no-such-thing"],
    ],
)
def test_the_script_and_the_forked_command_say_the_same(
    tracker_env: dict[str, str], run_tracker: Any, arguments: list[str]
) -> None:
    there = tracker_env["TRACKER_INSTANCE"]
    child = subprocess.run([SCRIPT, *arguments], env=tracker_env, capture_output=True, text=True, cwd=there)
    done = run_tracker(*arguments)
    assert (child.returncode, child.stdout, child.stderr) == (done.code, done.out, done.err)
