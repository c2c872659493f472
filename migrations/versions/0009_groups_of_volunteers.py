"""Groups of volunteers, and a short address for each action

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

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Groups, their members and evenings; steps that stand in a group's log; a word to type from paper."""
    op.create_table(
        "volunteer_groups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("ended_at", columns.UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteer_groups")),
        sa.UniqueConstraint("public_id", name=op.f("uq_volunteer_groups_public_id")),
    )
    op.create_table(
        "group_evenings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("local_time", columns.WallTime(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("starts_at", columns.UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("checked_at", columns.UTCDateTime(), nullable=True),
        sa.Column("cancelled_at", columns.UTCDateTime(), nullable=True),
        sa.Column("recorded_at", columns.UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_group_evenings_created_by_users")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["volunteer_groups.id"], name=op.f("fk_group_evenings_group_id_volunteer_groups")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_evenings")),
        sa.UniqueConstraint("public_id", name=op.f("uq_group_evenings_public_id")),
    )
    with op.batch_alter_table("group_evenings", schema=None) as batch_op:
        batch_op.create_index("ix_group_evenings_checked_at_starts_at", ["checked_at", "starts_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_group_evenings_group_id"), ["group_id"], unique=False)

    op.create_table(
        "group_invitations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("coordinator", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("asked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", columns.UTCDateTime(), nullable=False),
        sa.Column("ended_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_group_invitations_asked_by_users")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["volunteer_groups.id"], name=op.f("fk_group_invitations_group_id_volunteer_groups")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_group_invitations_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_invitations")),
        sa.UniqueConstraint("public_id", name=op.f("uq_group_invitations_public_id")),
    )
    with op.batch_alter_table("group_invitations", schema=None) as batch_op:
        batch_op.create_index("ix_group_invitations_group_id_asked_at", ["group_id", "asked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_group_invitations_user_id"), ["user_id"], unique=False)

    op.create_table(
        "group_members",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("coordinator", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("joined_at", columns.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["volunteer_groups.id"], name=op.f("fk_group_members_group_id_volunteer_groups")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_group_members_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_members")),
        sa.UniqueConstraint("group_id", "user_id", name=op.f("uq_group_members_group_id_user_id")),
    )
    with op.batch_alter_table("group_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_group_members_user_id"), ["user_id"], unique=False)

    op.create_table(
        "evening_actions",
        sa.Column("evening_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("action_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("checked_state", sa.String(length=10), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["urgent_actions.id"], name=op.f("fk_evening_actions_action_id_urgent_actions")
        ),
        sa.ForeignKeyConstraint(
            ["evening_id"], ["group_evenings.id"], name=op.f("fk_evening_actions_evening_id_group_evenings")
        ),
        sa.PrimaryKeyConstraint("evening_id", "action_id", name=op.f("pk_evening_actions")),
    )
    with op.batch_alter_table("evening_actions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evening_actions_action_id"), ["action_id"], unique=False)

    with op.batch_alter_table("steps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.create_index(batch_op.f("ix_steps_group_id"), ["group_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_steps_group_id_volunteer_groups"), "volunteer_groups", ["group_id"], ["id"]
        )

    with op.batch_alter_table("urgent_actions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("short_code", sa.String(length=10), nullable=True))
    # Random on both: what was made before gets ten hexadecimal digits.
    if op.get_bind().dialect.name == "sqlite":
        op.execute("UPDATE urgent_actions SET short_code = lower(hex(randomblob(5)))")
    else:
        op.execute("UPDATE urgent_actions SET short_code = substr(md5(gen_random_uuid()::text), 1, 10)")
    with op.batch_alter_table("urgent_actions", schema=None) as batch_op:
        batch_op.alter_column("short_code", existing_type=sa.String(length=10), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_urgent_actions_short_code"), ["short_code"])


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
