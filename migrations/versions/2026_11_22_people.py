"""People who sign in, programs with keys, and what reviewers leave beside their decisions.

Revision ID: 0003_people
Revises: 0002_reporting
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_people"
down_revision = "0002_reporting"
branch_labels = None
depends_on = None

TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_notes
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
TABLES = (
    "review_skips",
    "review_notes",
    "api_keys",
    "sign_in_attempts",
    "sign_in_links",
    "web_sessions",
    "users",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _users()
    _tickets("web_sessions")
    _tickets("sign_in_links", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "tried_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sign_in_attempts_pkey")),
    )
    op.create_index("sign_in_attempts_name_idx", "sign_in_attempts", ["name", "tried_at"])
    op.create_index("sign_in_attempts_address_idx", "sign_in_attempts", ["address", "tried_at"])
    _api_keys()
    _beside_decisions()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('reviewer', 'manager', 'admin')", name=op.f("users_role_check")
        ),
        sa.CheckConstraint(
            "length(name) BETWEEN 1 AND 100 AND name = lower(name)", name=op.f("users_name_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("name", name=op.f("users_name_key")),
    )


def _tickets(table: str, *more: sa.Column[object]) -> None:
    """Something random that stands for a person until it expires; only its hash is kept."""
    op.create_table(
        table,
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        *more,
        sa.CheckConstraint("token_sha256 ~ '^[0-9a-f]{64}$'", name=op.f(f"{table}_token_check")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"{table}_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f(f"{table}_pkey")),
    )
    op.create_index(f"{table}_user_id_idx", table, ["user_id"])


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("upstream", sa.Text(), nullable=False),
        sa.Column("key_sha256", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("key_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("api_keys_key_check")),
        sa.CheckConstraint(
            "length(upstream) BETWEEN 1 AND 100", name=op.f("api_keys_upstream_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
        sa.UniqueConstraint("key_sha256", name=op.f("api_keys_key_sha256_key")),
    )


def _beside_decisions() -> None:
    op.create_table(
        "review_notes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 4000", name=op.f("review_notes_text_check")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name=op.f("review_notes_item_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("review_notes_pkey")),
    )
    op.create_index("review_notes_item_id_idx", "review_notes", ["item_id"])
    op.execute(TRIGGER)
    op.create_table(
        "review_skips",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column(
            "until",
            sa.DateTime(timezone=True),
            server_default=sa.text("now() + interval '1 hour'"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["review_items.id"],
            name=op.f("review_skips_item_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "who", name=op.f("review_skips_pkey")),
    )
    # A person's pace and his last decision are asked for at every page.
    op.create_index("review_decisions_who_idx", "review_decisions", ["who", "decided_at"])
    op.create_index(
        "review_items_leased_by_idx",
        "review_items",
        ["leased_by"],
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("review_items_leased_by_idx", "review_items")
    op.drop_index("review_decisions_who_idx", "review_decisions")
    for table in TABLES:
        op.drop_table(table)
