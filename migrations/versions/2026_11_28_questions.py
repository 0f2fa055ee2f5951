"""The sender of a document is asked, and it goes on from the answer.

Revision ID: 0040_questions
Revises: 0039_security_events
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0040_questions"
down_revision = "0039_security_events"
branch_labels = None
depends_on = None

NEW = "needs_input"
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
    "rejected",
    "split",
    "failed",
)
TYPE_IS_OPEN = ("submitted", "untriaged", "needs_type", "rejected", "split", "failed")
KINDS = ("accepted", "in_review", "completed", "corrected", "rejected", "split", "failed")
SHA256 = "~ '^[0-9a-f]{64}$'"
RULES = {
    "wanted": "wanted IN ('password', 'file', 'type', 'value', 'text')",
    "state": "state IN ('open', 'answered', 'withdrawn', 'expired')",
    "token": f"token_sha256 {SHA256}",
    "file": f"file_sha256 {SHA256}",
    "text": "length(text) BETWEEN 1 AND 4000",
    "field": "(wanted = 'value') = (field IS NOT NULL)",
    "page": "page >= 1",
    "reminders": "reminders >= 0",
    "closed": (
        "(state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL)"
    ),
    "answered": "(state = 'answered') = (door IS NOT NULL)",
    "token_forgotten": "state = 'open' OR token_sealed IS NULL",
}
# Comments that list where a document may stand.
COMMENTS = """
DO $$ DECLARE c record; BEGIN
    FOR c IN
        SELECT n.nspname, t.relname, a.attname, d.description
        FROM pg_description d
        JOIN pg_class t ON t.oid = d.objoid AND d.classoid = 'pg_class'::regclass
        JOIN pg_namespace n ON n.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.objsubid
        WHERE n.nspname = 'reporting' AND strpos(d.description, '{before}') > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', c.nspname, c.relname, c.attname,
            replace(c.description, '{before}', '{now}'));
    END LOOP;
END $$
"""
LISTED = ("needs_type, rendered", "needs_type, needs_input, rendered")
NOWHERE_NEW = (
    "UPDATE documents SET status = 'failed', error_code = 'needs_input', finished_at = now(),"
    " error_message = 'Its sender was asked, which this release cannot. Submit it again.'"
    " WHERE status = 'needs_input'"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _constrain((*STATUSES[:3], NEW, *STATUSES[3:]), (*TYPE_IS_OPEN[:3], NEW, *TYPE_IS_OPEN[3:]))
    _kinds((*KINDS[:2], NEW, *KINDS[2:]))
    _questions()
    _tries()
    op.add_column("submissions", sa.Column("sha256", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("submissions_sha256_check"), "submissions", f"sha256 {SHA256}")
    _replaced_pages()
    op.execute(COMMENTS.format(before=LISTED[0], now=LISTED[1]))
    op.execute("DROP VIEW reporting.straight_through")
    op.execute(view_sql("straight_through", version=6))
    op.execute(view_sql("questions", version=1))


def _questions() -> None:
    statuses = _listed((*STATUSES[:3], NEW, *STATUSES[3:]))
    op.create_table(
        "questions",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("wanted", sa.String(16), nullable=False),
        sa.Column("doubt", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column(
            "asked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminders", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("back", sa.String(16), nullable=False),
        sa.Column("fails_with", sa.Text(), nullable=True),
        sa.Column("fails_because", sa.Text(), nullable=True),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(16), server_default="open", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("door", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        *(
            sa.CheckConstraint(rule, name=op.f(f"questions_{name}_check"))
            for name, rule in {**RULES, "back": f"back IN ({statuses})"}.items()
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("questions_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("questions_pkey")),
        sa.UniqueConstraint("token_sha256", name=op.f("questions_token_sha256_key")),
    )
    is_open = sa.text("state = 'open'")
    op.create_index("questions_document_id_idx", "questions", ["document_id"])
    op.create_index(
        "questions_open_idx",
        "questions",
        ["document_id", "wanted", sa.text("coalesce(field, '')"), "ordinal"],
        unique=True,
        postgresql_where=is_open,
    )
    op.create_index(
        "questions_expires_at_idx", "questions", ["expires_at"], postgresql_where=is_open
    )


def _tries() -> None:
    op.create_table(
        "question_tries",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "tried_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("question_tries_pkey")),
    )
    op.create_index("question_tries_token_idx", "question_tries", ["token_sha256", "tried_at"])
    op.create_index("question_tries_address_idx", "question_tries", ["address", "tried_at"])


def _replaced_pages() -> None:
    """Pages of a scan that a better one replaces stay, and are no pages of the document any
    more.
    """
    op.add_column("pages", sa.Column("replaced_in", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("pages_replaced_in_fkey"),
        "pages",
        "documents",
        ["replaced_in"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        "pages_replaced_in_idx",
        "pages",
        ["replaced_in"],
        postgresql_where=sa.text("replaced_in IS NOT NULL"),
    )
    op.alter_column("pages", "document_id", nullable=True)
    op.create_check_constraint(
        op.f("pages_of_a_document_check"),
        "pages",
        "(document_id IS NULL) <> (replaced_in IS NULL)",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.questions")
    op.execute("DROP VIEW reporting.straight_through")
    op.execute(view_sql("straight_through", version=5))
    op.execute(COMMENTS.format(before=LISTED[1], now=LISTED[0]))
    op.execute("DELETE FROM pages WHERE document_id IS NULL")
    op.drop_constraint(op.f("pages_of_a_document_check"), "pages")
    op.alter_column("pages", "document_id", nullable=False)
    op.drop_column("pages", "replaced_in")
    op.drop_column("submissions", "sha256")
    op.drop_table("question_tries")
    op.drop_table("questions")
    op.execute("DELETE FROM events WHERE kind = 'needs_input' OR status = 'needs_input'")
    op.execute("ALTER TABLE document_events DISABLE TRIGGER USER")
    op.execute("DELETE FROM document_events WHERE 'needs_input' IN (from_status, to_status)")
    op.execute("ALTER TABLE document_events ENABLE TRIGGER USER")
    op.execute(NOWHERE_NEW)
    _kinds(KINDS)
    _constrain(STATUSES, TYPE_IS_OPEN)


def _kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("events_kind_check"), "events")
    op.create_check_constraint(op.f("events_kind_check"), "events", f"kind IN ({_listed(kinds)})")


def _constrain(statuses: tuple[str, ...], is_open: tuple[str, ...]) -> None:
    listed = _listed(statuses)
    rules = {
        ("documents", "status"): f"status IN ({listed})",
        ("documents", "type_is_known"): (
            f"document_type <> 'auto' OR status IN ({_listed(is_open)})"
        ),
        ("document_events", "from_status"): f"from_status IN ({listed})",
        ("document_events", "to_status"): f"to_status IN ({listed})",
        ("events", "status"): f"status IN ({listed})",
    }
    for (table, name), rule in rules.items():
        op.drop_constraint(op.f(f"{table}_{name}_check"), table)
        op.create_check_constraint(op.f(f"{table}_{name}_check"), table, rule)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)
