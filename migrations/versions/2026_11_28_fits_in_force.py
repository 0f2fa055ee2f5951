"""How probable a document is right follows the weights in force.

Revision ID: 0034_fits_in_force
Revises: 0033_fits
"""

from alembic import op

from migrations.views import view_sql

revision = "0034_fits_in_force"
down_revision = "0033_fits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make(version=3)


def downgrade() -> None:
    _make(version=2)


def _make(*, version: int) -> None:
    """In its place: other views stand on it, and its columns stay."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    made = view_sql("document_confidence", version=version)
    op.execute(made.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
