"""What counts as right, needless and wrong, and what a path of a case asks for."""

from typing import Any

import pytest

from tests.cases.judging import at
from tests.cases.verdicts import Verdict, verdict_on, worst


@pytest.mark.parametrize(
    ("want", "came", "verdict"),
    [
        ({"value": "0.50"}, {"value": "0.5"}, Verdict.RIGHT),
        ({"value": "0.50", "doubt": True}, {"doubt": "low_score"}, Verdict.RIGHT),
        ({"value": "0.50"}, {"doubt": "low_score"}, Verdict.NEEDLESS),
        ({"value": "0.50"}, {"value": "50"}, Verdict.WRONG),
        ({"value": ["1", "IT1"]}, {"value": "IT1"}, Verdict.RIGHT),
        ({"value": "5", "currency": "USD"}, {"value": "5"}, Verdict.NEEDLESS),
        ({"value": "5", "currency": "USD"}, {"value": "5", "currency": "EUR"}, Verdict.WRONG),
        ({"value": "007"}, {"value": "7"}, Verdict.WRONG),
        ({"value": True}, {"value": "True"}, Verdict.WRONG),
        ({"doubt": True}, {"value": "5"}, Verdict.WRONG),
        ({"doubt": True, "not_for": ["low_score"]}, {"doubt": "low_score"}, Verdict.NEEDLESS),
        ({"absent": True}, {"absent": True}, Verdict.RIGHT),
        ({"value": "5"}, {"absent": True}, Verdict.WRONG),
        ({"doubt": True, "gone": True}, {"gone": True}, Verdict.RIGHT),
        ({"value": "5"}, {"gone": True}, Verdict.WRONG),
        ({"value": "5"}, {"crash": "KeyError"}, Verdict.CRASH),
        ({"refused": True}, {"refused": "no locale"}, Verdict.RIGHT),
        ({"refused": True}, {"value": "5"}, Verdict.WRONG),
        ({"value": "5", "box": [0, 0, 9, 9]}, {"value": "5", "box": [2, 2, 4, 4]}, Verdict.RIGHT),
        ({"value": "5", "box": [0, 0, 9, 9]}, {"value": "5", "box": [20, 2, 30, 4]}, Verdict.WRONG),
    ],
)
def test_a_wrong_value_is_worse_than_any_doubt(
    want: dict[str, Any], came: dict[str, Any], verdict: Verdict
) -> None:
    """As the cases' own page says it."""
    assert verdict_on(want, came) is verdict


def test_a_case_counts_by_the_worst_of_its_values() -> None:
    """One wrong value among right ones is a wrong case."""
    assert worst([Verdict.RIGHT, Verdict.WRONG, Verdict.NEEDLESS]) is Verdict.WRONG
    assert worst([]) is Verdict.RIGHT


OUTCOMES: dict[str, dict[str, Any]] = {
    "total": {"value": "5", "text": "5"},
    "lines[0].description": {"value": "Toner", "text": "Toner"},
    "lines[0].amount": {"doubt": "low_score", "text": "9"},
    "lines[1].amount": {"doubt": "low_score", "text": None},
}


@pytest.mark.parametrize(
    ("path", "came"),
    [
        ("total", {"value": "5"}),
        ("net", {"gone": True}),
        ("lines[0].amount", {"doubt": "low_score"}),
        ("lines[0]", {"value": "Toner"}),
        ("lines[1]", {"doubt": "low_score"}),
        ("lines[2]", {"gone": True}),
        ("lines[*]", {"value": "Toner"}),
        ("lines[Toner].amount", {"doubt": "low_score"}),
        ("lines[Paper]", {"gone": True}),
        ("lines[]", {"doubt": "low_score"}),
    ],
)
def test_an_accepted_value_of_a_row_speaks_for_it(path: str, came: dict[str, Any]) -> None:
    """A row counts as doubted only when nothing of it is accepted."""
    assert at(path, OUTCOMES) == came
