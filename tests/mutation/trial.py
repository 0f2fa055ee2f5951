"""One fault planted in a copy of the tree, and the tests that should notice it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from tests.mutation.areas import ROOT
from tests.mutation.mutants import Mutant, mutated

HUNG = 240  # seconds; a fault that makes a test wait for ever is noticed


class Fate(StrEnum):
    """What became of a fault."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    UNREACHED = "unreached"  # no test runs the line


def copy_of_the_tree(at: Path) -> None:
    """What git knows, as it stands now."""
    shutil.rmtree(at, ignore_errors=True)
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (at / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, at / name)


def tried(
    mutant: Mutant,
    tests: Sequence[str],
    *,
    tree: Path,
    state: Path,
    seed: int,
    patience: float = 120.0,
) -> Fate:
    """Plant the fault in this copy, run these tests, and take it out again.

    state: the folder of the server that all trials share
    patience: seconds that one test may take; a fault that makes it wait for ever is noticed
    """
    if not tests:
        return Fate.UNREACHED
    place = tree / mutant.module
    place.write_text(mutated(mutant), "utf-8")
    try:
        return Fate.CAUGHT if _fail(tests, tree, state, seed, patience) else Fate.SURVIVED
    finally:
        shutil.copy2(ROOT / mutant.module, place)


def _fail(tests: Sequence[str], tree: Path, state: Path, seed: int, patience: float) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    command += ["-p", "tests.mutation.no_shrinking", f"--hypothesis-seed={seed}"]
    run = subprocess.Popen(
        [*command, f"--timeout={patience:.0f}", *tests],
        cwd=tree,
        env={
            **os.environ,
            "SUREFIELD_TEST_STATE": str(state),
            "PYTHONPATH": str(tree),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return run.wait(timeout=HUNG) != 0
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, 9)
        run.wait()
        return True
