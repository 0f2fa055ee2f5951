"""Rows that people look at whatever became of them: drawn beforehand, and what they found.

Revision ID: 0020_audits
Revises: 0019_forced_looks
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.views import view_sql

revision = "0020_audits"
down_revision = "0019_forced_looks"
branch_labels = None
depends_on = None

ACTIONS = "action IN ('accept', 'correct', 'absent', 'unreadable', 'rows', 'remove', 'undo')"
AUDIT_RULES = {
    "rate": "rate > 0 AND rate <= 1",
    "score": "score BETWEEN 0 AND 1",
    "found": "found IN ('right', 'wrong', 'illegible')",
    "judged": "(found IS NULL) = (judged_at IS NULL) AND (found IS NULL) = (judged_by IS NULL)",
    "lease": "(leased_by IS NULL) = (lease_until IS NULL)",
    "only_what_was_accepted": "found IS NULL OR was_accepted",
}
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_answers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
# 32 bytes from the generator that makes random UUIDs
KEY = """
INSERT INTO installation (audit_key)
SELECT sha256(decode(replace(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), '-',
'') , 'hex'))
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _installation()
    _audits()
    _answers()
    op.execute("DROP VIEW reporting.calibration")
    op.execute(view_sql("audits", version=1))
    op.execute(view_sql("accepted_and_wrong", version=1))
    op.execute(view_sql("calibration", version=5))


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("audit_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("installation_one_row_check")),
        sa.CheckConstraint(
            "octet_length(audit_key) = 32", name=op.f("installation_audit_key_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("installation_pkey")),
    )
    op.execute(KEY)


def _audits() -> None:
    op.create_table(
        "audits",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("rate", sa.Float(53), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("was_accepted", sa.Boolean(), nullable=False),
        sa.Column(
            "drawn_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("found", sa.String(16), nullable=True),
        sa.Column("judged_by", sa.Text(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.CheckConstraint(rule, name=op.f(f"audits_{name}_check"))
            for name, rule in AUDIT_RULES.items()
        ),
        sa.ForeignKeyConstraint(
            ["result_id"], ["results.id"], name=op.f("audits_result_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("audits_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audits_pkey")),
        sa.UniqueConstraint("result_id", name=op.f("audits_result_id_key")),
    )
    op.create_index("audits_document_id_idx", "audits", ["document_id"])
    op.create_index(
        "audits_waiting_idx",
        "audits",
        ["drawn_at", "id"],
        postgresql_where=sa.text("was_accepted AND found IS NULL"),
    )
    op.create_index(
        "audits_fingerprint_idx",
        "audits",
        ["fingerprint"],
        postgresql_where=sa.text("was_accepted"),
    )


def _answers() -> None:
    op.create_table(
        "audit_answers",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("value", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("after_comparing", sa.Boolean(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "action <> 'correct' OR text IS NOT NULL", name=op.f("audit_answers_text_check")
        ),
        sa.CheckConstraint(ACTIONS, name=op.f("audit_answers_action_check")),
        sa.CheckConstraint("length(who) BETWEEN 1 AND 200", name=op.f("audit_answers_who_check")),
        sa.ForeignKeyConstraint(
            ["audit_id"], ["audits.id"], name=op.f("audit_answers_audit_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_answers_pkey")),
    )
    op.create_index("audit_answers_audit_id_idx", "audit_answers", ["audit_id"])
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("calibration", "accepted_and_wrong", "audits"):
        op.execute(f"DROP VIEW reporting.{name}")
    op.execute(view_sql("calibration", version=4))
    for table in ("audit_answers", "audits", "installation"):
        op.drop_table(table)
