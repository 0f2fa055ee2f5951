"""What both OCR engines must do: say the words where they stand, and never pretend to have read."""

import io

import pytest
from PIL import Image

from extractors.documents import BUILT_IN
from extractors.errors import OcrFailed
from extractors.evidence.grounding import Agreement, ground
from extractors.page.ocr import engines
from extractors.page.ocr.engines import Engine
from extractors.types import Box
from tests.page.ocr.drawn import SIZE, a_page, an_empty_page, written

INVOICE = BUILT_IN["invoice"]
READING = (Engine.RAPIDOCR, Engine.TESSERACT)


@pytest.fixture(scope="module", params=READING)
def recogniser(request):
    """Each engine that is installed."""
    if reason := engines.why_not(request.param):
        pytest.skip(reason)
    opened = engines.open_recogniser(request.param)
    yield opened
    opened.close()


def test_a_picture_gives_the_words_of_its_text_layer_where_they_stand(recogniser):
    """To within two millimetres."""
    png, words = a_page()

    seen = recogniser.words_of(png, size_pt=SIZE)

    assert [one.word.text for one in seen] == [word.text for word in words]
    for one, word in zip(seen, words, strict=True):
        assert 0.5 <= one.confidence <= 1.0
        assert (one.word.box.x0, one.word.box.x1) == pytest.approx(
            (word.box.x0, word.box.x1), abs=5.6
        )
        assert one.word.box.middle == pytest.approx(word.box.middle, abs=2.9)


@pytest.mark.parametrize(
    ("name", "text", "agreement"),
    [
        ("number", "INV-2041", Agreement.EXACT),
        ("date", "2026-03-12", Agreement.NORMALISED),
        ("total", "1,284.50", Agreement.EXACT),
        ("total", "1,284.60", Agreement.NONE),
    ],
)
def test_values_are_found_in_it_under_a_source_of_its_own(recogniser, name, text, agreement):
    """Searched as a text layer is, and never taken for one."""
    png, _ = a_page()

    page = engines.page_text(png, recogniser, size_pt=SIZE)
    grounding = ground(text, page, INVOICE.field(name), INVOICE)

    assert grounding is not None
    assert (grounding.agreement, grounding.source) == (agreement, "ocr")


def test_each_place_says_what_is_printed_there_in_the_order_asked(recogniser):
    """And one without print says nothing."""
    png, words = a_page()
    of = {word.text: word.box for word in words}
    white = Box(300, 150, 400, 170)

    texts = recogniser.texts_at(png, [of["1,284.50"], white, of["INV-2041"]], size_pt=SIZE)

    assert texts == ["1,284.50", "", "INV-2041"]


@pytest.mark.parametrize(
    "place",
    [
        Box(500, 300, 600, 320),
        Box(-50, -50, -10, -10),
        Box(30, 30, 30, 30),
        Box(60, 40, 30, 30),
        Box(30, 30, 30.5, 60),
    ],
    ids=["beyond", "before", "no area", "turned inside out", "a hair"],
)
def test_a_place_that_is_none_says_nothing(recogniser, place):
    """Boxes come from files that strangers made."""
    png, words = a_page()

    assert recogniser.texts_at(png, [place, words[0].box], size_pt=SIZE) == ["", "Invoice"]


def test_a_place_that_runs_down_or_up_the_page_is_read_both_ways(recogniser):
    """One of its two lines says what is printed."""
    png, words = a_page()
    box = next(word.box for word in words if word.text == "INV-2041")
    for degrees, there in {
        90: Box(SIZE[1] - box.y1, box.x0, SIZE[1] - box.y0, box.x1),
        270: Box(box.y0, SIZE[0] - box.x1, box.y1, SIZE[0] - box.x0),
    }.items():
        picture = Image.open(io.BytesIO(png)).rotate(-degrees, expand=True)
        (text,) = recogniser.texts_at(written(picture), [there], size_pt=SIZE[::-1])
        assert "INV-2041" in text.splitlines()


def test_without_a_place_nobody_is_asked(recogniser):
    """Not even whether the picture is one."""
    assert recogniser.texts_at(b"", [], size_pt=SIZE) == []


def test_an_empty_page_has_no_words(recogniser):
    """And so says nothing about any value."""
    page = engines.page_text(an_empty_page(), recogniser, size_pt=SIZE)

    assert page.words == ()
    assert ground("12.50", page, INVOICE.field("total"), INVOICE) is None


def test_a_damaged_picture_is_an_error_and_the_next_page_is_read(recogniser):
    """Cut in the middle."""
    png, words = a_page()

    with pytest.raises(OcrFailed):
        recogniser.words_of(png[:200], size_pt=SIZE)
    with pytest.raises(OcrFailed):
        recogniser.texts_at(png[:200], [words[0].box], size_pt=SIZE)

    assert len(recogniser.words_of(png, size_pt=SIZE)) == len(words)


def test_what_is_no_picture_is_said(recogniser):
    """Before any program is started."""
    with pytest.raises(OcrFailed, match="PNG"):
        recogniser.words_of(b"%PDF-1.7", size_pt=SIZE)


@pytest.mark.parametrize("engine", READING)
def test_a_page_that_takes_too_long_is_given_up(engine):
    """The program is killed, and the error says what to do; the next page finds a fresh one."""
    if reason := engines.why_not(engine):
        pytest.skip(reason)
    png, words = a_page()
    recogniser = engines.open_recogniser(engine, timeout_s=0.001)

    with pytest.raises(OcrFailed, match=r"0\.001 s"):
        recogniser.words_of(png, size_pt=SIZE)

    recogniser.timeout_s = 60.0
    assert len(recogniser.words_of(png, size_pt=SIZE)) == len(words)
    recogniser.close()


def test_the_engine_that_is_named_is_taken_installed_or_not(monkeypatch):
    """Another one in its place would surprise whoever named it."""
    monkeypatch.setenv("PATH", "/nowhere")

    assert engines.chosen(Engine.TESSERACT) is Engine.TESSERACT
    assert engines.chosen(Engine.OFF) is Engine.OFF
    assert engines.open_recogniser(Engine.OFF) is None


@pytest.mark.parametrize(
    ("there", "path", "best"),
    [
        (True, "/nowhere", Engine.RAPIDOCR),
        (True, "", Engine.RAPIDOCR),
        (False, "", Engine.TESSERACT),
        (False, "/nowhere", Engine.OFF),
    ],
)
def test_without_a_name_the_best_that_is_installed_reads(monkeypatch, tmp_path, there, path, best):
    """RapidOCR, else Tesseract, else nothing."""
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", path or str(tmp_path))
    monkeypatch.setattr(
        "extractors.page.ocr.rapidocr.PACKAGES", ("json",) if there else ("no_such_package",)
    )

    assert engines.chosen(None) is best


def test_without_the_engine_the_reason_says_what_to_install(monkeypatch):
    """Nothing else fails because of it."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("extractors.page.ocr.rapidocr.PACKAGES", ("no_such_package",))
    png, _ = a_page()

    for engine, cure in {
        Engine.RAPIDOCR: r"pip install 'surefield\[ocr\]'",
        Engine.TESSERACT: "apt-get install tesseract-ocr",
    }.items():
        with pytest.raises(OcrFailed, match=cure):
            engines.open_recogniser(engine).words_of(png, size_pt=SIZE)
