"""What only the owner of the installation may read: sealed for its public key, opened with a file.

The public key lies in the database, so that every process can seal, and whoever sends a password
can: ``surefield key public`` prints it.  The private one is a file on the machines of whoever runs
the installation, and nowhere else: who loses it reads nothing of what was sealed, and nothing else
is lost.

A key file holds a key a line: the first is in use, those after it open what was sealed before.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from extractors.errors import SurefieldError

BYTES = 32


class KeyUnusable(SurefieldError):
    """The installation's key file is not there, or is another installation's."""

    code = "key_unusable"
    retry = True
    installation = True


class SealedForAnother(SurefieldError):
    """It was sealed for a key that is not in the installation's key file, or is damaged."""

    code = "sealed_for_another_key"


def make_key(path: Path) -> bytes:
    """The public key, 32 bytes, of a key file; it is made, for its owner's eyes, where there is
    none.

    Raises KeyUnusable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return public_keys(path)[0]
    except OSError as error:
        raise _cannot_be_made(path, error) from error
    made = PrivateKey.generate()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(_line(made))
    return bytes(made.public_key)


def add_key(path: Path, *, lost: bool = False) -> bytes:
    """A new key as the file's first, for what is sealed from now on; returns its public half.

    lost: the file is gone, or damaged: it is begun anew, and what was sealed for it is lost

    Raises KeyUnusable.
    """
    before = [] if lost else _keys(path)
    made = PrivateKey.generate()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="ascii", dir=path.parent, delete=False) as file:
            file.writelines(_line(one) for one in (made, *before))  # its mode is 0600
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, path)
    except OSError as error:
        raise _cannot_be_made(path, error) from error
    return bytes(made.public_key)


def public_keys(path: Path) -> Sequence[bytes]:
    """Of the keys in a file; the first is in use.

    Raises KeyUnusable.
    """
    return [bytes(one.public_key) for one in _keys(path)]


def check(path: Path, public_key: bytes) -> None:
    """Raises KeyUnusable unless the file has this key."""
    if public_key not in public_keys(path):
        raise KeyUnusable(
            f"The key file {path} is not this installation's. Copy it from the machine where"
            " `surefield migrate` was run first, or name it: SUREFIELD_KEY_FILE. If it is lost:"
            " surefield key rotate --lost"
        )


def seal(public_key: bytes, content: bytes) -> bytes:
    """Content that only the key file opens: a sealed box of libsodium, 48 bytes longer."""
    return SealedBox(PublicKey(public_key)).encrypt(content)


def opened(path: Path, sealed: bytes, *, public_key: bytes | None = None) -> bytes:
    """What was sealed.

    public_key: the one in use, which the file must have; None: whatever the file has

    Raises KeyUnusable when the file is not the installation's, SealedForAnother when it is, and
    does not open this.
    """
    if public_key is not None:
        check(path, public_key)
    for key in _keys(path):
        try:
            return SealedBox(key).decrypt(sealed)
        except CryptoError:
            continue
    raise SealedForAnother(
        f"It was sealed for a key that is not in {path}. If the installation had another key file,"
        " put that file's line below this one's."
    )


def _keys(path: Path) -> Sequence[PrivateKey]:
    try:
        keys = [PrivateKey(bytes.fromhex(line)) for line in path.read_text("ascii").split()]
    except OSError as error:
        raise KeyUnusable(
            f"The key file {path} cannot be read: {error.strerror}. It lies where `surefield"
            " migrate` was run first. Name it: SUREFIELD_KEY_FILE"
        ) from error
    except (ValueError, CryptoError, TypeError) as error:
        raise _no_key_file(path) from error
    if not keys:
        raise _no_key_file(path)
    return keys


def _line(key: PrivateKey) -> str:
    return bytes(key).hex() + "\n"


def _no_key_file(path: Path) -> KeyUnusable:
    return KeyUnusable(f"{path} is no key file. Restore it from its backup.")


def _cannot_be_made(path: Path, error: OSError) -> KeyUnusable:
    return KeyUnusable(f"The key file {path} cannot be made: {error.strerror}.")
