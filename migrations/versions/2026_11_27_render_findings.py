"""What rendering found out: losses by page, and the XML of e-invoices.

Revision ID: 0009_render_findings
Revises: 0008_transitions
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009_render_findings"
down_revision = "0008_transitions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "render_findings",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.CheckConstraint(
            "severity IN ('note', 'repaired', 'lost')",
            name=op.f("render_findings_severity_check"),
        ),
        sa.CheckConstraint("page >= 1", name=op.f("render_findings_page_check")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("render_findings_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("render_findings_pkey")),
        sa.UniqueConstraint(
            "document_id",
            "page",
            "code",
            name=op.f("render_findings_document_id_page_code_key"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "einvoices",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("header", JSONB(), nullable=False),
        sa.Column("lines", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("einvoices_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("einvoices_pkey")),
    )


def downgrade() -> None:
    op.drop_table("einvoices")
    op.drop_table("render_findings")
