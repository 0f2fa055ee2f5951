"""What a person said is kept apart from what was decided by it; rows of lists can be removed;
a whole document can be rejected.

Revision ID: 0012_review
Revises: 0011_evidence
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.views import view_sql

revision = "0012_review"
down_revision = "0011_evidence"
branch_labels = None
depends_on = None

ACTIONS = "action IN ('accept', 'correct', 'absent', 'unreadable', 'rows', 'remove', 'undo')"
ACTIONS_BEFORE = "action IN ('accept', 'correct', 'absent', 'unreadable', 'undo')"
STATUSES = (
    "submitted",
    "untriaged",
    "needs_type",
    "rendered",
    "extracted",
    "grounded",
    "scored",
    "accepted",
    "in_review",
    "reviewed",
    "split",
    "failed",
)
VERDICT_RULES = {
    "verdict": "verdict IN ('other_type', 'not_ours', 'illegible', 'duplicate', 'undo')",
    "who": "length(who) BETWEEN 1 AND 200",
    "type": "(verdict = 'other_type') = (document_type IS NOT NULL)",
    "of": "(verdict = 'duplicate') = (duplicate_of IS NOT NULL)",
    "not_of_itself": "duplicate_of <> document_id",
    "undoes": "(verdict = 'undo') = (undoes IS NOT NULL)",
}
VIEWS = {"field_outcomes": (1, 2), "calibration": (1, 2), "straight_through": (2, 3)}
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
# Every decision before this came of one answer.  Nobody asked then whether the page was seen.
ANSWERS_OF_DECISIONS = """
INSERT INTO review_answers (id, item_id, version, who, action, text, value, took_ms, at)
SELECT id, item_id, version - 1, who, action, text, value, took_ms, decided_at FROM review_decisions
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _answers()
    op.add_column("results", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    _document_verdicts()
    _statuses(STATUSES, "rejected")
    op.create_check_constraint(
        op.f("documents_rejected_says_why_check"),
        "documents",
        "status <> 'rejected' OR coalesce(error_code IN ('not_ours', 'illegible', 'duplicate'),"
        " false)",
    )
    for name, (_, now) in VIEWS.items():
        op.execute(f"DROP VIEW reporting.{name}")
        op.execute(view_sql(name, version=now))


def _answers() -> None:
    op.drop_constraint(op.f("review_decisions_action_check"), "review_decisions")
    op.create_check_constraint(op.f("review_decisions_action_check"), "review_decisions", ACTIONS)
    op.create_table(
        "review_answers",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("value", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("seen", sa.Boolean(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "action <> 'correct' OR text IS NOT NULL",
            name=op.f("review_answers_correction_has_text_check"),
        ),
        sa.CheckConstraint(ACTIONS, name=op.f("review_answers_action_check")),
        sa.CheckConstraint("length(who) BETWEEN 1 AND 200", name=op.f("review_answers_who_check")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name=op.f("review_answers_item_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("review_answers_pkey")),
    )
    op.create_index("review_answers_item_id_idx", "review_answers", ["item_id"])
    op.add_column("review_decisions", sa.Column("answer_id", sa.BigInteger(), nullable=True))
    op.execute(ANSWERS_OF_DECISIONS)
    op.execute(
        "SELECT setval(pg_get_serial_sequence('review_answers', 'id'), max(id))"
        " FROM review_answers HAVING max(id) IS NOT NULL"
    )
    # the only change that decisions ever see: each learns which answer it came of
    op.execute("ALTER TABLE review_decisions DISABLE TRIGGER append_only")
    op.execute("UPDATE review_decisions SET answer_id = id")
    op.execute("ALTER TABLE review_decisions ENABLE TRIGGER append_only")
    op.alter_column("review_decisions", "answer_id", nullable=False)
    op.create_foreign_key(
        op.f("review_decisions_answer_id_fkey"),
        "review_decisions",
        "review_answers",
        ["answer_id"],
        ["id"],
    )
    op.create_index("review_decisions_answer_id_idx", "review_decisions", ["answer_id"])
    op.execute(APPEND_ONLY.format("review_answers"))


def _document_verdicts() -> None:
    op.create_table(
        "document_verdicts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=True),
        sa.Column("duplicate_of", sa.Uuid(), nullable=True),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("seen", sa.Boolean(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"document_verdicts_{name}_check"))
            for name, rule in VERDICT_RULES.items()
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [target], name=op.f(f"document_verdicts_{column}_fkey")
            )
            for column, target in (
                ("document_id", "documents.id"),
                ("duplicate_of", "documents.id"),
                ("undoes", "document_verdicts.id"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("document_verdicts_pkey")),
        sa.UniqueConstraint("undoes", name=op.f("document_verdicts_undoes_key")),
    )
    op.create_index("document_verdicts_document_id_idx", "document_verdicts", ["document_id"])
    op.create_index("document_verdicts_who_idx", "document_verdicts", ["who", "at"])
    op.execute(APPEND_ONLY.format("document_verdicts"))


def _statuses(known: tuple[str, ...], *more: str) -> None:
    """Every rule that lists statuses lists these; the last two of ``known`` stay the last."""
    every = (*known[:-2], *more, *known[-2:])
    is_open = ("submitted", "untriaged", "needs_type", *more, "split", "failed")
    ended = ("accepted", "reviewed", *more, "split", "failed")
    rules = {
        ("documents", "status"): f"status IN ({_listed(every)})",
        ("documents", "type_is_known"): (
            f"document_type <> 'auto' OR status IN ({_listed(is_open)})"
        ),
        ("documents", "finished"): (f"(finished_at IS NOT NULL) = (status IN ({_listed(ended)}))"),
        ("document_events", "from_status"): f"from_status IN ({_listed(every)})",
        ("document_events", "to_status"): f"to_status IN ({_listed(every)})",
    }
    for (table, name), rule in rules.items():
        op.drop_constraint(op.f(f"{table}_{name}_check"), table)
        op.create_check_constraint(op.f(f"{table}_{name}_check"), table, rule)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name, (before, _) in VIEWS.items():
        op.execute(f"DROP VIEW reporting.{name}")
        op.execute(view_sql(name, version=before))
    op.drop_column("results", "removed_at")
    op.drop_table("document_verdicts")
    op.drop_constraint(op.f("documents_rejected_says_why_check"), "documents")
    _statuses(STATUSES)
    op.drop_column("review_decisions", "answer_id")
    op.drop_table("review_answers")
    op.drop_constraint(op.f("review_decisions_action_check"), "review_decisions")
    op.create_check_constraint(
        op.f("review_decisions_action_check"), "review_decisions", ACTIONS_BEFORE
    )
