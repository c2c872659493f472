"""Mail that is looked after

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

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bounces, calendar feeds, stops of the clock; who is away and who cannot be reached."""
    op.create_table(
        "outages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("began_at", columns.UTCDateTime(), nullable=False),
        sa.Column("ended_at", columns.UTCDateTime(), nullable=False),
        sa.Column("reported_at", columns.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
        sa.UniqueConstraint("began_at", name=op.f("uq_outages_began_at")),
    )
    with op.batch_alter_table("outages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outages_ended_at"), ["ended_at"], unique=False)

    op.create_table(
        "calendar_feeds",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("read_at", columns.UTCDateTime(), nullable=True),
        sa.Column("expires_at", columns.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_calendar_feeds_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feeds_token_hash")),
        sa.UniqueConstraint("user_id", name=op.f("uq_calendar_feeds_user_id")),
    )
    op.create_table(
        "bounces",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("envelope_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("read_at", columns.UTCDateTime(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["envelope_id"], ["envelopes.id"], name=op.f("fk_bounces_envelope_id_envelopes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounces")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_bounces_fingerprint")),
    )
    with op.batch_alter_table("bounces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bounces_envelope_id"), ["envelope_id"], unique=False)

    # A default of the database while old code still writes rows without these; the models always give a value.
    op.add_column(
        "recipients",
        sa.Column("suppressed_reason", sa.String(length=200), nullable=False, server_default=sa.text("''")),
    )
    op.add_column("recipients", sa.Column("soft_bounces", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("recipients", sa.Column("soft_bounced_on", sa.Date(), nullable=True))
    op.add_column("recipients", sa.Column("reachable_since", columns.UTCDateTime(), nullable=True))
    op.add_column("recipients", sa.Column("with_ics", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("recipients", sa.Column("wants_digest", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("messages", sa.Column("seen_to_at", columns.UTCDateTime(), nullable=True))
    op.add_column("users", sa.Column("away_until", sa.Date(), nullable=True))


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
