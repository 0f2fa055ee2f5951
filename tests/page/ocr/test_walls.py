"""Pictures are read behind walls, by either engine."""

from pathlib import Path

import pytest

from extractors.errors import OcrFailed
from extractors.page.ocr import engines
from extractors.page.ocr.rapidocr import RapidOcr
from extractors.page.ocr.upright import read_upright
from extractors.sandbox.landlock import version
from tests.page.ocr.drawn import SIZE, a_page
from tests.rendering.files import encoded, two_squares

pytestmark = pytest.mark.skipif(version() < 1, reason="this kernel has no Landlock")
READS = [one for one in engines.Engine if one != "off" and engines.why_not(one) is None]


@pytest.fixture(params=READS)
def engine(request):
    opened = engines.open_recogniser(request.param, walls_required=True)
    yield opened
    opened.close()


def test_an_engine_whose_walls_are_required_reads_behind_them(engine):
    """Seccomp and Landlock are there, and words come out all the same."""
    assert engine.walls().whole
    assert engine.words_of(a_page()[0], size_pt=SIZE)


def test_the_warm_child_can_do_nothing_but_compute(monkeypatch):
    """As the kernel says of each of its threads; and it knows nothing of the worker."""
    monkeypatch.setenv("SUREFIELD_DATABASE_URL", "postgresql://worker:secret@db/surefield")
    engine = RapidOcr()
    engine.words_of(a_page()[0], size_pt=SIZE)
    process = Path(f"/proc/{engine.child_pid}")
    threads = [(task / "status").read_text() for task in (process / "task").iterdir()]
    assert threads
    for status in threads:
        said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert (said["Seccomp"], said["NoNewPrivs"]) == ("2", "1")
    assert b"secret" not in (process / "environ").read_bytes()
    engine.close()


@pytest.mark.parametrize("kind", ["GIF", "JPEG", "TIFF", "BMP"])
def test_a_picture_that_is_no_png_reaches_no_decoder(engine, kind):
    """Pages are stored as PNG; another format is not ours."""
    for read in (engine.words_of, lambda png, size_pt: read_upright(png, engine, size_pt=size_pt)):
        with pytest.raises(OcrFailed, match="no PNG"):
            read(encoded(two_squares(), kind), size_pt=SIZE)
