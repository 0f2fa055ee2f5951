"""What happens to rights is written down, and read by auditors alone.

Revision ID: 0039_security_events
Revises: 0038_keys_and_cancelling
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0039_security_events"
down_revision = "0038_keys_and_cancelling"
branch_labels = None
depends_on = None

KINDS = (
    "'signed_in', 'sign_in_failed', 'sign_in_refused', 'signed_out', 'person_added',"
    " 'person_changed', 'password_changed', 'link_made', 'link_refused', 'key_made',"
    " 'key_revoked', 'webhook_made', 'webhook_rotated', 'webhook_changed', 'webhook_removed',"
    " 'letter_opened', 'key_file_changed', 'analyst_added', 'analyst_removed', 'started'"
)
TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON security_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
VIEW = "CREATE VIEW auditing.security_events AS SELECT * FROM public.security_events"
COMMENT = (
    "COMMENT ON VIEW auditing.security_events IS 'What happened to rights: sign-ins and those that"
    " failed, people, roles, keys, webhooks, what was opened; who (person:, upstream:, login:),"
    " from which address (NULL: on a machine of the installation), about whom or what. Nothing in"
    " it changes.'"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "security_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("security_events_kind_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("security_events_pkey")),
    )
    op.create_index("security_events_at_idx", "security_events", ["at"])
    op.execute(TRIGGER)
    op.execute("CREATE SCHEMA auditing")
    op.execute(VIEW)
    op.execute(COMMENT)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP SCHEMA auditing CASCADE")
    op.drop_table("security_events")
