"""The first tables: documents, their pages, what was read, and what people decided.

Revision ID: 0001_first_tables
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_first_tables"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$
"""
TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_decisions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.String(16),
            server_default="submitted",
            nullable=False,
        ),
        sa.Column("claim_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_count", sa.Integer(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NOT NULL) = (status IN ('accepted', 'reviewed', 'failed'))",
            name=op.f("documents_finished_check"),
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("documents_sha256_check")),
        sa.CheckConstraint(
            "status <> 'failed' OR error_code IS NOT NULL",
            name=op.f("documents_failed_says_why_check"),
        ),
        sa.CheckConstraint(
            "status IN ('submitted', 'rendered', 'extracted', 'scored', 'accepted', 'in_review',"
            " 'reviewed', 'failed')",
            name=op.f("documents_status_check"),
        ),
        sa.CheckConstraint(
            "claim_no >= 0 AND failures >= 0", name=op.f("documents_counters_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("documents_pkey")),
    )
    op.create_index(
        "documents_lease_idx",
        "documents",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index(
        "documents_queue_idx",
        "documents",
        ["status", sa.literal_column("priority DESC"), "created_at", "id"],
        unique=False,
    )
    op.create_index("documents_created_at_idx", "documents", ["created_at"], unique=False)
    op.create_index("documents_sha256_idx", "documents", ["sha256"], unique=False)
    op.create_table(
        "pages",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.String(16),
            server_default="rendered",
            nullable=False,
        ),
        sa.Column("claim_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("width_pt", sa.Float(precision=53), nullable=False),
        sa.Column("height_pt", sa.Float(precision=53), nullable=False),
        sa.Column("model_sha256", sa.Text(), nullable=False),
        sa.Column("model_width_px", sa.Integer(), nullable=False),
        sa.Column("model_height_px", sa.Integer(), nullable=False),
        sa.Column("view_sha256", sa.Text(), nullable=False),
        sa.Column(
            "words",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('rendered', 'read', 'failed')", name=op.f("pages_status_check")
        ),
        sa.CheckConstraint("claim_no >= 0 AND failures >= 0", name=op.f("pages_counters_check")),
        sa.CheckConstraint("number >= 1", name=op.f("pages_number_check")),
        sa.CheckConstraint(
            "width_pt > 0 AND height_pt > 0 AND model_width_px > 0 AND model_height_px > 0",
            name=op.f("pages_size_check"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("pages_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pages_pkey")),
        sa.UniqueConstraint("document_id", "number", name=op.f("pages_document_id_number_key")),
    )
    op.create_index(
        "pages_lease_idx",
        "pages",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index(
        "pages_unread_idx",
        "pages",
        ["document_id", "number"],
        unique=False,
        postgresql_where=sa.text("status = 'rendered'"),
    )
    op.create_table(
        "secrets",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("secrets_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("secrets_pkey")),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("upstream", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=True),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "length(upstream) BETWEEN 1 AND 100 AND length(key) BETWEEN 1 AND 200",
            name=op.f("submissions_names_check"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("submissions_document_id_fkey"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("submissions_pkey")),
        sa.UniqueConstraint("document_id", name=op.f("submissions_document_id_key")),
        sa.UniqueConstraint("upstream", "key", name=op.f("submissions_upstream_key_key")),
    )
    op.create_table(
        "readings",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("prompt_hash", sa.Text(), nullable=False),
        sa.Column("decode_mode", sa.Text(), nullable=False),
        sa.Column("in_domain", sa.Boolean(), nullable=False),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("stop_reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("generation >= 1", name=op.f("readings_generation_check")),
        sa.ForeignKeyConstraint(
            ["page_id"], ["pages.id"], name=op.f("readings_page_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("readings_pkey")),
        sa.UniqueConstraint("page_id", "generation", name=op.f("readings_page_id_generation_key")),
    )
    op.create_table(
        "fields",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("tokens", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ends", sa.Boolean(), nullable=False),
        sa.Column("stop_reason", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column(
            "boxes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("box_source", sa.Text(), nullable=True),
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('value', 'absent', 'unreadable')", name=op.f("fields_state_check")
        ),
        sa.CheckConstraint("ordinal >= 0", name=op.f("fields_ordinal_check")),
        sa.ForeignKeyConstraint(
            ["reading_id"], ["readings.id"], name=op.f("fields_reading_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("fields_pkey")),
        sa.UniqueConstraint(
            "reading_id", "name", "ordinal", name=op.f("fields_reading_id_name_ordinal_key")
        ),
    )
    op.create_table(
        "results",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column(
            "value", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("read_state", sa.String(16), nullable=False),
        sa.Column("read_text", sa.Text(), nullable=True),
        sa.Column(
            "read_value", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("field_id", sa.Uuid(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("threshold", sa.Float(precision=53), nullable=True),
        sa.Column("certificate", sa.Text(), server_default="uncertified", nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(decision = 'review') = (decided_at IS NULL)", name=op.f("results_decided_check")
        ),
        sa.CheckConstraint(
            "decision <> 'accepted' OR (state IN ('value', 'absent') AND coalesce(score >="
            " threshold, false))",
            name=op.f("results_accepted_with_proof_check"),
        ),
        sa.CheckConstraint(
            "decision IN ('accepted', 'review', 'reviewed')", name=op.f("results_decision_check")
        ),
        sa.CheckConstraint(
            "read_state IN ('value', 'absent', 'unreadable')", name=op.f("results_read_state_check")
        ),
        sa.CheckConstraint(
            "state <> 'absent' OR (text IS NULL AND value IS NULL)",
            name=op.f("results_absent_is_empty_check"),
        ),
        sa.CheckConstraint(
            "state <> 'value' OR text IS NOT NULL", name=op.f("results_value_has_text_check")
        ),
        sa.CheckConstraint(
            "state IN ('value', 'absent', 'unreadable')", name=op.f("results_state_check")
        ),
        sa.CheckConstraint("ordinal >= 0", name=op.f("results_ordinal_check")),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("results_score_check")),
        sa.CheckConstraint("threshold BETWEEN 0 AND 1", name=op.f("results_threshold_check")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("results_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["field_id"], ["fields.id"], name=op.f("results_field_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("results_pkey")),
        sa.UniqueConstraint(
            "document_id", "name", "ordinal", name=op.f("results_document_id_name_ordinal_key")
        ),
    )
    op.create_index("results_field_id_idx", "results", ["field_id"], unique=False)
    op.create_table(
        "scores",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("field_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("scores_range_check")),
        sa.ForeignKeyConstraint(
            ["field_id"], ["fields.id"], name=op.f("scores_field_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("scores_pkey")),
        sa.UniqueConstraint("field_id", "method", name=op.f("scores_field_id_method_key")),
    )
    op.create_table(
        "review_items",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.String(16), server_default="open", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("review_items_closed_check")
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("review_items_state_check")),
        sa.CheckConstraint(
            "(leased_by IS NULL) = (lease_until IS NULL)", name=op.f("review_items_lease_check")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("review_items_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["result_id"],
            ["results.id"],
            name=op.f("review_items_result_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("review_items_pkey")),
        sa.UniqueConstraint("result_id", name=op.f("review_items_result_id_key")),
    )
    op.create_index("review_items_document_id_idx", "review_items", ["document_id"], unique=False)
    op.create_index(
        "review_items_queue_idx",
        "review_items",
        [sa.literal_column("priority DESC"), "deadline", "created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "review_decisions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "action",
            sa.String(16),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column(
            "value", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("seen", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "action <> 'correct' OR text IS NOT NULL",
            name=op.f("review_decisions_correction_has_text_check"),
        ),
        sa.CheckConstraint(
            "action IN ('accept', 'correct', 'absent', 'unreadable', 'undo')",
            name=op.f("review_decisions_action_check"),
        ),
        sa.CheckConstraint(
            "length(who) BETWEEN 1 AND 200", name=op.f("review_decisions_who_check")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name=op.f("review_decisions_item_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["result_id"], ["results.id"], name=op.f("review_decisions_result_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("review_decisions_pkey")),
        sa.UniqueConstraint(
            "item_id", "version", name=op.f("review_decisions_item_id_version_key")
        ),
    )
    op.create_index(
        "review_decisions_result_id_idx", "review_decisions", ["result_id"], unique=False
    )
    op.execute(APPEND_ONLY)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table in (
        "review_decisions",
        "review_items",
        "scores",
        "results",
        "fields",
        "readings",
        "submissions",
        "secrets",
        "pages",
        "documents",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
