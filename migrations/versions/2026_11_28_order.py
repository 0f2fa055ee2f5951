"""Documents know their upstream and their turn, and priorities are those of JMS and AMQP.

Revision ID: 0023_order
Revises: 0022_stage_pauses
"""

import sqlalchemy as sa
from alembic import op

revision = "0023_order"
down_revision = "0022_stage_pauses"
branch_labels = None
depends_on = None

WAITS = "status IN ('submitted', 'untriaged', 'rendered')"
TABLES = ("documents", "review_items")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("documents", sa.Column("upstream", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "documents", sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.execute(
        "UPDATE documents d SET upstream = s.upstream FROM submissions s WHERE s.document_id = d.id"
    )
    # what was 0 in -100..100 is the 4 of 0..9
    for table in TABLES:
        op.execute(f"UPDATE {table} SET priority = greatest(0, least(9, priority + 4))")
        op.alter_column(table, "priority", server_default="4")
    op.create_check_constraint(
        op.f("documents_priority_check"), "documents", "priority BETWEEN 0 AND 9"
    )
    op.drop_index("documents_queue_idx", "documents")
    op.create_index(
        "documents_queue_idx",
        "documents",
        ["status", sa.literal_column("priority DESC"), "deadline", "turn", "created_at", "id"],
    )
    op.create_index("documents_upstream_idx", "documents", ["upstream", "turn"])
    op.create_index("documents_turn_idx", "documents", ["turn"], postgresql_where=sa.text(WAITS))
    op.drop_column("documents", "announced_at")


def downgrade() -> None:
    op.add_column("documents", sa.Column("announced_at", sa.DateTime(timezone=True)))
    op.drop_index("documents_turn_idx", "documents")
    op.drop_index("documents_upstream_idx", "documents")
    op.drop_index("documents_queue_idx", "documents")
    op.create_index(
        "documents_queue_idx",
        "documents",
        ["status", sa.literal_column("priority DESC"), "created_at", "id"],
    )
    op.drop_constraint(op.f("documents_priority_check"), "documents")
    for table in TABLES:
        op.alter_column(table, "priority", server_default="0")
        op.execute(f"UPDATE {table} SET priority = priority - 4")
    op.drop_column("documents", "turn")
    op.drop_column("documents", "upstream")
