"""Dead letters keep their whole message, sealed for the installation's key.

Revision ID: 0029_sealed_letters
Revises: 0028_delivery
"""

import sqlalchemy as sa
from alembic import op

revision = "0029_sealed_letters"
down_revision = "0028_delivery"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("installation", sa.Column("public_key", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f("installation_public_key_check"), "installation", "octet_length(public_key) = 32"
    )
    op.add_column("dead_letters", sa.Column("sealed", sa.Text(), nullable=True))
    op.add_column("dead_letters", sa.Column("opened_by", sa.Text(), nullable=True))
    op.add_column("dead_letters", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("dead_letters_sealed_check"), "dead_letters", "sealed ~ '^[0-9a-f]{64}$'"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("sealed", "opened_by", "opened_at"):
        op.drop_column("dead_letters", name)
    op.drop_column("installation", "public_key")
