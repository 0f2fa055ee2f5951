"""What belongs to this installation alone: its key, and the secrets sealed for it."""

from pathlib import Path

from sqlalchemy import text

from worker import sealing
from worker.db import Tx
from worker.sealing import KeyUnusable, SealedForAnother
from worker.store import security
from worker.tables.security import SecurityKind


def public_key(tx: Tx) -> bytes | None:
    """What everybody may seal with; None: nobody made a key yet."""
    found = tx.session.execute(text("SELECT public_key FROM installation")).scalar_one_or_none()
    return None if found is None else bytes(found)


def keep_public_key(tx: Tx, key: bytes) -> None:
    """The first one stays."""
    tx.session.execute(
        text("UPDATE installation SET public_key = :key WHERE public_key IS NULL"), {"key": key}
    )


def change_public_key(tx: Tx, key: bytes) -> None:
    """From now on it is sealed for this one."""
    tx.session.execute(text("UPDATE installation SET public_key = :key"), {"key": key})
    security.note(tx, SecurityKind.KEY_FILE_CHANGED)


def check_key(tx: Tx, key_file: Path) -> None:
    """Raises KeyUnusable unless the file opens what is sealed now."""
    sealing.check(key_file, _public_key(tx))


def check_lost(tx: Tx, key_file: Path) -> None:
    """Raises KeyUnusable when the file opens what is sealed now."""
    try:
        check_key(tx, key_file)
    except KeyUnusable:
        return
    raise KeyUnusable(
        f"{key_file} is there, and is the right one. Leave out --lost: what it opens would be lost."
    )


def seal(tx: Tx, secret: str) -> bytes:
    """A secret as it may rest in a table.

    Raises KeyUnusable.
    """
    return sealing.seal(_public_key(tx), secret.encode("utf-8", "surrogatepass"))


def opened(tx: Tx, key_file: Path, sealed: bytes) -> str:
    """A secret that rested in a table.

    Raises KeyUnusable, SealedForAnother.
    """
    content = sealing.opened(key_file, sealed, public_key=_public_key(tx))
    return content.decode("utf-8", "surrogatepass")


def resealed(tx: Tx, key_file: Path, sealed: bytes) -> bytes:
    """The same secret, sealed for the key in use; what was sealed for a lost one stays as it is.

    Raises KeyUnusable.
    """
    try:
        return seal(tx, opened(tx, key_file, sealed))
    except SealedForAnother:
        return sealed


def _public_key(tx: Tx) -> bytes:
    key = public_key(tx)
    if key is None:
        raise KeyUnusable("This installation has no key yet. Make it: surefield migrate")
    return key
