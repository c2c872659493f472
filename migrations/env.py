"""How the database gets from one revision to the next: in one transaction, by one process at a time, or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import has_app_context
from sqlalchemy import Connection, text

from tracker import create_app
from tracker.base import ddl
from tracker.base.db import WRITES, db

#: Names the newest revision: two branches that each add one meet in this file, in git, and not in somebody's database.
HEAD = Path(__file__).with_name("head")

#: Any number that nobody else locks with.
UPGRADE_LOCK = 7_210_433_118


def number_revisions(
    migration: MigrationContext, _revision: str | Iterable[str | None], directives: list[MigrationScript]
) -> None:
    """Number a new revision after the last, and name it in HEAD."""
    if not directives:
        return
    script = directives[0]
    assert migration.config
    last = ScriptDirectory.from_config(migration.config).get_current_head()
    script.rev_id = f"{int(last or 0) + 1:04}"
    HEAD.write_text(f"{script.rev_id} {script.message}\n")


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write the house's own column types by their name in `tracker.base.columns`."""
    if kind == "type" and type(item).__module__ == "tracker.base.columns":
        autogen.imports.add("from tracker.base import columns")
        return f"columns.{type(item).__name__}()"
    return False


def include_object(_item: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
    """Leave alone what `tracker.base.ddl` makes: the full-text tables and their index."""
    return not (reflected and kind in ("table", "index") and name is not None and "search_words" in name) and not (
        reflected and name == "ix_search_rows_words"
    )


@contextmanager
def connected() -> Iterator[Connection]:
    """A connection that may rebuild tables: on SQLite foreign keys are off, and checked before anything is kept."""
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        raw: Any = connection.connection.dbapi_connection
        if on_sqlite:
            # Batch mode drops the old table; with foreign keys on that would delete its rows' children.
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            if on_sqlite:
                connection.rollback()
                raw.execute("PRAGMA foreign_keys=ON")


def upgrade(connection: Connection) -> None:
    """Run the revisions and what follows from them in one transaction; a second process waits for the first."""
    applied: list[str] = []
    on_sqlite = connection.dialect.name == "sqlite"
    with connection.begin():
        if not on_sqlite:
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            transactional_ddl=True,
            compare_server_default=True,
            include_object=include_object,
            render_item=render_item,
            process_revision_directives=number_revisions,
            on_version_apply=lambda step, **_: applied.append(str(step.up_revision_id)),
        )
        with context.begin_transaction():
            context.run_migrations()
        if applied and applied[-1] == context.script.get_current_head():
            # Batch mode rebuilds tables and drops their triggers in silence.
            ddl.apply(connection)
        if applied and on_sqlite:
            broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
            if broken:
                raise RuntimeError(f"the revision leaves rows that point nowhere, nothing was changed: {broken[:5]}")


if context.is_offline_mode():
    raise SystemExit("Migrations are run, not printed: some of them look at the rows they change.")
with nullcontext() if has_app_context() else create_app().app_context(), connected() as connection:
    upgrade(connection)
