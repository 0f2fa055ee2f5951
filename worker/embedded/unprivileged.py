"""Started by root, what opens strangers' files goes on as the account of the bundled Postgres.

The process makes ready what the account must reach, and runs itself anew under it: so nothing of
root is left in it, and its children, its files and its sockets are the account's.
"""

import logging
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from worker.embedded import passwords
from worker.embedded.server_account import account_for, let_through, run_as
from worker.errors import EmbeddedPostgresFailed, RunsAsRoot

log = logging.getLogger(__name__)

HOUSE = Path(__file__).resolve().parents[2]
# what root may have left in a state folder; nothing else in it is handed over
OURS = (
    *("postgres.lock", "supervisor.lock", "children.json", "children.new", passwords.FOLDER),
    *("blobs", "logs", "installation.key"),
)
SHARED = frozenset(
    map(Path, "/ /boot /dev /etc /home /mnt /opt /proc /root /run /srv /sys /tmp /usr /var".split())
) | {Path("/var/lib"), Path("/var/log"), Path("/var/tmp"), Path("/dev/shm"), Path("/usr/local")}
MEND = (
    "Start it as an ordinary user, or mend that; SUREFIELD_ALLOW_ROOT=1 opens strangers' files as"
    " root."
)


def leave_root(state_dir: Path, blobs: str, *, allowed: bool) -> None:
    """Go on as the account of this state folder; does not return where root is left.

    blobs:   the store's address; a folder must be the account's
    allowed: to stay root

    Raises RunsAsRoot where root cannot be left.
    """
    if os.geteuid() != 0:
        return
    if allowed:
        log.warning("strangers' files are opened as root: SUREFIELD_ALLOW_ROOT is set")
        return
    folder = state_dir.expanduser().resolve()
    account = _account(folder)
    _hand_over(folder, account)
    for path in _needed(folder):
        let_through(path, account)
    _check(account, folder, blobs)
    _become(account, folder)


def _account(folder: Path) -> pwd.struct_passwd:
    try:
        account = account_for(folder / "postgres")
    except EmbeddedPostgresFailed as error:
        raise RunsAsRoot(f"Root cannot be left: {error}") from error
    assert account is not None  # we are root
    return account


def _needed(folder: Path) -> Iterator[Path]:
    """What the account must be able to come to."""
    yield folder / "postgres"
    yield HOUSE / "worker"
    for place in (sys.prefix, sys.base_prefix):
        yield Path(place) / "bin"
    yield Path(sys.executable)
    yield Path(sys.executable).resolve()


def _hand_over(folder: Path, account: pwd.struct_passwd) -> None:
    """Give the account what root made here, once; no link is followed, and nothing is given that
    is not Surefield's.
    """
    if folder in SHARED or folder in {Path(one.pw_dir) for one in pwd.getpwall()}:
        raise RunsAsRoot(
            f"{folder} is not Surefield's alone, so it cannot be given to the account"
            f" {account.pw_name}. Choose a state folder of its own, or start as an ordinary user."
        )
    folder.mkdir(parents=True, exist_ok=True)
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        whole = os.fstat(opened).st_uid != account.pw_uid
        for name in OURS:
            _give(name, opened, account, whole=whole or name == "logs")
        if whole:  # last: a run that ends in between begins anew
            os.fchown(opened, account.pw_uid, account.pw_gid)
    finally:
        os.close(opened)


def _give(name: str, parent: int, account: pwd.struct_passwd, *, whole: bool) -> None:
    """One entry of an open folder, and all beneath it; each is looked at where it is, by its name
    in an open folder.

    whole: also what is beneath a folder that is the account's already
    """
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            # first: whoever stores something after the list was read sees whose it must be
            if os.fstat(opened).st_uid == 0:
                os.fchown(opened, account.pw_uid, account.pw_gid)
            if whole or found.st_uid == 0:
                for entry in os.listdir(opened):
                    _give(entry, opened, account, whole=whole)
        finally:
            os.close(opened)
    # a file with a second name may be another's
    elif found.st_uid == 0 and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        os.chown(name, account.pw_uid, account.pw_gid, dir_fd=parent, follow_symlinks=False)


def _check(account: pwd.struct_passwd, folder: Path, blobs: str) -> None:
    """Raises RunsAsRoot where the account lacks what it needs."""
    store = Path(blobs.removeprefix("file://"))
    wanted = [folder] if "://" in blobs.removeprefix("file://") else [folder, store]
    for place in wanted:
        if not _may(account, ["test", "-w", str(_nearest(place))]):
            raise RunsAsRoot(
                f"The account {account.pw_name}, which is to open strangers' files, cannot write"
                f" to {place}. Give it the folder: chown -R {account.pw_name} {place}. {MEND}"
            )
    looks = [sys.executable, "-c", "import worker.settings"]
    if not _may(account, looks, {"PYTHONPATH": str(HOUSE)}):
        _let_read_code()
    if not _may(account, looks, {"PYTHONPATH": str(HOUSE)}):
        raise RunsAsRoot(
            f"The account {account.pw_name}, which is to open strangers' files, cannot run"
            f" {sys.executable} with the packages of {sys.prefix}. {MEND}"
        )


def _let_read_code() -> None:
    """Let others read the program, where root installed it under a strict umask: our own packages
    and those of the environment, which hold no secret.  Only root's files; no link is followed.
    """
    tops = [HOUSE / name for name in ("worker", "extractors", "migrations")]
    if sys.prefix != sys.base_prefix:
        tops.append(Path(sys.prefix))
    log.info(
        "letting others read %s, so that what is not root can run it", ", ".join(map(str, tops))
    )
    os.chmod(HOUSE, HOUSE.stat().st_mode | stat.S_IROTH | stat.S_IXOTH)  # an import lists it
    for top in tops:
        for folder, _, names in os.walk(top):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                found = os.lstat(path)
                if found.st_uid == 0 and not stat.S_ISLNK(found.st_mode):
                    runs = stat.S_ISDIR(found.st_mode) or found.st_mode & stat.S_IXUSR
                    os.chmod(path, found.st_mode | stat.S_IROTH | (stat.S_IXOTH if runs else 0))


def _nearest(place: Path) -> Path:
    """The folder itself, else the one that it would be made in."""
    return next(one for one in (place, *place.parents) if one.exists())


def _may(
    account: pwd.struct_passwd, command: list[str], environment: dict[str, str] | None = None
) -> bool:
    try:
        run_as(account, command, environment)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _become(account: pwd.struct_passwd, folder: Path) -> None:
    """This program once more, as the account."""
    environment = {**os.environ, "USER": account.pw_name, "LOGNAME": account.pw_name}
    models = Path(os.environ.get("HOME", "/root"), ".cache", "huggingface")
    if models.exists():  # what root has fetched is not fetched again
        environment.setdefault("HF_HOME", str(models))
    environment["HOME"] = str(folder)
    log.info("going on as %s, not as root", account.pw_name)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
