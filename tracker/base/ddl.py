"""What the models cannot say: triggers that keep entries and attempts append-only, and the full-text index.

Applied after every migration, because SQLite's batch mode rebuilds tables and drops their triggers in silence.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, inspect, text

#: Tables whose rows are never changed or deleted.
APPEND_ONLY = ("entries", "entry_persons", "entry_sources", "attempts", "acts", "act_parts", "bounces", "consents")


def apply(connection: Connection) -> None:
    """Make triggers and the full-text index as they should be, whatever stood before."""
    # A database on the way to the newest revision has not got every table yet.
    there = set(inspect(connection).get_table_names())
    tables = [table for table in APPEND_ONLY if table in there]
    if connection.dialect.name == "sqlite":
        _apply_sqlite(connection, tables)
    else:
        _apply_postgresql(connection, tables)


def _apply_sqlite(connection: Connection, tables: Sequence[str]) -> None:
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            name = f"{table}_no_{verb.lower()}"
            connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
            connection.execute(
                text(
                    f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
                )
            )
    connection.execute(
        text(
            "CREATE VIRTUAL TABLE IF NOT EXISTS search_words USING fts5("
            "words, content='search_rows', content_rowid='id', tokenize='unicode61 remove_diacritics 0', prefix='2 3')"
        )
    )
    for verb, body in {
        "insert": "INSERT INTO search_words(rowid, words) VALUES (new.id, new.words);",
        "delete": "INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.id, old.words);",
        "update": (
            "INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.id, old.words); "
            "INSERT INTO search_words(rowid, words) VALUES (new.id, new.words);"
        ),
    }.items():
        connection.execute(text(f"DROP TRIGGER IF EXISTS search_rows_after_{verb}"))
        connection.execute(
            text(f"CREATE TRIGGER search_rows_after_{verb} AFTER {verb} ON search_rows BEGIN {body} END")
        )


def _apply_postgresql(connection: Connection, tables: Sequence[str]) -> None:
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% are append-only', TG_TABLE_NAME; END $$"
        )
    )
    for table in tables:
        connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}"))
        connection.execute(
            text(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
        )
        # Emptying a table fires nothing that looks at rows.
        connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_never_emptied ON {table}"))
        connection.execute(
            text(
                f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        )
    connection.execute(
        text("CREATE INDEX IF NOT EXISTS ix_search_rows_words ON search_rows USING gin (to_tsvector('simple', words))")
    )
