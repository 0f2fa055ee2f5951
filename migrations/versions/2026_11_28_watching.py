"""Certificates are watched without people, too; an alarm suspends, and audits confirm it.

Revision ID: 0026_watching
Revises: 0025_currencies
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0026_watching"
down_revision = "0025_currencies"
branch_labels = None
depends_on = None

STATES = "state IN ('planned', 'certified', 'not_held', 'suspended', 'broken', 'withdrawn')"
STATES_BEFORE = "state IN ('planned', 'certified', 'not_held', 'withdrawn')"
HAS_THRESHOLD = (
    "(state IN ('certified', 'suspended', 'broken')) = (threshold IS NOT NULL)"
    " OR state = 'withdrawn'"
)
HAD_THRESHOLD = "(state = 'certified') = (threshold IS NOT NULL) OR state = 'withdrawn'"
ALARM = (
    "(alarmed_at IS NULL) = (alarm IS NULL) AND (alarmed_at IS NULL) = (changed_at IS NULL)"
    " AND (state NOT IN ('suspended', 'broken') OR alarmed_at IS NOT NULL)"
)
NEW = (
    ("window_documents", sa.Integer()),
    ("window_doubtful", sa.Integer()),
    ("watched_since", sa.DateTime(timezone=True)),
    ("alarmed_at", sa.DateTime(timezone=True)),
    ("alarm", sa.Text()),
    ("changed_at", sa.DateTime(timezone=True)),
    ("resumed_by", sa.Text()),
    ("resumed_because", sa.Text()),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.certificates")
    for name, kind in NEW:
        op.add_column("certificates", sa.Column(name, kind, nullable=True))
    op.execute("UPDATE certificates SET watched_since = tested_at WHERE state = 'certified'")
    _check("state", STATES)
    _check("certified_has_threshold", HAS_THRESHOLD)
    op.create_check_constraint(op.f("certificates_alarm_check"), "certificates", ALARM)
    op.execute(view_sql("certificates", version=2))
    op.add_column(
        "audits",
        sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    _waiting_index(sa.text("urgent DESC"), "drawn_at", "id")
    op.create_table(
        "routings",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("band", sa.String(16), nullable=False),
        sa.Column("weakest", sa.Float(53), nullable=True),
        sa.Column(
            "routed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.CheckConstraint("band IN ('clear', 'fair', 'poor')", name=op.f("routings_band_check")),
        sa.CheckConstraint("weakest BETWEEN 0 AND 1", name=op.f("routings_weakest_check")),
        sa.PrimaryKeyConstraint("document_id", "generation", name=op.f("routings_pkey")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("routings_document_id_fkey"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "routings_conditions_idx",
        "routings",
        ["conditions", "document_type", "method", "routed_at"],
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("routings")
    _waiting_index("drawn_at", "id")
    op.drop_column("audits", "urgent")
    op.execute("DROP VIEW reporting.certificates")
    op.execute(
        "UPDATE certificates SET state = 'withdrawn', withdrawn_at = alarmed_at,"
        " withdrawn_because = 'alarm: ' || alarm WHERE state IN ('suspended', 'broken')"
    )
    op.drop_constraint(op.f("certificates_alarm_check"), "certificates")
    _check("state", STATES_BEFORE)
    _check("certified_has_threshold", HAD_THRESHOLD)
    for name, _ in NEW:
        op.drop_column("certificates", name)
    op.execute(view_sql("certificates", version=1))


def _check(name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"certificates_{name}_check"), "certificates")
    op.create_check_constraint(op.f(f"certificates_{name}_check"), "certificates", rule)


def _waiting_index(*columns: str | sa.TextClause) -> None:
    op.drop_index("audits_waiting_idx", "audits")
    op.create_index(
        "audits_waiting_idx",
        "audits",
        list(columns),
        postgresql_where=sa.text("was_accepted AND found IS NULL"),
    )
