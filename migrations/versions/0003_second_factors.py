"""Second factors

Who was signed in with a password alone signs in anew: their next page must not be one that a second factor guards.
Columns are nullable: old code may write rows without them for some minutes.
"""

import sqlalchemy as sa
from alembic import op

from tracker.base import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """What accounts show beside their password; the wait for it; when somebody last showed that it is them."""
    op.create_table(
        "code_apps",
        sa.Column("user_id", BIG, autoincrement=False, nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_code_apps_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_code_apps")),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("used_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passkeys_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_user_id"), "passkeys", ["user_id"], unique=False)
    op.create_table(
        "recovery_codes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index("uq_recovery_codes_user_id_code_hash", "recovery_codes", ["user_id", "code_hash"], unique=True)

    op.add_column("messages", sa.Column("address_sealed", sa.Text(), nullable=True))
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pending_user_id", BIG, nullable=True))
        batch_op.add_column(sa.Column("proved_at", columns.UTCDateTime(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_sign_ins_pending_user_id_users"), "users", ["pending_user_id"], ["id"])
        batch_op.create_index(op.f("ix_sign_ins_pending_user_id"), ["pending_user_id"], unique=False)
    op.execute(
        "UPDATE sign_ins SET ended_at = seen_at WHERE ended_at IS NULL "
        "AND user_id IN (SELECT id FROM users WHERE role IN ('admin', 'staff'))"
    )


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
