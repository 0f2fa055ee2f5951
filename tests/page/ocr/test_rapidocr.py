"""What is RapidOCR's own: its process, what it may use, and that it fetches nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from extractors.errors import OcrFailed
from extractors.page.ocr import rapidocr
from extractors.page.ocr.rapidocr import RapidOcr
from tests.page.ocr.drawn import LINES, SIZE, a_page, written

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(
    rapidocr.why_not() is not None, reason=rapidocr.why_not() or "installed"
)


@pytest.fixture
def engine():
    """One with a child of its own."""
    made = RapidOcr()
    yield made
    made.close()


def words_of(engine, png=None):
    return [one.word.text for one in engine.words_of(png or a_page()[0], size_pt=SIZE)]


def test_nothing_starts_before_the_first_page_and_nothing_stays_after_the_end(engine):
    """A closed engine may be used again."""
    assert engine.child_pid is None
    words_of(engine)
    child = engine.child_pid
    engine.close()
    engine.close()

    assert not Path(f"/proc/{child}").exists()
    assert words_of(engine) == " ".join(LINES).split()
    assert engine.child_pid != child


def test_one_child_reads_page_after_page(engine):
    """Its models are loaded once."""
    words_of(engine)
    child = engine.child_pid
    words_of(engine)

    assert engine.child_pid == child


def test_a_child_that_was_killed_between_two_pages_is_replaced(engine):
    """Nobody notices."""
    words_of(engine)
    os.kill(engine.child_pid, signal.SIGKILL)

    assert words_of(engine) == " ".join(LINES).split()


def test_memory_is_bounded_and_a_page_that_needs_more_is_an_error():
    """The bound is on the child: the worker does not even grow."""
    engine = RapidOcr(memory_mb=450)
    large = written(Image.effect_noise((5000, 5000), 80).convert("RGB"))

    with pytest.raises(OcrFailed):
        engine.words_of(large, size_pt=SIZE)
    engine.close()


def test_a_child_without_the_memory_to_start_says_so():
    """And names the mend."""
    engine = RapidOcr(memory_mb=60)

    with pytest.raises(OcrFailed, match="cannot start"):
        words_of(engine)
    assert engine.child_pid is None


def test_the_child_knows_nothing_of_the_workers_environment(engine, monkeypatch):
    """Addresses and passwords are of no use to it."""
    monkeypatch.setenv("SUREFIELD_DATABASE_URL", "postgresql://u:secret@h/d")
    words_of(engine)

    assert b"secret" not in Path(f"/proc/{engine.child_pid}/environ").read_bytes()


def test_the_child_has_as_many_threads_as_it_is_told(monkeypatch):
    """Several pages at once are faster than several threads on one."""
    threads = {}
    for told in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", told)
        engine = RapidOcr()
        words_of(engine)
        threads[told] = len(os.listdir(f"/proc/{engine.child_pid}/task"))
        engine.close()

    assert threads["1"] <= 2 < threads["3"]


def test_the_child_ends_with_its_worker():
    """Even when the worker is killed, nothing is left behind."""
    code = (
        "import os, sys, signal\n"
        "from extractors.page.ocr.rapidocr import RapidOcr\n"
        "from tests.page.ocr.drawn import SIZE, a_page\n"
        "engine = RapidOcr(); engine.words_of(a_page()[0], size_pt=SIZE)\n"
        "print(engine.child_pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    child = Path(f"/proc/{int(done.stdout)}/cmdline")
    for _ in range(100):
        if not child.exists() or b"rapidocr_child" not in child.read_bytes():
            return
        signal.sigtimedwait([], 0.1)
    pytest.fail("the child lives on")


def test_models_come_with_the_package_and_nothing_is_fetched(engine):
    """The child of a machine without a network reads all the same."""
    code = (
        "import socket, sys\n"
        "def refuse(*_, **__): raise OSError('no network here')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from extractors.page.ocr import rapidocr_child as child\n"
        "from tests.page.ocr.drawn import a_page\n"
        "engine = child._engine(1)\n"
        "print(' '.join(w[0] for w in child._page(engine, a_page()[0], {})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert done.stdout.strip() == " ".join(LINES), done.stderr[-500:]


def test_the_libraries_of_pictures_are_not_loaded_into_the_worker():
    """They take 100 MB and a second."""
    code = (
        "import sys; from extractors.page.ocr.engines import Engine, open_recogniser\n"
        "from tests.page.ocr.drawn import SIZE, a_page\n"
        "engine = open_recogniser(Engine.RAPIDOCR); engine.words_of(a_page()[0], size_pt=SIZE)\n"
        "engine.close(); print({'cv2', 'onnxruntime', 'rapidocr'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert done.stdout.strip() == "set()", done.stderr[-500:]


def test_accents_of_western_languages_are_read(engine):
    """The one model knows them; Tesseract needs a package for each language."""
    lines = (
        "Rechnung für Müller & Söhne",
        "Montant réglé à l'échéance: 12,50",
        "Señor Núñez, São Paulo",
    )

    assert words_of(engine, a_page(*lines)[0]) == " ".join(lines).split()
