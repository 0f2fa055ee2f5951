"""Which words a page has: its text layer's, an engine's, or none; and what people are told."""

import io

import pymupdf
import pytest
from PIL import Image

from extractors.page.ocr import engines
from extractors.page.ocr.engines import Engine
from extractors.page.ocr.tesseract import Tesseract
from tests.pipeline.conftest import a_pdf

LINES = ("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR", "payable without any deduction")


@pytest.fixture(scope="module", params=(Engine.RAPIDOCR, Engine.TESSERACT))
def recogniser(request):
    """Each engine that is installed."""
    if reason := engines.why_not(request.param):
        pytest.skip(reason)
    opened = engines.open_recogniser(request.param)
    yield opened
    opened.close()


def a_scan(*, stamp="", turned=0, lines=LINES):
    """A PDF whose page is a picture of these lines, turned clockwise, with a stamp as its text."""
    with pymupdf.open(stream=a_pdf(*lines)) as source:
        picture = Image.open(io.BytesIO(source[0].get_pixmap(dpi=200).tobytes("png")))
    picture = picture.rotate(-turned, expand=True)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    document = pymupdf.open()
    page = document.new_page(width=picture.width * 0.36, height=picture.height * 0.36)
    page.insert_image(page.rect, stream=buffer.getvalue())
    if stamp:
        page.insert_text((200, 140), stamp, fontsize=9)
    return bytes(document.tobytes())


def page_of(house, document):
    (row,) = house.rows(
        "SELECT p.* FROM pages p JOIN reporting.page_reading r ON r.document_id = p.document_id AND"
        " r.words_source = p.words_source AND r.turned IS NOT DISTINCT FROM p.turned"
        " WHERE p.document_id = :id",
        id=document,
    )
    return row


def findings_of(house, document):
    rows = house.rows("SELECT code FROM render_findings WHERE document_id = :id", id=document)
    return {row.code for row in rows}


def test_the_words_of_a_stamped_scan_are_those_of_its_picture(make_house, recogniser):
    """The stamp alone would contradict every value of the page."""
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(a_scan(stamp="Received 9 May"))
    house.work()

    page = page_of(house, document)
    assert page.words_source == "ocr"
    assert page.layer_coverage < 0.5
    assert "12.50" in [word[0] for word in page.words]
    assert findings_of(house, document) == set()
    assert house.results(document)["total"].decision == "accepted"


def test_without_ocr_a_stamp_is_no_word_of_the_page_and_people_are_told(make_house):
    """It proves nothing and contradicts nothing."""
    house = make_house()
    document = house.submit(a_scan(stamp="Received 9 May"))
    house.work()

    page = page_of(house, document)
    assert (page.words, page.words_source, page.turned) == ([], "text-layer", None)
    assert findings_of(house, document) == {"text_layer_partial"}
    assert house.status(document) == "accepted"


def test_a_stamped_scan_that_the_engine_cannot_read_has_no_words(make_house):
    """Such as when its language is missing: the document goes on."""
    house = make_house(recogniser=lambda: Tesseract(("xyz",)))
    document = house.submit(a_scan(stamp="Received 9 May"))
    house.work()

    assert page_of(house, document).words == []
    assert findings_of(house, document) == {"text_layer_partial"}


def test_a_page_that_its_text_layer_covers_is_not_recognised(make_house, recogniser):
    """Its own words are better than any guess at their picture."""
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(a_pdf(*LINES))
    house.work()

    page = page_of(house, document)
    assert (page.words_source, page.turned) == ("text-layer", None)
    assert page.layer_coverage > 0.9


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_turned_scan_is_read_and_its_values_are_lit_where_they_are_seen(
    make_house, recogniser, turned
):
    """The box of the total lies where the picture shows it."""
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(a_scan(turned=turned))
    house.work()

    page = page_of(house, document)
    assert page.turned == turned
    (field,) = house.rows(
        "SELECT f.* FROM fields f JOIN readings r ON r.id = f.reading_id JOIN pages p ON p.id ="
        " r.page_id WHERE p.document_id = :id AND f.name = 'total'",
        id=document,
    )
    assert (field.agreement, field.box_source) == ("exact", "ocr")
    x0, y0, x1, y1 = field.boxes[0]
    upright = {
        0: (x0, y0),
        90: (y0, page.width_pt - x1),
        180: (page.width_pt - x1, page.height_pt - y1),
        270: (page.height_pt - y1, x0),
    }[turned]
    assert upright == pytest.approx((50, 60), abs=8)
    assert findings_of(house, document) == set()


def test_a_page_that_may_be_turned_is_doubted_whole(make_house, recogniser):
    """Nothing of it is accepted unseen, and the reason says why."""
    with pymupdf.open(stream=a_pdf(*LINES)) as source:
        upright = Image.open(io.BytesIO(source[0].get_pixmap(dpi=200).tobytes("png")))
    sheet = Image.new("RGB", (2 * upright.height, upright.width), "white")
    sheet.paste(upright.rotate(90, expand=True), (0, 0))
    sheet.paste(upright.rotate(270, expand=True), (upright.height, 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(buffer.getvalue())
    house.work()

    assert findings_of(house, document) == {"perhaps_turned"}
    assert page_of(house, document).turned is None
    results = house.results(document).values()
    assert {result.decision for result in results} == {"review"}
    assert any("on its side or on its head" in str(result.details) for result in results)


def test_a_second_run_of_the_stage_changes_nothing(make_house, recogniser):
    """The broker may deliver twice."""
    house = make_house(recogniser=lambda: recogniser)
    document = house.submit(a_scan(stamp="Received 9 May", turned=90))
    message = house.announced[0]
    house.work()
    before = house.everything()

    house.announced.append(message)
    house.work()

    assert house.everything() == before
    assert house.status(document) in ("accepted", "in_review")
