"""Acts by case

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

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What an act did in each of several cases; whether it showed something sealed."""
    op.create_table(
        "act_parts",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("shows", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("changes_sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "case_id", name=op.f("pk_act_parts")),
    )
    shown = {"sqlite_where": sa.text("shows"), "postgresql_where": sa.text("shows")}
    op.create_index("ix_act_parts_case_id_seq", "act_parts", ["case_id", "seq"])
    op.create_index("ix_act_parts_shows", "act_parts", ["case_id", "seq"], **shown)
    # A default of the database, so that nothing is rewritten: no act before this one showed anything sealed.
    op.add_column("acts", sa.Column("shows", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_acts_shows", "acts", ["case_id", "seq"], **shown)


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
