"""Every case of the project is right, or on the list of those that are not yet."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cases.cases import Case, read
from tests.cases.house import House, a_house
from tests.cases.judging import judge
from worker.db import open_engine, open_sessions
from worker.embedded.postgres import EmbeddedPostgres
from worker.migrate import migrate

HERE = Path(__file__).parent
CASES = tuple(read(HERE / "data"))


def listed() -> dict[str, str]:
    """Id -> verdict of the cases that are not right yet."""
    lines = (HERE / "open.txt").read_text("utf-8").splitlines()
    matches = (re.fullmatch(r"(\S+)\s+(needless doubt|WRONG|crash)\s+\S.*", line) for line in lines)
    return {match[1]: match[2] for match in matches if match}


OPEN = listed()


@pytest.fixture(scope="module")
def house(postgres: EmbeddedPostgres) -> Iterator[House]:
    """One house for all cases of a process."""
    url = postgres.start(f"cases_{uuid4().hex}")
    migrate(url)
    engine = open_engine(url)
    with a_house(open_sessions(engine)) as made:
        yield made
    engine.dispose()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_is_right_unless_it_is_on_the_list(case: Case, house: House) -> None:
    """The list can only shrink: a case on it that became better loses its line, or changes it."""
    judged = judge(case, house)

    assert judged.verdict.value == OPEN.get(case.id, "right"), judged.why


def test_the_list_names_cases_once_and_says_why() -> None:
    """A line of a case that is gone would never be missed."""
    lines = [
        line
        for line in (HERE / "open.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]

    assert len(lines) == len(OPEN)
    assert set(OPEN) <= {case.id for case in CASES}


def test_no_two_cases_have_one_name() -> None:
    """A verdict is looked up by its case's id."""
    assert len({case.id for case in CASES}) == len(CASES)
