"""`tracker serve` as it is run: real processes, a real port, real signals."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tracker.serving import GRACE

pytestmark = pytest.mark.one_engine

#: Seconds a busy machine may take for what takes one.
PATIENCE = 60


def free_port() -> int:
    """A port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Look ten times a second until `what` holds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not within {seconds} seconds: {what}"
        time.sleep(0.1)


def children_of(pid: int) -> dict[str, int]:
    """The children of a process by what they do: `web`, `clockwork`."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return {
        word: int(row[0])
        for row in rows
        if len(row) == 3 and row[1] == str(pid) and "tracker.serving" in row[2]
        for word in ("web", "clockwork")
        if f" {word}" in row[2]
    }


def state_of(pid: int) -> str:
    """The state of a process, such as `T` where it stands still; empty: there is none."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip()


def is_running(pid: int) -> bool:
    """Whether there is such a process that is not just waiting to be counted."""
    state = state_of(pid)
    return bool(state) and not state.startswith("Z")


def stop_clock(serving: "Serving") -> None:
    """Let the clock stand still, once it has begun to work: before that it would take the signal to end as every
    process does, also while it is to stand still."""
    wait_until(lambda: "the clock runs" in serving.said.read_text())
    pid = serving.children()["clockwork"]
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state_of(pid).startswith("T"))


class Serving:
    """A running `tracker serve`."""

    def __init__(self, environment: dict[str, str], said: Path) -> None:
        self.port = free_port()
        self.said = said
        command = [str(Path(sys.executable).with_name("tracker")), "serve", "--port", str(self.port)]
        with said.open("wb") as file:
            self.process = subprocess.Popen(
                command, env=environment, stdout=file, stderr=subprocess.STDOUT, cwd=environment["TRACKER_INSTANCE"]
            )
        wait_until(lambda: f"The tracker answers at http://127.0.0.1:{self.port}\n" in said.read_text())

    def ask(self, path: str = "/sign-in") -> http.client.HTTPResponse:
        """What a GET of this path is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def children(self) -> dict[str, int]:
        """Its children by what they do."""
        return children_of(self.process.pid)


@pytest.fixture
def serving(tracker_env: dict[str, str], tmp_path: Path) -> Iterator[Serving]:
    """A `tracker serve` on a free port, over this test's database; nothing of it is left in the end."""
    house = Serving(tracker_env, tmp_path / "said")
    held = house.children()
    yield house
    for pid in {house.process.pid, *held.values(), *house.children().values()}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    house.process.wait(timeout=60)


def test_it_answers_and_does_not_say_with_what(serving: Serving) -> None:
    answer = serving.ask()
    assert answer.status == 200
    assert answer.getheader("Server") is None
    assert set(serving.children()) == {"web", "clockwork"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_leaves_nothing_running(serving: Serving, number: int) -> None:
    children = serving.children()
    began = time.monotonic()
    serving.process.send_signal(number)
    assert serving.process.wait(timeout=PATIENCE) == 0
    if time.monotonic() - began < GRACE:
        assert "by force" not in serving.said.read_text()
    assert not [name for name, pid in children.items() if is_running(pid)]
    with socket.socket() as again:
        again.bind(("127.0.0.1", serving.port))


def test_a_clock_that_was_ended_is_started_again(serving: Serving) -> None:
    before = serving.children()
    os.kill(before["clockwork"], signal.SIGKILL)
    wait_until(lambda: serving.children().get("clockwork", before["clockwork"]) != before["clockwork"])
    assert serving.children()["web"] == before["web"], "the pages are another matter"
    assert "the clock was ended by SIGKILL; started again in 1 s." in serving.said.read_text()


def test_who_asks_while_the_pages_are_started_again_is_answered(serving: Serving) -> None:
    before = serving.children()
    os.kill(before["web"], signal.SIGKILL)
    wait_until(lambda: not is_running(before["web"]))
    assert serving.ask().status == 200, "the connection waits in the socket of the parent"
    assert serving.children()["web"] != before["web"]


def test_a_crash_loop_does_not_spin(serving: Serving) -> None:
    for pause in (1, 2, 4):
        wait_until(lambda: "clockwork" in serving.children())
        os.kill(serving.children()["clockwork"], signal.SIGKILL)
        wait_until(lambda pause=pause: f"started again in {pause} s." in serving.said.read_text())


def test_what_hangs_is_ended_by_force_when_asked_twice(serving: Serving) -> None:
    children = serving.children()
    stop_clock(serving)
    began = time.monotonic()
    serving.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not is_running(children["web"]))
    said = serving.said.read_text()
    if time.monotonic() - began < GRACE:
        assert "by force" not in said, "it is given its time"
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(timeout=PATIENCE) == 0
    # A machine that itself stood still for so long has given the clock its time already.
    how = "did not end within 28 s" if "by force" in said else "had not ended when asked again"
    assert serving.said.read_text().endswith(f"the clock {how}; ended by force.\n")
    assert not is_running(children["clockwork"])


@pytest.mark.slow
def test_what_hangs_is_ended_by_force_after_its_time(serving: Serving) -> None:
    children = serving.children()
    stop_clock(serving)
    began = time.monotonic()
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(timeout=PATIENCE) == 0
    assert time.monotonic() - began > GRACE - 1
    assert serving.said.read_text().endswith("the clock did not end within 28 s; ended by force.\n")
    assert not [name for name, pid in children.items() if is_running(pid)]


def test_children_do_not_outlive_a_parent_that_was_ended_by_force(serving: Serving) -> None:
    children = serving.children()
    serving.process.kill()
    serving.process.wait(timeout=60)
    wait_until(lambda: not any(is_running(pid) for pid in children.values()))


def test_a_port_in_use_is_one_clear_line(tracker_env: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = _serve(tracker_env, port)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"tracker: port {port} on 127.0.0.1 is in use by another program. Choose one with --port (make demo PORT=8001)."
    ]


def test_a_database_without_tables_is_not_served(tracker_env: dict[str, str], tmp_path: Path) -> None:
    done = _serve({**tracker_env, "TRACKER_DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"}, free_port())
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["tracker: The database is new. Make its tables first: tracker db upgrade"]


def _serve(environment: dict[str, str], port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(Path(sys.executable).with_name("tracker")), "serve", "--port", str(port)],
        env=environment,
        capture_output=True,
        text=True,
        cwd=environment["TRACKER_INSTANCE"],
        timeout=PATIENCE,
        check=False,
    )


#: The web child's own loop around an application that takes its time.
SLOW = """
import socket, sys, time, types
from tracker.serving import answer

class Slow:
    extensions = {"settings": types.SimpleNamespace(proxies=0)}

    def __call__(self, environ, start_response):
        print("asked", flush=True)
        time.sleep(2)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"the end of it" * 1000]

listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen()
print(listening.getsockname()[1], flush=True)
answer(Slow(), listening)
"""


def test_an_answer_that_is_begun_is_finished() -> None:
    with subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        connection = http.client.HTTPConnection("127.0.0.1", int(child.stdout.readline()), timeout=PATIENCE)
        connection.request("GET", "/")
        assert child.stdout.readline() == "asked\n"
        child.send_signal(signal.SIGTERM)
        assert connection.getresponse().read() == b"the end of it" * 1000
        connection.close()
        assert child.wait(timeout=60) == 0
