"""json mode with a forced skeleton: the same answers and evidence, with fewer forwards."""

import pytest
import torch
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteriaList

from extractors.backends.mllama import text_model
from extractors.backends.mllama.backend import MllamaBackend
from extractors.backends.mllama.decode_json import read_json
from extractors.backends.mllama.grammar import GrammarMask, GrammarSource
from extractors.backends.mllama.inputs import page_inputs
from extractors.backends.mllama.recorder import Recorder
from extractors.backends.mllama.reference import inputs_of
from extractors.documents.slip import Slip
from extractors.read import read_pages
from extractors.types import FieldState, StopReason
from tests.backends.mllama import tiny
from tests.backends.mllama.test_recorder import roads_of, teacher_forced

PAGES = [
    tiny.page(1),
    tiny.page(2, width_px=56),
    tiny.page(3, width_px=56, height_px=56),
    tiny.page(4, width_px=168, height_px=56),
]
BUDGET = 70


@pytest.fixture(scope="module")
def grammar(loaded):
    return GrammarSource(loaded.vocabulary, loaded.processor.tokenizer)


@pytest.fixture(scope="module")
def answers(loaded, grammar):
    with torch.inference_mode():
        inputs = page_inputs(
            inputs_of(loaded, PAGES, Slip.spec), loaded.processor.image_token_id, loaded.device
        )
        return read_json(
            loaded, inputs, [grammar.matcher(Slip.spec) for _ in PAGES], max_new_tokens=BUDGET
        )


class Forced(LogitsProcessor):
    """The same skeleton, the slow way: one token a step, by transformers' own generate."""

    def __init__(self, matchers, prompt_tokens):
        self.matchers, self.seen, self.queues = (
            matchers,
            prompt_tokens,
            [list(m.compute_ff_tokens()) for m in matchers],
        )

    def __call__(self, input_ids, scores):
        scores = scores.clone()
        for row, matcher in enumerate(self.matchers):
            for token in input_ids[row, self.seen :].tolist():
                if self.queues[row] and self.queues[row][0] == token:
                    self.queues[row].pop(0)
                matcher.consume_token(token)
            if not self.queues[row]:
                self.queues[row] = list(matcher.compute_ff_tokens())
            if self.queues[row]:
                only = torch.full_like(scores[row], float("-inf"))
                only[self.queues[row][0]] = 0.0
                scores[row] = only
        self.seen = input_ids.shape[1]
        return scores


def test_it_writes_what_plain_generate_writes_under_the_same_skeleton(loaded, grammar, answers):
    """Token for token, with the same raw log-probabilities at every token that the model chose."""
    inputs = inputs_of(loaded, PAGES, Slip.spec)
    width = inputs["input_ids"].shape[1]
    forced = Forced([grammar.matcher(Slip.spec) for _ in PAGES], width)
    mask = GrammarMask([grammar.matcher(Slip.spec) for _ in PAGES], loaded.vocabulary, width)
    recorder = Recorder()
    with torch.inference_mode(), recorder.attached(loaded.lm_head) as after_step:
        loaded.model.generate(
            **inputs,
            max_new_tokens=BUDGET,
            do_sample=False,
            temperature=None,
            top_p=None,
            logits_processor=LogitsProcessorList([mask, forced]),
            stopping_criteria=StoppingCriteriaList([after_step]),
            eos_token_id=list(loaded.vocabulary.eos_ids),
            pad_token_id=loaded.vocabulary.pad_id,
        )
    for generation, slow in zip(answers, recorder.traces(loaded.vocabulary), strict=True):
        ours = generation.tokens[:BUDGET]
        assert [t.token_id for t in ours] == [t.token_id for t in slow[: len(ours)]]
        for mine, theirs in zip(ours, slow, strict=False):
            if not mine.forced:
                assert mine.logprob == pytest.approx(theirs.logprob, abs=1e-4)
                assert mine.entropy == pytest.approx(theirs.entropy, abs=1e-3)


def test_the_evidence_equals_a_plain_forward_over_the_whole_answer(loaded, answers):
    """Teacher-forced, page by page, with no cache: 1e-4."""
    for page, generation in zip(PAGES, answers, strict=True):
        reference = teacher_forced(loaded, page, generation)
        for row, token in zip(reference, generation.tokens, strict=True):
            if not token.forced:
                assert token.logprob == pytest.approx(row[token.token_id].item(), abs=1e-4)
                assert [a.logprob for a in token.top] == pytest.approx(
                    row.topk(5).values.tolist(), abs=1e-4
                )
                assert token.roads == pytest.approx(roads_of(loaded, row), abs=1e-4)


def test_a_page_alone_reads_as_it_does_in_a_batch(loaded, grammar, answers):
    """Other pages, longer or shorter, change nothing."""
    for page, together in zip(PAGES, answers, strict=True):
        with torch.inference_mode():
            inputs = page_inputs(
                inputs_of(loaded, [page], Slip.spec), loaded.processor.image_token_id, loaded.device
            )
            [alone] = read_json(loaded, inputs, [grammar.matcher(Slip.spec)], max_new_tokens=BUDGET)
        assert [t.token_id for t in alone.tokens] == [t.token_id for t in together.tokens]
        assert alone.stop_reason is together.stop_reason


def test_skeleton_tokens_cost_no_forwards_of_their_own(loaded, grammar, monkeypatch):
    """One forward for the prompt, one for the first skeleton, one for each token that the model
    chose.
    """
    calls = []
    original = text_model.forward
    monkeypatch.setattr(
        text_model, "forward", lambda *a, **k: calls.append(a[1].shape) or original(*a, **k)
    )
    with torch.inference_mode():
        inputs = page_inputs(
            inputs_of(loaded, PAGES[:1], Slip.spec), loaded.processor.image_token_id, loaded.device
        )
        [answer] = read_json(loaded, inputs, [grammar.matcher(Slip.spec)], max_new_tokens=BUDGET)
    chosen = sum(not t.forced for t in answer.tokens)
    assert len(calls) == 2 + chosen - 1
    assert chosen < len(answer.tokens)


def test_the_end_of_the_grammar_is_the_end_of_the_answer(loaded, grammar, checkpoint):
    """After the last brace nothing can follow, and the model is not asked; a spent budget still
    says so.
    """
    backend = MllamaBackend(checkpoint, device="cpu", max_new_tokens=400)
    backend.__dict__["loaded"] = loaded
    readings = read_pages([tiny.page(n) for n in range(8)], Slip.spec, backend)
    reasons = {r.answer.generations[0].stop_reason for r in readings}
    assert StopReason.GRAMMAR in reasons
    assert reasons <= {StopReason.GRAMMAR, StopReason.LENGTH}
    for reading in readings:
        if reading.answer.generations[0].stop_reason is StopReason.GRAMMAR:
            assert all(
                f.state is not FieldState.UNREADABLE or f.problem in ("empty", "unparsable")
                for f in reading.fields
            )
        assert reading.settings["engine"] is True


def test_skeleton_tokens_are_fed_and_say_so(answers):
    """They are no evidence; a reader leaves them out."""
    for generation in answers:
        assert generation.tokens[0].forced
        assert any(not t.forced for t in generation.tokens)
        assert all(t.logprob == 0.0 and not t.top for t in generation.tokens if t.forced)
