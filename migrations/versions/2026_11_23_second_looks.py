"""Who else looked: where a page's words come from, who ranked the pages, and what a reranker says
of a value's line.

Revision ID: 0007_second_looks
Revises: 0006_parts
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0007_second_looks"
down_revision = "0006_parts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "pages", sa.Column("words_source", sa.Text(), server_default="text-layer", nullable=False)
    )
    op.add_column("pages", sa.Column("ranked_by", sa.Text(), nullable=True))
    op.add_column("fields", sa.Column("relevance", sa.Double(), nullable=True))
    op.add_column("fields", sa.Column("reranker", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("fields_relevance_check"), "fields", "(relevance IS NULL) = (reranker IS NULL)"
    )
    op.execute("DROP VIEW reporting.page_reading")
    op.execute(view_sql("page_reading", version=2))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.page_reading")
    op.execute(view_sql("page_reading", version=1))
    op.drop_constraint(op.f("fields_relevance_check"), "fields")
    for table, column in (
        ("fields", "reranker"),
        ("fields", "relevance"),
        ("pages", "ranked_by"),
        ("pages", "words_source"),
    ):
        op.drop_column(table, column)
