"""A webhook may be tried: the deliverer sends a message of its own, and keeps what came back.

Revision ID: 0042_webhook_trials
Revises: 0041_doubtful_rows
"""

import sqlalchemy as sa
from alembic import op

revision = "0042_webhook_trials"
down_revision = "0041_doubtful_rows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is wanted, and nothing was tried."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for column in (
        sa.Column("trial_wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_status", sa.SmallInteger(), nullable=True),
        sa.Column("trial_error", sa.Text(), nullable=True),
    ):
        op.add_column("webhooks", column)


def downgrade() -> None:
    """Forget what was tried."""
    for name in ("trial_error", "trial_status", "tried_at", "trial_wanted_at"):
        op.drop_column("webhooks", name)
