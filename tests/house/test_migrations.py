"""The database as the revisions make it is the one the models describe, on both engines, empty or filled."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, Integer, MetaData, text
from sqlalchemy.exc import DatabaseError

from tracker.base.db import WRITES, db

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def config() -> Config:
    """Alembic's own view of the revisions."""
    return Config(str(MIGRATIONS / "alembic.ini"))


def test_the_file_head_names_the_newest_revision() -> None:
    heads = ScriptDirectory.from_config(config()).get_heads()
    assert len(heads) == 1, f"two revisions follow the same one: {heads}"
    assert (MIGRATIONS / "head").read_text().split()[0] == heads[0]


def test_revisions_are_numbered_in_a_row() -> None:
    revisions = [s.revision for s in ScriptDirectory.from_config(config()).walk_revisions()]
    assert sorted(revisions) == [f"{n:04}" for n in range(1, len(revisions) + 1)]


def test_the_revisions_make_what_the_models_describe(app: Flask) -> None:
    assert _differences() == []


def test_a_changed_model_is_seen(app: Flask) -> None:
    with db.engine.connect() as connection, connection.begin():
        connection.execute(text("DROP INDEX ix_cases_stage_stale_at"))
    assert [d[0] for d in _differences()] == ["add_index"]


def test_upgrading_again_changes_nothing(app: Flask) -> None:
    before = _schema()
    command.upgrade(config(), "head")
    assert _schema() == before


def test_a_revision_of_a_filled_database_keeps_rows_triggers_and_words(app: Flask, tmp_path: Path) -> None:
    """What comes next is imagined: a revision that makes two tables anew, as SQLite must for most changes."""
    filled = _fill()
    assert filled > 20, "nearly every table has a row"
    triggers = _triggers()
    assert triggers
    imagined = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    head = ScriptDirectory.from_config(config()).get_current_head()
    (imagined / "versions" / "9999_imagined.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"revision, down_revision, branch_labels, depends_on = '9999', {head!r}, None, None\n"
        "def upgrade():\n"
        "    for table in ('cases', 'entries', 'search_rows'):\n"
        "        with op.batch_alter_table(table, recreate='auto') as batch:\n"
        "            batch.add_column(sa.Column('imagined', sa.String(10), nullable=True))\n"
        "            batch.alter_column('id', existing_type=sa.BigInteger(), comment=None)\n"
        "            batch.create_check_constraint('imagined', 'imagined IS NULL OR id > 0')\n"
    )
    before = _counts()
    command.upgrade(Config(str(imagined / "alembic.ini")), "head")
    assert _counts() == before
    assert _triggers() == triggers
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            found = connection.execute(text("SELECT count(*) FROM search_words WHERE search_words MATCH 'x'")).scalar()
            foreign_keys = connection.execute(text("PRAGMA foreign_keys")).scalar()
            connection.rollback()
        assert (found, foreign_keys) == (1, 1)


@pytest.mark.parametrize("start", ["0001", "0008"])
def test_each_revision_runs_on_a_filled_database(app: Flask, start: str) -> None:
    """The database is emptied first, so that it goes the whole way with rows in it."""
    _drop_everything()
    command.upgrade(config(), start)
    _fill()
    before = _counts()
    command.upgrade(config(), "head")
    after = _counts()
    assert {name: after[name] for name in before} == before
    assert _differences() == []


def test_a_revision_that_fails_leaves_everything_as_it_was(app: Flask, tmp_path: Path) -> None:
    imagined = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    head = ScriptDirectory.from_config(config()).get_current_head()
    (imagined / "versions" / "9999_imagined.py").write_text(
        "from alembic import op\n"
        f"revision, down_revision, branch_labels, depends_on = '9999', {head!r}, None, None\n"
        "def upgrade():\n"
        "    op.execute('DROP TABLE attempts')\n"
        "    op.execute('SELECT nothing FROM nowhere')\n"
    )
    before = _schema()
    with pytest.raises(DatabaseError, match="nowhere"):
        command.upgrade(Config(str(imagined / "alembic.ini")), "head")
    assert _schema() == before


def _drop_everything() -> None:
    """Leave nothing, as if the database had just been made."""
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
            return
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        connection.execute(text("DROP TABLE search_words"))
        for table in reversed(_reflected_on(connection).sorted_tables):
            connection.execute(text(f"DROP TABLE {table.name}"))


def _reflected_on(connection: Connection) -> MetaData:
    found = MetaData()
    found.reflect(connection)
    return found


def _reflected() -> MetaData:
    """The tables as the database knows them, without those of the full-text index."""
    found = MetaData()
    found.reflect(db.engine, only=lambda name, _: not name.startswith("search_words"))
    return found


#: What a table's own checks ask for beyond that.
NEEDS: dict[str, dict[str, Any]] = {"subscriptions": {"case_id": 1}}


def _fill() -> int:
    """Put one row into each table, parents first; returns how many tables have one."""
    values = {"BOOLEAN": True, "DATE": date(2026, 4, 8), "TIMESTAMP": datetime(2026, 4, 8, tzinfo=UTC)}
    waiting = {t.name: t for t in _reflected().sorted_tables if t.name != "alembic_version"}
    done: set[str] = set()
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        while ready := [
            t
            for t in waiting.values()
            if {f.column.table.name for c in t.columns if not c.nullable for f in c.foreign_keys} <= done
            and (t.name not in NEEDS or "cases" in done)
        ]:
            for table in ready:
                row = {
                    c.name: values.get(type(c.type).__name__, 1 if isinstance(c.type, Integer) else "x")
                    for c in table.columns
                    if not (c.nullable and c.foreign_keys)
                }
                connection.execute(table.insert().values(row | NEEDS.get(table.name, {})))
                done.add(waiting.pop(table.name).name)
    return len(done)


def _counts() -> dict[str, int]:
    """Rows by table."""
    with db.engine.connect() as connection:
        names = sorted(_reflected().tables)
        found = {n: int(connection.execute(text(f"SELECT count(*) FROM {n}")).scalar_one()) for n in names}
        connection.rollback()
    return found


def _triggers() -> list[Any]:
    """The triggers by table and name."""
    ask = (
        "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1, 2"
        if db.engine.dialect.name == "sqlite"
        else "SELECT event_object_table, trigger_name FROM information_schema.triggers ORDER BY 1, 2"
    )
    with db.engine.connect() as connection:
        found = [tuple(r) for r in connection.execute(text(ask))]
        connection.rollback()
    return found


def _differences() -> list[Any]:
    from sqlalchemy.schema import SchemaItem

    def ours(_item: SchemaItem, name: str | None, _kind: str, reflected: bool, _other: Any) -> bool:
        # Made by tracker.base.ddl, which models cannot say.
        return not (reflected and name is not None and ("search_words" in name or name == "ix_search_rows_words"))

    with db.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata)
        connection.rollback()
    return list(found)


def _schema() -> list[Any]:
    """Everything the database says about itself."""
    on_sqlite = db.engine.dialect.name == "sqlite"
    ask = (
        "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
        if on_sqlite
        else "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' UNION ALL SELECT event_object_table, trigger_name, action_statement "
        "FROM information_schema.triggers UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes "
        "WHERE schemaname = 'public' ORDER BY 1, 2"
    )
    with db.engine.connect() as connection:
        rows = [tuple(r) for r in connection.execute(text(ask))]
        connection.rollback()
    return rows


@pytest.mark.parametrize("name", ["env.py", "script.py.mako", "alembic.ini", "head"])
def test_everything_the_upgrade_needs_is_there(name: str) -> None:
    assert (MIGRATIONS / name).is_file()
