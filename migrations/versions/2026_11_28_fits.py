"""An installation fits weights of its own; they decide when a person says so.

Revision ID: 0033_fits
Revises: 0032_told
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.views import view_sql

revision = "0033_fits"
down_revision = "0032_told"
branch_labels = None
depends_on = None

APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
WHO = "length(who) BETWEEN 1 AND 200"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "fits",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("decode_mode", sa.Text(), nullable=False),
        sa.Column("weights", JSONB(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("documents", "labels", "wrong", "drawn", "drawn_wrong")
        ),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("is_better", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        _now("fitted_at"),
        sa.CheckConstraint(WHO, name=op.f("fits_who_check")),
        sa.CheckConstraint("is_better OR because IS NOT NULL", name=op.f("fits_reason_check")),
        sa.CheckConstraint(
            "method = 'combined/1+' || left(digest, 8)", name=op.f("fits_method_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("fits_pkey")),
    )
    op.create_index(
        "fits_method_key", "fits", ["method", sa.text("coalesce(document_type, '')")], unique=True
    )
    op.create_table(
        "fit_uses",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("fit_id", sa.Uuid(), nullable=False),
        sa.Column("decides", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        _now("at"),
        sa.CheckConstraint(WHO, name=op.f("fit_uses_who_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("fit_uses_pkey")),
        sa.ForeignKeyConstraint(["fit_id"], ["fits.id"], name=op.f("fit_uses_fit_id_fkey")),
    )
    op.create_index("fit_uses_fit_id_idx", "fit_uses", ["fit_id"])
    for table in ("fits", "fit_uses"):
        op.execute(APPEND_ONLY.format(table))
    op.execute(view_sql("fits", version=1))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.fits")
    op.drop_table("fit_uses")
    op.drop_table("fits")


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
