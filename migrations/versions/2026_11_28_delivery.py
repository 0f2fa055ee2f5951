"""Events for upstream systems, and webhooks.

Revision ID: 0028_delivery
Revises: 0027_document_confidence
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028_delivery"
down_revision = "0027_document_confidence"
branch_labels = None
depends_on = None

KIND = "kind IN ('accepted', 'in_review', 'completed', 'corrected', 'rejected', 'split', 'failed')"
STATUS = (
    "status IN ('submitted', 'untriaged', 'needs_type', 'rendered', 'extracted', 'grounded',"
    " 'scored', 'accepted', 'in_review', 'reviewed', 'rejected', 'split', 'failed')"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    # first without a default, so that the table is not written anew: moves until now are told to
    # nobody
    op.execute("ALTER TABLE document_events ADD COLUMN xid xid8")
    op.execute("ALTER TABLE document_events ALTER COLUMN xid SET DEFAULT pg_current_xact_id()")
    op.create_index("document_events_xid_idx", "document_events", ["xid"])
    _events()
    _webhooks()
    _deliveries()


def _events() -> None:
    op.create_table(
        "event_relay",
        sa.Column("id", sa.SmallInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("event_relay_one_row_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_relay_pkey")),
    )
    op.execute("ALTER TABLE event_relay ADD COLUMN published xid8 DEFAULT '0' NOT NULL")
    op.execute("INSERT INTO event_relay DEFAULT VALUES")
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("document_event_id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("upstream", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(KIND, name=op.f("events_kind_check")),
        sa.CheckConstraint(STATUS, name=op.f("events_status_check")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("events_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("events_pkey")),
        sa.UniqueConstraint("document_event_id", name=op.f("events_document_event_id_key")),
    )
    op.create_index("events_upstream_idx", "events", ["upstream", "id"])
    op.create_index("events_document_id_idx", "events", ["document_id"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("upstream", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("with_values", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(16), server_default="enabled", nullable=False),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name=op.f("webhooks_state_check")),
        sa.CheckConstraint("length(url) BETWEEN 1 AND 2000", name=op.f("webhooks_url_check")),
        sa.CheckConstraint(
            "length(upstream) BETWEEN 1 AND 100", name=op.f("webhooks_upstream_check")
        ),
        sa.CheckConstraint(
            "(old_secret IS NULL) = (old_secret_until IS NULL)",
            name=op.f("webhooks_old_secret_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("webhooks_pkey")),
    )
    op.create_index("webhooks_upstream_idx", "webhooks", ["upstream"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "next_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.SmallInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'given_up')", name=op.f("deliveries_state_check")
        ),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)",
            name=op.f("deliveries_delivered_check"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("deliveries_attempts_check")),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name=op.f("deliveries_webhook_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("deliveries_event_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("deliveries_pkey")),
        sa.UniqueConstraint(
            "webhook_id", "event_id", name=op.f("deliveries_webhook_id_event_id_key")
        ),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "deliveries_waiting_idx",
        "deliveries",
        ["webhook_id", "next_at", "event_id"],
        postgresql_where=waiting,
    )
    op.create_index(
        "deliveries_document_id_idx",
        "deliveries",
        ["document_id", "webhook_id", "event_id"],
        postgresql_where=waiting,
    )
    op.create_index("deliveries_event_id_idx", "deliveries", ["event_id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table in ("deliveries", "webhooks", "events", "event_relay"):
        op.drop_table(table)
    op.drop_column("document_events", "xid")
