"""What belongs to this installation alone."""

from sqlalchemy import text

from worker.db import Tx


def public_key(tx: Tx) -> bytes | None:
    """What everybody may seal with; None: nobody made a key yet."""
    found = tx.session.execute(text("SELECT public_key FROM installation")).scalar_one_or_none()
    return None if found is None else bytes(found)


def keep_public_key(tx: Tx, key: bytes) -> None:
    """The first one stays."""
    tx.session.execute(
        text("UPDATE installation SET public_key = :key WHERE public_key IS NULL"), {"key": key}
    )
