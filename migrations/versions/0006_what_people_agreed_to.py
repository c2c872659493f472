"""What people agreed to

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

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: Up to which audience each of these may be shown of a person.
SUBJECTS = ("public", "name", "photo", "medical", "location")


def upgrade() -> None:
    """Consent and what follows from it; publicity that is stopped. Nobody has agreed to anything yet: a case that is
    open beyond its desk stays so, people in it are shown by initials as before, and each waits to be asked about."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "consents",
        sa.Column("id", number, nullable=False),
        sa.Column("case_id", number, nullable=False),
        sa.Column("person_id", number, nullable=False),
        sa.Column("answer", sa.String(length=12), nullable=False),
        sa.Column("speaker", sa.String(length=10), nullable=False),
        sa.Column("subjects", columns.JSONText(), nullable=False),
        sa.Column("up_to", columns.AudienceType(), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("ends_at", columns.UTCDateTime(), nullable=True),
        sa.Column("review_at", columns.UTCDateTime(), nullable=True),
        sa.Column("recorded_at", columns.UTCDateTime(), nullable=False),
        sa.Column("recorded_by", number, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_consents_case_id_cases")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_consents_person_id_persons")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.id"], name=op.f("fk_consents_recorded_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consents_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_consents_person_id"), ["person_id"], unique=False)

    # Defaults of the database while old code still writes rows without these; the models always give a value.
    op.add_column("cases", sa.Column("title_up_to", columns.AudienceType(), nullable=False, server_default="1"))
    op.add_column("cases", sa.Column("publicity_stopped_at", columns.UTCDateTime(), nullable=True))
    op.add_column("cases", sa.Column("publicity_stopped_by", number, nullable=True))
    op.add_column(
        "cases",
        sa.Column("publicity_stopped_reason", sa.String(length=20), nullable=False, server_default=sa.text("''")),
    )
    op.add_column("cases", sa.Column("resume_asked_at", columns.UTCDateTime(), nullable=True))
    op.add_column("cases", sa.Column("resume_asked_by", number, nullable=True))
    for subject in SUBJECTS:
        op.add_column(
            "involvements", sa.Column(f"{subject}_up_to", columns.AudienceType(), nullable=False, server_default="1")
        )
    for instant in ("consent_changes_at", "consent_review_at"):
        op.add_column("involvements", sa.Column(instant, columns.UTCDateTime(), nullable=True))
        # Of nobody at first, and of few ever.
        op.create_index(
            f"ix_involvements_{instant}",
            "involvements",
            [instant],
            sqlite_where=sa.text(f"{instant} IS NOT NULL"),
            postgresql_where=sa.text(f"{instant} IS NOT NULL"),
        )
    # Open to volunteers (2) or the public (3) before anybody could be asked: that is found at the next sweep.
    op.execute(
        "UPDATE involvements SET consent_review_at ="
        " (SELECT cases.created_at FROM cases WHERE cases.id = involvements.case_id)"
        " WHERE case_id IN (SELECT id FROM cases WHERE audience >= 2)"
    )


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
