"""A sender may cancel its document; a key may be for some document types, and for so many requests.

Revision ID: 0038_keys_and_cancelling
Revises: 0037_known_browsers
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0038_keys_and_cancelling"
down_revision = "0037_known_browsers"
branch_labels = None
depends_on = None

CHECK = "documents_rejected_says_why_check"
WHY = "status <> 'rejected' OR coalesce(error_code IN ({codes}), false)"
BEFORE = "'not_ours', 'illegible', 'duplicate'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _say_why(f"{BEFORE}, 'cancelled'")
    op.add_column("api_keys", sa.Column("document_types", ARRAY(sa.Text()), nullable=True))
    op.add_column("api_keys", sa.Column("per_minute", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("api_keys_document_types_check"), "api_keys", "cardinality(document_types) > 0"
    )
    op.create_check_constraint(op.f("api_keys_per_minute_check"), "api_keys", "per_minute > 0")


def downgrade() -> None:
    """What was cancelled is not ours; a key that was for some types is revoked."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("UPDATE documents SET error_code = 'not_ours' WHERE error_code = 'cancelled'")
    _say_why(BEFORE)
    op.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now())"
        " WHERE document_types IS NOT NULL"
    )
    for name in ("document_types", "per_minute"):
        op.drop_column("api_keys", name)


def _say_why(codes: str) -> None:
    op.execute(f"ALTER TABLE documents DROP CONSTRAINT {CHECK}")
    op.execute(f"ALTER TABLE documents ADD CONSTRAINT {CHECK} CHECK ({WHY.format(codes=codes)})")
