"""Public pages

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

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Which cases have a public page; what country pages list and how they are set up."""
    op.create_table(
        "country_pages",
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("names_coordinators", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("document_years", columns.JSONText(), nullable=False),
        sa.Column("documents_url", sa.String(length=300), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", columns.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_country_pages_desk_id_desks")),
        sa.PrimaryKeyConstraint("desk_id", name=op.f("pk_country_pages")),
    )
    op.create_table(
        "public_cases",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.Column("opened_at", columns.UTCDateTime(), nullable=False),
        sa.Column("changed_at", columns.UTCDateTime(), nullable=False),
        sa.Column("indexed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_public_cases_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_public_cases")),
    )
    op.create_index("ix_public_cases_desk_id", "public_cases", ["desk_id"])

    op.create_table(
        "publications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("recorded_at", columns.UTCDateTime(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_at", columns.UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_publications_desk_id_desks")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_publications_document_id_documents")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.id"], name=op.f("fk_publications_recorded_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
        sa.UniqueConstraint("desk_id", "fingerprint", name=op.f("uq_publications_desk_id_fingerprint")),
        sa.UniqueConstraint("public_id", name=op.f("uq_publications_public_id")),
    )
    op.create_index("ix_publications_desk_id_published_on", "publications", ["desk_id", "published_on"])

    op.create_table(
        "publication_cases",
        sa.Column("publication_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_publication_cases_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.id"], name=op.f("fk_publication_cases_publication_id_publications")
        ),
        sa.PrimaryKeyConstraint("publication_id", "case_id", name=op.f("pk_publication_cases")),
    )
    op.create_index("ix_publication_cases_case_id", "publication_cases", ["case_id"])
    # Cases that are open to everybody already; their revisions are worked out when they are next changed.
    cases = sa.table("cases", *(sa.column(name) for name in ("id", "desk_id", "audience", "created_at")))
    listed = sa.table(
        "public_cases",
        *(sa.column(name) for name in ("case_id", "desk_id", "revision", "opened_at", "changed_at")),
    )
    op.execute(
        sa.insert(listed).from_select(
            ["case_id", "desk_id", "revision", "opened_at", "changed_at"],
            sa.select(cases.c.id, cases.c.desk_id, sa.literal(""), cases.c.created_at, cases.c.created_at).where(
                cases.c.audience == 3
            ),
        )
    )


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
