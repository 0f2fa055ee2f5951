"""Promises that are planned, tested on drawn rows, and then thresholds.

Revision ID: 0021_certificates
Revises: 0020_audits
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.views import view_sql

revision = "0021_certificates"
down_revision = "0020_audits"
branch_labels = None
depends_on = None

FAMILY = "family IN ('money', 'rest')"
BAND = "band IN ('clear', 'fair', 'poor')"
RULES = {
    "family": FAMILY,
    "band": BAND,
    "state": "state IN ('planned', 'certified', 'not_held', 'withdrawn')",
    "alpha": "alpha > 0 AND alpha < 1",
    "size": "size >= 1",
    "thresholds": "cardinality(thresholds) >= 1",
    "tested": "(state = 'planned') = (tested_at IS NULL)",
    "certified_has_threshold": (
        "(state = 'certified') = (threshold IS NOT NULL) OR state = 'withdrawn'"
    ),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("audits", sa.Column("conditions", sa.Text(), nullable=True))
    op.add_column("audits", sa.Column("method", sa.Text(), nullable=True))
    op.add_column("audits", sa.Column("family", sa.String(16), nullable=True))
    op.add_column("audits", sa.Column("band", sa.String(16), nullable=True))
    op.create_check_constraint(op.f("audits_family_check"), "audits", FAMILY)
    op.create_check_constraint(op.f("audits_band_check"), "audits", BAND)
    op.create_index("audits_conditions_idx", "audits", ["conditions", "drawn_at"])
    _certificates()
    op.execute(view_sql("certificates", version=1))


def _certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("family", sa.String(16), nullable=False),
        sa.Column("band", sa.String(16), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("alpha", sa.Float(53), nullable=False),
        sa.Column("delta", sa.Float(53), nullable=False),
        sa.Column("missed", sa.Float(53), nullable=False),
        sa.Column("thresholds", postgresql.ARRAY(sa.Float(53)), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), server_default="planned", nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column(
            "planned_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("tested_by", sa.Text(), nullable=True),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("threshold", sa.Float(53), nullable=True),
        sa.Column("judged", sa.Integer(), nullable=True),
        sa.Column("wrong", sa.Integer(), nullable=True),
        sa.Column("effect", sa.Float(53), nullable=True),
        sa.Column("bound", sa.Float(53), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_because", sa.Text(), nullable=True),
        *(
            sa.CheckConstraint(rule, name=op.f(f"certificates_{name}_check"))
            for name, rule in RULES.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("certificates_pkey")),
    )
    op.create_index(
        "certificates_planned_idx",
        "certificates",
        ["document_type", "family", "band", "conditions", "method"],
        unique=True,
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index("certificates_conditions_idx", "certificates", ["conditions"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.certificates")
    op.drop_table("certificates")
    for name in ("conditions", "method", "family", "band"):
        op.drop_column("audits", name)
