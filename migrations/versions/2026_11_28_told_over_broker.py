"""Which event was told over the broker last.

Revision ID: 0032_told
Revises: 0031_long_lists
"""

import sqlalchemy as sa
from alembic import op

revision = "0032_told"
down_revision = "0031_long_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was, until now."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("event_relay", sa.Column("told", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("event_relay", "told")
