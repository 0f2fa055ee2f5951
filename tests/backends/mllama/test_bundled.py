"""The engine on the bundled weights: a trained model writes the skeleton by itself, so feeding it
changes nothing.
"""

import pytest
import torch

from extractors.backends.mllama.backend import MllamaBackend
from extractors.demo import WEIGHTS
from extractors.demo.evaluate import wanted
from extractors.demo.slips import Slip as Document
from extractors.demo.slips import slips
from extractors.documents.slip import Slip
from extractors.read import read_pages
from extractors.rendering.pdf import open_file
from extractors.types import LLAMA_CANVAS, Canvas, FieldReading, FieldState, PageImage, Reading
from tests.backends.mllama.test_recorder import teacher_forced


def backend(**options: object) -> MllamaBackend:
    return MllamaBackend(WEIGHTS, device="cpu", dtype="float32", max_new_tokens=260, **options)


@pytest.fixture(scope="module")
def pages() -> list[PageImage]:
    canvas = backend().canvas
    found = []
    for document in slips(4, 77, split="test", levels=(0,), no_slip=0.0):
        with open_file(document.pdf, max_pages=3, max_pixels=20_000_000) as file:
            found.append(file.page(1).image(canvas))
    return found


@pytest.fixture(scope="module")
def written(pages) -> list[Reading]:
    return read_pages(pages, Slip.spec, backend(engine=False))


def test_the_forced_skeleton_is_the_one_the_model_writes(pages, written):
    """json mode gives the same bytes and the same evidence as plain generate with the grammar."""
    for fed, plain in zip(read_pages(pages, Slip.spec, backend()), written, strict=True):
        assert fed.answer.generations[0].text == plain.answer.generations[0].text
        for a, b in zip(fed.fields, plain.fields, strict=True):
            assert (a.name, a.state, a.text) == (b.name, b.state, b.text)
            # a fed delimiter is no evidence, a written one is
            for mine, theirs in zip(a.tokens, b.tokens, strict=False):
                assert mine.logprob == pytest.approx(theirs.logprob, abs=1e-3)


def test_the_recorded_log_probabilities_are_the_trained_models_own(pages, written):
    """Equal to a teacher-forced forward over each whole answer."""
    loaded = backend().loaded
    for page, reading in zip(pages, written, strict=True):
        [generation] = reading.answer.generations
        reference = teacher_forced(loaded, page, generation)
        said = torch.tensor([token.logprob for token in generation.tokens])
        expected = reference.gather(
            -1, torch.tensor([[token.token_id] for token in generation.tokens])
        )[:, 0]
        assert torch.allclose(said, expected, atol=1e-3)


def test_fields_mode_reads_what_json_mode_reads_where_the_model_is_sure(pages, written):
    """Two forms of one question: where json mode is nearly certain, most values are the same."""
    same = sure = 0
    for apart, whole in zip(
        read_pages(pages, Slip.spec, backend(decode_mode="fields")), written, strict=True
    ):
        texts = {(f.name, f.ordinal): f.text for f in apart.fields}
        for field in whole.fields:
            if field.state is FieldState.VALUE and min(t.logprob for t in field.tokens) > -0.05:
                sure += 1
                same += texts.get((field.name, field.ordinal)) == field.text
    assert sure
    assert same >= 0.8 * sure


def test_a_page_rendered_larger_than_the_models_canvas_reads_as_well():
    """As pages are whose type, and so whose model, was not known yet: the values and the places on
    the page are those of its own size.
    """
    reader = backend(attention=True)
    documents = list(slips(12, 5, split="test", levels=(0,), no_slip=0.0))
    own, larger = (_read(documents, canvas, reader) for canvas in (reader.canvas, LLAMA_CANVAS))
    truth = {
        (n, *key): text
        for n, one in enumerate(documents)
        for key, text in wanted(one.truth[0]).items()
    }
    right = [
        sum(key in said and said[key].text == text for key, text in truth.items())
        for said in (own, larger)
    ]
    assert right[1] >= right[0] - 1 > 0.9 * len(truth) - 1
    placed = [
        key
        for key in truth
        if all(key in said and said[key].attended is not None for said in (own, larger))
    ]
    near = [
        abs(own[key].attended.x0 - larger[key].attended.x0)
        + abs(own[key].attended.y0 - larger[key].attended.y0)
        < 10
        for key in placed
    ]
    assert sum(near) > 0.9 * len(placed) > 20


def _read(
    documents: list[Document], canvas: Canvas, reader: MllamaBackend
) -> dict[tuple[int, str, int], FieldReading]:
    """What is read on the first page of each document, by document, field and row."""
    pages = []
    for document in documents:
        with open_file(document.pdf, max_pages=3, max_pixels=20_000_000) as file:
            pages.append(file.page(1).image(canvas))
    return {
        (n, one.name, one.ordinal): one
        for n, reading in enumerate(read_pages(pages, Slip.spec, reader))
        for one in reading.fields
    }
