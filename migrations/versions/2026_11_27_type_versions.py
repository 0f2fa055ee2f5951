"""Versions of document types, and which rows were made under which.

Revision ID: 0010_type_versions
Revises: 0009_render_findings
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010_type_versions"
down_revision = "0009_render_findings"
branch_labels = None
depends_on = None

TABLES = ("documents", "readings", "results", "review_items")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "document_type_versions",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.CheckConstraint(
            "sha256 ~ '^[0-9a-f]{64}$'", name=op.f("document_type_versions_sha256_check")
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("document_type_versions_pkey")),
    )
    for table in TABLES:
        op.add_column(table, sa.Column("type_version", sa.Text(), nullable=True))
        op.create_foreign_key(
            op.f(f"{table}_type_version_fkey"),
            table,
            "document_type_versions",
            ["type_version"],
            ["sha256"],
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "type_version")
    op.drop_table("document_type_versions")
