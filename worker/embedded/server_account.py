"""The system account that the bundled Postgres runs under, and what that account must be able to
reach.

Postgres refuses to run as root. Started by root, the server runs under a system account of its own
and needs to pass through the folders above its data and its programs; started by anyone else, it
runs as that user and nothing here changes anything.
"""

import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from worker.errors import EmbeddedPostgresFailed

log = logging.getLogger(__name__)

ACCOUNT = "pgserver"  # the name that the bundled package itself would create


def account_for(data_dir: Path) -> pwd.struct_passwd | None:
    """The account to run the server under, or None for the user that we are."""
    if os.geteuid() != 0:
        _refuse_folder_of_another(data_dir)
        return None
    if data_dir.exists() and (owner := data_dir.stat().st_uid) != 0 and any(data_dir.iterdir()):
        # made by a run that was not root, or by an earlier one that was
        return _by_uid(owner, data_dir)
    return _existing(ACCOUNT) or _created(ACCOUNT) or _existing("nobody") or _no_account()


def run_as(
    account: pwd.struct_passwd | None,
    command: list[str],
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program under the account and return what it says.

    Into a file: a server would keep a pipe open for ever.

    Raises CalledProcessError with the program's words.
    """
    user, group = (account.pw_uid, account.pw_gid) if account else (None, None)
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            env={**os.environ, **(environment or {})},
            user=user,
            group=group,
            extra_groups=[] if account else None,
            start_new_session=True,  # neither Ctrl-C here nor our end reaches it
            check=False,
        )
        out.seek(0)
        said = out.read().decode(errors="replace").strip()
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, Path(command[0]).name, said)
    return said


def give(path: Path, account: pwd.struct_passwd | None) -> None:
    """Hand one file or folder to the account."""
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def let_through(path: Path, account: pwd.struct_passwd | None) -> None:
    """Let the account pass through the folders above ``path``: pass through, not list."""
    if account is None:
        return
    for folder in path.parents:
        mode = folder.stat().st_mode
        passes = mode & stat.S_IXOTH or (
            mode & stat.S_IXUSR and folder.stat().st_uid == account.pw_uid
        )
        if not passes:
            log.info(
                "letting others pass through %s, so that the database server, which may not be"
                " root, reaches its files",
                folder,
            )
            folder.chmod(mode | stat.S_IXOTH)


def let_run(programs: Path, account: pwd.struct_passwd | None) -> None:
    """Make sure that the account can run the server's programs, also where they were installed
    under a strict umask.
    """
    if account is None or _runs(programs, account):
        return
    let_through(programs, account)
    if _runs(programs, account):
        return
    for path in (programs.parent, *programs.parent.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _runs(programs: Path, account: pwd.struct_passwd) -> bool:
    try:
        run_as(account, [str(programs / "postgres"), "--version"])
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _refuse_folder_of_another(data_dir: Path) -> None:
    if data_dir.exists() and data_dir.stat().st_uid != os.geteuid():
        raise EmbeddedPostgresFailed(
            f"{data_dir} belongs to another user (uid {data_dir.stat().st_uid}), perhaps from a run"
            " as root. Run as that user or as root, or choose another state folder."
        )


def _by_uid(uid: int, data_dir: Path) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresFailed(
            f"{data_dir} belongs to uid {uid}, which has no account on this machine. "
            "Give the folder to an existing account with chown -R, or choose another state folder."
        ) from None


def _existing(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _created(name: str) -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd") or shutil.which("useradd", path="/usr/sbin:/sbin")
    if useradd is None:
        return None
    command = [
        useradd,
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        name,
    ]
    # another process may have just made it
    subprocess.run(command, capture_output=True, check=False)
    return _existing(name)


def _no_account() -> pwd.struct_passwd:
    raise EmbeddedPostgresFailed(
        f"Postgres refuses to run as root, and no account {ACCOUNT!r} could be made. Run as another"
        " user, create that account, or set SUREFIELD_DATABASE_URL to a Postgres of your own."
    )
