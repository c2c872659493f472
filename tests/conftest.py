"""What every test stands on: real databases of both kinds, the application, a mail server, a browser, and no network.

`database_url` gives each test a freshly migrated database, once on SQLite and once on PostgreSQL; a test marked
`one_engine` runs on SQLite only. `app`, `client`, `run_tracker` and `live_server` stand on it.
"""

import fcntl
import gc
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from engines import Absent, Postgres, SQLiteFiles, start_postgres
from flask import Flask
from flask.testing import FlaskClient
from forked import ForkedCommands
from hypothesis import settings as hypothesis_settings
from made_once import remember
from mail_sink import MailSink

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = Path(__file__).resolve().parent / ".artifacts"

#: A zone few people live in: what reads the machine's local time by accident shows at once.
os.environ["TZ"] = "Asia/Kathmandu"
time.tzset()

#: Bytes that must be free in memory before the files of tests are kept there.
ROOM = 6 * 1024**3


def keep_files_in_memory(folder: str = "/dev/shm") -> None:
    """Let what tests write lie in memory, if the machine has the room and `TMPDIR` names no other place: every test
    writes a database of its own, which nobody wants to find on the disk."""
    try:
        there = os.statvfs(folder)
        meminfo = Path("/proc/meminfo").read_text()
    except OSError:
        return
    available = int(meminfo.partition("MemAvailable:")[2].split()[0]) * 1024
    runs_programs = not there.f_flag & os.ST_NOEXEC
    if runs_programs and min(there.f_bavail * there.f_frsize, available) > ROOM and os.access(folder, os.W_OK):
        os.environ["TMPDIR"] = folder
        tempfile.tempdir = None


if "TMPDIR" not in os.environ:
    keep_files_in_memory()

REQUIRED = {word for word in os.environ.get("TRACKER_REQUIRE", "").replace(" ", "").split(",") if word}
CHROMIUM = os.environ.get("TRACKER_CHROMIUM")
for _name in [n for n in os.environ if n.startswith("TRACKER_") or n == "DATABASE_URL"]:
    del os.environ[_name]

# Two cores at work on something else make no test wrong; a failure prints what repeats it.
hypothesis_settings.register_profile("house", deadline=None, print_blob=True)
hypothesis_settings.load_profile("house")

ENGINES = ("sqlite", "postgresql")

#: How a skip begins that tells what is missing: read again for the last lines, whichever process skipped.
MISSING = "missing on this machine: "


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long, and with which seed, faults happen at random (`make soak`)."""
    parser.addoption("--soak-seconds", type=float, default=10, help="how long faults happen at random, in all")
    parser.addoption("--soak-seed", type=int, default=None, help="the seed to repeat; left out: a new one, printed")


def pytest_configure(config: pytest.Config) -> None:
    """The marks of this file."""
    config.addinivalue_line("markers", "one_engine: what is tested does not differ between databases; SQLite only")
    config.addinivalue_line("markers", "only_postgres: what happens to a server, which a file has none of")
    config.addinivalue_line("markers", "rehearsal: the database is one where --at may name any instant")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on both engines; on SQLite only what opens a page, or is marked `one_engine`; on
    PostgreSQL only what is marked `only_postgres`."""
    if "database_url" not in metafunc.fixturenames:
        return
    one = metafunc.definition.get_closest_marker("one_engine") or "page" in metafunc.fixturenames
    engines = ENGINES[:1] if one else ENGINES
    if metafunc.definition.get_closest_marker("only_postgres"):
        engines = ENGINES[1:]
    marked = [pytest.param(e, marks=[pytest.mark.postgres] if e == "postgresql" else []) for e in engines]
    metafunc.parametrize("database_url", marked, indirect=True)


def _absent(what: str, why: str) -> None:
    """Skip for want of something, or fail when it is required."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required and missing: {why}", pytrace=False)
    pytest.skip(f"{MISSING}{what}, {why}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in the last lines what could not run."""
    skipped = [str(report.longrepr[-1]) for report in terminalreporter.stats.get("skipped", ())]
    missing = dict.fromkeys(why.partition(MISSING)[2] for why in skipped if MISSING in why)
    for why in missing:
        terminalreporter.write_line(f"Could not run what needs the {why}.", yellow=True)
    if CHROMIUM is None and any(why.startswith("browser") for why in missing):
        terminalreporter.write_line("`make browser` says what to do.", yellow=True)
    if os.environ.get("CHECKS") == "failed":
        terminalreporter.write_line("The checks before the tests failed: see above, or `make lint`.", red=True)


@pytest.fixture(scope="session")
def fault_table() -> Iterator[Any]:
    """What each fault cost in this run (`house_of_faults.FaultTable`)."""
    from house_of_faults import FaultTable

    table = FaultTable()
    yield table
    table.write()


# Nothing beyond this machine ------------------------------------------------------------------------------------------


def _stays_here(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0])
    return host in ("localhost", "::1", "") or host.startswith("127.")


_reached_out: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Refuse every connection that would leave this machine: nothing may go out but to what a test has set up."""
    with pytest.MonkeyPatch.context() as patch:

        def guard(name: str, position: int) -> None:
            original = getattr(socket.socket, name)

            def guarded(self: socket.socket, *args: Any) -> Any:
                if args and not _stays_here(self.family, args[position]):
                    _reached_out.append(f"{args[position]}")
                    raise ConnectionRefusedError(f"tests reach nothing beyond this machine: {args[position]}")
                return original(self, *args)

            patch.setattr(socket.socket, name, guarded)

        guard("connect", 0)
        guard("connect_ex", 0)
        guard("sendto", -1)
        yield


@pytest.fixture(autouse=True)
def reached_out() -> Iterator[list[str]]:
    """What the test tried to reach beyond this machine: it fails for it, whatever the code made of the refusal."""
    _reached_out.clear()
    yield _reached_out
    assert not _reached_out, f"the test tried to reach {_reached_out}"


# Databases ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres | str]:
    """The server, or why there is none."""
    try:
        server = start_postgres()
    except Absent as absent:
        yield str(absent)
        return
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres(_postgres: Postgres | str) -> Postgres:
    """A PostgreSQL server; skips when there is none."""
    if isinstance(_postgres, str):
        _absent("postgres", _postgres)
    assert isinstance(_postgres, Postgres)
    return _postgres


@pytest.fixture(scope="session")
def _sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SQLiteFiles:
    return SQLiteFiles(tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _made_once(shared_folder: Path) -> Path:
    """Where lies what every tracker makes from the program alone: it is there already, as at a second start."""
    remember(shared_folder / "templates-in-python")
    folder = shared_folder / "made"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture
def instance(tmp_path: Path, _made_once: Path) -> Path:
    """The folder in which this test's tracker keeps its own files."""
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o700)
    (folder / "made").symlink_to(_made_once)
    return folder


def _call_rehearsal(address: str) -> None:
    """Say of a database that it is a rehearsal's."""
    from sqlalchemy import NullPool, create_engine, insert

    from tracker.base.house import HouseFact

    with create_engine(address, poolclass=NullPool).begin() as connection:
        connection.execute(insert(HouseFact).values(key="rehearsal", value="yes"))


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, instance: Path, _sqlite_files: SQLiteFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a migrated, empty database of this test's own."""

    def migrate(address: str) -> None:
        from alembic import command
        from alembic.config import Config

        with made_app(_environment(address, tmp_path_factory.mktemp("migrating"))):
            command.upgrade(Config(str(ROOT / "migrations" / "alembic.ini")), "head")

    rehearses = request.node.get_closest_marker("rehearsal") is not None
    if request.param == "sqlite":
        address = _sqlite_files.copy("plain", migrate, instance / "tracker.db")
        if rehearses:
            _call_rehearsal(address)
        yield address
        return
    server: Postgres = request.getfixturevalue("postgres")
    address = server.copy("plain", migrate)
    if rehearses:
        _call_rehearsal(address)
    yield address
    server.drop(address)


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, instance: Path) -> Iterator[str]:
    """The address of a database without any table, once for each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{instance / 'tracker.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    address = server.empty()
    yield address
    server.drop(address)


# The tracker ----------------------------------------------------------------------------------------------------------


def _environment(database_url: str, instance: Path) -> dict[str, str]:
    """The settings of a tracker as environment variables, and of everything else only what a process needs."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONWARNINGS": "default",
        "TRACKER_DATABASE_URL": database_url,
        "TRACKER_INSTANCE": str(instance),
        "TRACKER_SECRET_KEY": "a secret of the tests, and of nothing else",
        "TRACKER_MAIL_FROM": "Urgent action tracker <tracker@example.org>",
    }


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


RunTracker = Callable[..., Done]


@pytest.fixture(scope="session")
def forked_commands() -> Iterator[ForkedCommands]:
    """Runs the real command in processes that are quickly there."""
    commands = ForkedCommands()
    yield commands
    commands.close()


@pytest.fixture(scope="session")
def loaded_demo(shared_folder: Path, _made_once: Path, forked_commands: ForkedCommands) -> Path:
    """The folder of a demo that was loaded and ran once, to be copied: one for all processes of this run."""
    folder, beside = shared_folder / "demo", shared_folder / "demo-being-loaded"
    with (shared_folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(mode=0o700)
            (beside / "made").symlink_to(_made_once)
            code, _out, err = forked_commands.run(["demo", "--once", "--json"], _environment("", beside), "")
            assert code == 0, err
            beside.rename(folder)
    return folder


@pytest.fixture(scope="module")
def demo_env(loaded_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a demo that was loaded and ran once, of this file's own."""
    folder = tmp_path_factory.mktemp("demo") / "instance"
    shutil.copytree(loaded_demo, folder, symlinks=True)
    return _environment("", folder)


@pytest.fixture
def tracker_env(database_url: str, instance: Path) -> dict[str, str]:
    """The environment of this test's tracker: for child processes; change it to change a setting."""
    return _environment(database_url, instance)


@pytest.fixture
def run_tracker(tracker_env: dict[str, str], forked_commands: ForkedCommands) -> RunTracker:
    """Run the real command: `run_tracker("cases", "list", "--json", env={...}, input="...")` returns a `Done`."""

    def run(*arguments: str, env: dict[str, str] | None = None, input: str = "") -> Done:
        return Done(*forked_commands.run(list(arguments), {**tracker_env, **(env or {})}, input))

    return run


#: The dialect and the statements put into SQL of the first engine of its kind in this process.
_known_sql: dict[str, tuple[Any, Any]] = {}


def share_sql(engine: Any) -> None:
    """Let an engine use what an earlier one has put into SQL: each test has an engine of its own, and puts a hundred
    statements into words that are always the same."""
    engine.dialect, engine._compiled_cache = _known_sql.setdefault(
        engine.dialect.name, (engine.dialect, engine._compiled_cache)
    )


@contextmanager
def made_app(environment: dict[str, str]) -> Iterator[Flask]:
    """The application with these settings, within its context; its connections are closed in the end. What the one
    around it holds and is read meanwhile is read over a connection of this one: that is given back, too."""
    from flask import has_app_context

    from tracker import create_app
    from tracker.app import settings_module
    from tracker.base.db import db

    load = settings_module().load
    made = create_app(load({k: v for k, v in environment.items() if k.startswith("TRACKER_")}))
    made.testing = True
    answers = made.wsgi_app

    def apart(environ: Any, start_response: Any) -> Any:
        """Each request has a context of its own, as in a server: what one remembers, the next must not find."""
        with made.app_context():
            return answers(environ, start_response)

    made.wsgi_app = apart  # type: ignore[method-assign]
    around = db.session() if has_app_context() else None
    with made.app_context():
        share_sql(db.engine)
        try:
            yield made
        finally:
            db.session.remove()
            if around is not None:
                around.rollback()
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def app(tracker_env: dict[str, str]) -> Iterator[Flask]:
    """The application over this test's database, within its context."""
    with made_app(tracker_env) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without pictures: asks the application in this process."""
    return app.test_client()


@pytest.fixture
def mail_sink() -> Iterator[MailSink]:
    """A running SMTP server; what it got stands in `mails`."""
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


# A browser ------------------------------------------------------------------------------------------------------------


class LiveServer:
    """The application behind a real server on a free port. `at` holds its clock at an instant; None lets it run."""

    def __init__(self, app: Flask) -> None:
        from waitress.server import create_server

        from tracker.base import clock

        self.app = app
        self.at: datetime | None = None

        def at_its_time(environ: Any, start_response: Any) -> Any:
            with clock.fixed_at(self.at):
                return app(environ, start_response)

        self._server: Any = create_server(
            at_its_time, host="127.0.0.1", port=0, threads=4, clear_untrusted_proxy_headers=True
        )
        self.url = f"http://127.0.0.1:{self._server.effective_port}"
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        from waitress import wasyncore

        channels = self._server._map
        while not self._over:
            wasyncore.loop(timeout=1, use_poll=True, map=channels, count=1)
        self._server.task_dispatcher.shutdown(timeout=60)
        # Here, where nothing else looks at them. A browser keeps connections for another page.
        wasyncore.close_all(channels)

    def stop(self) -> None:
        """No request is answered from now on."""
        self._over = True
        self._server.pull_trigger()
        self._thread.join(timeout=90)


@pytest.fixture
def live_server(app: Flask) -> Iterator[LiveServer]:
    """The application at a real address, over this test's database."""
    server = LiveServer(app)
    yield server
    server.stop()


def _chromium() -> str | None:
    if CHROMIUM:
        return CHROMIUM if os.access(CHROMIUM, os.X_OK) else None
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; skips when there is none."""
    found = _chromium()
    if found is None:
        _absent("browser", "there is no Chromium on the PATH" if not CHROMIUM else f"{CHROMIUM} is no program")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found,
            headless=True,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest, database_url: str) -> Iterator[Any]:
    """A page of a fresh browser profile, the size of a small laptop. What the browser complains of fails the test: a
    script that breaks, anything the content security policy has stopped. A failed test leaves its picture behind."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(30_000)
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda fault: complaints.append(str(fault)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    failed = getattr(request.node, "failed", False)
    if failed or complaints:
        ARTIFACTS.mkdir(exist_ok=True)
        with suppress(Exception):
            opened.screenshot(path=ARTIFACTS / f"{request.node.name}.png".replace("/", "-"), full_page=True)
    context.close()
    assert not complaints, f"the browser complained: {complaints}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let fixtures know that their test has failed."""
    report: Any = yield
    if report.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report


def pytest_collection_finish() -> None:
    """Look no more at what is there for good: looking for garbage among it took a fifth of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever opens a page is a browser test."""
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
