"""A stage that the installation fails pauses for every worker, and a row says why.

Revision ID: 0022_stage_pauses
Revises: 0021_certificates
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_stage_pauses"
down_revision = "0021_certificates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    now = sa.text("now()")
    op.create_table(
        "stage_pauses",
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("probes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("probes >= 0", name=op.f("stage_pauses_probes_check")),
        sa.PrimaryKeyConstraint("stage", name=op.f("stage_pauses_pkey")),
    )


def downgrade() -> None:
    op.drop_table("stage_pauses")
