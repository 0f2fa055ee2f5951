"""What looks a second time: Tesseract at pages without words, a cross-encoder at long documents and
at the lines of values.
"""

from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.errors import ModelNotLoadable
from extractors.page.ocr import tesseract
from extractors.page.ocr.tesseract import Tesseract
from extractors.rerankers.cross_encoder.reranker import CrossEncoder
from extractors.rerankers.server.reranker import RerankServer
from tests.factories import render_limits
from tests.pipeline.conftest import TINY_CANVAS, a_pdf
from tests.pipeline.long import a_long_pdf, a_type_file, told
from tests.pipeline.test_types import INVOICE, TRUTH, a_paper

TINY = Path(__file__).parents[1] / "rerankers" / "tiny"

installed = pytest.mark.skipif(tesseract.why_not() is not None, reason=tesseract.why_not() or "")


def scanned(pdf: bytes) -> bytes:
    """The same pages as pictures, without a text layer."""
    document = pymupdf.open()
    with pymupdf.open(stream=pdf) as source:
        for page in source:
            picture = page.get_pixmap(dpi=200).tobytes("png")
            document.new_page(width=page.rect.width, height=page.rect.height).insert_image(
                page.rect, stream=picture
            )
    return bytes(document.tobytes())


@pytest.fixture
def long_house(make_house, tmp_path):
    """A house with a type of whose documents five pages are read, and this reranker."""

    def make(reranker):
        (tmp_path / "long.py").write_text(a_type_file(5))
        limits = render_limits(max_pages=200, view_dpi=36)
        return make_house(
            backend=told(TINY_CANVAS, head=3, foot=27),
            document_types_folder=tmp_path,
            limits=limits,
            reranker=lambda: reranker,
        )

    return make


@installed
def test_a_scans_values_are_found_among_the_words_that_tesseract_reads(make_house):
    """The words say who says them, and so does the place of a value that is found among them."""
    house = make_house(recogniser=lambda: Tesseract())
    document = house.submit(scanned(a_pdf("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR")))
    house.work()

    (page,) = house.rows(
        "SELECT words, words_source FROM reporting.page_reading WHERE document_id = :id",
        id=document,
    )
    assert (page.words, page.words_source) == (7, "ocr")
    rows = house.rows(
        "SELECT name, agreement, box_source FROM fields WHERE name IN ('payee', 'total') ORDER BY"
        " name"
    )
    assert [tuple(row) for row in rows] == [("payee", "exact", "ocr"), ("total", "exact", "ocr")]


@installed
def test_a_scan_whose_words_say_otherwise_waits_for_a_person(make_house):
    """As with a text layer: what the page does not say is not accepted."""
    house = make_house(recogniser=lambda: Tesseract())
    document = house.submit(scanned(a_pdf("Foo Ltd A-17", "03/04/2026", "Total 13.90 EUR")))
    house.work()

    assert house.results(document)["total"].reason == "not_on_page"


@installed
def test_a_scan_without_a_type_is_found_out_by_its_words(make_house):
    """It need not wait for a person to say what it is."""
    said = ScriptedBackend(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS)
    house = make_house(backend=said, recogniser=lambda: Tesseract())
    document = house.submit(scanned(a_paper(INVOICE)), document_type="auto")
    house.work()

    (row,) = house.rows("SELECT document_type FROM documents WHERE id = :id", id=document)
    assert row.document_type == "invoice"


def test_a_language_that_tesseract_lacks_costs_the_words_and_not_the_document(make_house):
    """Reading goes on without them, and the log says what to install."""
    house = make_house(recogniser=lambda: Tesseract(("xyz",)))
    document = house.submit(a_pdf(words=False))
    house.work()

    assert house.status(document) == "accepted"


def test_a_page_with_words_of_its_own_is_not_recognised(make_house):
    """The file's own words are better than any guess at their picture."""
    house = make_house(recogniser=lambda: Tesseract(("xyz",)))
    house.submit(a_pdf())
    house.work()

    assert {row.words_source for row in house.rows("SELECT words_source FROM pages")} == {
        "text-layer"
    }


def test_a_reranker_has_its_say_on_pages_and_lines(long_house):
    """Which model it was stands beside the ranks and beside each logit, and its score beside the
    others.
    """
    reranker = CrossEncoder(str(TINY), device="cpu")
    house = long_house(reranker)
    document = house.submit(a_long_pdf(30, foot=27), document_type="long_slip")
    house.work()

    assert house.status(document) == "accepted"
    ranked = house.rows(
        "SELECT DISTINCT ranked_by FROM reporting.page_reading WHERE document_id = :id", id=document
    )
    assert [row.ranked_by for row in ranked] == [f"words/1+{reranker.fingerprint}"]
    judged = house.rows(
        "SELECT f.name, f.reranker, s.score FROM fields f JOIN scores s ON s.field_id = f.id AND"
        " s.method = 'relevance/1'"
    )
    assert {row.name for row in judged} == {"payee", "date", "number", "total", "currency"}
    assert {row.reranker for row in judged} == {reranker.fingerprint}
    assert all(0.0 <= row.score <= 1.0 for row in judged)


def test_a_reranker_that_cannot_be_opened_costs_its_opinion_too(long_house):
    """Such as one whose packages are not installed on this worker."""

    def broken():
        raise ModelNotLoadable(
            "Reranker 'server' needs the package 'httpx2'. Install it: pip install"
            " 'surefield[server]'."
        )

    house = long_house(None)
    house.rt = replace(house.rt, reranker=broken)
    document = house.submit(a_long_pdf(30, foot=27), document_type="long_slip")
    house.work()

    assert house.status(document) == "accepted"
    assert {row.ranked_by for row in house.rows("SELECT ranked_by FROM pages")} == {"words/1"}


def test_a_reranker_that_is_away_costs_its_opinion_and_not_the_document(long_house):
    """The words alone choose the pages, nothing says how relevant a line is, and no attempt is
    lost.
    """
    away = RerankServer("BAAI/bge-reranker-v2-m3", base_url="http://127.0.0.1:9/v1", attempts=1)
    house = long_house(away)
    document = house.submit(a_long_pdf(30, foot=27), document_type="long_slip")
    house.work()

    assert house.status(document) == "accepted"
    assert {row.ranked_by for row in house.rows("SELECT ranked_by FROM pages")} == {"words/1"}
    assert house.rows("SELECT 1 FROM fields WHERE relevance IS NOT NULL") == []
    assert house.rows("SELECT 1 FROM scores WHERE method = 'relevance/1'") == []
