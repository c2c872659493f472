"""${message}

Before this goes in:
- It runs on a database in use, on SQLite and on PostgreSQL: tests/house/test_migrations.py runs it on filled ones.
- Old code may run beside it for minutes. Add first; drop in a later release, when no code reads it any more.
- A new column that may not be empty comes in three steps: add it nullable, fill it in one statement, then forbid NULL.
- A new index on a large table of PostgreSQL is made CONCURRENTLY, in a revision of its own that says so.
- Rows are changed by one statement per table, never one by one, and never through the models, which move on.
- Append-only tables (tracker/base/ddl.py) refuse UPDATE and DELETE: their past is not mended by a migration.
- Triggers and full-text tables are not written here: ddl.apply puts them back after every upgrade.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
