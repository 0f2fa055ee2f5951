"""Answers held against pictures that they were not read from: equal to a plain forward."""

import pytest
import torch

from extractors.backends.mllama import backend as module
from extractors.backends.mllama.backend import MllamaBackend
from extractors.demo import WEIGHTS
from extractors.demo.slips import slips
from extractors.documents.slip import Slip
from extractors.rendering.moved import moved
from extractors.rendering.pdf import open_file
from tests.backends.mllama import tiny
from tests.backends.mllama.test_recorder import PAGES, roads_of, teacher_forced

OTHERS = [
    tiny.page(n + 1, seed=9, width_px=page.width_px, height_px=page.height_px)
    for n, page in enumerate(PAGES)
]


@pytest.fixture(params=["json", "fields"])
def reader(request, checkpoint, loaded):
    """The tiny model, in both modes; two pages at once, of different sizes and numbers of tiles."""
    made = MllamaBackend(
        checkpoint, device="cpu", decode_mode=request.param, batch_pages=2, max_new_tokens=50
    )
    made.__dict__["loaded"] = loaded
    return made


@pytest.fixture(params=["json", "fields"])
def trained(request):
    """The bundled model and clean slips."""
    backend = MllamaBackend(WEIGHTS, device="cpu", dtype="float32", decode_mode=request.param)
    found = []
    for document in slips(3, 77, split="test", levels=(0,), no_slip=0.0):
        with open_file(document.pdf, max_pages=3, max_pixels=20_000_000) as file:
            found.append(file.page(1).image(backend.canvas))
    return found, backend


def own(answers):
    return [
        token
        for answer in answers
        for said in answer.generations
        for token in said.tokens
        if not token.forced
    ]


def test_on_its_own_picture_an_answer_has_the_evidence_that_it_was_written_with(reader):
    answers = reader.answer(PAGES, Slip.spec)
    again = reader.scored(PAGES, answers, Slip.spec)

    assert [one.page for one in again] == [one.page for one in answers]
    assert len(own(again)) > 40
    for mine, first in zip(own(again), own(answers), strict=True):
        assert (mine.token_id, mine.text) == (first.token_id, first.text)
        assert mine.logprob == pytest.approx(first.logprob, abs=1e-4)
        assert mine.roads == pytest.approx(first.roads, abs=1e-4)
        assert [a.logprob for a in mine.top] == pytest.approx(
            [a.logprob for a in first.top], abs=1e-4
        )


def test_on_another_picture_every_token_has_the_models_belief_about_that_one(reader, loaded):
    """A full softmax in single precision over prompt, other picture and whole answer."""
    answers = reader.answer(PAGES, Slip.spec)
    scored = reader.scored(OTHERS, answers, Slip.spec)
    moved_far = 0
    for page, answer, first in zip(OTHERS, scored, answers, strict=True):
        for generation, before in zip(answer.generations, first.generations, strict=True):
            rows = teacher_forced(loaded, page, generation)
            for row, token, old in zip(rows, generation.tokens, before.tokens, strict=True):
                if token.forced:
                    assert token == old
                    continue
                assert token.logprob == pytest.approx(row[token.token_id].item(), abs=1e-4)
                assert token.roads == pytest.approx(roads_of(loaded, row), abs=1e-4)
                moved_far += abs(token.logprob - old.logprob) > 1e-2
    assert moved_far > 20  # the pictures do differ


def test_what_is_asked_of_no_page_is_nothing(reader):
    assert reader.scored([], [], Slip.spec) == []


def test_a_batch_that_does_not_fit_is_halved(reader, monkeypatch):
    """As when pages are read."""
    answers = reader.answer(PAGES, Slip.spec)
    expected = own(reader.scored(PAGES, answers, Slip.spec))
    original, sizes = module.score_answers, []

    def cramped(loaded, inputs, said):
        sizes.append(len(said))
        if len(said) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return original(loaded, inputs, said)

    monkeypatch.setattr(module, "score_answers", cramped)
    found = own(reader.scored(PAGES, answers, Slip.spec))

    assert sizes == [2, 1, 1, 1, 1]
    assert [t.logprob for t in found] == pytest.approx([t.logprob for t in expected], abs=1e-4)


def test_the_bundled_model_believes_its_own_answer_less_where_the_page_is_moved(trained):
    """Nearly always still the same; and never the very same numbers."""
    pages, backend = trained
    answers = backend.answer(pages, Slip.spec)
    again = own(backend.scored(pages, answers, Slip.spec))
    shifted = own(backend.scored([moved(page, 1) for page in pages], answers, Slip.spec))
    first = own(answers)

    for mine, theirs in zip(again, first, strict=True):
        assert mine.logprob == pytest.approx(theirs.logprob, abs=1e-3)
    assert [t.logprob for t in shifted] != pytest.approx([t.logprob for t in first], abs=1e-4)
    assert sum(t.logprob > -0.1 for t in shifted) > 0.9 * len(first)
