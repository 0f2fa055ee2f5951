"""A document can be answered more than once: each answer is a generation, and one counts.

Revision ID: 0013_generations
Revises: 0012_review
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0013_generations"
down_revision = "0012_review"
branch_labels = None
depends_on = None

GENERATIONS = ("generation", "working_generation", "reading_generation")
# Each decision says what the result was before it; the first one saw what was read.
READ_CURRENCIES = """
UPDATE results AS r SET read_ordinal = CASE WHEN r.reason <> 'added_by_person' THEN r.ordinal END,
    read_currency = coalesce(
        (SELECT CASE WHEN d.seen ? 'currency' THEN d.seen ->> 'currency' ELSE r.currency END
         FROM review_decisions AS d WHERE d.result_id = r.id ORDER BY d.id LIMIT 1), r.currency)
"""
NEW_VIEWS = {"field_history": 1, "readings": 1}
# the newest version of each view that changes; the one before comes back
VIEWS = {
    "field_outcomes": 3,
    "straight_through": 4,
    "calibration": 3,
    "document_events": 2,
    "witnesses": 2,
}
WRITTEN_ONCE = ("review_decisions", "review_answers", "review_notes")
OLD_ITEMS = (
    "SELECT i.id FROM review_items AS i JOIN results AS r ON r.id = i.result_id"
    " JOIN documents AS d ON d.id = r.document_id WHERE r.generation <> d.generation"
)
# The version before knows one answer a document.  The one that counts stays, with the decisions
# that it carried over; what only an answer before it says is lost.
ONE_ANSWER = (
    f"""
    UPDATE review_answers AS a SET item_id = kept.item_id
    FROM (
        SELECT DISTINCT ON (d.answer_id) d.answer_id, d.item_id
        FROM review_decisions AS d
        JOIN review_answers AS a ON a.id = d.answer_id
        JOIN review_decisions AS root ON root.id = d.carried_from
        WHERE d.item_id NOT IN ({OLD_ITEMS})
        ORDER BY d.answer_id, (root.item_id = a.item_id) DESC, d.id
    ) AS kept
    WHERE kept.answer_id = a.id AND a.item_id IN ({OLD_ITEMS})
    """,
    "UPDATE review_decisions SET carried_from = NULL WHERE carried_from IS NOT NULL",
    f"DELETE FROM review_notes WHERE item_id IN ({OLD_ITEMS})",
    f"DELETE FROM review_decisions WHERE item_id IN ({OLD_ITEMS})",
    f"DELETE FROM review_answers WHERE item_id IN ({OLD_ITEMS})",
    "DELETE FROM results USING documents AS d"
    " WHERE d.id = document_id AND results.generation <> d.generation",
    "DELETE FROM readings USING pages AS p, documents AS d WHERE p.id = page_id"
    " AND d.id = p.document_id AND readings.generation <> d.reading_generation",
    "UPDATE review_items SET state = 'open' WHERE state = 'superseded'",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in VIEWS:
        op.execute(f"DROP VIEW reporting.{name}")
    _generations()
    for name, version in {**NEW_VIEWS, **VIEWS}.items():
        op.execute(view_sql(name, version=version))


def _generations() -> None:
    for name in GENERATIONS:
        op.add_column(
            "documents", sa.Column(name, sa.SmallInteger(), server_default="1", nullable=False)
        )
    op.create_check_constraint(
        op.f("documents_generations_check"),
        "documents",
        "generation BETWEEN 1 AND working_generation AND reading_generation BETWEEN 1 AND"
        " working_generation",
    )
    for table in ("results", "document_events"):
        op.add_column(
            table, sa.Column("generation", sa.SmallInteger(), server_default="1", nullable=False)
        )
    op.add_column("results", sa.Column("read_currency", sa.Text(), nullable=True))
    op.add_column("results", sa.Column("read_ordinal", sa.Integer(), nullable=True))
    op.add_column("results", sa.Column("earlier_id", sa.Uuid(), nullable=True))
    op.execute(READ_CURRENCIES)
    op.create_foreign_key(
        op.f("results_earlier_id_fkey"),
        "results",
        "results",
        ["earlier_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        "results_earlier_id_idx",
        "results",
        ["earlier_id"],
        postgresql_where=sa.text("earlier_id IS NOT NULL"),
    )
    op.create_check_constraint(op.f("results_generation_check"), "results", "generation >= 1")
    op.drop_constraint(op.f("results_document_id_name_ordinal_key"), "results")
    op.create_unique_constraint(
        op.f("results_document_id_generation_name_ordinal_key"),
        "results",
        ["document_id", "generation", "name", "ordinal"],
    )
    op.add_column("review_decisions", sa.Column("carried_from", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("review_decisions_carried_from_fkey"),
        "review_decisions",
        "review_decisions",
        ["carried_from"],
        ["id"],
    )
    _items_may_be(("open", "closed", "superseded"))


def _one_answer() -> None:
    for table in WRITTEN_ONCE:
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
    for statement in ONE_ANSWER:
        op.execute(statement)
    for table in WRITTEN_ONCE:
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")
    op.drop_column("review_decisions", "carried_from")
    _items_may_be(("open", "closed"))
    op.drop_constraint(op.f("results_document_id_generation_name_ordinal_key"), "results")
    op.create_unique_constraint(
        op.f("results_document_id_name_ordinal_key"), "results", ["document_id", "name", "ordinal"]
    )
    op.drop_constraint(op.f("results_generation_check"), "results")
    op.drop_index("results_earlier_id_idx", "results")
    op.drop_constraint(op.f("results_earlier_id_fkey"), "results")
    for name in ("earlier_id", "read_ordinal", "read_currency", "generation"):
        op.drop_column("results", name)
    op.drop_column("document_events", "generation")
    op.drop_constraint(op.f("documents_generations_check"), "documents")
    for name in GENERATIONS:
        op.drop_column("documents", name)


def _items_may_be(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("review_items_state_check"), "review_items")
    op.create_check_constraint(
        op.f("review_items_state_check"), "review_items", f"state IN ({_listed(states)})"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in (*VIEWS, *NEW_VIEWS):
        op.execute(f"DROP VIEW reporting.{name}")
    _one_answer()
    for name, version in VIEWS.items():
        op.execute(view_sql(name, version=version - 1))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))
