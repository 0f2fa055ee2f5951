"""An invoice on the bundled model, which was made for slips: what the page's words say is
offered.
"""

import pytest

from extractors.backends import open_backend
from extractors.backends.mllama.engine import BUNDLED_MODEL
from extractors.documents import find
from extractors.normalise import normalise
from extractors.rendering.canvas import canvas_of
from tests.benchmarks.pipeline import TRUTH as INVOICE
from tests.benchmarks.pipeline import an_invoice
from tests.web.conftest import ONE_DAY, SiteInTest
from worker import bootstrap
from worker.review import context
from worker.review.card import Card, card_of
from worker.settings import Settings
from worker.web.app import create_app

MADE_FOR = bootstrap.caution(Settings())("invoice")
LEAST = 8  # of eleven fields: the seller has no label, and the rows are set right as rows


@pytest.fixture
def cards(make_house) -> dict[str, Card]:
    """The open fields of an A4 invoice that prints all eleven, read by the bundled model."""
    model = str(BUNDLED_MODEL)
    backend = open_backend("mllama", model=model, device="cpu", attention=True)
    house = make_house(backend=backend, canvas=lambda document_type: canvas_of(model))
    site = SiteInTest(house, create_app(house.rt, **ONE_DAY))
    document = site.read(an_invoice(1), document_type="invoice")
    spec = house.rt.document_type("invoice")
    with house.rt.transaction() as tx:
        return {
            name: card_of(context.item_context(tx, item), spec, caution=MADE_FOR)
            for name, item in site.items(document).items()
        }


def test_the_right_values_are_offered_and_the_person_is_told_first_whom_they_read(cards):
    """One key each for at least eight of the eleven; nothing is accepted by itself."""
    assert set(cards) == set(INVOICE)
    right = [
        name
        for name, card in cards.items()
        if name != "lines"
        and any(_same(card, choice.text, str(INVOICE[name])) for choice in card.choices)
    ]
    assert len(right) >= LEAST, right
    assert "was made for slip and nothing else" in str(MADE_FOR)
    for card in cards.values():
        assert card.reasons[0] == MADE_FOR


def _same(card: Card, text: str, printed: str) -> bool:
    spec = find("invoice", None)
    return normalise(text, card.field, spec).agrees_with(normalise(printed, card.field, spec))
