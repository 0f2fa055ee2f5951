"""A target that cannot run what it is for fails, and says what to install."""

import inspect
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

from tests.benchmarks.__main__ import NAMES

ROOT = Path(__file__).parents[2]
NOT_MEASURED = {"__init__", "__main__"}


def run_without(what: str, tests: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """These tests, where no program is on the path."""
    plain = {name: value for name, value in os.environ.items() if name != what}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**plain, "PATH": "/nowhere", **env},
        timeout=120,
    )


@pytest.mark.parametrize(
    ("tests", "line"),
    [
        ("tests/web/browser/test_pace.py", "apt-get install chromium"),
        ("tests/web/browser/test_access.py", "npm pack axe-core"),
        ("tests/services/test_brokers.py", "Install it: "),
        ("tests/backends/vllm/live/vllm_live.py", "tests/backends/vllm/live/setup.sh"),
    ],
)
def test_what_cannot_run_fails_with_the_install_line(tests, line):
    """A run in which everything is skipped looks as if all were well."""
    done = run_without("SUREFIELD_TEST_VLLM", tests, SUREFIELD_TEST_AXE="/nowhere")
    assert done.returncode == 1
    assert line in done.stdout + done.stderr
    assert "passed" not in done.stdout


@pytest.mark.parametrize(("switch", "code", "said"), [("1", 1, "errors"), ("", 0, "skipped")])
def test_a_skip_is_a_failure_where_nothing_may_be_missing(switch, code, said):
    """The whole check sets the switch where it has the sample documents; nobody else does."""
    done = run_without(
        "SUREFIELD_CORPUS", "tests/evidence/test_corpus.py", SUREFIELD_TEST_NO_SKIP=switch
    )
    assert done.returncode == code, done.stdout
    assert re.search(rf"\d+ {said} in", done.stdout)
    assert "SUREFIELD_CORPUS does not name the folder" in done.stdout


def test_the_tests_can_be_collected_without_xdist():
    """Its mark is known all the same."""
    done = run_without("", "tests/faults", PYTEST_ADDOPTS="-p no:xdist --collect-only")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_imported_and_called(name):
    """A changed signature is found here, not on the day when somebody measures."""
    run = import_module(f"tests.benchmarks.{name}").run
    assert [
        each for each in inspect.signature(run).parameters.values() if each.default is each.empty
    ] == []
    assert str(get_type_hints(run)["return"]).startswith("list[dict[str")


def test_every_other_file_beside_the_benchmarks_can_be_imported():
    """The parts that benchmarks share, and the one for a GPU."""
    for path in sorted((ROOT / "tests" / "benchmarks").glob("*.py")):
        if path.stem not in {*NAMES, *NOT_MEASURED}:
            import_module(f"tests.benchmarks.{path.stem}")
