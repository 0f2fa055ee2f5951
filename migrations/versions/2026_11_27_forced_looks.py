"""Further looks that read nothing: the first answer is held against the moved page.

Revision ID: 0019_forced_looks
Revises: 0018_looks
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0019_forced_looks"
down_revision = "0018_looks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "readings", sa.Column("forced", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_check_constraint(op.f("readings_forced_check"), "readings", "look > 0 OR NOT forced")
    op.execute("DROP VIEW reporting.readings")
    op.execute(view_sql("readings", version=3))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.readings")
    op.execute("DELETE FROM readings WHERE forced")
    op.drop_constraint(op.f("readings_forced_check"), "readings")
    op.drop_column("readings", "forced")
    op.execute(view_sql("readings", version=2))
