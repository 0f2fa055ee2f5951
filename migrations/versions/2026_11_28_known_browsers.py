"""Browsers that are known, and when each that is signed in was used last.

Revision ID: 0037_known_browsers
Revises: 0036_sealed_secrets
"""

import sqlalchemy as sa
from alembic import op

revision = "0037_known_browsers"
down_revision = "0036_sealed_secrets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "web_sessions",
        sa.Column(
            "used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.create_table(
        "known_browsers",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "token_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("known_browsers_token_check")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("known_browsers_user_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("known_browsers_pkey")),
    )
    op.create_index("known_browsers_user_id_idx", "known_browsers", ["user_id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("known_browsers")
    op.drop_column("web_sessions", "used_at")
