"""Pages say how much of their print the text layer covers, and how the print lies.

Revision ID: 0015_page_words
Revises: 0014_messages
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0015_page_words"
down_revision = "0014_messages"
branch_labels = None
depends_on = None

CHECKS = {
    "layer_coverage": "layer_coverage BETWEEN 0 AND 1",
    "turned": "turned IN (0, 90, 180, 270)",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("pages", sa.Column("layer_coverage", sa.Double(), nullable=True))
    op.add_column("pages", sa.Column("turned", sa.SmallInteger(), nullable=True))
    for name, rule in CHECKS.items():
        op.create_check_constraint(op.f(f"pages_{name}_check"), "pages", rule)
    op.execute("DROP VIEW reporting.page_reading")
    op.execute(view_sql("page_reading", version=3))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.page_reading")
    op.execute(view_sql("page_reading", version=2))
    for name in CHECKS:
        op.drop_constraint(op.f(f"pages_{name}_check"), "pages")
        op.drop_column("pages", name)
