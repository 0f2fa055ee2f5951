"""Messages that became no document are written down.

Revision ID: 0017_dead_letters
Revises: 0016_honest_views
"""

import sqlalchemy as sa
from alembic import op

revision = "0017_dead_letters"
down_revision = "0016_honest_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    now = sa.text("now()")
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("upstream", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("dead_letters_digest_check")),
        sa.CheckConstraint("size >= 0 AND times >= 1", name=op.f("dead_letters_counts_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("dead_letters_pkey")),
        sa.UniqueConstraint(
            "digest", "queue", "code", name=op.f("dead_letters_digest_queue_code_key")
        ),
    )
    op.create_index(op.f("dead_letters_last_at_idx"), "dead_letters", ["last_at"])


def downgrade() -> None:
    op.drop_table("dead_letters")
