"""What a document's rendering has cost so far is kept between its turns.

Revision ID: 0024_render_turns
Revises: 0023_order
"""

import sqlalchemy as sa
from alembic import op

revision = "0024_render_turns"
down_revision = "0023_order"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "documents",
        sa.Column("rendered_bytes", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column(
        "documents", sa.Column("rendering_s", sa.Float(53), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("documents", "rendering_s")
    op.drop_column("documents", "rendered_bytes")
