"""Which line a value is judged by, and what becomes of the judgement."""

from collections.abc import Sequence
from uuid import uuid4

import pytest

from extractors.documents import BUILT_IN
from extractors.evidence.gather import PageEvidence
from extractors.evidence.grounding import ground
from extractors.evidence.relevance import questions, relevance_score, relevances
from extractors.page.text import PageText
from extractors.rerankers import Pair, Relevance
from extractors.types import FieldState
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


PAGE = PageText(
    page("Payee  Ada Brandt", "Net  12.50", "Total to pay  12.50  EUR", "Number", "A-17")
)


def reading(name: str, text: str | None, state: FieldState = FieldState.VALUE) -> PageEvidence:
    """What page 1 says of a field, looked up among its words."""
    found = None if text is None else ground(text, PAGE, SLIP.field(name), SLIP)
    return PageEvidence(id=uuid4(), page=1, name=name, state=state, text=text, grounding=found)


def test_a_value_is_judged_by_every_line_that_says_it():
    """The best of them counts: where the same sum stands twice, one of the two may be its own
    line.
    """
    counting = Counting()

    total = reading("total", "12.50")

    found = relevances([total], {1: PAGE}, counting)

    assert counting.asked == [
        ("total: 12.50", "Net 12.50"),
        ("total: 12.50", "Total to pay 12.50 EUR"),
    ]
    assert found == {total.id: 5.0}


def test_a_value_alone_on_its_line_is_judged_with_the_label_above():
    """Forms have labels over their values."""
    assert list(questions(reading("number", "A-17"), PAGE)) == [("number: A-17", "Number A-17")]


def test_members_of_a_group_are_asked_for_by_both_names():
    """An item's amount is not the document's."""
    assert next(questions(reading("items.amount", "12.50"), PAGE))[0] == "items amount: 12.50"


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
    assert relevances([one], {1: PAGE}, Counting()) == {}
    assert relevance_score(None) is None


def test_each_value_has_its_own_relevance():
    """By the id of its evidence, whatever stands between."""
    number, date, payee = (
        reading("number", "A-17"),
        reading("date", None, FieldState.ABSENT),
        reading("payee", "Ada Brandt"),
    )

    assert relevances([number, date, payee], {1: PAGE}, Counting()) == {
        number.id: 2.0,
        payee.id: 3.0,
    }


def test_the_score_is_the_sigmoid_of_the_evidence():
    """The logit is kept, and a score made of it."""
    assert relevance_score(2.0) == pytest.approx(0.8807970779778823)


def test_the_tiny_cross_encoder_prefers_a_values_own_line(tiny):
    """The same sum beside another field's label is less relevant."""
    own, other = tiny.relevance([("total: 12.50", "Total: 12.50"), ("total: 12.50", "VAT: 12.50")])

    assert own.logit > other.logit
