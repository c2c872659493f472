"""People who are invited

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

from tracker.base import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Links by which people join and set a new password; aliases, and accounts that keep it discreet."""
    op.create_table(
        "account_links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("coordinator", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("expires_at", columns.UTCDateTime(), nullable=False),
        sa.Column("used_at", columns.UTCDateTime(), nullable=True),
        sa.Column("ended_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_account_links_desk_id_desks")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_account_links_made_by_users")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_account_links_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_links_token_hash")),
    )
    with op.batch_alter_table("account_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_links_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_links_made_by"), ["made_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_links_user_id"), ["user_id"], unique=False)

    op.create_table(
        "reset_asks",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("address_sealed", sa.Text(), nullable=False),
        sa.Column("asked_at", columns.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_reset_asks")),
    )

    # A default of the database while old code still writes rows without these; the models always give a value.
    op.add_column("users", sa.Column("invited", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("alias", sa.String(length=60), nullable=True))
    op.add_column("users", sa.Column("discreet", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
