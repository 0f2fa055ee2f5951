"""Recorded log-probabilities are the model's own, whatever happens to the scores afterwards."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from extractors.backends.mllama import reference
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.grammar import GrammarSource
from extractors.backends.mllama.recorder import TOP, step_of
from extractors.backends.mllama.reference import generate_json, inputs_of
from extractors.documents.slip import Slip
from extractors.reading.roads import road_of
from extractors.types import Generation, PageImage, StopReason
from tests.backends.mllama import tiny

PAGES = [
    tiny.page(1),
    tiny.page(2, width_px=56),
    tiny.page(3, height_px=56),
    tiny.page(4, width_px=168, height_px=56),
]
BUDGET = 50


def teacher_forced(loaded: Loaded, page: PageImage, generation: Generation) -> torch.Tensor:
    """(T, V) log-probabilities of one plain forward over the prompt and the whole answer: no cache,
    no batch, no generate.
    """
    inputs = inputs_of(loaded, [page], Slip.spec)
    answer = torch.tensor([[token.token_id for token in generation.tokens]])
    prompt = inputs["input_ids"]
    tiles = inputs["cross_attention_mask"]
    inputs["input_ids"] = torch.cat([prompt, answer], dim=1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs["cross_attention_mask"] = torch.cat(
        [tiles, tiles[:, -1:].expand(-1, answer.shape[1], -1, -1)], dim=1
    )
    with torch.inference_mode():
        logits = loaded.model(**inputs, use_cache=False).logits  # (1, prompt + T, V)
    return logits[0, prompt.shape[1] - 1 : -1].float().log_softmax(-1)


def assert_recorded(
    loaded: Loaded, pages: Sequence[PageImage], generations: Sequence[Generation]
) -> None:
    for page, generation in zip(pages, generations, strict=True):
        reference = teacher_forced(loaded, page, generation)
        for row, token in zip(reference, generation.tokens, strict=True):
            assert token.logprob == pytest.approx(row[token.token_id].item(), abs=1e-4)
            best = row.topk(TOP)
            assert [a.logprob for a in token.top] == pytest.approx(best.values.tolist(), abs=1e-4)
            assert token.entropy == pytest.approx(-(row.exp() * row).sum().item(), abs=1e-3)
            assert token.roads == pytest.approx(roads_of(loaded, row), abs=1e-4)


def roads_of(loaded: Loaded, row: torch.Tensor) -> list[float]:
    """Of all tokens that open a value, and of all that say that there is none: summed one by one.

    row: (V,) log-probabilities
    """
    sums = {True: 0.0, False: 0.0}
    for spelled, probability in zip(loaded.vocabulary.spelled, row.exp().tolist(), strict=False):
        if (road := road_of(spelled)) is not None:
            sums[road] += probability
    return [math.log(total) if total else -math.inf for total in sums.values()]


@pytest.fixture(scope="module")
def grammar(loaded: Loaded) -> GrammarSource:
    return GrammarSource(loaded.vocabulary, loaded.processor.tokenizer)


@pytest.fixture(scope="module")
def with_grammar(loaded: Loaded, grammar: GrammarSource) -> list[Generation]:
    with torch.inference_mode():
        return generate_json(loaded, PAGES, Slip.spec, max_new_tokens=BUDGET, grammar=grammar)


def test_a_grammar_leaves_the_recorded_log_probabilities_raw(loaded, with_grammar):
    """What the model believed is recorded, not what the mask left over."""
    assert_recorded(loaded, PAGES, with_grammar)


def test_a_token_the_grammar_forced_keeps_its_low_probability(with_grammar):
    """A forced token must not look certain: the model wanted something else, and the evidence says
    so.
    """
    opening = with_grammar[0].tokens[0]
    assert opening.text.startswith(b"{")
    assert opening.logprob < math.log(0.5)
    assert opening.top[0].token_id != opening.token_id


def test_a_repetition_penalty_leaves_the_recorded_log_probabilities_raw(loaded, grammar):
    """A processor that rewards or punishes tokens must not be seen either."""
    with torch.inference_mode():
        plain = generate_json(loaded, PAGES, Slip.spec, max_new_tokens=BUDGET)
        penalised = generate_json(
            loaded, PAGES, Slip.spec, max_new_tokens=BUDGET, repetition_penalty=1.7, grammar=grammar
        )
    assert [g.text for g in plain] != [g.text for g in penalised]
    assert_recorded(loaded, PAGES, penalised)


def test_rows_that_end_early_are_cut_at_their_own_end(loaded):
    """Rows of a batch end at different steps and by different tokens; padding never becomes
    evidence.
    """
    pages = [tiny.page(n) for n in range(1, 13)]
    with torch.inference_mode():
        generations = generate_json(loaded, pages, Slip.spec, max_new_tokens=30)
    ended = [g for g in generations if g.stop_reason is StopReason.END]
    assert len({len(g.tokens) for g in ended}) > 1
    assert all(g.tokens[-1].token_id in loaded.vocabulary.eos_ids for g in ended)
    assert not any(
        t.token_id in loaded.vocabulary.eos_ids for g in generations for t in g.tokens[:-1]
    )
    assert_recorded(loaded, pages, generations)


def test_each_of_several_end_tokens_ends_an_answer(loaded):
    """Llama names three; one that was forgotten would run on into garbage."""
    assert len(loaded.vocabulary.eos_ids) == 3
    pages = [tiny.page(n) for n in range(1, 13)]
    with torch.inference_mode():
        free = generate_json(loaded, pages, Slip.spec, max_new_tokens=12)
    common = Counter(t.token_id for g in free for t in g.tokens).most_common(3)
    ends = replace(
        loaded, vocabulary=replace(loaded.vocabulary, eos_ids=tuple(token for token, _ in common))
    )
    with torch.inference_mode():
        generations = generate_json(ends, pages, Slip.spec, max_new_tokens=12)
    assert len({g.tokens[-1].token_id for g in generations if g.stop_reason is StopReason.END}) > 1
    assert_recorded(loaded, pages, generations)


def test_the_very_last_token_is_recorded(loaded, with_grammar):
    """A processor never sees the last token chosen; the recorder does."""
    cut = [g for g in with_grammar if g.stop_reason is StopReason.LENGTH]
    assert cut
    assert all(len(g.tokens) == BUDGET for g in cut)


def test_truncation_is_never_silent(loaded, grammar):
    """An answer that spent its budget says so."""
    with torch.inference_mode():
        generations = generate_json(loaded, PAGES, Slip.spec, max_new_tokens=5, grammar=grammar)
    assert {g.stop_reason for g in generations} == {StopReason.LENGTH}


def test_a_page_read_in_a_batch_reads_as_it_does_alone(loaded, grammar, with_grammar):
    """Other pages of a batch, and their tile counts, change nothing."""
    for page, together in zip(PAGES, with_grammar, strict=True):
        with torch.inference_mode():
            [alone] = generate_json(
                loaded, [page], Slip.spec, max_new_tokens=BUDGET, grammar=grammar
            )
        assert [t.token_id for t in alone.tokens] == [t.token_id for t in together.tokens]
        assert [t.logprob for t in alone.tokens] == pytest.approx(
            [t.logprob for t in together.tokens], abs=1e-4
        )


def test_nothing_of_size_vocabulary_by_steps_is_kept(loaded, grammar, monkeypatch):
    """The evidence of a step is a dozen numbers, and one step's logits at most are alive."""
    from extractors.backends.mllama.recorder import Recorder

    kept: list[Recorder] = []
    monkeypatch.setattr(
        reference, "Recorder", lambda roads: kept.append(Recorder(roads)) or kept[-1]
    )
    with torch.inference_mode():
        generate_json(loaded, PAGES, Slip.spec, max_new_tokens=12, grammar=grammar)
    sizes = [
        sum(value.numel() for name in step.__slots__ if (value := getattr(step, name)) is not None)
        for step in kept[0].steps
    ]
    assert set(sizes) == {len(PAGES) * (2 * TOP + 6)}
    assert not loaded.lm_head._forward_hooks


def test_a_step_equals_log_softmax():
    """The recorder's arithmetic is log-softmax, also for values far apart and in half precision."""
    torch.manual_seed(0)
    for logits in (torch.randn(3, 50) * 30, torch.randn(3, 50).bfloat16()):
        chosen = torch.tensor([4, 0, 49])
        step = step_of(logits, chosen)
        reference = logits.float().log_softmax(-1)
        assert torch.allclose(step.logprob, reference.gather(-1, chosen[:, None])[:, 0], atol=1e-5)
        assert torch.allclose(step.top_logprobs, reference.topk(TOP).values, atol=1e-5)
        assert torch.allclose(
            step.entropy,
            torch.distributions.Categorical(logits=logits.float()).entropy(),
            atol=1e-4,
        )
        assert torch.allclose(step.logsumexp, logits.float().logsumexp(-1))
