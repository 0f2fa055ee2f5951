"""Looks at the picture where only the file's own text says a value."""

import pymupdf
import pytest

from extractors.backends.scripted import Line
from extractors.page.ocr import engines
from extractors.page.ocr.engines import Engine
from extractors.page.ocr.tesseract import Tesseract
from tests.pipeline.conftest import TRUTH, a_pdf
from worker.pipeline import flow

TYPE = '''
from extractors.documents.spec import DocumentModel, amount


class Bill(DocumentModel, name="bill", title="bill", look_required=True):
    """A bill."""

    total: str | None = amount("the amount to pay")
'''


@pytest.fixture(scope="module", params=(Engine.RAPIDOCR, Engine.TESSERACT))
def recogniser(request):
    """Each engine that is installed."""
    if reason := engines.why_not(request.param):
        pytest.skip(reason)
    opened = engines.open_recogniser(request.param)
    yield opened
    opened.close()


def covered(pdf: bytes) -> bytes:
    """The page with something white over its total."""
    document = pymupdf.open(stream=pdf)
    for place in document[0].search_for("12.50"):
        document[0].draw_rect(pymupdf.Rect(place).normalize(), color=(1, 1, 1), fill=(1, 1, 1))
    return bytes(document.tobytes())


def picture_of(house, document, name):
    return house.results(document)[name].details["picture"]


def test_what_the_picture_shows_too_is_accepted_and_says_so(make_house, recogniser):
    """Amounts, dates and identifiers; a name is not looked at."""
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(a_pdf())
    house.work()

    assert house.status(document) == "accepted"
    for name in ("total", "date", "number"):
        assert picture_of(house, document, name) == "in_picture"
    assert picture_of(house, document, "payee") is None


def test_a_value_that_only_the_layer_shows_waits_for_a_person(make_house, recogniser):
    """The model is sure of it, the layer says it, and the picture is white there."""
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(covered(a_pdf()))
    house.work()

    result = house.results(document)["total"]
    assert (result.decision, result.reason) == ("review", "not_in_picture")
    assert "the picture shows" in result.details["message"]
    assert house.results(document)["date"].decision == "accepted"


def test_without_an_engine_the_layer_is_taken_and_the_result_says_that_nobody_looked(make_house):
    """On the strength of the ink alone."""
    house = make_house()
    document = house.submit(covered(a_pdf()))
    house.work()

    assert house.results(document)["total"].decision == "accepted"
    assert picture_of(house, document, "total") == "not_looked_at"


def test_an_engine_that_fails_costs_the_look_and_not_the_document(make_house):
    """Such as one whose language is missing."""
    house = make_house(recogniser=lambda: Tesseract(("xyz",)))
    document = house.submit(a_pdf())
    house.work()

    assert house.status(document) == "accepted"
    assert picture_of(house, document, "total") == "not_looked_at"


@pytest.mark.parametrize("reads", [False, True], ids=["no engine", "an engine"])
def test_a_type_may_demand_the_look(make_house, tmp_path, reads):
    """What nobody looked at is then a question for a person."""
    if reads and (reason := engines.why_not(Engine.TESSERACT)):
        pytest.skip(reason)
    (tmp_path / "bill.py").write_text(TYPE)
    house = make_house(
        Line(truth={"total": TRUTH["total"]}),
        document_types_folder=tmp_path,
        recogniser=lambda: Tesseract() if reads else None,
    )
    document = house.submit(a_pdf(), document_type="bill")
    house.work()

    result = house.results(document)["total"]
    assert result.details["picture"] == ("in_picture" if reads else "not_looked_at")
    assert "not_looked_at" in str(result.details["doubts"]) or reads


def test_a_second_run_of_the_stage_changes_nothing(make_house, recogniser):
    """The broker may deliver twice."""
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(covered(a_pdf()))
    house.work()
    before = house.everything()

    house.announced += [(document, status) for status in flow.STEP_AT]
    house.work()

    assert house.everything() == before
    assert house.results(document)["total"].reason == "not_in_picture"
