"""Documents are drawn whole, and certified apart.

Revision ID: 0043_whole_documents
Revises: 0042_webhook_trials
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0043_whole_documents"
down_revision = "0042_webhook_trials"
branch_labels = None
depends_on = None

FAMILY = "family IN ('money', 'rest', 'documents')"
FAMILY_BEFORE = "family IN ('money', 'rest')"
RULES = {
    "of_list": "(of_list IS NULL) = (rows_read IS NULL)",
    "lists_with_documents": "of_list IS NULL OR with_document",
}
# in this order each stands on those before it
VIEWS = (("audits", 2), ("calibration", 5), ("accepted_and_wrong", 1), ("certificates", 3))
VIEWS_BEFORE = (("audits", 1), ("calibration", 5), ("accepted_and_wrong", 1), ("certificates", 2))
# a later migration had put it into the older view
STATUS = (
    "COMMENT ON COLUMN reporting.documents.status IS 'Where the document stands: submitted,"
    " untriaged, needs_type, needs_input, rendered, extracted, grounded, scored, accepted,"
    " in_review, reviewed, rejected, split or failed.'"
)
DOCUMENTS = (("documents", 3), ("straight_through", 6))
DOCUMENTS_BEFORE = (("documents", 2), ("straight_through", 6))


def upgrade() -> None:
    """Keep which documents are drawn, and how many rows their lists have."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    _drop(VIEWS_BEFORE)
    _drop(DOCUMENTS_BEFORE)
    op.add_column(
        "audits",
        sa.Column("with_document", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("audits", sa.Column("of_list", sa.Text(), nullable=True))
    op.add_column("audits", sa.Column("rows_read", sa.Integer(), nullable=True))
    for name, rule in RULES.items():
        op.create_check_constraint(op.f(f"audits_{name}_check"), "audits", rule)
    op.drop_constraint(op.f("audits_result_id_key"), "audits")
    for name, lists in (("audits_result_id_idx", "NULL"), ("audits_list_idx", "NOT NULL")):
        op.create_index(
            name,
            "audits",
            ["result_id"],
            unique=True,
            postgresql_where=sa.text(f"of_list IS {lists}"),
        )
    _family(FAMILY)
    op.create_table(
        "document_draws",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Float(53), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("band", sa.String(16), nullable=False),
        sa.Column("was_untouched", sa.Boolean(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column(
            "drawn_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.CheckConstraint(
            "band IN ('clear', 'fair', 'poor')", name=op.f("document_draws_band_check")
        ),
        sa.CheckConstraint("rate > 0 AND rate <= 1", name=op.f("document_draws_rate_check")),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("document_draws_score_check")),
        sa.PrimaryKeyConstraint("document_id", "generation", name=op.f("document_draws_pkey")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("document_draws_document_id_fkey"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("document_draws_conditions_idx", "document_draws", ["conditions", "drawn_at"])
    op.create_index("document_draws_certificate_idx", "document_draws", ["certificate"])
    _create(VIEWS)
    _create(DOCUMENTS)
    op.execute(view_sql("document_audits", version=1))


def downgrade() -> None:
    """Forget them, and what rests on them."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.document_audits")
    _drop(DOCUMENTS)
    _drop(VIEWS)
    op.drop_table("document_draws")
    op.execute("DELETE FROM certificates WHERE family = 'documents'")
    _family(FAMILY_BEFORE)
    # what people said of them stays no longer than they do, and answers are append-only
    op.execute("ALTER TABLE audit_answers DISABLE TRIGGER append_only")
    op.execute(
        "DELETE FROM audit_answers WHERE audit_id IN (SELECT id FROM audits WHERE with_document)"
    )
    op.execute("ALTER TABLE audit_answers ENABLE TRIGGER append_only")
    op.execute("DELETE FROM audits WHERE with_document")
    for name in ("audits_result_id_idx", "audits_list_idx"):
        op.drop_index(name, "audits")
    op.create_unique_constraint(op.f("audits_result_id_key"), "audits", ["result_id"])
    for name in RULES:
        op.drop_constraint(op.f(f"audits_{name}_check"), "audits")
    for name in ("with_document", "of_list", "rows_read"):
        op.drop_column("audits", name)
    _create(VIEWS_BEFORE)
    _create(DOCUMENTS_BEFORE)
    op.execute(STATUS)


def _family(rule: str) -> None:
    for table in ("audits", "certificates"):
        op.drop_constraint(op.f(f"{table}_family_check"), table)
        op.create_check_constraint(op.f(f"{table}_family_check"), table, rule)


def _create(views: Sequence[tuple[str, int]]) -> None:
    for name, version in views:
        op.execute(view_sql(name, version=version))


def _drop(views: Sequence[tuple[str, int]]) -> None:
    for name, _ in reversed(views):
        op.execute(f"DROP VIEW reporting.{name}")
