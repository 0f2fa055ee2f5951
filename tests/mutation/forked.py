"""All faults of whole modules, each tried in a fork of one process that has imported the tests.

A pytest plugin: ``pytest -n 0 -p tests.mutation.forked --faults-of PATH tests/FOLDER``.  It runs
the tests once to learn which of them run which line, then plants each fault in a fork and runs
there the tests that run its line, until one fails.  A fault in what is run when a module is
imported is not tried: a fork's functions are changed, and its modules have been imported.
"""

import gc
import json
import os
import pickle
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation import no_shrinking  # noqa: F401  the profile of trials
from tests.mutation.areas import ROOT
from tests.mutation.mutants import Mutant, drawn, mutated, of_module
from tests.mutation.trial import Fate

PATIENCE = 20.0  # seconds beyond five times what the tests take; a fork that hangs is noticed
ALL_RIGHT, FAILED, NOTHING_CHANGED = 0, 1, 7  # how a fork ends

Known = dict[tuple[str, int], list[FunctionType]]  # by qualified name and line


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--faults-of", action="append", default=[], help="a module, from the root")
    group.addoption("--seconds", type=float, default=4.0, help="of tests for one fault, at most")
    group.addoption("--fates", type=Path, help="what is kept: a run that was stopped goes on")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Try every fault instead of running the tests."""
    modules: list[str] = session.config.getoption("faults_of")
    if not modules:
        return None
    reach = _measured(session.items, modules)
    kept: Path | None = session.config.getoption("fates")
    lines = kept.read_text("utf-8").splitlines() if kept is not None and kept.exists() else []
    fates = {told["name"]: Fate(told["fate"]) for told in map(json.loads, lines)}
    functions = {module: _functions(ROOT / module) for module in modules}
    gc.freeze()  # the forks share what there is
    for module in modules:
        # all of them, without what is no Python
        for mutant in sorted(drawn(tuple(of_module("", module)), number=10**6, seed=0), key=_place):
            if mutant.at_import or mutant.name in fates:
                continue
            fate = reach.tried(mutant, functions[module], session.config.getoption("seconds"))
            if fate is None:
                continue
            fates[mutant.name] = fate
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"name": mutant.name, "fate": fate}) + "\n")
            if fate is not Fate.CAUGHT:
                _say(f"{fate:9} {mutant.name}")
        of = Counter(fate for name, fate in fates.items() if name.startswith(f"{module}:"))
        _say(f"{module}: {of.total()} faults, {of[Fate.CAUGHT]} caught")
    return True


def _place(mutant: Mutant) -> tuple[int, str, int]:
    return mutant.line, mutant.operator, mutant.occurrence


class _Reach:
    """Which tests run which line, and how long each takes."""

    def __init__(
        self,
        items: Sequence[pytest.Item],
        lines: dict[str, dict[int, list[int]]],
        seconds: Sequence[float],
    ) -> None:
        self.items, self.lines, self.seconds = items, lines, seconds

    def tried(self, mutant: Mutant, known: Known, enough: float) -> Fate | None:
        """None: the fault is not in a function that this process knows."""
        tests = self._tests_of(mutant, enough)
        if not tests:
            return Fate.UNREACHED
        source = mutated(mutant)

        def trial() -> int:
            if not _plant(ROOT / mutant.module, source, known):
                return NOTHING_CHANGED
            return ALL_RIGHT if all(_passes(each, then) for each, then in _pairs(tests)) else FAILED

        took = sum(self.seconds[self.items.index(each)] for each in tests)
        ended = _forked(trial, PATIENCE + 5 * took)
        return {ALL_RIGHT: Fate.SURVIVED, NOTHING_CHANGED: None}.get(ended, Fate.CAUGHT)

    def _tests_of(self, mutant: Mutant, enough: float) -> list[pytest.Item]:
        """Those that run the statement: of the module's own file first, then the quick ones."""
        of = self.lines[mutant.module]
        found = {at for line in range(mutant.first, mutant.last + 1) for at in of.get(line, ())}
        stem = Path(mutant.module).stem
        chosen: list[pytest.Item] = []
        taken = 0.0
        for at in sorted(found, key=lambda n: (stem not in self.items[n].nodeid, self.seconds[n])):
            if not chosen or taken + self.seconds[at] <= enough:
                chosen.append(self.items[at])
                taken += self.seconds[at]
        return chosen


def _measured(items: Sequence[pytest.Item], modules: Sequence[str]) -> _Reach:
    """Run all tests in a fork, so that nothing of them stays in this process."""
    reader, writer = os.pipe()

    def measure() -> int:
        cover = coverage.Coverage(include=[str(ROOT / one) for one in modules], data_file=None)
        cover.start()
        seconds, failed = [], set()
        for at, (item, then) in enumerate(_pairs(items)):
            cover.switch_context(str(at))
            began = time.monotonic()
            if not _passes(item, then):
                failed.add(at)
            seconds.append(time.monotonic() - began)
        cover.stop()
        lines: dict[str, dict[int, list[int]]] = {}
        for module in modules:
            told = cover.get_data().contexts_by_lineno(str(ROOT / module))
            lines[module] = {
                line: sorted({int(one) for one in contexts if one} - failed)
                for line, contexts in told.items()
            }
        with os.fdopen(writer, "wb") as file:
            pickle.dump((lines, seconds, failed), file)
        return ALL_RIGHT

    child = os.fork()
    if child == 0:
        os.close(reader)
        _end_with(measure)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        lines, seconds, failed = pickle.load(file)
    os.waitpid(child, 0)
    for at in sorted(failed):
        _say(f"left out, it fails without any fault: {items[at].nodeid}")
    return _Reach(items, lines, seconds)


def _pairs(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


def _passes(item: pytest.Item, then: pytest.Item | None) -> bool:
    return not any(one.failed for one in runtestprotocol(item, log=False, nextitem=then))


def _functions(path: Path) -> Known:
    """Every function of a module, whatever decorates or holds it."""
    found: Known = defaultdict(list)
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename == str(path):
            found[each.__code__.co_qualname, each.__code__.co_firstlineno].append(each)
    return found


def _plant(path: Path, source: str, known: Known) -> bool:
    """Whether a function has changed."""
    changed = False
    for code in _codes(compile(source, str(path), "exec")):
        for function in known.get((code.co_qualname, code.co_firstlineno), ()):
            if function.__code__ != code:
                function.__code__ = code
                changed = True
    return changed


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _forked(work: Callable[[], int], patience: float) -> int:
    """How it ends; a fork that takes longer is ended with whatever it has started."""
    child = os.fork()
    if child == 0:
        os.setsid()
        _end_with(work)
    until = time.monotonic() + patience
    ended, status = os.waitpid(child, os.WNOHANG)
    while not ended and time.monotonic() < until:
        time.sleep(0.005)
        ended, status = os.waitpid(child, os.WNOHANG)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if not ended:
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _end_with(work: Callable[[], int]) -> None:
    """Nothing of the parent is tidied up by its child."""
    ended = FAILED
    try:
        ended = work()
    finally:
        os._exit(ended)


def _say(text: str) -> None:
    print(text, file=sys.__stderr__, flush=True)
