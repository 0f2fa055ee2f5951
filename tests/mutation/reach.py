"""Which tests run which line, and how long each takes: by coverage with a context for each test."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import coverage

from tests.mutation.areas import LEFT_OUT, ROOT, TESTS, modules
from tests.mutation.mutants import Mutant

ENOUGH = 45.0  # seconds of tests for one mutant; the nearest are run first
_CONFIG = """\
[run]
dynamic_context = test_function
parallel = true
data_file = {data}
include =
{include}
"""


@dataclass(frozen=True)
class Reach:
    """Tests by module and line, and the seconds that each took."""

    lines: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that run the mutant's statement, the nearest first, until they take long
        enough: those of the module's own folder, and of them those that run little else.

        What is run when the module is imported, or before a test, is any test's that runs the
        module.
        """
        of_module = self.lines.get(mutant.module, {})
        own = [line for line in range(mutant.first, mutant.last + 1) if line in of_module]
        found = {test for line in own for test in of_module[line]}
        if mutant.at_import or (own and not found):
            found = {test for tests in of_module.values() for test in tests}
        return _enough(sorted(found, key=lambda each: self._near(mutant, each)), self.seconds)

    def patience(self, tests: Iterable[str]) -> float:
        """Seconds that one of these tests may take with a fault planted, on a busy machine."""
        return 30.0 + 6 * max((self.seconds.get(test, 1.0) for test in tests), default=1.0)

    def _near(self, mutant: Mutant, test: str) -> tuple[bool, int, str]:
        own = f"/{Path(mutant.module).parts[1]}/" in test
        return not own, self.breadth[test], test

    @cached_property
    def breadth(self) -> Counter[str]:
        """How many lines each test runs."""
        return Counter(
            test for of in self.lines.values() for tests in of.values() for test in tests
        )


def _enough(tests: Iterable[str], seconds: dict[str, float]) -> list[str]:
    taken = 0.0
    found: list[str] = []
    for test in tests:
        if found and taken + seconds.get(test, 1.0) > ENOUGH:
            continue
        taken += seconds.get(test, 1.0)
        found.append(test)
    return found


def measured(folder: Path) -> Reach:
    """Run the tests once and keep what they reach; a second call takes what the first kept."""
    kept = folder / "reach.json"
    if kept.exists():
        told = json.loads(kept.read_text("utf-8"))
        lines = {
            module: {int(line): tests for line, tests in of.items()}
            for module, of in told["lines"].items()
        }
        return Reach(lines, told["seconds"])
    include = "\n".join(f"    {ROOT / module}" for _, module in modules())
    config = folder / "coverage.ini"
    for left in (*folder.glob("coverage*"), *folder.glob("*.xml")):  # of a run that was stopped
        left.unlink()
    config.write_text(_CONFIG.format(data=folder / "coverage", include=include), "utf-8")
    runs = [
        subprocess.Popen(
            [
                sys.executable, "-m", "coverage", "run", f"--rcfile={config}", "-m", "pytest",
                "-q", "-n", "0", "-p", "no:cacheprovider", f"--junitxml={folder}/{half}.xml",
                *(f"--ignore={each}" for each in LEFT_OUT), *folders,
            ],
            cwd=ROOT,
            env={**os.environ, "SUREFIELD_TEST_STATE": ""},
        )
        for half, folders in enumerate(TESTS)
    ]  # fmt: skip
    for run in runs:
        run.wait()
    reach = _kept_by(folder)
    kept.write_text(json.dumps({"lines": reach.lines, "seconds": reach.seconds}), "utf-8")
    return reach


def _kept_by(folder: Path) -> Reach:
    """What the two runs left behind, without the tests that fail without any fault."""
    seconds, failed = _seconds(folder)
    for each in sorted(failed):
        print(f"left out, it fails without any fault: {each}", flush=True)
    if not seconds:
        sys.exit("No test ran. Run make test first.")
    data = coverage.CoverageData(str(folder / "coverage"))
    for part in sorted(folder.glob("coverage.*")):
        if part.suffix != ".ini":
            other = coverage.CoverageData(str(part))
            other.read()
            data.update(other)
    return Reach(_lines(data, seconds.keys() - failed), seconds)


def _lines(data: coverage.CoverageData, tests: Set[str]) -> dict[str, dict[int, list[str]]]:
    found: dict[str, dict[int, list[str]]] = {}
    for path in data.measured_files():
        of_file = {
            line: sorted(tests & {_test(each) for each in contexts})
            for line, contexts in data.contexts_by_lineno(path).items()
        }
        found[str(Path(path).relative_to(ROOT))] = of_file
    return found


def _test(context: str) -> str:
    """``tests.store.test_pages.test_x`` as pytest names it."""
    module, _, test = context.rpartition(".")
    return f"{module.replace('.', '/')}.py::{test}"


def _seconds(folder: Path) -> tuple[dict[str, float], set[str]]:
    """How long each test took, all its cases together; and those that failed."""
    found: dict[str, float] = {}
    failed: set[str] = set()
    for path in folder.glob("*.xml"):
        for case in ElementTree.parse(path).iter("testcase"):
            name = str(case.get("name")).partition("[")[0]
            test = f"{str(case.get('classname')).replace('.', '/')}.py::{name}"
            found[test] = found.get(test, 0.0) + float(case.get("time") or 0)
            if case.find("failure") is not None or case.find("error") is not None:
                failed.add(test)
    return found, failed
