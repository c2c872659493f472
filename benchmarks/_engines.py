"""Databases to measure on, of both kinds, with every commit on the disk. They are those the tests stand on."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from engines import Absent, SQLiteFiles, start_postgres  # noqa: E402
from flask import Flask  # noqa: E402

#: Fills an empty, migrated database; runs within the application.
Fill = Callable[[], None]

#: Lends a database filled so, for one round.
Lend = Callable[[], Any]


@contextmanager
def application(address: str, folder: Path, **settings: str) -> Iterator[Flask]:
    """The tracker over a database, within its context."""
    from tracker import create_app
    from tracker.app import settings_module
    from tracker.base.db import db

    given = {
        "TRACKER_DATABASE_URL": address,
        "TRACKER_INSTANCE": str(folder),
        "TRACKER_SECRET_KEY": "a secret of the measurements, and of nothing else",
        "TRACKER_MAIL_FROM": "Urgent action tracker <tracker@example.org>",
        **settings,
    }
    app = create_app(settings_module().load(given))
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()


@contextmanager
def databases(fill: Fill) -> Iterator[dict[str, Lend]]:
    """For each engine there is, a function whose answer is a context manager of a fresh copy of the filled database:
    (its address, a folder for the rest)."""
    for name in [n for n in os.environ if n.startswith("TRACKER_") or n == "DATABASE_URL"]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as made:
        folder = Path(made)

        def migrate(address: str) -> None:
            from alembic import command
            from alembic.config import Config

            with application(address, folder):
                command.upgrade(Config(str(ROOT / "migrations" / "alembic.ini")), "head")
                fill()

        files = SQLiteFiles(folder)

        @contextmanager
        def file() -> Iterator[tuple[str, Path]]:
            with tempfile.TemporaryDirectory(dir=folder) as own:
                yield files.copy("filled", migrate, Path(own) / "tracker.db"), Path(own)

        found: dict[str, Lend] = {"SQLite": file}
        try:
            server = start_postgres(durable=True)
        except Absent as absent:
            print(f"Not measured on PostgreSQL: {absent}")
            yield found
            return

        @contextmanager
        def database() -> Iterator[tuple[str, Path]]:
            address = server.copy("filled", migrate)
            with tempfile.TemporaryDirectory(dir=folder) as own:
                yield address, Path(own)
            server.drop(address)

        found["PostgreSQL"] = database
        try:
            yield found
        finally:
            server.close()
