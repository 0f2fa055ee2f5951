"""Errors that are planted among audits, to learn how many people overlook.

Revision ID: 0044_planted_errors
Revises: 0043_whole_documents
"""

import sqlalchemy as sa
from alembic import op

revision = "0044_planted_errors"
down_revision = "0043_whole_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep which audits show one, and what became of it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "audits",
        sa.Column("plants", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_table(
        "planted_errors",
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "shown_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("outcome", sa.String(16), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('noticed', 'overlooked', 'left')",
            name=op.f("planted_errors_outcome_check"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (answered_at IS NULL)", name=op.f("planted_errors_answered_check")
        ),
        sa.CheckConstraint("length(who) BETWEEN 1 AND 200", name=op.f("planted_errors_who_check")),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("planted_errors_pkey")),
        sa.ForeignKeyConstraint(
            ["audit_id"],
            ["audits.id"],
            name=op.f("planted_errors_audit_id_fkey"),
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    """Forget them."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("planted_errors")
    op.drop_column("audits", "plants")
