"""Real documents with known truth: receipts' dates and totals, e-invoices' words.

Values are never printed.
"""

import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from extractors.documents import BUILT_IN
from extractors.documents.spec import Kind
from extractors.evidence.grounding import ground
from extractors.normalise import normalise
from extractors.page.text import PageText
from tests.benchmarks.grounding import GOAL, outcomes
from tests.evidence.einvoices import einvoices, folder

CORPUS = os.environ.get("SUREFIELD_CORPUS")
pytestmark = pytest.mark.skipif(
    CORPUS is None or folder() is None,
    reason="SUREFIELD_CORPUS does not name the folder of sample documents",
)


@pytest.fixture(scope="module")
def labelled():
    return [json.loads(line) for line in (Path(CORPUS) / "truth.jsonl").read_text().splitlines()]


def test_dates_and_totals_of_the_receipts_are_normalised_as_people_did(labelled):
    """All right or refused; none wrong, and at most one refused."""
    spec = BUILT_IN["receipt"]
    counts = Counter()
    for receipt in (each for each in labelled if each["doc_type"] == "receipt"):
        date = normalise(receipt["truth"]["date"], spec.field("date"), spec)
        total = normalise(receipt["truth"]["total"], spec.field("total"), spec)
        counts["date", date.problem or date.value == receipt["date_iso"]] += 1
        counts["total", total.problem or Decimal(total.value) == Decimal(receipt["total_dec"])] += 1

    assert counts["date", False] == counts["total", False] == 0
    assert counts["date", True] >= 39
    assert counts["total", True] == 40


def test_labels_of_the_invoices_are_values(labelled):
    """ISO dates, plain amounts and currency codes pass through."""
    spec = BUILT_IN["invoice"]
    fields = {"date": "date", "amount": "total", "currency": "currency"}
    problems = [
        problem
        for each in labelled
        if each["doc_type"] == "invoice"
        for label, name in fields.items()
        if each["truth"].get(label) is not None
        and (problem := normalise(str(each["truth"][label]), spec.field(name), spec).problem)
        is not None
    ]

    assert problems == []


def test_the_truth_of_the_e_invoices_is_found_in_their_words_at_the_right_place():
    """Number, date, seller and total: at least 97 %, and no place that shows something else."""
    seen = outcomes()

    assert len(seen) >= 80
    assert sum(o.in_place for o in seen) / len(seen) >= GOAL
    assert [(o.file, o.field) for o in seen if o.found and not o.in_place] == []


def test_a_slightly_wrong_value_is_contradicted_by_the_e_invoices_words():
    """One digit or letter changed in the true number, seller or total: the page does not say it."""
    believed = []
    for invoice in einvoices(folder()):
        pages = [PageText(words) for words in invoice.words]
        for name in ("number", "seller", "total"):
            field = invoice.spec.field(name)
            wrong = _changed(invoice.truth[name], in_amount=field.kind is Kind.AMOUNT)
            if any(g.found for page in pages if (g := ground(wrong, page, field, invoice.spec))):
                believed.append((invoice.path.name, name))

    assert believed == []


def _changed(text: str, *, in_amount: bool) -> str:
    """The middle digit (of an amount) or the middle letter or digit, replaced by its successor."""
    places = [i for i, c in enumerate(text) if (c.isdigit() if in_amount else c.isalnum())]
    at = places[len(places) // 2]
    other = (
        str((int(text[at]) + 1) % 10)
        if text[at].isdigit()
        else ("b" if text[at].casefold() != "b" else "c")
    )
    return text[:at] + other + text[at + 1 :]
