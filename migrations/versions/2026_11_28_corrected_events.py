"""The view of events says which of them are corrections.

Revision ID: 0030_corrected_events
Revises: 0029_sealed_letters
"""

from alembic import op

from migrations.views import view_sql

revision = "0030_corrected_events"
down_revision = "0029_sealed_letters"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make(version=4)


def downgrade() -> None:
    _make(version=3)


def _make(*, version: int) -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.document_events")
    op.execute(view_sql("document_events", version=version))
