"""The bundled model on a long document within its domain: a slip's two pages far apart among
others.
"""

from random import Random

import pymupdf
import pytest

from extractors import backends
from extractors.backends.mllama.engine import BUNDLED_MODEL
from extractors.demo import compose, others
from extractors.demo.slips import printed
from extractors.rendering.canvas import canvas_of
from tests.factories import render_limits

MOST = 6
TYPE = f"""
from extractors.documents import spec as field
from extractors.documents.slip import SlipItem
from extractors.documents.spec import DocumentModel


class Slip(DocumentModel, name="slip", title="payment slip", day_first=True, max_pages_read={MOST}):
    payee: str | None = field.text("who is paid")
    date: str | None = field.date("the day of issue")
    number: str | None = field.identifier("the slip's own number")
    total: str | None = field.amount("the amount to pay, without its currency", required=True)
    currency: str | None = field.currency("its currency, sign or code")
    items: list[SlipItem] = field.group("the line items, top to bottom")
"""
PAGES, HEAD, FOOT = 60, 3, 57


def a_slip():
    """The first slip of two pages that lacks nothing but perhaps its items."""
    for seed in range(1000):
        sheets = compose.slip_pages(Random(f"long/{seed}"))
        if (
            len(sheets) == 2
            and all(sheets[0].truth[name] for name in ("payee", "date", "number"))
            and sheets[1].truth["total"]
        ):
            return sheets
    raise AssertionError("no such slip among a thousand")


def a_letter(seed):
    """A page that is no slip and has words enough to be judged by."""
    r = Random(f"letter/{seed}")
    while True:
        sheet = others.other_page(r)
        if sum(len(ink.text.split()) for ink in sheet.inks) >= 8:
            return sheet


@pytest.fixture(scope="module")
def content():
    """Sixty pages: letters and lists, and the slip's head on the third and its foot on the third
    from the end.
    """
    slip = dict(zip((HEAD, FOOT), a_slip(), strict=True))
    document = pymupdf.open()
    for number in range(1, PAGES + 1):
        document.insert_pdf(printed(slip.get(number) or a_letter(number), 0, Random(number)).page)
    return document.tobytes()


@pytest.fixture
def demo_house(make_house, tmp_path):
    """A house in which the bundled model reads, with this budget of tokens."""

    def make(max_new_tokens=512):
        (tmp_path / "slip.py").write_text(TYPE)
        model = backends.open_backend(
            "mllama",
            model=str(BUNDLED_MODEL),
            device="cpu",
            max_new_tokens=max_new_tokens,
            attention=False,
        )
        return make_house(
            backend=model,
            canvas=lambda document_type: canvas_of(str(BUNDLED_MODEL)),
            document_types_folder=tmp_path,
            limits=render_limits(max_pages=100, view_dpi=36),
        )

    return make


def test_the_bundled_model_reads_a_slip_whose_pages_stand_far_apart(demo_house, content):
    """Six of sixty pages are read, both of the slip's among them, and what is accepted is right.

    How many values the model gets right is for its evaluation to say; here it must get most of
    them.
    """
    house = demo_house()
    document = house.submit(content)
    house.work()

    head, foot = (sheet.truth for sheet in a_slip())
    truth = {
        **{name: head[name] for name in ("payee", "date", "number")},
        "total": foot["total"],
        "currency": foot["currency"],
    }
    results = house.results(document)
    read = [row.number for row in house.rows("SELECT number FROM pages WHERE status = 'read'")]
    assert len(read) == MOST
    assert {HEAD, FOOT} < set(read)
    assert {
        name
        for name, value in truth.items()
        if results[name].decision == "accepted" and results[name].text != value
    } == set()
    assert sum(results[name].text == value for name, value in truth.items()) >= 4
    # more may stand on pages left out
    assert {row.decision for name, row in results.items() if name.startswith("items")} == {"review"}


def test_the_bundled_model_with_too_small_a_budget_gets_nothing_accepted(demo_house, content):
    """Its answers are cut, and each field says so."""
    house = demo_house(max_new_tokens=24)
    document = house.submit(content)
    house.work()

    assert {
        (row.decision, row.reason)
        for row in house.rows("SELECT * FROM results WHERE document_id = :id", id=document)
    } == {("review", "truncated")}
