"""Passwords of files and secrets of webhooks rest sealed for the installation's key.

The tables' files are written anew, so that nothing readable is left in them.  Where there was no
key yet, a password is forgotten: its document says that it needs one, and goes on when it comes.

Revision ID: 0036_sealed_secrets
Revises: 0035_kept_secrets
"""

import sqlalchemy as sa
from alembic import op
from nacl.public import PublicKey, SealedBox

revision = "0036_sealed_secrets"
down_revision = "0035_kept_secrets"
branch_labels = None
depends_on = None

TRIGGER = """
CREATE TRIGGER keep_old_secret BEFORE UPDATE OF secret ON webhooks
FOR EACH ROW {when} EXECUTE FUNCTION keep_old_secret()
"""
# one that is only sealed anew is no new one
ROTATED = "WHEN (NEW.old_secret_until IS DISTINCT FROM OLD.old_secret_until)"
DRAWN = "'whsec_' || encode(sha256(gen_random_uuid()::text::bytea), 'base64')"
WHY = "Its secret is lost. Rotate it, and enable it."


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    connection = op.get_bind()
    key = connection.execute(sa.text("SELECT public_key FROM installation")).scalar_one_or_none()
    box = None if key is None else SealedBox(PublicKey(bytes(key)))

    passwords = connection.execute(sa.text("SELECT document_id, password FROM secrets")).all()
    op.drop_table("secrets")
    op.create_table(
        "secrets",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("secrets_document_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("secrets_pkey")),
    )
    if box is not None:
        for document_id, password in passwords:
            connection.execute(
                sa.text("INSERT INTO secrets VALUES (:id, :sealed)"),
                {"id": document_id, "sealed": box.encrypt(bytes(password))},
            )

    secrets = connection.execute(sa.text("SELECT id, secret, old_secret FROM webhooks")).all()
    op.execute("DROP TRIGGER keep_old_secret ON webhooks")
    for name in ("secret", "old_secret"):
        op.execute(
            f"ALTER TABLE webhooks ALTER COLUMN {name} TYPE bytea"
            f" USING CASE WHEN {name} IS NOT NULL THEN ''::bytea END"
        )
    for webhook_id, *clear in secrets:
        # without a key it cannot sign any more, and its deliveries say what to do
        secret, old = (
            None if one is None else b"" if box is None else box.encrypt(one.encode())
            for one in clear
        )
        connection.execute(
            sa.text("UPDATE webhooks SET secret = :secret, old_secret = :old WHERE id = :id"),
            {"id": webhook_id, "secret": secret, "old": old},
        )
    op.execute(TRIGGER.format(when=ROTATED))


def downgrade() -> None:
    """What is sealed stays so: passwords are forgotten, and webhooks wait for new secrets."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DELETE FROM secrets")
    op.alter_column("secrets", "sealed", new_column_name="password")
    op.execute("DROP TRIGGER keep_old_secret ON webhooks")
    op.execute(f"ALTER TABLE webhooks ALTER COLUMN secret TYPE text USING {DRAWN}")
    op.execute("UPDATE webhooks SET old_secret = NULL, old_secret_until = NULL")
    op.execute("ALTER TABLE webhooks ALTER COLUMN old_secret TYPE text USING NULL")
    op.execute(f"UPDATE webhooks SET state = 'disabled', disabled_because = '{WHY}'")
    op.execute(TRIGGER.format(when=""))
