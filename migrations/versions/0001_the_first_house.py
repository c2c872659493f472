"""The first house

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

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first house."""
    op.create_table(
        "acts",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", columns.UTCDateTime(), nullable=False),
        sa.Column("actor_kind", sa.String(length=12), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("act", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=True),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("changes_sealed", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_acts")),
        sa.UniqueConstraint("prev_hash", name=op.f("uq_acts_prev_hash")),
    )
    with op.batch_alter_table("acts", schema=None) as batch_op:
        batch_op.create_index("ix_acts_case_id_seq", ["case_id", "seq"], unique=False)

    op.create_table(
        "chain_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_head")),
    )
    op.create_table(
        "data_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("wrapped", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
        sa.UniqueConstraint("subject", name=op.f("uq_data_keys_subject")),
    )
    op.create_table(
        "desks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("countries", columns.JSONText(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("working_days", columns.JSONText(), nullable=False),
        sa.Column("stale_critical_days", sa.Integer(), nullable=False),
        sa.Column("stale_high_working_days", sa.Integer(), nullable=False),
        sa.Column("stale_medium_days", sa.Integer(), nullable=False),
        sa.Column("stale_low_days", sa.Integer(), nullable=False),
        sa.Column("last_case_number", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desks")),
        sa.UniqueConstraint("code", name=op.f("uq_desks_code")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("started_at", columns.UTCDateTime(), nullable=False),
        sa.Column("ended_at", columns.UTCDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "house_facts",
        sa.Column("key", sa.String(length=30), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_house_facts")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("until", columns.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "once_tokens",
        sa.Column("token", sa.String(length=22), nullable=False),
        sa.Column("sender", sa.String(length=20), nullable=False),
        sa.Column("result", sa.String(length=300), nullable=False),
        sa.Column("sent_at", columns.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_once_tokens")),
    )
    with op.batch_alter_table("once_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_once_tokens_sent_at"), ["sent_at"], unique=False)

    op.create_table(
        "persons",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("pronouns", sa.String(length=40), nullable=False),
        sa.Column("occupation", sa.String(length=200), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("birth_precision", sa.String(length=10), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("public_id", name=op.f("uq_persons_public_id")),
    )
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("since", columns.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_tries")),
    )
    with op.batch_alter_table("sign_in_tries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_tries_since"), ["since"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_users_fs_uniquifier")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ref", sa.String(length=30), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("nickname", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("responsible_state", sa.String(length=2), nullable=True),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("deputy_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("closed_reason", sa.String(length=20), nullable=True),
        sa.Column("risk", sa.String(length=10), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("last_news_on", sa.Date(), nullable=True),
        sa.Column("last_checked_at", columns.UTCDateTime(), nullable=True),
        sa.Column("stale_grace_working_days", sa.Integer(), nullable=False),
        sa.Column("stale_at", columns.UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["deputy_id"], ["users.id"], name=op.f("fk_cases_deputy_id_users")),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_cases_desk_id_desks")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_cases_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("public_id", name=op.f("uq_cases_public_id")),
        sa.UniqueConstraint("ref", name=op.f("uq_cases_ref")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_deputy_id"), ["deputy_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_desk_id"), ["desk_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index("ix_cases_stage_stale_at", ["stage", "stale_at"], unique=False)
        batch_op.create_index(
            "ix_cases_unowned",
            ["stage"],
            unique=False,
            sqlite_where=sa.text("owner_id IS NULL"),
            postgresql_where=sa.text("owner_id IS NULL"),
        )

    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("received_at", columns.UTCDateTime(), nullable=False),
        sa.Column("received_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_documents_desk_id_desks")),
        sa.ForeignKeyConstraint(["received_by"], ["users.id"], name=op.f("fk_documents_received_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("desk_id", "sha256", name=op.f("uq_documents_desk_id_sha256")),
        sa.UniqueConstraint("public_id", name=op.f("uq_documents_public_id")),
    )
    op.create_table(
        "hearings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("court", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=True),
        sa.Column("local_time", columns.WallTime(), nullable=True),
        sa.Column("fold", sa.Integer(), nullable=True),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("precision", sa.String(length=10), nullable=False),
        sa.Column("earliest_on", sa.Date(), nullable=True),
        sa.Column("latest_on", sa.Date(), nullable=True),
        sa.Column("starts_at", columns.UTCDateTime(), nullable=True),
        sa.Column("outcome_due_at", columns.UTCDateTime(), nullable=True),
        sa.Column("certainty", sa.String(length=12), nullable=False),
        sa.Column("confirmed_at", columns.UTCDateTime(), nullable=True),
        sa.Column("confirmed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("confirmed_from", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("observer", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("schedule_rev", sa.Integer(), nullable=False),
        sa.Column("last_change", sa.String(length=12), nullable=False),
        sa.Column("tell_from", columns.UTCDateTime(), nullable=True),
        sa.Column("next_hearing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["confirmed_by"], ["users.id"], name=op.f("fk_hearings_confirmed_by_users")),
        sa.ForeignKeyConstraint(
            ["next_hearing_id"], ["hearings.id"], name=op.f("fk_hearings_next_hearing_id_hearings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hearings")),
        sa.UniqueConstraint("public_id", name=op.f("uq_hearings_public_id")),
    )
    with op.batch_alter_table("hearings", schema=None) as batch_op:
        batch_op.create_index("ix_hearings_state_starts_at", ["state", "starts_at"], unique=False)
        batch_op.create_index("ix_hearings_tell_from", ["tell_from"], unique=False)

    op.create_table(
        "memberships",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("coordinator", sa.Boolean(), nullable=False),
        sa.Column("deputy", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_memberships_desk_id_desks")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("user_id", "desk_id", name=op.f("uq_memberships_user_id_desk_id")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_desk_id"), ["desk_id"], unique=False)

    op.create_table(
        "person_names",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("script", sa.String(length=4), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_person_names_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_names")),
    )
    with op.batch_alter_table("person_names", schema=None) as batch_op:
        batch_op.create_index("ix_person_names_key", ["name_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_person_names_person_id"), ["person_id"], unique=False)

    op.create_table(
        "recipients",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("suppressed_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recipients_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipients")),
        sa.UniqueConstraint("user_id", name=op.f("uq_recipients_user_id")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("data_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("seen_at", columns.UTCDateTime(), nullable=False),
        sa.Column("expires_at", columns.UTCDateTime(), nullable=False),
        sa.Column("ended_at", columns.UTCDateTime(), nullable=True),
        sa.Column("device", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index("ix_sign_ins_expires_at", ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_ins_user_id"), ["user_id"], unique=False)

    op.create_table(
        "agenda_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lead_kind", sa.String(length=30), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=True),
        sa.Column("local_time", columns.WallTime(), nullable=True),
        sa.Column("earliest_on", sa.Date(), nullable=True),
        sa.Column("latest_on", sa.Date(), nullable=True),
        sa.Column("starts_at", columns.UTCDateTime(), nullable=True),
        sa.Column("outcome_due_at", columns.UTCDateTime(), nullable=True),
        sa.Column("remind_until", columns.UTCDateTime(), nullable=True),
        sa.Column("certainty", sa.String(length=12), nullable=False),
        sa.Column("confirmed_at", columns.UTCDateTime(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_agenda_items_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda_items")),
        sa.UniqueConstraint("kind", "subject_id", "case_id", name=op.f("uq_agenda_items_kind_subject_id_case_id")),
    )
    with op.batch_alter_table("agenda_items", schema=None) as batch_op:
        batch_op.create_index(
            "ix_agenda_items_case_id_state_starts_at", ["case_id", "state", "starts_at"], unique=False
        )
        batch_op.create_index("ix_agenda_items_state_outcome_due_at", ["state", "outcome_due_at"], unique=False)
        batch_op.create_index("ix_agenda_items_state_starts_at", ["state", "starts_at"], unique=False)

    op.create_table(
        "appearances",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hearing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("outcome_reason", sa.String(length=200), nullable=False),
        sa.Column("outcome_text", sa.Text(), nullable=False),
        sa.Column("told_by", sa.String(length=120), nullable=False),
        sa.Column("recorded_at", columns.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_appearances_case_id_cases")),
        sa.ForeignKeyConstraint(["hearing_id"], ["hearings.id"], name=op.f("fk_appearances_hearing_id_hearings")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_appearances_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appearances")),
        sa.UniqueConstraint(
            "hearing_id", "case_id", "person_id", name=op.f("uq_appearances_hearing_id_case_id_person_id")
        ),
    )
    with op.batch_alter_table("appearances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appearances_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appearances_person_id"), ["person_id"], unique=False)

    op.create_table(
        "case_faces",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("risk", sa.String(length=10), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=True),
        sa.Column("statuses", columns.JSONText(), nullable=False),
        sa.Column("status_since", sa.Date(), nullable=True),
        sa.Column("next_kind", sa.String(length=30), nullable=True),
        sa.Column("next_subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("next_until", sa.Date(), nullable=True),
        sa.Column("next_precision", sa.String(length=10), nullable=True),
        sa.Column("next_time", columns.WallTime(), nullable=True),
        sa.Column("next_zone", sa.String(length=60), nullable=True),
        sa.Column("next_ends_at", columns.UTCDateTime(), nullable=True),
        sa.Column("last_entry_on", sa.Date(), nullable=True),
        sa.Column("last_checked_at", columns.UTCDateTime(), nullable=True),
        sa.Column("worst_flag", sa.String(length=40), nullable=True),
        sa.Column("worst_severity", sa.Integer(), nullable=False),
        sa.Column("flags", columns.JSONText(), nullable=False),
        sa.Column("severities", columns.JSONText(), nullable=False),
        sa.Column("next_sort", columns.SortKey(), nullable=False),
        sa.Column("worst_sort", columns.SortKey(), nullable=False),
        sa.Column("checked_sort", columns.SortKey(), nullable=False),
        sa.Column("ref_sort", columns.SortKey(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_faces_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "audience", name=op.f("pk_case_faces")),
    )
    with op.batch_alter_table("case_faces", schema=None) as batch_op:
        batch_op.create_index(
            "ix_case_faces_checked", ["audience", "desk_id", "stage", "checked_sort", "case_id"], unique=False
        )
        batch_op.create_index(
            "ix_case_faces_next", ["audience", "desk_id", "stage", "next_sort", "case_id"], unique=False
        )
        batch_op.create_index("ix_case_faces_next_ends_at", ["next_ends_at"], unique=False)
        batch_op.create_index("ix_case_faces_open_next", ["audience", "stage", "next_sort", "case_id"], unique=False)
        batch_op.create_index(
            "ix_case_faces_ref", ["audience", "desk_id", "stage", "ref_sort", "case_id"], unique=False
        )
        batch_op.create_index(
            "ix_case_faces_worst", ["audience", "desk_id", "stage", "worst_sort", "case_id"], unique=False
        )

    op.create_table(
        "case_grants",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_grants_case_id_cases")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_case_grants_user_id_users")),
        sa.PrimaryKeyConstraint("case_id", "user_id", name=op.f("pk_case_grants")),
    )
    with op.batch_alter_table("case_grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_grants_user_id"), ["user_id"], unique=False)

    op.create_table(
        "entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", columns.JSONText(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=True),
        sa.Column("precision", sa.String(length=10), nullable=False),
        sa.Column("latest_on", sa.Date(), nullable=False),
        sa.Column("local_time", columns.WallTime(), nullable=True),
        sa.Column("zone", sa.String(length=60), nullable=True),
        sa.Column("recorded_at", columns.UTCDateTime(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("confidence", sa.String(length=10), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("supersedes_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("about_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("import_id", sa.String(length=22), nullable=True),
        sa.ForeignKeyConstraint(["about_id"], ["entries.id"], name=op.f("fk_entries_about_id_entries")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_entries_case_id_cases")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.id"], name=op.f("fk_entries_recorded_by_users")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["entries.id"], name=op.f("fk_entries_supersedes_id_entries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.UniqueConstraint("public_id", name=op.f("uq_entries_public_id")),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_entries_supersedes_id")),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entries_about_id"), ["about_id"], unique=False)
        batch_op.create_index("ix_entries_case_id_recorded_at", ["case_id", "recorded_at"], unique=False)

    op.create_table(
        "envelopes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recipient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("phase", sa.String(length=12), nullable=True),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("not_before", columns.UTCDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ambiguous_attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", columns.UTCDateTime(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("sent_at", columns.UTCDateTime(), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipients.id"], name=op.f("fk_envelopes_recipient_id_recipients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_envelopes")),
        sa.UniqueConstraint("message_id", name=op.f("uq_envelopes_message_id")),
    )
    with op.batch_alter_table("envelopes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_envelopes_recipient_id"), ["recipient_id"], unique=False)
        batch_op.create_index("ix_envelopes_state_not_before", ["state", "not_before"], unique=False)

    op.create_table(
        "flags",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("episode", sa.String(length=60), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("due_at", columns.UTCDateTime(), nullable=True),
        sa.Column("data", columns.JSONText(), nullable=False),
        sa.Column("raised_at", columns.UTCDateTime(), nullable=False),
        sa.Column("cleared_at", columns.UTCDateTime(), nullable=True),
        sa.Column("acknowledged_at", columns.UTCDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("snoozed_until", columns.UTCDateTime(), nullable=True),
        sa.Column("snooze_reason", sa.String(length=300), nullable=False),
        sa.Column("snoozed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["users.id"], name=op.f("fk_flags_acknowledged_by_users")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_flags_case_id_cases")),
        sa.ForeignKeyConstraint(["snoozed_by"], ["users.id"], name=op.f("fk_flags_snoozed_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
    )
    with op.batch_alter_table("flags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flags_case_id"), ["case_id"], unique=False)
        batch_op.create_index("ix_flags_snoozed_until", ["snoozed_until"], unique=False)
        batch_op.create_index(
            "uq_flags_open",
            ["rule", "case_id", "subject"],
            unique=True,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    op.create_table(
        "involvements",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("custody", sa.String(length=40), nullable=True),
        sa.Column("custody_since", sa.Date(), nullable=True),
        sa.Column("custody_precision", sa.String(length=10), nullable=True),
        sa.Column("proceedings", sa.String(length=40), nullable=True),
        sa.Column("proceedings_since", sa.Date(), nullable=True),
        sa.Column("conditions", columns.JSONText(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=True),
        sa.Column("reported", columns.JSONText(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_involvements_case_id_cases")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_involvements_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_involvements")),
        sa.UniqueConstraint("case_id", "person_id", name=op.f("uq_involvements_case_id_person_id")),
    )
    with op.batch_alter_table("involvements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_involvements_person_id"), ["person_id"], unique=False)

    op.create_table(
        "search_rows",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_search_rows_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_rows")),
        sa.UniqueConstraint("kind", "ref", "audience", name=op.f("uq_search_rows_kind_ref_audience")),
    )
    with op.batch_alter_table("search_rows", schema=None) as batch_op:
        batch_op.create_index("ix_search_rows_case_id", ["case_id"], unique=False)

    op.create_table(
        "subscriptions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("recipient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("days_before", columns.JSONText(), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.Column("stopped_at", columns.UTCDateTime(), nullable=True),
        sa.CheckConstraint("(case_id IS NULL) <> (desk_id IS NULL)", name=op.f("ck_subscriptions_one_subject")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_subscriptions_case_id_cases")),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_subscriptions_desk_id_desks")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipients.id"], name=op.f("fk_subscriptions_recipient_id_recipients")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("token", name=op.f("uq_subscriptions_token")),
    )
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.create_index("ix_subscriptions_case_id", ["case_id"], unique=False)
        batch_op.create_index("ix_subscriptions_desk_id", ["desk_id"], unique=False)
        batch_op.create_index(
            "uq_subscriptions_case",
            ["recipient_id", "case_id"],
            unique=True,
            sqlite_where=sa.text("case_id IS NOT NULL"),
            postgresql_where=sa.text("case_id IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_subscriptions_desk",
            ["recipient_id", "desk_id"],
            unique=True,
            sqlite_where=sa.text("desk_id IS NOT NULL"),
            postgresql_where=sa.text("desk_id IS NOT NULL"),
        )

    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("envelope_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", columns.UTCDateTime(), nullable=False),
        sa.Column("reached", sa.String(length=20), nullable=False),
        sa.Column("smtp_code", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["envelope_id"], ["envelopes.id"], name=op.f("fk_attempts_envelope_id_envelopes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempts_envelope_id"), ["envelope_id"], unique=False)

    op.create_table(
        "entry_persons",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_entry_persons_entry_id_entries")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_entry_persons_person_id_persons")),
        sa.PrimaryKeyConstraint("entry_id", "person_id", name=op.f("pk_entry_persons")),
    )
    with op.batch_alter_table("entry_persons", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_persons_person_id"), ["person_id"], unique=False)

    op.create_table(
        "entry_sources",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("told_by", sa.String(length=120), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("quote_start", sa.Integer(), nullable=True),
        sa.Column("quote_end", sa.Integer(), nullable=True),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_entry_sources_document_id_documents")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_entry_sources_entry_id_entries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_sources")),
    )
    with op.batch_alter_table("entry_sources", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_sources_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "entry_states",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("audience", columns.AudienceType(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("superseded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("latest_on", sa.Date(), nullable=False),
        sa.Column("local_time", sa.String(length=5), nullable=False),
        sa.Column("recorded_at", columns.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_entry_states_case_id_cases")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_entry_states_entry_id_entries")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_states")),
    )
    with op.batch_alter_table("entry_states", schema=None) as batch_op:
        batch_op.create_index(
            "ix_entry_states_timeline", ["case_id", "latest_on", "local_time", "recorded_at", "entry_id"], unique=False
        )

    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dedupe_key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_kind", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject_rev", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.Column("tells", columns.JSONText(), nullable=False),
        sa.Column("due_at", columns.UTCDateTime(), nullable=False),
        sa.Column("give_up_at", columns.UTCDateTime(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("envelope_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sent_at", columns.UTCDateTime(), nullable=True),
        sa.Column("ended_at", columns.UTCDateTime(), nullable=True),
        sa.Column("created_at", columns.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["envelope_id"], ["envelopes.id"], name=op.f("fk_messages_envelope_id_envelopes")),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipients.id"], name=op.f("fk_messages_recipient_id_recipients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_messages_dedupe_key")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_messages_envelope_id"), ["envelope_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_messages_recipient_id"), ["recipient_id"], unique=False)
        batch_op.create_index("ix_messages_state_due_at", ["state", "due_at"], unique=False)
        batch_op.create_index("ix_messages_state_ended_at", ["state", "ended_at"], unique=False)
        batch_op.create_index("ix_messages_subject", ["subject_kind", "subject_id", "recipient_id"], unique=False)

    op.create_table(
        "proposals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("group_key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("payload", columns.JSONText(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("quote_start", sa.Integer(), nullable=False),
        sa.Column("quote_end", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", columns.UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_proposals_case_id_cases")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_proposals_decided_by_users")),
        sa.ForeignKeyConstraint(["desk_id"], ["desks.id"], name=op.f("fk_proposals_desk_id_desks")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_proposals_document_id_documents")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_proposals_entry_id_entries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("desk_id", "fingerprint", name=op.f("uq_proposals_desk_id_fingerprint")),
        sa.UniqueConstraint("public_id", name=op.f("uq_proposals_public_id")),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index("ix_proposals_desk_id_state", ["desk_id", "state"], unique=False)
        batch_op.create_index("ix_proposals_document_id_group_key", ["document_id", "group_key"], unique=False)


def downgrade() -> None:
    """There is no way back but the backup: what was dropped cannot be made up again."""
    raise RuntimeError("restore the backup that was taken before the upgrade")
