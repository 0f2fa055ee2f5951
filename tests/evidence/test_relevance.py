"""Which line a value is judged by, and what becomes of the judgement."""

from collections.abc import Sequence

import pytest

from extractors.documents import BUILT_IN
from extractors.evidence.relevance import questions, relevance_score, with_relevance
from extractors.page.text import PageText
from extractors.rerankers import Pair, Relevance
from extractors.types import FieldReading, FieldState
from tests.rerankers.conftest import tiny  # noqa: F401  a fixture
from tests.triage.test_select_pages import page

SLIP = BUILT_IN["slip"]


class Counting:
    """A reranker whose logits are the lengths of the lines; remembers what it was asked."""

    model, fingerprint = "counting", "counting/1"

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    def relevance(self, pairs: Sequence[Pair]) -> list[Relevance]:
        self.asked += pairs
        return [Relevance(logit=float(len(line.split()))) for _, line in pairs]


def reading(name: str, text: str | None, state: FieldState = FieldState.VALUE) -> FieldReading:
    return FieldReading(name=name, state=state, text=text)


PAGE = PageText(
    page("Payee  Ada Brandt", "Net  12.50", "Total to pay  12.50  EUR", "Number", "A-17")
)


def test_a_value_is_judged_by_every_line_that_says_it():
    """The best of them counts: where the same sum stands twice, one of the two may be its own
    line.
    """
    counting = Counting()

    (total,) = with_relevance([reading("total", "12.50")], PAGE, SLIP, counting)

    assert counting.asked == [
        ("total: 12.50", "Net 12.50"),
        ("total: 12.50", "Total to pay 12.50 EUR"),
    ]
    assert total.relevance == 5.0


def test_a_value_alone_on_its_line_is_judged_with_the_label_above():
    """Forms have labels over their values."""
    assert list(questions(reading("number", "A-17"), PAGE, SLIP)) == [
        ("number: A-17", "Number A-17")
    ]


def test_members_of_a_group_are_asked_for_by_both_names():
    """An item's amount is not the document's."""
    assert next(questions(reading("items.amount", "12.50"), PAGE, SLIP))[0] == "items amount: 12.50"


@pytest.mark.parametrize(
    "one",
    [
        reading("payee", "Bela Costa"),
        reading("payee", None, FieldState.ABSENT),
        reading("payee", "Ada", FieldState.UNREADABLE),
    ],
)
def test_what_no_line_says_has_no_relevance(one):
    """Unknown is None, never a low number."""
    (after,) = with_relevance([one], PAGE, SLIP, Counting())

    assert after == one
    assert relevance_score(after) is None


def test_readings_come_back_in_their_order_and_unchanged_but_for_it():
    """One more piece of evidence, and nothing else."""
    before = [
        reading("number", "A-17"),
        reading("date", None, FieldState.ABSENT),
        reading("payee", "Ada Brandt"),
    ]

    after = with_relevance(before, PAGE, SLIP, Counting())

    assert [(one.name, one.relevance) for one in after] == [
        ("number", 2.0),
        ("date", None),
        ("payee", 3.0),
    ]


def test_the_score_is_the_sigmoid_of_the_evidence():
    """The logit is kept, and a score made of it."""
    (one,) = with_relevance([reading("number", "A-17")], PAGE, SLIP, Counting())

    assert relevance_score(one) == pytest.approx(0.8807970779778823)


def test_the_tiny_cross_encoder_prefers_a_values_own_line(tiny):
    """The same sum beside another field's label is less relevant."""
    own, other = tiny.relevance([("total: 12.50", "Total: 12.50"), ("total: 12.50", "VAT: 12.50")])

    assert own.logit > other.logit
