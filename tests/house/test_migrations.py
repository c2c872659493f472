"""The database as the revisions make it is the one the models describe, on both engines, empty or filled."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import text

from tracker.base.db import db

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
