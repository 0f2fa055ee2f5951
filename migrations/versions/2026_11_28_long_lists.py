"""A document of very many doubtful fields has a probability, too.

Revision ID: 0031_long_lists
Revises: 0030_corrected_events
"""

from alembic import op

from migrations.views import view_sql

revision = "0031_long_lists"
down_revision = "0030_corrected_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make(version=2)


def downgrade() -> None:
    _make(version=1)


def _make(*, version: int) -> None:
    """In its place: other views stand on it, and its columns stay."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    made = view_sql("document_confidence", version=version)
    op.execute(made.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
