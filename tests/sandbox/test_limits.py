"""Limits that the kernel keeps, each shown on a process that oversteps it."""

import os
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


def test_a_worker_has_a_limit_of_memory_and_one_with_a_model_has_none():
    """Its render child has its own, above which it is not held to the worker's."""
    environment = {**os.environ, "SUREFIELD_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    code = "import resource; from worker.{} import app; print(*resource.getrlimit({}))"
    limits = {}
    for module in ("tasks", "gpu"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(module, "resource.RLIMIT_AS")],
            env={**environment, "SUREFIELD_WORKER_MEMORY_MB": "3000"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        limits[module] = tuple(map(int, done.stdout.split()))
    assert limits == {"tasks": (3000 << 20, -1), "gpu": (-1, -1)}


def test_more_memory_than_the_bound_is_not_given():
    """An error inside, not a machine that runs out."""
    code = "sandbox.bound_memory(1000)\nbytearray(100 << 20)\n{}"
    assert run(code.format("")).returncode == 0
    assert "MemoryError" in run(code.format("bytearray(1000 << 20)")).stderr
