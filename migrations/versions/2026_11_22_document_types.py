"""Documents that come without a type: what they were taken for, and the status at which they wait
for a person to say it.

Revision ID: 0005_document_types
Revises: 0004_long_documents
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.views import view_sql

revision = "0005_document_types"
down_revision = "0004_long_documents"
branch_labels = None
depends_on = None

STATUSES = (
    "unsorted",
    "submitted",
    "rendered",
    "extracted",
    "scored",
    "accepted",
    "in_review",
    "reviewed",
    "failed",
)
NO_TYPE = (
    "UPDATE documents SET status = 'failed', error_code = 'unknown_document_type', finished_at ="
    " now(), error_message = 'This version does not find out types. Submit it again under a new"
    " key, with its type.' WHERE document_type = 'auto' AND status <> 'failed'"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _allow(("needs_type", *STATUSES))
    op.create_check_constraint(
        op.f("documents_type_is_known_check"),
        "documents",
        "document_type <> 'auto' OR status IN ('submitted', 'unsorted', 'needs_type', 'failed')",
    )
    op.add_column("submissions", sa.Column("document_type", sa.Text(), nullable=True))
    op.execute(
        "UPDATE submissions AS s SET document_type = d.document_type FROM documents AS d WHERE d.id"
        " = s.document_id"
    )
    op.alter_column("submissions", "document_type", nullable=False)
    op.create_table(
        "classifications",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column(
            "fits",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "confidence BETWEEN 0 AND 1", name=op.f("classifications_confidence_check")
        ),
        sa.CheckConstraint(
            "(method = 'person') = (who IS NOT NULL)", name=op.f("classifications_who_check")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("classifications_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("classifications_pkey")),
        sa.UniqueConstraint(
            "document_id", "method", name=op.f("classifications_document_id_method_key")
        ),
    )
    op.execute(view_sql("document_types", version=1))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.document_types")
    op.drop_table("classifications")
    op.drop_column("submissions", "document_type")
    op.drop_constraint(op.f("documents_type_is_known_check"), "documents")
    op.execute(NO_TYPE)
    _allow(STATUSES)


def _allow(statuses: tuple[str, ...]) -> None:
    name = op.f("documents_status_check")
    op.drop_constraint(name, "documents")
    op.create_check_constraint(name, "documents", f"status IN ({', '.join(map(repr, statuses))})")
