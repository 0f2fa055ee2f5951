"""Started by root, what opens strangers' files goes on as another account."""

import os
import signal
import stat
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from tests.rendering.files import a_pdf
from worker.blobs import Blobs
from worker.cli import doctor, local
from worker.embedded import unprivileged
from worker.embedded.orphans import mark_of, marked
from worker.embedded.server_account import ACCOUNT, account_for
from worker.embedded.supervisor import Supervisor
from worker.errors import RunsAsRoot
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def account(tmp_path):
    return account_for(tmp_path / "postgres")


def surefield(state, *command, **variables):
    """One command, typed by root."""
    environment = {name: value for name, value in os.environ.items() if "SUREFIELD_" not in name}
    environment |= {"SUREFIELD_STATE_DIR": str(state), "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "worker", *command]
    return {"args": command, "cwd": ROOT, "env": environment}


def uid_of_a_worker(state, **variables):
    """What ``celery -A worker.tasks`` would run as, and what it says."""
    start = surefield(state, SUREFIELD_DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    code = "import os; from worker.tasks import app; print(os.geteuid(), os.environ['HOME'])"
    start |= {"args": [sys.executable, "-c", code], "env": start["env"] | variables}
    return subprocess.run(**start, capture_output=True, text=True, timeout=60)


def test_a_worker_that_root_starts_is_the_account(tmp_path, account):
    """Before it has made its app, so before the first message."""
    done = uid_of_a_worker(tmp_path / "state")
    assert done.stdout.split() == [str(account.pw_uid), str(tmp_path / "state")], done.stderr
    assert (tmp_path / "state").stat().st_uid == account.pw_uid


def test_root_stays_only_where_it_is_allowed(tmp_path):
    """And nothing is handed over then."""
    done = uid_of_a_worker(tmp_path / "state", SUREFIELD_ALLOW_ROOT="1")
    assert done.stdout.split()[0] == "0"
    assert "SUREFIELD_ALLOW_ROOT" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_store_that_the_account_cannot_write_to_is_refused_with_the_mend(tmp_path):
    """A folder of root's own, outside of the state folder."""
    store = tmp_path / "store"
    store.mkdir(mode=0o755)
    done = uid_of_a_worker(tmp_path / "state", SUREFIELD_BLOBS_URL=str(store))
    assert done.returncode == 1
    assert f"chown -R {ACCOUNT} {store}" in done.stderr
    assert done.stderr.startswith("runs_as_root:")
    assert "Traceback" not in done.stderr
    store.chmod(0o777)
    assert uid_of_a_worker(tmp_path / "state", SUREFIELD_BLOBS_URL=str(store)).returncode == 0


@pytest.mark.parametrize("folder", ["/tmp", "/", "/root", "/var/lib"])
def test_a_folder_that_others_use_is_never_given_away(folder):
    """However the state folder was set."""
    before = Path(folder).stat()
    with pytest.raises(RunsAsRoot, match="state folder of its own"):
        unprivileged.leave_root(Path(folder), f"{folder}/blobs", allowed=False)
    assert Path(folder).stat().st_uid == before.st_uid


def test_only_what_surefield_made_is_given_and_no_link_is_followed(tmp_path, account):
    """A link in a store may point to the house's own files, by either kind of link."""
    state, other = tmp_path / "state", tmp_path / "other"
    for folder in (state / "blobs" / "ab", state / "mine", other):
        folder.mkdir(parents=True)
    for file in (other / "shadow", other / "hard", state / "notes", state / "blobs" / "ab" / "x"):
        file.touch()
    (state / "blobs" / "link").symlink_to(other / "shadow")
    (state / "blobs" / "folder").symlink_to(other)
    (state / "logs").symlink_to(other)
    (state / "blobs" / "hard").hardlink_to(other / "hard")
    for _ in range(2):
        unprivileged._hand_over(state, account)
        owned = {
            str(path.relative_to(tmp_path))
            for path in tmp_path.rglob("*")
            if path.lstat().st_uid == account.pw_uid
        }
        assert owned == {"state", "state/blobs", "state/blobs/ab", "state/blobs/ab/x"}


def test_what_root_made_in_a_folder_that_is_the_accounts_already_is_given_too(tmp_path, account):
    """A command that root typed meanwhile; the store's folder itself is looked at alone."""
    unprivileged._hand_over(tmp_path / "state", account)
    for name in ("logs", "blobs"):
        (tmp_path / "state" / name).mkdir()
    (tmp_path / "state" / "postgres.lock").touch()
    (tmp_path / "state" / "logs" / "web.log").touch()
    unprivileged._hand_over(tmp_path / "state", account)
    for name in ("logs", "logs/web.log", "blobs", "postgres.lock"):
        assert (tmp_path / "state" / name).stat().st_uid == account.pw_uid


def test_what_root_stores_in_the_accounts_store_is_the_accounts(tmp_path, account):
    """The workers must read it; in a store of root's own it stays root's."""
    store = tmp_path / "blobs"
    store.mkdir()
    root = Blobs(store).put(b"root's")
    os.chown(store, account.pw_uid, account.pw_gid)
    theirs = Blobs(store).put(b"the workers'")
    for name, uid in ((root, 0), (theirs, account.pw_uid)):
        file = store / name[:2] / name[2:4] / name
        assert {one.stat().st_uid for one in (file, file.parent, file.parent.parent)} == {uid}


def test_the_doctor_is_red_where_root_is_allowed(tmp_path):
    """Else it says what becomes of root."""
    found = doctor.account(Settings(state_dir=tmp_path, allow_root=True))
    assert not found.sound
    assert "SUREFIELD_ALLOW_ROOT" in found.words
    assert doctor.account(Settings(state_dir=tmp_path, allow_root=False)).sound


def eventually(holds, *, within_s):
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_up_started_by_root_reads_what_root_submitted_before_and_no_process_is_root(
    tmp_path, account
):
    """State that a run as root left behind is taken over; then everything is the account's."""
    state, file = tmp_path / "state", tmp_path / "a.pdf"
    file.write_bytes(a_pdf())
    submit = surefield(state, "submit", str(file), "--type", "slip", SUREFIELD_ALLOW_ROOT="1")
    subprocess.run(**submit, check=True, capture_output=True, timeout=120)
    assert (state / "blobs").stat().st_uid == 0

    variables = {"SUREFIELD_WEB_PORT": str(local.free_port(0)), "SUREFIELD_OCR": "off"}
    with (tmp_path / "up.log").open("wb") as out:
        up = subprocess.Popen(**surefield(state, "up", **variables), stdout=out, stderr=out)
    try:
        eventually(lambda: b"Surefield is up" in (tmp_path / "up.log").read_bytes(), within_s=90)
        listed = surefield(state, "list")

        def is_rendered():
            said = subprocess.run(**listed, capture_output=True, text=True, timeout=60).stdout
            assert "failed" not in said, said
            return "accepted" in said.split("\n", 1)[1] or "in_review" in said

        eventually(is_rendered, within_s=120)
        processes = [up.pid, *(one.pid for one in marked(mark_of(state)))]
        assert len(processes) >= 6
        assert {psutil.Process(pid).uids() for pid in processes} == {(account.pw_uid,) * 3}
        assert Supervisor.roots_of(state) == []
        # workers open passwords of files with it
        key = state / "installation.key"
        assert [path for path in state.rglob("*") if path.lstat().st_uid == 0] == []
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0, (tmp_path / "up.log").read_text()


def test_a_program_that_root_installed_under_a_strict_umask_is_let_read(tmp_path, monkeypatch):
    """Its code alone: nothing that lies beside it, no link's end, nothing of another."""
    house = tmp_path / "house"
    for name in ("worker", "extractors", "migrations"):
        (house / name).mkdir(parents=True)
        (house / name / "code.py").write_text("")
    secret, foreign = house / ".env", house / "worker" / "foreign.py"
    secret.write_text("key")
    foreign.write_text("")
    (house / "worker" / "link").symlink_to(secret)
    for path in (house, *house.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
    os.chown(foreign, 12345, 12345)
    monkeypatch.setattr(unprivileged, "HOUSE", house)
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)

    unprivileged._let_read_code()

    modes = {str(one.relative_to(tmp_path)): one.stat().st_mode & 0o007 for one in house.rglob("*")}
    assert modes["house/worker"] == 0o005
    assert {modes[f"house/{name}/code.py"] for name in ("worker", "extractors")} == {0o004}
    assert modes["house/.env"] == 0
    assert modes["house/worker/foreign.py"] == 0


def test_what_several_of_roots_commands_store_at_once_is_the_accounts(tmp_path, account):
    """A folder that one has made, and not given over yet, is no reason to keep the file."""
    store = tmp_path / "blobs"
    store.mkdir()
    os.chown(store, account.pw_uid, account.pw_gid)
    blobs = Blobs(str(store))
    name = sha256(b"one").hexdigest()
    (store / name[:2] / name[2:4]).mkdir(parents=True)  # root's

    blobs.put(b"one")

    assert {one.stat().st_uid for one in store.rglob("*")} == {account.pw_uid}


def test_what_root_stores_while_its_store_is_given_over_is_the_accounts(
    tmp_path, account, monkeypatch
):
    """It came after the list of the store was read: the store itself says already whose it is."""
    state, listed = tmp_path / "state", os.listdir
    blobs = Blobs(str(state / "blobs"))
    blobs.put(b"before")

    def and_then_one_more(folder):
        found = listed(folder)
        blobs.put(b"meanwhile")
        return found

    monkeypatch.setattr(os, "listdir", and_then_one_more)
    unprivileged._hand_over(state, account)

    assert {one.stat().st_uid for one in state.rglob("*")} == {account.pw_uid}


def test_a_store_that_was_given_over_while_root_wrote_has_no_file_of_roots(
    tmp_path, account, monkeypatch
):
    """Its owner is looked at again when the file stands at its place."""
    state, replaced = tmp_path / "state", os.replace
    blobs = Blobs(str(state / "blobs"))

    def and_then_give(before, after):
        replaced(before, after)
        monkeypatch.setattr(os, "replace", replaced)
        for one in (state, state / "blobs"):
            os.chown(one, account.pw_uid, account.pw_gid)

    monkeypatch.setattr(os, "replace", and_then_give)
    blobs.put(b"one")

    assert {one.stat().st_uid for one in state.rglob("*")} == {account.pw_uid}
