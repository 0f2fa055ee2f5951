"""Every move of a document is a row, and the stage that finds the type is called triage.

Revision ID: 0008_transitions
Revises: 0007_second_looks
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0008_transitions"
down_revision = "0007_second_looks"
branch_labels = None
depends_on = None

STATUSES = (
    "submitted",
    "untriaged",
    "needs_type",
    "rendered",
    "extracted",
    "scored",
    "accepted",
    "in_review",
    "reviewed",
    "split",
    "failed",
)
TYPE_IS_OPEN = ("submitted", "untriaged", "needs_type", "split", "failed")
TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON document_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
# What is known of the documents that are there: where they stand, and since when.
FIRST_EVENTS = """
INSERT INTO document_events (document_id, at, to_status, actor)
SELECT id, updated_at, status, 'migration' FROM documents ORDER BY updated_at, id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _rename("unsorted", "untriaged")
    op.alter_column("documents", "status", server_default=None)
    _document_events()
    op.execute(view_sql("document_events", version=1))


def _document_events() -> None:
    op.create_table(
        "document_events",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("from_status", sa.String(16), nullable=True),
        sa.Column("to_status", sa.String(16), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("claim_no", sa.Integer(), nullable=True),
        sa.Column("duration", sa.Interval(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint(
            f"from_status IN ({_listed(STATUSES)})", name=op.f("document_events_from_status_check")
        ),
        sa.CheckConstraint(
            f"to_status IN ({_listed(STATUSES)})", name=op.f("document_events_to_status_check")
        ),
        sa.CheckConstraint(
            "(from_status IS NULL) = (duration IS NULL)", name=op.f("document_events_first_check")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("document_events_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("document_events_pkey")),
    )
    op.create_index("document_events_document_id_idx", "document_events", ["document_id", "id"])
    op.execute(FIRST_EVENTS)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.document_events")
    op.drop_table("document_events")
    op.alter_column("documents", "status", server_default="submitted")
    _rename("untriaged", "unsorted")


def _rename(old: str, new: str) -> None:
    """The stored status gets its new name; no document moves by it."""
    for rule in ("status", "type_is_known"):
        op.drop_constraint(op.f(f"documents_{rule}_check"), "documents")
    op.execute(f"UPDATE documents SET status = '{new}' WHERE status = '{old}'")
    statuses, is_open = (
        tuple(new if name in (old, new) else name for name in names)
        for names in (STATUSES, TYPE_IS_OPEN)
    )
    op.create_check_constraint(
        op.f("documents_status_check"), "documents", f"status IN ({_listed(statuses)})"
    )
    op.create_check_constraint(
        op.f("documents_type_is_known_check"),
        "documents",
        f"document_type <> 'auto' OR status IN ({_listed(is_open)})",
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))
