"""The tool that plants faults: it draws by its seed and plants what it says."""

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation.areas import AREAS, LEFT_OUT, ROOT, TESTS, modules
from tests.mutation.mutants import OPERATORS, Mutant, drawn, mutants, mutated, of_module
from tests.mutation.reach import ENOUGH, Reach
from tests.mutation.trial import Fate, tried

POLICY = "extractors/decision/policy.py"
PROPERTY = """
from hypothesis import given, strategies as st

@given(st.lists(st.integers(), min_size=5))
def test_it(given):
    with open("calls", "a") as file:
        file.write("x")
    assert False
"""


@pytest.fixture(scope="module")
def all_of_them():
    return mutants()


def test_every_area_tests_and_operator_is_there(all_of_them):
    """A module that moved, or a folder that is gone, would be left out without a word."""
    assert {area for area, _ in modules()} == set(AREAS)
    assert all(any(ROOT.glob(each)) for patterns in AREAS.values() for each in patterns)
    named = [*LEFT_OUT, *(each for half in TESTS for each in half)]
    assert [each for each in named if not (ROOT / each).exists()] == []
    assert {each.operator for each in all_of_them} == set(OPERATORS)


def test_the_tests_that_mirror_a_module_are_among_those_that_are_run():
    """Without them its faults would count as faults that no test reaches."""
    mirrors = {f"tests/{Path(module).parts[1]}" for _, module in modules()}
    there = {each for each in mirrors if (ROOT / each).is_dir()}
    assert "tests/intake" in there
    assert there <= {each for half in TESTS for each in half}


def test_a_seed_draws_the_same_from_every_area(all_of_them):
    """As many of each; another seed draws others."""
    first = drawn(all_of_them, number=2 * len(AREAS), seed=1)
    assert drawn(all_of_them, number=2 * len(AREAS), seed=1) == first
    assert drawn(all_of_them, number=2 * len(AREAS), seed=2) != first
    assert sorted(each.area for each in first) == sorted(2 * list(AREAS))
    assert len({each.name for each in all_of_them}) == len(all_of_them)


def test_what_is_drawn_is_python_and_one_change(all_of_them):
    """On the line that its name says, or within its statement."""
    for each in drawn(all_of_them, number=3 * len(AREAS), seed=3):
        before = (ROOT / each.module).read_text("utf-8")
        after = mutated(each)
        ast.parse(after)
        assert after != before, each.name
        assert each.first <= each.line <= each.last, each.name


def of(module: str, operator: str, line: str) -> Mutant:
    """The mutant of the line that begins so."""
    source = (ROOT / module).read_text("utf-8").splitlines()
    return next(
        each
        for each in of_module("", module)
        if (each.module, each.operator) == (module, operator)
        and source[each.line - 1].strip().startswith(line)
    )


@pytest.mark.parametrize(
    ("module", "operator", "line", "before", "after"),
    [
        (
            "worker/store/retry.py",
            "DropCondition",
            ".where(Page.document_id",
            ".where(Page.document_id.in_(moved), Page.status == PageStatus.FAILED)",
            ".where(Page.document_id.in_(moved))",
        ),
        (
            "worker/store/retry.py",
            "DropFirstCondition",
            ".where(Page.document_id",
            ".where(Page.document_id.in_(moved), Page.status == PageStatus.FAILED)",
            ".where( Page.status == PageStatus.FAILED)",
        ),
        (
            "worker/intake/store.py",
            "DeleteCall",
            "_check_names(",
            "    _check_names(submission, key)\n    document_id",
            "    pass\n    document_id",
        ),
    ],
)
def test_our_own_operators_take_out_a_condition_or_a_call(module, operator, line, before, after):
    """The slips that a change of one sign does not make."""
    source = (ROOT / module).read_text("utf-8")
    assert source.count(before) == 1
    assert mutated(of(module, operator, line)) == source.replace(before, after)


def test_a_fault_is_caught_by_the_test_that_notices_it_and_leaves_no_trace(tmp_path):
    """A test that does not notice it, and one that is not there, say so."""
    for name in ("extractors", "worker", "migrations", "tests"):
        ignored = shutil.ignore_patterns("weights", "data", "__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    fault = of(POLICY, "NumberReplacer", "method=DEFAULT, least=0.0")
    notices, blind = (
        f"tests/decision/test_policy.py::{name}"
        for name in (
            "test_a_fields_own_threshold_goes_before_the_global_one",
            "test_a_field_that_the_type_does_not_have_has_no_requirement",
        )
    )
    fates = [
        tried(fault, tests, tree=tmp_path, state=tmp_path / "state", seed=1)
        for tests in ([notices], [blind], [blind, notices], [])
    ]
    assert fates == [Fate.CAUGHT, Fate.SURVIVED, Fate.CAUGHT, Fate.UNREACHED]
    assert (tmp_path / POLICY).read_text("utf-8") == (ROOT / POLICY).read_text("utf-8")


def test_a_property_that_fails_is_not_searched_for_its_smallest_example(tmp_path):
    """One failing example is enough for a trial: the search for the smallest takes minutes."""
    shutil.copytree(ROOT / "tests/mutation", tmp_path / "tests/mutation")
    (tmp_path / "tests/__init__.py").touch()
    (tmp_path / "test_one.py").write_text(PROPERTY, "utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.mutation.no_shrinking"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_one.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, "1 failed" in run.stdout) == (1, True)
    assert len((tmp_path / "calls").read_text("utf-8")) <= 3


def test_the_nearest_tests_are_run_first_and_only_those_that_reach_the_statement():
    """Those of the module's own folder, those that run little else before those that run much."""
    fault = Mutant(
        area="decision", module=POLICY, operator="AddNot", occurrence=0,
        line=7, first=6, last=8, at_import=False,
    )  # fmt: skip
    far, broad, narrow, other = (
        "tests/web/test_a.py::test_far",
        "tests/decision/test_b.py::test_broad",
        "tests/decision/test_b.py::test_narrow",
        "tests/decision/test_b.py::test_other",
    )
    lines = {6: [far, broad], 8: [narrow], 9: [other, broad]}
    reach = Reach({POLICY: lines}, dict.fromkeys((far, broad, narrow, other), 1.0))
    assert reach.tests_of(fault) == [narrow, broad, far]
    assert reach.tests_of(replace(fault, at_import=True)) == [narrow, other, broad, far]
    assert Reach({}, {far: 2.0, broad: 10.0}).patience([far, broad]) == 90.0
    slow = Reach({POLICY: lines}, {far: 1.0, broad: ENOUGH, narrow: 1.0})
    assert slow.tests_of(fault) == [narrow, far]
