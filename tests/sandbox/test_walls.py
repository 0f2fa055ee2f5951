"""The render child, taken over: whatever it attempts, it is refused."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

from extractors.sandbox.landlock import version
from tests.factories import render_limits
from tests.sandbox.attempts import ATTEMPTS
from worker.rendering.protocol import pack, unpack

SECRET = "postgresql://worker:secret@db/surefield"
NOBODY = 65534
REQUEST = {"limits": asdict(render_limits())}
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or version() < 1, reason="this kernel has no Landlock"
)

# by an ordinary user, and by root that was not dropped
USERS = (NOBODY, 0) if os.geteuid() == 0 else (os.geteuid(),)
# What succeeds without walls for nobody either, in a kernel that forbids it to everybody or to all
# but root.  The rest proves that the attempts are real.
FORBIDDEN_ANYWAY = {
    "load_a_program_into_the_kernel",  # kernel.unprivileged_bpf_disabled
    "let_files_grow_again",  # a hard limit is lifted by root alone
    "make_a_namespace_of_its_own",  # in some containers
    "queue_calls_in_a_ring",  # kernel.io_uring_disabled
    "trace_a_worker",  # kernel.yama.ptrace_scope
    "read_the_memory_of_a_worker",
}


@pytest.fixture(params=USERS, ids=lambda uid: "root" if uid == 0 else "user")
def uid(request):
    return request.param


@pytest.fixture
def at(uid, tmp_path):
    """What is worth an attack, all of it the attacker's own: only walls are in the way."""
    folder = Path("/tmp") / f"walls-{os.getpid()}-{uid}"  # where every account may go
    folder.mkdir(mode=0o700)
    for name in ("document", "to_remove"):
        (folder / name).write_bytes(b"of another upstream")
    try:
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
            unix.bind(str(folder / "s"))
            unix.listen()
            for path in (folder, *folder.iterdir()):
                os.chown(path, uid, uid)
            account = {"user": uid, "group": uid, "extra_groups": []} if os.geteuid() == 0 else {}
            victim = subprocess.Popen(
                ["/bin/sleep", "60"], env={"SUREFIELD_DATABASE_URL": SECRET}, cwd="/", **account
            )
            yield {
                "port": tcp.getsockname()[1],
                "socket": str(folder / "s"),
                "folder": str(folder),
                "document": str(folder / "document"),
                "victim": victim.pid,
            }
            victim.kill()
            victim.wait()
    finally:
        shutil.rmtree(folder)


def attacked(uid, at, *, walls, attempts=tuple(ATTEMPTS)):
    """What each attempt met, None for success; how the child said that it is walled, and ended."""
    command = [sys.executable, "-m", "tests.sandbox.attempts", str(os.getpid()), str(uid), walls]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        read = partial(_read, child.stdout)
        hello, _ = unpack(read)
        request = pack({**REQUEST, "at": at, "attempts": attempts}, b"a file of a stranger")
        child.stdin.writelines(request)
        child.stdin.flush()
        try:
            end, _ = unpack(read)
        except EOFError:
            end = {"end": {"results": None}}
        child.stdin.close()
    return end["end"]["results"], hello["walls"], child.returncode


def _read(pipe, size):
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def test_nothing_that_a_taken_child_attempts_succeeds(uid, at):
    """By an ordinary user, and by root: the walls alone hold."""
    results, walls, status = attacked(uid, at, walls="yes")
    assert walls["seccomp"]
    assert walls["landlock"] == version()
    assert len(results) >= 24
    assert {name: said for name, said in results.items() if said is None} == {}
    assert status == 0
    assert Path(at["document"]).exists()
    assert Path(at["folder"], "to_remove").exists()


def test_without_walls_the_same_attempts_succeed(uid, at):
    """Else their failing would say nothing."""
    results, walls, _ = attacked(uid, at, walls="no")
    assert not walls["seccomp"]
    failed = {name: said for name, said in results.items() if said is not None}
    assert failed.keys() <= FORBIDDEN_ANYWAY, failed


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="this machine has one door")
def test_a_call_by_another_door_of_the_kernel_ends_the_child(uid, at):
    """The numbers of another architecture mean other calls, which no list here knows."""
    results, _, status = attacked(uid, at, walls="yes", attempts=("ask_by_the_other_door",))
    assert results is None
    assert status == -signal.SIGSYS


def without(*calls, required):
    """What a renderer says where the kernel does not know these calls, and its log."""
    wanted = "required" if required else "available"
    command = [sys.executable, "-m", "tests.sandbox.without_walls", wanted, *calls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.replace("\n", " ")


BOTH = ("seccomp", "landlock_create_ruleset")


@pytest.mark.parametrize(
    ("calls", "lacking"),
    [
        (BOTH, "no seccomp, no Landlock"),
        (BOTH[:1], "no seccomp, no file (Landlock"),
        (BOTH[1:], "(seccomp), no Landlock"),
    ],
)
def test_where_a_wall_is_lacking_files_are_opened_only_if_none_is_required(calls, lacking):
    """Without it the log says so; required, its error names what to do."""
    said = without(*calls, required=True)
    assert lacking in said
    assert "sandbox_missing" in said
    assert "SUREFIELD_SANDBOX=available" in said
    said = without(*calls, required=False)
    assert "render_child_without_sandbox" in said
    assert lacking in said
    assert f"1 {{'seccomp': {'seccomp' not in calls}" in said


def test_where_no_wall_is_lacking_a_required_one_is_no_trouble():
    """And the log is silent."""
    said = without(required=True)
    assert "render_child_without_sandbox" not in said
    assert said.startswith("1 {'seccomp': True")
