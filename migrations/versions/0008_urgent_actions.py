"""Urgent actions

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

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Actions with their letters, the target book, what volunteers did, and who opened what."""
    op.create_table(
        "targets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("hosted_in", sa.String(length=2), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("office", sa.String(length=200), nullable=False),
        sa.Column("salutation", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("postal", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_targets")),
        sa.UniqueConstraint("public_id", name=op.f("uq_targets_public_id")),
    )
    op.create_index("ix_targets_country_kind", "targets", ["country", "kind"], unique=False)

    op.create_table(
        "target_reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("target_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("reported_at", columns.UTCDateTime(), nullable=False),
        sa.Column("reported_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("settled_at", columns.UTCDateTime(), nullable=True),
        sa.Column("settled_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["reported_by"], ["users.id"], name=op.f("fk_target_reports_reported_by_users")),
        sa.ForeignKeyConstraint(["settled_by"], ["users.id"], name=op.f("fk_target_reports_settled_by_users")),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name=op.f("fk_target_reports_target_id_targets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target_reports")),
    )
    op.create_index(op.f("ix_target_reports_target_id"), "target_reports", ["target_id"], unique=False)

    op.create_table(
        "urgent_actions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ua_sequence", sa.Integer(), nullable=True),
        sa.Column("ua_year", sa.Integer(), nullable=True),
        sa.Column("index_number", sa.String(length=40), nullable=False),
        sa.Column("chain", sa.String(length=10), nullable=False),
        sa.Column("update_number", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("cautions", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("copy_to_embassy", sa.Boolean(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("act_until", sa.Date(), nullable=False),
        sa.Column("act_until_at", columns.UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("state_reason", sa.String(length=20), nullable=False),
        sa.Column("state_since", columns.UTCDateTime(), nullable=False),
        sa.Column("public_words", sa.Text(), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("shown_to", columns.AudienceType(), nullable=False),
        sa.Column(
            "seen_entry_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("activated_at", columns.UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_urgent_actions_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["urgent_actions.id"], name=op.f("fk_urgent_actions_previous_id_urgent_actions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_urgent_actions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_urgent_actions_public_id")),
        sa.UniqueConstraint(
            "ua_year", "ua_sequence", "update_number", name=op.f("uq_urgent_actions_ua_year_ua_sequence_update_number")
        ),
    )
    op.create_index(op.f("ix_urgent_actions_case_id"), "urgent_actions", ["case_id"], unique=False)
    op.create_index(op.f("ix_urgent_actions_previous_id"), "urgent_actions", ["previous_id"], unique=False)
    op.create_index("ix_urgent_actions_state_act_until_at", "urgent_actions", ["state", "act_until_at"], unique=False)

    op.create_table(
        "action_letters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("action_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("salutation", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["urgent_actions.id"], name=op.f("fk_action_letters_action_id_urgent_actions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_letters")),
        sa.UniqueConstraint("action_id", "language", name=op.f("uq_action_letters_action_id_language")),
    )
    op.create_table(
        "action_readings",
        sa.Column("action_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("opened_at", columns.UTCDateTime(), nullable=False),
        sa.Column("printed_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["action_id"], ["urgent_actions.id"], name=op.f("fk_action_readings_action_id_urgent_actions")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_action_readings_user_id_users")),
        sa.PrimaryKeyConstraint("action_id", "user_id", name=op.f("pk_action_readings")),
    )
    op.create_index(op.f("ix_action_readings_user_id"), "action_readings", ["user_id"], unique=False)

    op.create_table(
        "action_targets",
        sa.Column("action_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("target_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["urgent_actions.id"], name=op.f("fk_action_targets_action_id_urgent_actions")
        ),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name=op.f("fk_action_targets_target_id_targets")),
        sa.PrimaryKeyConstraint("action_id", "target_id", name=op.f("pk_action_targets")),
    )
    op.create_index(op.f("ix_action_targets_target_id"), "action_targets", ["target_id"], unique=False)

    op.create_table(
        "steps",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("action_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("target_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("recorded_at", columns.UTCDateTime(), nullable=False),
        sa.Column("undone_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["action_id"], ["urgent_actions.id"], name=op.f("fk_steps_action_id_urgent_actions")),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name=op.f("fk_steps_target_id_targets")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_steps_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps")),
        sa.UniqueConstraint("public_id", name=op.f("uq_steps_public_id")),
    )
    op.create_index("ix_steps_action_id_done_on", "steps", ["action_id", "done_on"], unique=False)
    op.create_index(op.f("ix_steps_target_id"), "steps", ["target_id"], unique=False)
    op.create_index("ix_steps_user_id_action_id", "steps", ["user_id", "action_id"], unique=False)


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
