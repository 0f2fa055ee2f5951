"""Views that do not mislead: what is unknown is NULL, and every document has a row.

Revision ID: 0016_honest_views
Revises: 0015_page_words
"""

from alembic import op

from migrations.views import view_sql

revision = "0016_honest_views"
down_revision = "0015_page_words"
branch_labels = None
depends_on = None

NEW = {"documents": 1}
# In the order in which they are made, since one may stand on another; the newest version of each.
# The version before comes back.
VIEWS = {
    "field_history": 2,
    "field_outcomes": 4,
    "straight_through": 5,
    "calibration": 4,
    "review_backlog": 2,
    "document_types": 2,
    "page_reading": 4,
    "document_parts": 2,
    "document_events": 3,
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _drop(VIEWS)
    for name, version in {**NEW, **VIEWS}.items():
        op.execute(view_sql(name, version=version))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _drop({**NEW, **VIEWS})
    for name, version in VIEWS.items():
        op.execute(view_sql(name, version=version - 1))


def _drop(views: dict[str, int]) -> None:
    for name in reversed(views):
        op.execute(f"DROP VIEW reporting.{name}")
