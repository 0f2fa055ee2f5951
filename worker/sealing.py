"""What only the owner of the installation may read: sealed for its public key, opened with a file.

The public key lies in the database, so that every process can seal.  The private one is a file on
the machine of whoever runs the installation, and nowhere else: who loses it reads nothing of what
was sealed, and nothing else is lost.
"""

import os
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from extractors.errors import SurefieldError

BYTES = 32


class KeyUnusable(SurefieldError):
    """The installation's key file is not there, or is not the one that this was sealed for."""

    code = "key_unusable"


def make_key(path: Path) -> bytes:
    """The public key, 32 bytes, of a key file; it is made, for its owner's eyes, where there is
    none.

    Raises KeyUnusable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes(_key(path).public_key)
    except OSError as error:
        raise KeyUnusable(f"The key file {path} cannot be made: {error.strerror}.") from error
    made = PrivateKey.generate()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(bytes(made).hex() + "\n")
    return bytes(made.public_key)


def seal(public_key: bytes, content: bytes) -> bytes:
    """Content that only the key file opens: a sealed box of libsodium."""
    return SealedBox(PublicKey(public_key)).encrypt(content)


def opened(path: Path, sealed: bytes) -> bytes:
    """What was sealed.

    Raises KeyUnusable.
    """
    try:
        return SealedBox(_key(path)).decrypt(sealed)
    except CryptoError as error:
        raise KeyUnusable(
            f"It was sealed for another key than {path}. Name the right file: SUREFIELD_KEY_FILE"
        ) from error


def _key(path: Path) -> PrivateKey:
    try:
        return PrivateKey(bytes.fromhex(path.read_text("ascii").strip()))
    except OSError as error:
        raise KeyUnusable(
            f"The key file {path} cannot be read: {error.strerror}. It lies where `surefield"
            " migrate` was run first. Name it: SUREFIELD_KEY_FILE"
        ) from error
    except (ValueError, CryptoError, TypeError) as error:
        raise KeyUnusable(f"{path} is no key file. Restore it from its backup.") from error
