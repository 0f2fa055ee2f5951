"""The render child: what it gives back, what kills it, and that nothing else dies with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from extractors.errors import (
    EncryptedPdf,
    RenderCrashed,
    RenderTimeout,
    TooManyPages,
    TooManyPixels,
    UnsupportedFile,
)
from extractors.types import LLAMA_CANVAS
from tests.factories import render_limits
from tests.rendering.files import (
    CANVAS,
    a_pdf,
    alive,
    encoded,
    endless_pdf,
    large_image_pdf,
    locked,
    memory_bomb_pdf,
    two_squares,
)
from worker.errors import RendererUnavailable
from worker.rendering import renderer as module
from worker.rendering.renderer import Renderer

QUICK = render_limits(page_seconds=20, view_dpi=36)
SHORT = render_limits(page_seconds=1.0, view_dpi=36)


@pytest.fixture
def renderer():
    with Renderer() as renderer:
        yield renderer


@pytest.fixture(scope="module")
def warm():
    """A child that has served a file before; for tests that leave it well."""
    with Renderer() as renderer:
        list(renderer.render(a_pdf(), canvas=CANVAS, limits=QUICK))
        yield renderer


def pages_of(renderer, data, limits=QUICK, **how):
    return list(renderer.render(data, canvas=CANVAS, limits=limits, **how))


def gone_soon(pid):
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_a_file_becomes_pages_with_both_renditions_and_words(warm):
    """Everything that later stages need, in one pass."""
    pages = pages_of(warm, a_pdf(pages=3))
    assert [(page.number, page.page_count) for page in pages] == [(1, 3), (2, 3), (3, 3)]
    assert [[word.text for word in page.words] for page in pages] == [
        ["Total", "12.50", f"page{n}"] for n in (1, 2, 3)
    ]
    for page in pages:
        assert (page.width_pt, page.height_pt) == (300, 400)
        assert (page.model.number, page.model.width_pt, page.model.height_pt) == (
            page.number,
            300,
            400,
        )
        assert (page.model.width_px, page.model.height_px) == (210, 280)
        assert page.model.png.startswith(b"\x89PNG")
        assert page.view_png.startswith(b"\x89PNG")


def test_the_model_rendition_follows_the_canvas_it_is_asked_for(warm):
    """The same child serves different models."""
    (page,) = warm.render(a_pdf(), canvas=LLAMA_CANVAS, limits=QUICK)
    assert (page.model.width_px, page.model.height_px) == (840, 1120)


def test_one_child_serves_many_files(warm):
    """Starting one for each file would cost more than rendering it."""
    child = warm.child_pid
    for data in (a_pdf(), encoded(two_squares(), "TIFF"), a_pdf(pages=2)):
        pages_of(warm, data)
    assert warm.child_pid == child


def test_an_error_of_a_file_leaves_the_child_as_it_was(warm):
    """Nothing is wrong with the process."""
    child = warm.child_pid
    for data, error in ((b"hello", UnsupportedFile), (locked("sesam"), EncryptedPdf)):
        with pytest.raises(error):
            pages_of(warm, data)
    assert len(pages_of(warm, a_pdf())) == 1
    assert warm.child_pid == child


def test_limits_hold_for_one_file_and_not_for_the_next(warm):
    """They belong to the request."""
    with pytest.raises(TooManyPages, match="limit is 2"):
        pages_of(warm, a_pdf(pages=3), render_limits(max_pages=2))
    assert len(pages_of(warm, a_pdf(pages=3))) == 3


def test_the_limit_on_images_reaches_the_child(warm):
    """One pixel more than the worker allows is refused there, and as many as it allows are not."""
    data = large_image_pdf(width=1000, height=500)
    with pytest.raises(TooManyPixels, match="1000 x 500"):
        pages_of(warm, data, render_limits(max_pixels=499_999, view_dpi=36))
    assert len(pages_of(warm, data, render_limits(max_pixels=500_000, view_dpi=36))) == 1


def test_a_file_that_no_message_can_hold_is_refused_before_the_child_sees_it(renderer, monkeypatch):
    """A small limit stands for the large one: what is longer by a byte starts no child."""
    data = a_pdf()
    monkeypatch.setattr(module, "MAX_PAYLOAD", len(data) - 1)
    with pytest.raises(UnsupportedFile, match="larger than"):
        pages_of(renderer, data)
    assert renderer.child_pid is None
    monkeypatch.setattr(module, "MAX_PAYLOAD", len(data))
    assert len(pages_of(renderer, data)) == 1


def test_a_password_opens_its_file_and_no_other(warm):
    """It is not remembered."""
    assert len(pages_of(warm, locked("sesam"), password="sesam")) == 1
    with pytest.raises(EncryptedPdf, match="none was given"):
        pages_of(warm, locked("sesam"))


def test_a_page_without_end_is_cut_off_and_the_next_file_is_served(renderer):
    """The time limit kills the whole child."""
    pages_of(renderer, a_pdf())
    child, began = renderer.child_pid, time.monotonic()
    with pytest.raises(RenderTimeout, match="within 1 s"):
        pages_of(renderer, endless_pdf(), SHORT)
    assert time.monotonic() - began < 5
    assert not alive(child)
    assert len(pages_of(renderer, a_pdf())) == 1
    assert renderer.child_pid != child


def test_pages_before_the_endless_one_arrive(renderer):
    """They were finished; what to do with them is the caller's decision."""
    rendering = renderer.render(endless_pdf(blank_pages=2), canvas=CANVAS, limits=SHORT)
    assert [next(rendering).number, next(rendering).number] == [1, 2]
    with pytest.raises(RenderTimeout):
        next(rendering)


def test_the_time_limit_of_a_document_runs_down_over_its_pages(renderer):
    """Many pages, each far within its limit, would hold a worker for hours."""
    pages_of(renderer, a_pdf())  # so that the start of the child takes none of the time
    limits = render_limits(page_seconds=60, document_seconds=1, max_pages=600, view_dpi=200)
    rendering = renderer.render(a_pdf(pages=600), canvas=CANVAS, limits=limits)
    assert next(rendering).number == 1
    with pytest.raises(RenderTimeout, match=r"file was not rendered within 1 s"):
        list(rendering)


def test_one_page_may_not_take_longer_than_the_document(renderer):
    """The shorter of the two limits counts."""
    with pytest.raises(RenderTimeout, match=r"file was not rendered within 0\.5 s"):
        pages_of(renderer, endless_pdf(), render_limits(page_seconds=60, document_seconds=0.5))


def test_a_slow_consumer_costs_no_patience(renderer):
    """Only waiting for the child counts."""
    limits = render_limits(page_seconds=2, document_seconds=2, view_dpi=36)
    numbers = []
    for page in renderer.render(a_pdf(pages=3), canvas=CANVAS, limits=limits):
        numbers.append(page.number)
        time.sleep(0.8)
    assert numbers == [1, 2, 3]


def test_a_memory_bomb_ends_in_an_error_that_names_the_limit(renderer):
    """Half a megabyte that unpacks to three hundred; a fresh child then serves the next file."""
    limits = render_limits(memory_mb=100, view_dpi=36)
    with pytest.raises(RenderCrashed, match="100 MB"):
        pages_of(renderer, memory_bomb_pdf(megabytes=300), limits)
    assert len(pages_of(renderer, a_pdf(), limits)) == 1


def test_a_child_that_dies_of_a_file_fails_that_file_only(renderer):
    """Killed from outside in the middle of its first file."""
    rendering = renderer.render(a_pdf(pages=200), canvas=CANVAS, limits=QUICK)
    next(rendering)
    child = renderer.child_pid
    os.kill(child, signal.SIGSEGV)
    with pytest.raises(RenderCrashed, match="SIGSEGV"):
        list(rendering)
    assert not alive(child)
    assert len(pages_of(renderer, a_pdf())) == 1


def test_a_child_that_served_other_files_is_given_the_benefit_of_the_doubt(renderer):
    """It may have died of an earlier one: a fresh child goes on from the page that is missing."""
    pages_of(renderer, a_pdf())
    rendering = renderer.render(a_pdf(pages=200), canvas=CANVAS, limits=QUICK)
    first = next(rendering)
    os.kill(renderer.child_pid, signal.SIGKILL)
    assert [first.number, *(page.number for page in rendering)] == list(range(1, 201))


def test_a_child_that_dies_between_files_is_replaced_without_a_word(renderer):
    """No file was harmed."""
    pages_of(renderer, a_pdf())
    os.kill(renderer.child_pid, signal.SIGKILL)
    assert len(pages_of(renderer, a_pdf())) == 1


def test_a_child_that_computes_too_long_is_reported_as_a_timeout(renderer):
    """The kernel's limit on processor time stands behind the worker's clock."""
    rendering = renderer.render(a_pdf(pages=200), canvas=CANVAS, limits=QUICK)
    next(rendering)
    os.kill(renderer.child_pid, signal.SIGXCPU)
    with pytest.raises(RenderTimeout, match="computing"):
        list(rendering)


def test_a_consumer_that_stops_early_harms_nobody(renderer):
    """The next file gets its own pages, not the leftovers."""
    rendering = renderer.render(a_pdf("old", pages=50), canvas=CANVAS, limits=QUICK)
    next(rendering)
    rendering.close()
    (page,) = pages_of(renderer, a_pdf("new"))
    assert page.words[0].text == "new"


def test_two_files_at_once_are_refused(renderer):
    """Their answers would be mixed."""
    first = renderer.render(a_pdf(pages=5), canvas=CANVAS, limits=QUICK)
    next(first)
    with pytest.raises(RuntimeError, match="in the middle of another file"):
        next(renderer.render(a_pdf(), canvas=CANVAS, limits=QUICK))
    assert len(list(first)) == 4


def test_a_child_is_replaced_after_so_many_files():
    """Whatever leaks in it ends with it."""
    with Renderer(documents_per_child=2) as renderer:
        children = []
        for _ in range(5):
            rendering = renderer.render(a_pdf(), canvas=CANVAS, limits=QUICK)
            next(rendering)
            children.append(renderer.child_pid)
            list(rendering)
    assert children[0] == children[1] != children[2] == children[3] != children[4]


def test_closing_leaves_neither_a_child_nor_a_zombie(renderer):
    """And a closed renderer works again."""
    pages_of(renderer, a_pdf())
    child = renderer.child_pid
    renderer.close()
    assert not Path(f"/proc/{child}").exists()
    assert len(pages_of(renderer, a_pdf())) == 1


def test_no_killed_child_is_left_as_a_zombie(renderer):
    """A worker that meets a bad file every minute must not run out of process numbers."""
    before = set(children_of_this_process())  # other tests' children are not ours to judge
    rendering = renderer.render(endless_pdf(), canvas=CANVAS, limits=SHORT)
    with pytest.raises(RenderTimeout):
        next(rendering)
    assert renderer.child_pid is None
    assert [pid for pid in children_of_this_process() if pid not in before] == []


def children_of_this_process() -> list[str]:
    """Process ids, zombies included."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_the_end_of_standard_input_ends_the_child():
    """A child without a worker has nothing to do."""
    command = [sys.executable, "-m", "worker.rendering.child", str(os.getpid())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=module.HOUSE
    ) as child:
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=20) == 0


WORKER = """
import sys
from tests.rendering.files import CANVAS, endless_pdf
from tests.factories import render_limits
from tests.factories import render_limits
from worker.rendering.renderer import Renderer
renderer = Renderer()
rendering = renderer.render(endless_pdf(blank_pages=1), canvas=CANVAS,
    limits=render_limits(page_seconds=100))
next(rendering)
print(renderer.child_pid, flush=True)
next(rendering)
"""


def test_the_child_dies_with_its_worker_even_in_the_middle_of_a_page():
    """A kill -9 of the worker leaves nothing that computes on."""
    with subprocess.Popen(
        [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True, cwd=module.HOUSE
    ) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        assert alive(child)
        worker.kill()
    assert gone_soon(child)


FORK = """
import os
from tests.factories import render_limits
from tests.rendering.files import CANVAS, a_pdf
from tests.factories import render_limits
from worker.rendering.renderer import Renderer
renderer, limits = Renderer(), render_limits()
assert len(list(renderer.render(a_pdf(), canvas=CANVAS, limits=limits))) == 1
before = renderer.child_pid
if (pid := os.fork()) == 0:
    assert len(list(renderer.render(a_pdf(), canvas=CANVAS, limits=limits))) == 1
    os._exit(0 if renderer.child_pid != before else 1)
assert os.waitpid(pid, 0)[1] == 0
assert len(list(renderer.render(a_pdf(), canvas=CANVAS, limits=limits))) == 1
assert renderer.child_pid == before
"""


def test_a_forked_worker_starts_a_child_of_its_own():
    """Two workers on one pair of pipes would read each other's pages."""
    subprocess.run([sys.executable, "-c", FORK], cwd=module.HOUSE, timeout=60, check=True)


def test_nothing_secret_can_be_seen_from_outside(renderer, monkeypatch):
    """The password is in no command line, and the worker's environment is not handed on."""
    monkeypatch.setenv("SUREFIELD_DATABASE_URL", "postgresql://user:hush@host/db")
    rendering = renderer.render(
        locked("sesam-open"), canvas=CANVAS, password="sesam-open", limits=QUICK
    )
    next(rendering)
    about = Path(f"/proc/{renderer.child_pid}")
    seen = (about / "cmdline").read_bytes() + (about / "environ").read_bytes()
    assert b"sesam-open" not in seen
    assert b"hush" not in seen


def test_the_child_loads_neither_a_model_nor_a_database(warm):
    """It starts in a fraction of a second and stays small; numpy comes with what looks at JPEGs."""
    loaded = Path(f"/proc/{warm.child_pid}/maps").read_text()
    assert "mupdf" in loaded
    assert not [name for name in ("torch", "psycopg", "sqlalchemy") if name in loaded]


def test_the_worker_itself_never_loads_the_pdf_library():
    """A fault of the library can only be the child's."""
    code = (
        "import sys, worker.rendering.renderer\nassert not [n for n in ('pymupdf', 'torch',"
        " 'numpy') if n in sys.modules]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=module.HOUSE, check=True, timeout=60)


def test_memory_stays_flat_over_many_pages(renderer):
    """Page by page: three hundred pages need what twenty need."""

    def resident_mb():
        lines = Path(f"/proc/{renderer.child_pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

    sizes = {}
    for page in renderer.render(a_pdf(pages=300), canvas=CANVAS, limits=QUICK):
        if page.number in (20, 299):
            sizes[page.number] = resident_mb()
    assert sizes[299] < sizes[20] + 20


def test_a_machine_that_cannot_start_the_child_blames_no_file(renderer, monkeypatch):
    """A broken installation is the operator's matter, and a retry may help."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(RendererUnavailable, match="cannot be started") as caught:
        pages_of(renderer, a_pdf())
    assert caught.value.retry


def test_a_child_that_does_not_speak_the_protocol_is_no_files_fault(renderer, monkeypatch):
    """Something else answers in its place."""
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    with pytest.raises(RendererUnavailable, match="did not start"):
        pages_of(renderer, a_pdf())
