"""One machine: pages and clock as child processes that are looked after, for `tracker serve` and `tracker demo`.

The listening socket belongs to this process and is handed down, so that visitors wait a moment instead of being turned
away while the pages are started again. A child ends when this process does, however it ends: its standard input is a
pipe that only this process holds open.
"""

import errno
import http.client
import ipaddress
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import click
from flask import current_app
from sqlalchemy import inspect

from tracker.base import clock
from tracker.base.db import db
from tracker.base.errors import Refused, TrackerError
from tracker.demo.accounts import told_on_start
from tracker.demo.mailbox import Mailbox

#: Seconds the children have to finish; those still there are then ended by force. The clock gives itself 25.
GRACE = 28.0

#: Seconds before a child that has ended is started again: the first time, and at most. Each time twice the last.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

#: A child that ran for so many seconds was well: its next pause is the first again.
WELL_AFTER = 60.0

#: Seconds between two looks whether the pages answer yet.
LOOK_EVERY = 0.2

#: Seconds in which the pages finish what they are answering when they are asked to end.
ANSWERS_END_WITHIN = 10.0

#: Largest request taken off the wire; the application refuses far smaller ones, and in its own words.
LARGEST_REQUEST = 64 * 1024 * 1024

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve_house(host: str, port: int) -> int:
    """Run pages and clock until SIGTERM or SIGINT. Returns the exit code: 0 ended as asked, 1 cannot listen there.

    Refused when the database has no tables yet.
    """
    if not inspect(db.engine).has_table("house_facts"):
        raise Refused("The database is new. Make its tables first: tracker db upgrade")
    return _serve(host, port, _environment(host, port), lambda url: click.echo(f"The tracker answers at {url}"))


def serve_demo(host: str, port: int) -> int:
    """The same with a mail server of its own, from which nothing leaves this machine, and the sign-ins of the demo."""
    with Mailbox(current_app.extensions["settings"].instance / "mails") as mailbox:
        environment = {**_environment(host, port), "TRACKER_SMTP_URL": mailbox.url}
        return _serve(host, port, environment, lambda url: click.echo(told_on_start(url, mailbox.folder)))


def _environment(host: str, port: int) -> dict[str, str]:
    """What the children inherit; links in mail lead to this very address unless another one is set."""
    environment = dict(os.environ)
    if not environment.get("TRACKER_BASE_URL"):
        with suppress(ValueError):
            name = _reachable_as(host)
            if name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback:
                environment["TRACKER_BASE_URL"] = f"http://{name}:{port}"
    return environment


def _reachable_as(host: str) -> str:
    """How this machine itself reaches what listens on `host`, as it stands in an address."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # read, not bound
    return f"[{name}]" if ":" in name else name


def _serve(host: str, port: int, environment: Mapping[str, str], say: Callable[[str], None]) -> int:
    try:
        listening = _listen(host, port)
    except OSError as fault:
        click.echo(f"tracker: {_why_not(fault, host, port)}", err=True)
        return 1
    # Only the children work with the database.
    db.session.remove()
    db.engine.dispose()
    with listening:
        return _House(listening, f"http://{_reachable_as(host)}:{port}", environment, say).run()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens at the first address `host` stands for. OSError when it cannot."""
    family, kind, proto, _name, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, proto)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening


def _why_not(fault: OSError, host: str, port: int) -> str:
    if fault.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program. Choose one with --port (make demo PORT=8001)."
    if fault.errno == errno.EACCES:
        return f"this account may not listen on port {port}. Choose one above 1023 with --port."
    return f"cannot listen on {host}, port {port}: {fault.strerror or fault}."


# The parent -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Child:
    """One child process: running (`process`), or to be started again at `due` (seconds, monotonic)."""

    name: str
    arguments: list[str]
    hands_down: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0

    def start(self, environment: Mapping[str, str]) -> None:
        # A session of its own: Ctrl-C at the terminal reaches only the parent, which passes it on once.
        self.process = subprocess.Popen(  # noqa: S603  # our own program, with arguments of our own
            [sys.executable, "-P", "-m", "tracker.serving", *self.arguments],
            env=dict(environment),
            stdin=subprocess.PIPE,
            pass_fds=self.hands_down,
            start_new_session=True,
        )
        self.started = clock.monotonic()

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def has_ended(self) -> bool:
        """Whether it was running and is not any more; then it is to be started again after a pause."""
        if self.process is None or self.is_running():
            return False
        now = clock.monotonic()
        well = now - self.started >= WELL_AFTER
        self.pause = FIRST_PAUSE if well or not self.pause else min(2 * self.pause, LONGEST_PAUSE)
        self.due = now + self.pause
        return True

    def forget(self) -> int:
        """Let go of an ended process; its exit code, negative when a signal ended it."""
        assert self.process is not None
        code = self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        self.process = None
        return code

    def end(self, force: bool = False) -> None:
        """Ask it to end, or end it with everything it has started."""
        if self.process is not None and self.is_running():
            with suppress(ProcessLookupError):
                if force:
                    os.killpg(self.process.pid, signal.SIGKILL)
                else:
                    self.process.terminate()


class _House:
    """Looks after the children until it is asked to end."""

    def __init__(
        self, listening: socket.socket, url: str, environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._url = url
        self._environment = environment
        self._say = say
        self._answers = False
        handle = listening.fileno()
        self._children = [_Child("the pages", ["web", str(handle)], (handle,)), _Child("the clock", ["clockwork"])]

    def run(self) -> int:
        with _signals() as wait:
            try:
                while not wait(self._seconds_to_wait()):
                    self._look_after()
                self._end(wait)
            finally:
                for child in self._children:
                    child.end(force=True)
                    if child.process is not None:
                        child.forget()
        return 0

    def _seconds_to_wait(self) -> float | None:
        """Until something is to be done; None: until a child ends or somebody asks."""
        now = clock.monotonic()
        waits = [max(0.0, child.due - now) for child in self._children if child.process is None]
        if not self._answers:
            waits.append(LOOK_EVERY)
        return min(waits, default=None)

    def _look_after(self) -> None:
        for child in self._children:
            if child.has_ended():
                how = _how_it_ended(child.forget())
                click.echo(f"tracker: {child.name} {how}; started again in {child.pause:.0f} s.", err=True)
            if child.process is None and child.due <= clock.monotonic():
                child.start(self._environment)
        if not self._answers and _is_answering(self._url):
            self._answers = True
            self._say(self._url)

    def _end(self, wait: Callable[[float | None], set[int]]) -> None:
        """Ask all to end, give them their time; who asks twice wants it now. Says who had to be ended by force."""
        click.echo("Ending.", err=True)
        for child in self._children:
            child.end()
        until = clock.monotonic() + GRACE
        why = ""
        while running := [child.name for child in self._children if child.is_running()]:
            if why:
                click.echo(f"tracker: {' and '.join(running)} {why}; ended by force.", err=True)
                return
            left = until - clock.monotonic()
            if left <= 0:
                why = f"did not end within {GRACE:.0f} s"
            elif wait(left):
                why = "had not ended when asked again"


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _is_answering(url: str) -> bool:
    """Whether anything comes back from the sign-in page within two seconds."""
    asking = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        asking.request("GET", "/sign-in")
        return asking.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


@contextmanager
def _signals() -> Iterator[Callable[[float | None], set[int]]]:
    """Within it, `wait(seconds)` returns at the latest then, at once when a child ends, and with the signals that ask
    this process to end. Nothing is done in the handlers themselves."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    # Who starts us with nohup means it.
    wanted = [n for n in ENDING if n != signal.SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: None) for number in (*wanted, signal.SIGCHLD)}
    woken_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def wait(seconds: float | None) -> set[int]:
        select.select([reader], [], [], seconds)
        try:
            return set(os.read(reader, 512)) & set(ENDING)
        except BlockingIOError:
            return set()

    try:
        yield wait
    finally:
        signal.set_wakeup_fd(woken_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


# The children ---------------------------------------------------------------------------------------------------------


def answer(app: Any, listening: socket.socket) -> None:
    """Answer requests until SIGTERM or SIGINT; then take no new ones, and finish those that are begun."""
    from waitress import wasyncore
    from waitress.server import create_server

    # It warns of every two requests that come at once.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    channels: dict[int, Any] = {}
    server: Any = create_server(
        app,
        map=channels,
        sockets=[listening],
        threads=8,
        # Who we are and in which version is nobody's business.
        ident=None,
        # Behind proxies the application itself takes what the nearest ones say; in front of none, nobody is believed.
        clear_untrusted_proxy_headers=app.extensions["settings"].proxies == 0,
        max_request_body_size=LARGEST_REQUEST,
    )
    asked: list[int] = []

    def ask(number: int, _frame: Any) -> None:
        asked.append(number)
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    while not asked:
        wasyncore.loop(timeout=1, use_poll=True, map=channels, count=1)
    server.accepting = False
    until = clock.monotonic() + ANSWERS_END_WITHIN
    while clock.monotonic() < until and any(
        channel.requests or channel.total_outbufs_len for channel in list(server.active_channels.values())
    ):
        wasyncore.loop(timeout=0.1, use_poll=True, map=channels, count=1)
    server.task_dispatcher.shutdown(timeout=1)


def _end_with_parent() -> None:
    """End when the parent is gone: then nobody holds the other end of standard input any more."""

    def watch() -> None:
        with suppress(OSError):
            while os.read(0, 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def run_child(arguments: list[str]) -> None:
    """What a child does: `web FD` answers on that listening socket, `clockwork` runs the clock."""
    from tracker.app import build
    from tracker.clockwork.runner import run_clock

    _end_with_parent()
    try:
        app = build()
    except TrackerError as refusal:
        click.echo(f"tracker: {refusal.message}", err=True)
        sys.exit(2)
    if arguments[0] == "web":
        answer(app, socket.socket(fileno=int(arguments[1])))
    else:
        run_clock(app)


if __name__ == "__main__":
    run_child(sys.argv[1:])
