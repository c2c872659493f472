"""Real processes of the tracker that start in a moment, to be ended at any moment.

One process has loaded the program and opened nothing; each *life* is forked from it, makes an application of its own
over its own connections, does what it is told and ends, or is killed. `Zygote` speaks to it from the test.
"""

import contextlib
import itertools
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zoneinfo
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent

#: Seconds in which a busy machine does what takes one.
PATIENCE = 90.0


class Life:
    """One process. `wait` returns its exit code (-9: killed), `said` what it answered."""

    def __init__(self, zygote: "Zygote", number: int, out: Path) -> None:
        self._zygote, self._number, self._out = zygote, number, out

    @property
    def pid(self) -> int:
        """Its process."""
        return self._zygote.learn(self._number, "pid")

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._zygote.knows(self._number, "code")

    def kill(self) -> None:
        """End it as `kill -9` does, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end; its exit code, or the signal that ended it, negative."""
        return self._zygote.learn(self._number, "code")

    @property
    def words(self) -> str:
        """What it answered, or why it did not."""
        return self._out.read_text()[-4000:] if self._out.exists() else ""

    @property
    def log(self) -> str:
        """What it has logged so far."""
        path = Path(f"{self._out}.log")
        return path.read_text() if path.exists() else ""

    def said(self) -> Any:
        """What it answered; fails with its words when it did not end well."""
        code = self.wait()
        assert code == 0, f"ended with {code}: {self.words}"
        return json.loads(self._out.read_text())


class Zygote:
    """Starts lives."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tracker-lives-")
        self._numbers = itertools.count(1)
        self._known: dict[tuple[int, str], int] = {}
        self._news = threading.Condition()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACKER_")}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder.name,
            env={**kept, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", "PYTHONWARNINGS": "default"},
        )
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, what: str, env: dict[str, str], at: datetime | None = None, **how: Any) -> Life:
        """Start one. `what`: `deliver` (notes, the outbox alone), `mail` (the outbox of the whole house), `plan`,
        `tick` (plan and mail), `zones` or `clock` (see `tests/faults`). `at`: its clock stands there; None: it runs.

        `failpoint` ends it there (the database must be a rehearsal's); `dies_at` ends it with the first statement that
        begins so, `COMMIT after <statement>` when that one is committed; `file_bytes`: no file grows beyond that;
        `loops`: again and again until SIGTERM; `sets`: constants to change, {"module:NAME": value}; a dict is a
        timedelta.
        """
        number = next(self._numbers)
        out = Path(self._folder.name, f"{number}.json")
        told = {"number": number, "what": what, "env": env, "out": str(out), "at": at.isoformat() if at else None}
        assert self._process.stdin
        self._process.stdin.write(json.dumps({**told, **how}) + "\n")
        self._process.stdin.flush()
        return Life(self, number, out)

    def close(self) -> None:
        """End them all."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE)
        self._process.stdout.close()
        self._folder.cleanup()

    def knows(self, number: int, what: str) -> bool:
        """Whether that is known of a life."""
        with self._news:
            return (number, what) in self._known

    def learn(self, number: int, what: str) -> int:
        """Wait until that is known of a life."""
        with self._news:
            known = self._news.wait_for(lambda: (number, what) in self._known, PATIENCE)
            assert known, f"waited in vain for the {what} of a process"
            return self._known[number, what]

    def _read(self) -> None:
        assert self._process.stdout
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                news = json.loads(line)
                with self._news:
                    self._known[news["number"], news["news"]] = news["value"]
                    self._news.notify_all()


# In the process that forks --------------------------------------------------------------------------------------------


def _tell(number: int, news: str, value: int) -> None:
    os.write(1, (json.dumps({"number": number, "news": news, "value": value}) + "\n").encode())


def main() -> None:
    """Fork as told until there is nobody to tell."""
    import note_kind  # noqa: F401 - loaded once for all lives
    from made_once import remember

    from tracker import create_app
    from tracker.base.db import db

    remember()

    # What an application loads is loaded by making one; it opens nothing.
    with create_app().app_context():
        db.engine.dispose()
    lives: dict[int, int] = {}
    held = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.005)
        if readable:
            more = os.read(0, 65536)
            if not more:
                break
            held += more
        while b"\n" in held:
            line, _, held = held.partition(b"\n")
            told = json.loads(line)
            pid = os.fork()
            if pid == 0:
                _live(told)
            lives[pid] = told["number"]
            _tell(told["number"], "pid", pid)
        for pid in list(lives):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                _tell(lives.pop(pid), "code", os.waitstatus_to_exitcode(status))
    for pid in lives:
        os.kill(pid, signal.SIGKILL)


def _live(told: dict[str, Any]) -> None:
    """One life, from here to its end."""
    code = 1
    try:
        # What it writes belongs to nobody but its own answer.
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 0)
        os.dup2(quiet, 1)
        log = os.open(f"{told['out']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        answer = _Living(told).do()
        Path(told["out"]).write_text(json.dumps(answer))
        code = 0
    except BaseException:
        Path(told["out"]).write_text(traceback.format_exc())
    finally:
        os._exit(code)


class _Living:
    """What a life does."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.asked_to_end = False
        for name, value in told.get("sets", {}).items():
            module, _, constant = name.partition(":")
            __import__(module)
            setattr(sys.modules[module], constant, timedelta(**value) if isinstance(value, dict) else value)

    def do(self) -> Any:
        """Do it, and answer."""
        from tracker.base import failpoints

        failpoints.WANTED = self.told.get("failpoint", "")
        os.environ.clear()
        os.environ.update(self.told["env"])
        zoneinfo.ZoneInfo.clear_cache()
        zoneinfo.reset_tzpath()
        if limit := self.told.get("file_bytes"):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        return {"deliver": self.notes, "clock": self.clock}.get(self.told["what"], self.house)()

    @property
    def at(self) -> datetime | None:
        return datetime.fromisoformat(self.told["at"]) if self.told["at"] else None

    def notes(self) -> Any:
        """Deliver notes."""
        import note_kind

        from tracker.app import settings_module
        from tracker.outbox.deliver import deliver

        made = note_kind.bare_house(settings_module().load())
        with made.app_context(), note_kind.announced():
            return self.again(deliver)

    def house(self) -> Any:
        """Plan, send, or follow the zone rules, in the whole house."""
        from tracker import create_app
        from tracker.clockwork.zones import follow_zone_rules
        from tracker.outbox.deliver import deliver
        from tracker.reminders.planning import plan_step

        step = {
            "mail": deliver,
            "plan": plan_step,
            "tick": lambda now: {**plan_step(now), **deliver(now)},
            "zones": lambda now: {**follow_zone_rules(now), **plan_step(now)},
        }[self.told["what"]]
        with create_app().app_context():
            return self.again(step)

    def clock(self) -> Any:
        """A real clock process, at the pace of tests; `alone` false: it works without asking for the lease."""
        import logging

        from tracker import create_app
        from tracker.clockwork import runner

        logging.basicConfig(level=logging.INFO)
        if not self.told.get("alone", True):
            runner.take_lease = lambda *_asked: True
        seconds = self.told.get("lease", 2.0)
        pace = runner.Pace(lease=timedelta(seconds=seconds), pulse=timedelta(seconds=seconds / 5))
        runner.Clock(create_app(), pace).run()
        return "ended"

    def again(self, step: Any) -> Any:
        """Run a step at its instant, once or until asked to end."""
        from tracker.base import clock
        from tracker.base.db import db

        self.arrange_death(db.engine)

        def end(*_signal: Any) -> None:
            self.asked_to_end = True

        signal.signal(signal.SIGTERM, end)
        with clock.fixed_at(self.at):
            while True:
                answer = dict(step(clock.now()))
                if not self.told.get("loops") or self.asked_to_end:
                    return answer
                time.sleep(0.05)

    def arrange_death(self, engine: Any) -> None:
        """Let a statement, or the commit after it, be the last thing this process asks of the database."""
        from sqlalchemy import event

        wanted = self.told.get("dies_at", "")
        _before, _, begins = wanted.rpartition("COMMIT after ")
        seen: list[str] = []

        def die() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def ran(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if wanted and statement.startswith(begins):
                seen.append(statement)
                if not wanted.startswith("COMMIT"):
                    die()

        def committed(_connection: Any) -> None:
            if seen:
                die()

        event.listen(engine, "after_cursor_execute", ran)
        if wanted.startswith("COMMIT"):
            # SQLAlchemy calls this before the driver commits: the first thing said on the next transaction comes after.
            event.listen(engine, "begin", committed)
            event.listen(engine, "checkin", lambda *_connection: committed(None))


if __name__ == "__main__":
    main()
