"""Evidence before opinion: the candidates of each field, what witnesses say of them, and the
status at which all of it is stored.

Revision ID: 0011_evidence
Revises: 0010_type_versions
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.views import view_sql

revision = "0011_evidence"
down_revision = "0010_type_versions"
branch_labels = None
depends_on = None

STATUSES = (
    "submitted",
    "untriaged",
    "needs_type",
    "rendered",
    "extracted",
    "scored",
    "accepted",
    "in_review",
    "reviewed",
    "split",
    "failed",
)
STATES = "state IN ('value', 'absent', 'unreadable')"
# Evidence is made from the readings again; nobody holds a claim on what stands here.
BACK = """
WITH before AS (
    SELECT id, status, updated_at FROM documents WHERE status IN ('grounded', 'scored') FOR UPDATE
), moved AS (
    UPDATE documents AS d
    SET status = 'extracted', lease_until = NULL, announced_at = NULL, claim_no = claim_no + 1,
        updated_at = now()
    FROM before WHERE d.id = before.id
    RETURNING d.id, before.status AS came_from, before.updated_at AS since
)
INSERT INTO document_events (document_id, from_status, to_status, duration, actor)
SELECT id, came_from, 'extracted', greatest(now() - since, interval '0'), 'migration' FROM moved
"""
# The version before has no name for the status; events are append-only for everybody else.
UNNAMED = (
    "ALTER TABLE document_events DISABLE TRIGGER append_only",
    "UPDATE document_events SET from_status = 'extracted' WHERE from_status = 'grounded'",
    "UPDATE document_events SET to_status = 'extracted' WHERE to_status = 'grounded'",
    "ALTER TABLE document_events ENABLE TRIGGER append_only",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _allow((*STATUSES, "grounded"))
    op.execute(BACK)  # what was scored before has no candidates to choose from
    for name in ("contrast", "ink", "sharpness"):
        op.add_column("pages", sa.Column(name, sa.Double(), nullable=True))
    op.create_check_constraint(
        op.f("pages_image_quality_check"),
        "pages",
        "contrast BETWEEN 0 AND 1 AND ink BETWEEN 0 AND 1 AND sharpness BETWEEN 0 AND 1",
    )
    op.add_column("fields", sa.Column("value", postgresql.JSONB(), nullable=True))
    op.add_column("fields", sa.Column("currency", sa.Text(), nullable=True))
    op.add_column("fields", sa.Column("value_problem", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("fields_value_check"), "fields", "value IS NULL OR value_problem IS NULL"
    )
    _candidates()
    _witnesses()
    op.execute(view_sql("witnesses", version=1))


def _candidates() -> None:
    op.create_table(
        "candidates",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("value", postgresql.JSONB(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("field_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("pages", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.CheckConstraint(STATES, name=op.f("candidates_state_check")),
        sa.CheckConstraint(
            "generation >= 1 AND ordinal >= 0 AND number >= 0", name=op.f("candidates_place_check")
        ),
        sa.CheckConstraint(
            "state <> 'absent' OR (text IS NULL AND value IS NULL)",
            name=op.f("candidates_absent_check"),
        ),
        sa.CheckConstraint(
            "state <> 'unreadable' OR problem IS NOT NULL",
            name=op.f("candidates_unreadable_says_why_check"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("candidates_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("candidates_pkey")),
        sa.UniqueConstraint(
            "document_id",
            "generation",
            "name",
            "ordinal",
            "number",
            name=op.f("candidates_document_id_generation_name_ordinal_number_key"),
        ),
    )


def _witnesses() -> None:
    op.create_table(
        "witnesses",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("says", sa.String(16), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("boxes", postgresql.JSONB(), nullable=True),
        sa.Column("offers", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "says IN ('agrees', 'denies', 'offers')", name=op.f("witnesses_says_check")
        ),
        sa.CheckConstraint("number >= 0", name=op.f("witnesses_number_check")),
        sa.CheckConstraint(
            "says <> 'denies' OR (code IS NOT NULL AND message IS NOT NULL)",
            name=op.f("witnesses_denial_says_why_check"),
        ),
        sa.CheckConstraint(
            "says <> 'offers' OR offers IS NOT NULL", name=op.f("witnesses_offer_has_text_check")
        ),
        sa.CheckConstraint(
            "boxes IS NULL OR page IS NOT NULL", name=op.f("witnesses_boxes_have_page_check")
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("witnesses_candidate_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("witnesses_pkey")),
        sa.UniqueConstraint(
            "candidate_id",
            "witness",
            "number",
            name=op.f("witnesses_candidate_id_witness_number_key"),
        ),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.witnesses")
    op.drop_table("witnesses")
    op.drop_table("candidates")
    op.drop_constraint(op.f("fields_value_check"), "fields")
    op.drop_constraint(op.f("pages_image_quality_check"), "pages")
    for table, column in (
        ("fields", "value_problem"),
        ("fields", "currency"),
        ("fields", "value"),
        ("pages", "sharpness"),
        ("pages", "ink"),
        ("pages", "contrast"),
    ):
        op.drop_column(table, column)
    op.execute(BACK)
    for statement in UNNAMED:
        op.execute(statement)
    _allow(STATUSES)


def _allow(statuses: tuple[str, ...]) -> None:
    listed = ", ".join(map(repr, statuses))
    for table, column in (
        ("documents", "status"),
        ("document_events", "from_status"),
        ("document_events", "to_status"),
    ):
        name = op.f(f"{table}_{column}_check")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} IN ({listed})")
