"""Pictures that lie on their side or their head: found out, read upright, boxes turned back."""

import io

import pytest
from PIL import Image

from extractors.documents import BUILT_IN
from extractors.errors import OcrFailed
from extractors.evidence.grounding import ground
from extractors.page.ocr import engines
from extractors.page.ocr.engines import Engine
from extractors.page.ocr.upright import read_upright
from extractors.page.text import PageText
from extractors.types import Box
from tests.page.ocr.drawn import LINES, SIZE, a_page, an_empty_page, written

INVOICE = BUILT_IN["invoice"]


@pytest.fixture(scope="module", params=(Engine.RAPIDOCR, Engine.TESSERACT))
def recogniser(request):
    """Each engine that is installed."""
    if reason := engines.why_not(request.param):
        pytest.skip(reason)
    opened = engines.open_recogniser(request.param)
    yield opened
    opened.close()


def turned(png, degrees):
    """The picture, turned clockwise, and the page's size then."""
    picture = Image.open(io.BytesIO(png)).rotate(-degrees, expand=True)
    return written(picture), SIZE if degrees % 180 == 0 else SIZE[::-1]


def where(box, degrees):
    """Where a box of the upright page is on the turned one: told from its corners."""
    width, height = SIZE
    spin = {
        0: lambda x, y: (x, y),
        90: lambda x, y: (height - y, x),
        180: lambda x, y: (width - x, height - y),
        270: lambda x, y: (y, width - x),
    }[degrees]
    (a, b), (c, d) = spin(box.x0, box.y0), spin(box.x1, box.y1)
    return Box(min(a, c), min(b, d), max(a, c), max(b, d))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_picture_is_read_upright_and_its_words_stand_where_they_are_seen(
    recogniser, degrees
):
    """However it lies."""
    png, words = a_page()
    picture, size = turned(png, degrees)

    seen = read_upright(picture, recogniser, size_pt=size)

    assert seen.turned == degrees
    assert [one.word.text for one in seen.words] == " ".join(LINES).split()
    for one, word in zip(seen.words, words, strict=True):
        box, true = one.word.box, where(word.box, degrees)
        assert (box.centre, box.middle) == pytest.approx((true.centre, true.middle), abs=5.0)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_values_of_several_words_are_found_on_a_turned_page(recogniser, degrees):
    """And values that are not there are not."""
    picture, size = turned(a_page()[0], degrees)
    seen = read_upright(picture, recogniser, size_pt=size)
    page = PageText([one.word for one in seen.words], source="ocr", upside_down=seen.turned == 180)

    for text, found in {"12 March 2026": True, "13 March 2026": False}.items():
        said = ground(text, page, INVOICE.field("date"), INVOICE)
        assert said is not None
        assert said.found is found


def test_a_page_that_is_read_well_is_read_once(recogniser):
    """What is upright costs nothing more."""
    asked = []

    class Counting:
        name = recogniser.name

        def words_of(self, png, *, size_pt):
            asked.append(size_pt)
            return recogniser.words_of(png, size_pt=size_pt)

    read_upright(a_page()[0], Counting(), size_pt=SIZE)
    read_upright(an_empty_page(), Counting(), size_pt=SIZE)

    assert asked == [SIZE, SIZE]


def test_a_page_that_reads_badly_in_every_direction_is_not_said_to_lie_in_one():
    """Noise is never upright text; what is seen as it lies is kept."""
    engine = Engine.RAPIDOCR
    if reason := engines.why_not(engine):
        pytest.skip(reason)
    recogniser = engines.open_recogniser(engine)
    small = Image.open(io.BytesIO(a_page(dpi=200)[0]))
    ruined = small.resize((small.width // 9, small.height // 9)).resize(small.size)

    seen = read_upright(written(ruined), recogniser, size_pt=SIZE)
    recogniser.close()

    assert seen.turned in (None, 0)
    if seen.turned == 0:
        assert sum(len(one.word.text) for one in seen.words) < 20


def test_two_directions_that_read_alike_leave_it_open(recogniser):
    """One half lies on its left side, the other on its right: nobody can tell how the page lies."""
    upright = Image.open(io.BytesIO(a_page()[0]))
    sheet = Image.new("RGB", (2 * upright.height, upright.width), "white")
    sheet.paste(upright.rotate(90, expand=True), (0, 0))
    sheet.paste(upright.rotate(270, expand=True), (upright.height, 0))

    seen = read_upright(written(sheet), recogniser, size_pt=(2 * SIZE[1], SIZE[0]))

    assert seen.turned is None


def test_a_damaged_picture_is_an_error(recogniser):
    """And no direction."""
    with pytest.raises(OcrFailed):
        read_upright(a_page()[0][:300], recogniser, size_pt=SIZE)
