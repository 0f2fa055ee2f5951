"""Passwords of the bundled Postgres' roles: a file for each, which only its user can read."""

import base64
import hashlib
import hmac
import os
import pwd
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from worker.embedded.server_account import give

FOLDER = "passwords"
_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):.+")


def read(state_dir: Path, role: str) -> str:
    """The password of a role.

    Raises OSError where there is none, or where this user may not read it.
    """
    return (state_dir / FOLDER / role).read_text("ascii")


def set_all(
    connection: "psycopg.Connection[Any]",
    state_dir: Path,
    roles: Sequence[str],
    account: pwd.struct_passwd | None,
) -> None:
    """Give each role the password in its file, made when missing; without a change where it has it.

    connection: of the superuser
    account:    whose the files are; None: ours
    """
    kept = dict(
        connection.execute(
            "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY(%s)", [list(roles)]
        ).fetchall()
    )
    folder = state_dir / FOLDER
    if not folder.exists():
        folder.mkdir(mode=0o700)
        give(folder, account)
    for role in roles:
        if not (folder / role).exists():
            _write(folder / role, account)
        password = read(state_dir, role)
        if not _is(password, kept[role] or ""):
            name = role.encode()
            hashed = connection.pgconn.encrypt_password(password.encode(), name, b"scram-sha-256")
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(hashed.decode())
                )
            )


def _write(file: Path, account: pwd.struct_passwd | None) -> None:
    """Whole or not at all: it gets its name when it is written."""
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w", encoding="ascii") as out:
        out.write(secrets.token_urlsafe(32))
    give(new, account)
    new.replace(file)


def _is(password: str, verifier: str) -> bool:
    """Whether the server keeps this password."""
    found = _VERIFIER.fullmatch(verifier)
    if found is None:
        return False
    rounds, salt, stored = int(found[1]), base64.b64decode(found[2]), base64.b64decode(found[3])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    key = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(key).digest(), stored)
