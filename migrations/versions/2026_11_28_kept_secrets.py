"""A webhook's old secret is kept by the table itself: whoever rotates need not read it.

Revision ID: 0035_kept_secrets
Revises: 0034_fits_in_force
"""

from alembic import op

revision = "0035_kept_secrets"
down_revision = "0034_fits_in_force"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE FUNCTION keep_old_secret() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.old_secret := OLD.secret;
    RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER keep_old_secret BEFORE UPDATE OF secret ON webhooks
FOR EACH ROW EXECUTE FUNCTION keep_old_secret()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DROP TRIGGER keep_old_secret ON webhooks")
    op.execute("DROP FUNCTION keep_old_secret()")
