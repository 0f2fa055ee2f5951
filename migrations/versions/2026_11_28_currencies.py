"""A correction of the currency alone is a correction, and certificates are named where they hold.

Revision ID: 0025_currencies
Revises: 0024_render_turns
"""

from alembic import op

from migrations.views import view_sql

revision = "0025_currencies"
down_revision = "0024_render_turns"
branch_labels = None
depends_on = None

# in the order in which they are made: the second stands on the first
VIEWS = {"field_history": 3, "field_outcomes": 5}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _make(VIEWS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _make({name: version - 1 for name, version in VIEWS.items()})


def _make(views: dict[str, int]) -> None:
    for name in reversed(views):
        op.execute(f"DROP VIEW reporting.{name}")
    for name, version in views.items():
        op.execute(view_sql(name, version=version))
