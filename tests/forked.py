"""The real command, each time in a process of its own that need not load the program first.

One process has loaded everything and opened nothing; for each command it forks, takes the environment, folder and
streams it was given, and runs `tracker.cli.main` as the console script does. Loading the program takes longer than most
commands; `tests/commands/test_console_script.py` compares the two.
"""

import contextlib
import gc
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

#: Seconds after which a command is taken to hang.
PATIENCE = 180.0


class ForkedCommands:
    """Runs commands; several at a time, if they are asked for from several threads."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tracker-commands-")
        self._numbers = itertools.count(1)
        self._codes: dict[int, int] = {}
        self._news = threading.Condition()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACKER_")}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder.name,
            env={**kept, "PYTHONPATH": str(Path(__file__).resolve().parent.parent), "PYTHONWARNINGS": "default"},
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def run(self, arguments: list[str], environment: dict[str, str], said: str) -> tuple[int, str, str]:
        """Run `tracker` with these arguments, in the instance folder; its exit code and what it wrote."""
        number = next(self._numbers)
        names = {stream: str(Path(self._folder.name, f"{number}.{stream}")) for stream in ("in", "out", "err")}
        Path(names["in"]).write_text(said)
        told = {"number": number, "arguments": arguments, "env": environment, **names}
        assert self._process.stdin
        with self._news:
            self._process.stdin.write(json.dumps(told) + "\n")
            self._process.stdin.flush()
            assert self._news.wait_for(lambda: number in self._codes, PATIENCE), f"tracker {arguments} hangs"
            code = self._codes.pop(number)
        wrote = [Path(names[stream]).read_text() for stream in ("out", "err")]
        for name in names.values():
            Path(name).unlink()
        return code, wrote[0], wrote[1]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._folder.cleanup()

    def _listen(self) -> None:
        assert self._process.stdout
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                number, code = json.loads(line)
                with self._news:
                    self._codes[number] = code
                    self._news.notify_all()


def _serve() -> None:
    """Load the house, then fork for each line of standard input."""
    from made_once import remember

    from tracker import cli, create_app
    from tracker.base.db import db

    remember()
    # What an application loads is loaded by making one; it opens nothing.
    with create_app().app_context():
        db.engine.dispose()
    gc.freeze()
    running: dict[int, tuple[int, float]] = {}
    waiting, held = True, b""
    while waiting or running:
        if waiting and select.select([0], [], [], 0.01)[0]:
            more = os.read(0, 1 << 20)
            waiting, held = bool(more), held + more
            *lines, held = held.split(b"\n")
            for line in lines:
                told = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    _become(told, cli.main)
                running[pid] = (told["number"], time.monotonic())
        elif not waiting:
            time.sleep(0.01)
        for pid, (number, began) in list(running.items()):
            if time.monotonic() - began > PATIENCE:
                os.kill(pid, signal.SIGKILL)
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del running[pid]
                print(json.dumps([number, os.waitstatus_to_exitcode(status)]), flush=True)


def _become(told: dict[str, Any], main: Any) -> None:
    """Be the command; never returns."""
    code = 1
    try:
        for number, stream, flags in ((0, "in", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
            opened = os.open(told[stream], flags | os.O_CREAT, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, m) for n, m in ((0, "r"), (1, "w"), (2, "w")))
        os.environ.clear()
        os.environ.update(told["env"])
        time.tzset()
        os.chdir(told["env"]["TRACKER_INSTANCE"])
        sys.argv = ["tracker", *told["arguments"]]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
