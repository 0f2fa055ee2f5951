"""How probable it is that all of a document is right.

Revision ID: 0027_document_confidence
Revises: 0026_watching
"""

from alembic import op

from migrations.views import view_sql

revision = "0027_document_confidence"
down_revision = "0026_watching"
branch_labels = None
depends_on = None


# stands on the documents
STRAIGHT_THROUGH = 5


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(view_sql("document_confidence", version=1))
    _documents(version=2)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _documents(version=1)
    op.execute("DROP VIEW reporting.document_confidence")


def _documents(*, version: int) -> None:
    op.execute("DROP VIEW reporting.straight_through")
    op.execute("DROP VIEW reporting.documents")
    op.execute(view_sql("documents", version=version))
    op.execute(view_sql("straight_through", version=STRAIGHT_THROUGH))
