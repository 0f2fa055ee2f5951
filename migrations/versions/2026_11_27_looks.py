"""Further looks at a page, and what was believed where a value and null part ways.

Revision ID: 0018_looks
Revises: 0017_dead_letters
"""

import sqlalchemy as sa
from alembic import op

from migrations.views import view_sql

revision = "0018_looks"
down_revision = "0017_dead_letters"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("fields", sa.Column("opening", sa.Double(), nullable=True))
    op.add_column("fields", sa.Column("opening_other", sa.Double(), nullable=True))
    op.add_column(
        "readings", sa.Column("look", sa.SmallInteger(), server_default="0", nullable=False)
    )
    op.create_check_constraint(op.f("readings_look_check"), "readings", "look >= 0")
    op.create_unique_constraint(
        op.f("readings_page_id_generation_look_key"), "readings", ["page_id", "generation", "look"]
    )
    op.drop_constraint(op.f("readings_page_id_generation_key"), "readings")
    op.execute("DROP VIEW reporting.readings")
    op.execute(view_sql("readings", version=2))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP VIEW reporting.readings")
    op.execute("DELETE FROM readings WHERE look > 0")
    op.create_unique_constraint(
        op.f("readings_page_id_generation_key"), "readings", ["page_id", "generation"]
    )
    op.drop_constraint(op.f("readings_page_id_generation_look_key"), "readings")
    op.drop_constraint(op.f("readings_look_check"), "readings")
    op.drop_column("readings", "look")
    op.drop_column("fields", "opening_other")
    op.drop_column("fields", "opening")
    op.execute(view_sql("readings", version=1))
