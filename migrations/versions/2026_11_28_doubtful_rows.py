"""How many rows of a document are doubtful, not only whether one is.

Revision ID: 0041_doubtful_rows
Revises: 0040_questions
"""

import sqlalchemy as sa
from alembic import op

revision = "0041_doubtful_rows"
down_revision = "0040_questions"
branch_labels = None
depends_on = None

# Windows that are open still are counted as later ones: scores are kept.
COUNTED = """
UPDATE routings AS r SET below = s.below
FROM (
    SELECT q.document_id, q.generation, s.method,
        ARRAY[
            count(*) FILTER (WHERE s.score < 0.99), count(*) FILTER (WHERE s.score < 0.9)
        ] AS below
    FROM results AS q
    JOIN scores AS s ON s.field_id = q.field_id
    WHERE s.score IS NOT NULL
    GROUP BY q.document_id, q.generation, s.method
) AS s
WHERE (s.document_id, s.generation, s.method) = (r.document_id, r.generation, r.method)
"""


def upgrade() -> None:
    """Count them for what was routed, too."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("routings", sa.Column("below", sa.ARRAY(sa.SmallInteger()), nullable=True))
    op.add_column(
        "certificates", sa.Column("window_at_least", sa.ARRAY(sa.Integer()), nullable=True)
    )
    op.execute(COUNTED)


def downgrade() -> None:
    """Forget the numbers."""
    op.drop_column("certificates", "window_at_least")
    op.drop_column("routings", "below")
