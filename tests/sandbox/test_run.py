"""A program that is run behind the walls reads the system's libraries, and does nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from extractors.sandbox.landlock import version
from extractors.sandbox.run import NOT_WALLED

HOUSE = Path(__file__).parents[2]
RUN = [sys.executable, "-P", "-S", "-m", "extractors.sandbox.run"]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or version() < 1, reason="this kernel has no Landlock"
)
SOCKET = "use Socket; socket(S, {}, SOCK_STREAM, 0) or die"
REFUSED = {
    "reading a file": "cat {document}",
    "reading an account's file": "cat /etc/passwd",
    "listing a folder": "ls {folder}",
    "writing a file": "echo x > {folder}/new",
    "writing where everybody may": "echo x > /dev/shm/surefield-walls",
    "removing a file": "rm -f {document}",
    "a process of its own": "(exit 0)",
    "a signal": "kill -0 {parent}",
    "the environment of a process": "cat /proc/{parent}/environ",
    "TCP": f"exec perl -e '{SOCKET.format('PF_INET')}'",
    "a Unix socket": f"exec perl -e '{SOCKET.format('PF_UNIX')}'",
}


@pytest.fixture
def place(tmp_path):
    (tmp_path / "document").write_text("of another upstream")
    return {"folder": tmp_path, "document": tmp_path / "document", "parent": os.getpid()}


def run(*command, megabytes=500, seconds=20, demand="available", start=()):
    """How the program ended."""
    return subprocess.run(
        [*start, *RUN, str(megabytes), str(seconds), demand, *command],
        env={"PATH": os.defpath, "PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_program_answers_on_standard_output():
    """It finds its libraries."""
    ended = run("/bin/echo", "12.50", demand="required")
    assert (ended.returncode, ended.stdout) == (0, "12.50\n")


@pytest.mark.parametrize("what", REFUSED)
def test_a_program_is_refused(what, place):
    """Without walls the shell does the same and says that all is well."""
    script = REFUSED[what].format(**place)
    script = script if "exec" in script else f"{script} || exit 7"
    assert run("/bin/sh", "-c", script).returncode != 0
    assert place["document"].exists()
    assert list(place["folder"].iterdir()) == [place["document"]]
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True)
    assert shell.returncode == 0, shell.stderr


def test_a_program_that_needs_more_memory_than_its_limit_does_not_get_it():
    """A shell of a few megabytes starts; a line of a hundred does not fit."""
    script = "my $line = 'x' x 100_000_000; print length $line"
    assert run("/usr/bin/perl", "-e", script, megabytes=500).stdout == "100000000"
    assert run("/usr/bin/perl", "-e", script, megabytes=60).returncode != 0


def test_a_program_that_computes_longer_than_its_limit_is_ended():
    """By the kernel: nobody needs to look."""
    ended = run("/bin/sh", "-c", "while :; do :; done", seconds=0.5)
    assert ended.returncode == -signal.SIGXCPU


@pytest.mark.parametrize("lacking", [(), ("seccomp",), ("landlock_create_ruleset",)])
def test_where_a_wall_is_lacking_no_program_runs_if_it_is_required(lacking):
    """The test's own filter hides the call from the process, as an older kernel does."""
    forgetful = (
        "import os, sys\nfrom tests.sandbox.without_walls import forget\n"
        f"forget({list(lacking)!r})\nos.execv(sys.argv[1], sys.argv[1:])"
    )
    start = [sys.executable, "-c", forgetful]
    required = run("/bin/echo", "ran", demand="required", start=start)
    assert required.returncode == (NOT_WALLED if lacking else 0)
    assert run("/bin/echo", "ran", start=start).stdout == "ran\n"
