"""Long documents: pages that are not worth the model's time, and the status at which they are
chosen.

Revision ID: 0004_long_documents
Revises: 0003_people
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0004_long_documents"
down_revision = "0003_people"
branch_labels = None
depends_on = None

STATUSES = (
    "submitted",
    "rendered",
    "extracted",
    "scored",
    "accepted",
    "in_review",
    "reviewed",
    "failed",
)
PAGE_STATUSES = ("rendered", "read", "failed")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _allow("documents", ("unsorted", *STATUSES))
    _allow("pages", ("left_out", *PAGE_STATUSES))
    op.add_column("pages", sa.Column("rank", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("pages_rank_check"), "pages", "rank >= 1")
    op.execute(view_sql("page_reading", version=1))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.page_reading")
    # What was chosen is forgotten: every page waits for the model again, or counts as read where
    # its document is past that.
    op.execute(
        "UPDATE pages SET status = CASE WHEN d.status = 'rendered' THEN 'rendered' WHEN d.status ="
        " 'failed' THEN 'failed' ELSE 'read' END FROM documents AS d WHERE d.id = pages.document_id"
        " AND pages.status = 'left_out'"
    )
    op.execute(
        "UPDATE documents SET status = 'rendered', lease_until = NULL WHERE status = 'unsorted'"
    )
    op.drop_constraint(op.f("pages_rank_check"), "pages")
    op.drop_column("pages", "rank")
    _allow("pages", PAGE_STATUSES)
    _allow("documents", STATUSES)


def _allow(table: str, statuses: tuple[str, ...]) -> None:
    name = op.f(f"{table}_status_check")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"status IN ({', '.join(map(repr, statuses))})")
