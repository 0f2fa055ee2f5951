"""Limits that the kernel keeps, each shown on a process that oversteps it."""

import signal
import subprocess
import sys

import pytest

CODES = {
    "computing": ("sandbox.allow_processor(0.2)\nwhile True: pass", -signal.SIGXCPU),
    "memory": ("sandbox.Memory.now().allow(50 << 20)\nbytearray(60 << 20)", "MemoryError"),
    "files": (
        "sandbox.write_nothing()\nopen(sys.argv[1], 'wb', buffering=0).write(b'x')",
        "File too large",
    ),
}


def run(code, *arguments):
    prelude = "import os, sys\nfrom extractors.sandbox import limits as sandbox\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("what", CODES)
def test_a_process_that_oversteps_its_limit_is_stopped(what, tmp_path):
    """Computing ends it; memory and files fail inside it."""
    code, expected = CODES[what]
    ended = run(code, str(tmp_path / "file"))
    if isinstance(expected, int):
        assert ended.returncode == expected
    else:
        assert expected in ended.stderr


def test_memory_within_the_limit_is_given_and_a_lifted_limit_gone():
    """The limit counts from what the process takes at rest."""
    ended = run(
        "memory = sandbox.Memory.now()\nmemory.allow(50 << 20)\nbytearray(30 <<"
        " 20)\nmemory.lift()\nbytearray(90 << 20)\n"
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_process_whose_parent_died_before_it_could_ask_ends_at_once():
    """Otherwise nobody would ever end it."""
    assert run("sandbox.end_with_parent(os.getpid())\nprint('still here')").stdout == ""
