"""Files of several documents: each part is a document of its own, and says of which file.

Revision ID: 0006_parts
Revises: 0005_document_types
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0006_parts"
down_revision = "0005_document_types"
branch_labels = None
depends_on = None

STATUSES = (
    "needs_type",
    "unsorted",
    "submitted",
    "rendered",
    "extracted",
    "scored",
    "accepted",
    "in_review",
    "reviewed",
    "failed",
)
ENDED = ("accepted", "reviewed", "failed")
UNTYPED = ("submitted", "unsorted", "needs_type", "failed")
NO_PARTS = (
    "UPDATE documents SET status = 'failed', error_code = 'unknown_document_type', error_message ="
    " 'It was a file of several documents, which this version does not know. They are documents of"
    " their own.' WHERE status = 'split'"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _constrain(("split", *STATUSES), ("split", *ENDED), ("split", *UNTYPED))
    op.add_column("documents", sa.Column("part_of", sa.Uuid(), nullable=True))
    op.add_column("documents", sa.Column("first_page", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("documents_part_of_fkey"),
        "documents",
        "documents",
        ["part_of"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_check_constraint(
        op.f("documents_part_check"),
        "documents",
        "(part_of IS NULL) = (first_page IS NULL) AND first_page >= 1",
    )
    op.create_index(
        "documents_part_of_idx",
        "documents",
        ["part_of"],
        postgresql_where=sa.text("part_of IS NOT NULL"),
    )
    op.execute("DROP VIEW reporting.straight_through")
    op.execute(view_sql("straight_through", version=2))
    op.execute(view_sql("document_parts", version=1))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.document_parts")
    op.execute("DROP VIEW reporting.straight_through")
    op.execute(view_sql("straight_through", version=1))
    op.execute(NO_PARTS)
    op.drop_index("documents_part_of_idx", "documents")
    op.drop_constraint(op.f("documents_part_check"), "documents")
    op.drop_constraint(op.f("documents_part_of_fkey"), "documents")
    op.drop_column("documents", "first_page")
    op.drop_column("documents", "part_of")
    _constrain(STATUSES, ENDED, UNTYPED)


def _constrain(statuses: tuple[str, ...], ended: tuple[str, ...], untyped: tuple[str, ...]) -> None:
    rules = {
        "documents_status_check": f"status IN ({_listed(statuses)})",
        "documents_finished_check": f"(finished_at IS NOT NULL) = (status IN ({_listed(ended)}))",
        "documents_type_is_known_check": (
            f"document_type <> 'auto' OR status IN ({_listed(untyped)})"
        ),
    }
    for name, rule in rules.items():
        op.drop_constraint(op.f(name), "documents")
        op.create_check_constraint(op.f(name), "documents", rule)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))
