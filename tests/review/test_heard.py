"""What the witnesses said reaches the reviewer: in a few words, with its place, contradictions
first.
"""

from typing import Any
from uuid import UUID

import pytest

from extractors.evidence.witnesses import AGREES, DENIES, OFFERS
from tests.benchmarks.pipeline import TRUTH as INVOICE
from tests.benchmarks.pipeline import an_invoice
from worker.pipeline import again
from worker.review import context
from worker.review.heard import Heard, heard_about

ROWS = INVOICE["lines"]


def heard_of(site: Any, document: UUID) -> dict[str, tuple[Heard, ...]]:
    """What was said about each open field of the document; of lists, about their first cell."""
    items = site.items(document)
    with site.house.rt.transaction() as tx:
        said = heard_about(tx, list(items.values()))
    return {name: said.get(item, ()) for name, item in items.items()}


@pytest.fixture
def wrong_total(make_site: Any) -> Any:
    """A site that reads the net sum as the total of an invoice."""
    return make_site(truth={**INVOICE, "total": INVOICE["net"]})


def test_contradictions_stand_first_each_with_its_place(wrong_total):
    """The label's own value and where it is printed; then who agrees."""
    document = wrong_total.read(an_invoice(1), document_type="invoice")
    said = heard_of(wrong_total, document)["total"]

    assert [one.says for one in said] == sorted(
        (one.says for one in said), key=[DENIES, OFFERS, AGREES].index
    )
    (label,) = (one for one in said if one.kind == "label")
    assert (label.says, label.offers, label.page) == (DENIES, "2,499.00", 1)
    assert label.boxes
    assert label.about is None  # it is said of the value that is shown


def test_a_field_of_which_nobody_said_anything_has_no_witnesses(make_site):
    """A scan without words: silence is not agreement."""
    site = make_site(doubts={"payee": 0.3})
    document = site.read()
    with site.house.rt.transaction() as tx:
        assert heard_about(tx, []) == {}
        assert heard_about(tx, [document]) == {}  # no item has this id


def test_a_cell_hears_what_was_said_of_its_list(make_site):
    """A row that was left out is missing from the list, and each of its cells waits for that."""
    site = make_site(truth={**INVOICE, "lines": ROWS[:-1]})
    document = site.read(an_invoice(1), document_type="invoice")
    said = heard_of(site, document)
    cells = [heard for name, heard in said.items() if name.startswith("lines.")]

    assert cells
    assert all(any(one.says is DENIES for one in heard) for heard in cells)


def test_after_a_new_score_the_same_is_heard(wrong_total):
    """A further answer from the same evidence has no candidates of its own."""
    document = wrong_total.read(an_invoice(1), document_type="invoice")
    before = heard_of(wrong_total, document)["total"]
    again.one(wrong_total.house.rt, document, again.Again.RESCORE, by="person:ada")
    wrong_total.house.work()

    assert heard_of(wrong_total, document)["total"] == before


def test_the_document_page_and_the_review_show_the_same(wrong_total):
    """One read serves both."""
    document = wrong_total.read(an_invoice(1), document_type="invoice")
    item = wrong_total.items(document)["total"]
    with wrong_total.house.rt.transaction() as tx:
        alone = context.item_context(tx, item).heard
        pages = context.pages(tx, document)
        together = {one.item.item_id: one.heard for one in context.waiting_in(tx, document, pages)}

    assert alone
    assert together[item] == alone
