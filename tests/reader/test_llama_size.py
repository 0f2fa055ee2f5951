"""At the size of Llama 3.2 Vision 11B, counted and not run: what waits, what is launched, what is allocated, what is computed."""

from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache

from extractors.backends.checkpoint import Loaded
from extractors.backends.engine import fields, skeleton, text, vision
from extractors.backends.engine.fields import prefilled, read_fields
from extractors.backends.engine.memory import VISION_AT_ONCE, MemoryPlan, plan
from extractors.backends.engine.plan import Continuation, PageInputs
from tests.benchmarks import engine_gpu
from tests.benchmarks.engine import FIELD_SKELETON, FIELDS, LLAMA_11B, VALUE_TOKENS, pages_of
from tests.reader.counted import counts_of, llama_11b

PROMPT = 300


class Looked(Exception):
    """The loop came to a point where it asks what has ended."""


@pytest.fixture(scope="module")
def llama() -> Loaded:
    return llama_11b()


def pages(llama: Loaded, count: int) -> PageInputs:
    return pages_of(LLAMA_11B, llama, count, PROMPT)


def plans(llama: Loaded, budget: int = VALUE_TOKENS) -> list[Continuation]:
    anything = torch.ones(LLAMA_11B.vocabulary, dtype=torch.bool, device=llama.device)
    return [Continuation(skeleton=FIELD_SKELETON, budget=budget, openings=anything)] * FIELDS


def planned(llama: Loaded, budget: int = VALUE_TOKENS) -> MemoryPlan:
    new_tokens = len(FIELD_SKELETON) + budget
    return plan(llama.model.config, free_bytes=100 * 10**9, item_bytes=2, prompt_tokens=PROMPT, fields=FIELDS, new_tokens=new_tokens)


def until_look(
    llama: Loaded, inputs: PageInputs, monkeypatch: pytest.MonkeyPatch, *, looks: int = 1, every: int = 8, budget: int = VALUE_TOKENS
) -> Callable[[], None]:
    """Fields mode up to its n-th look, one every so many tokens; nothing has ended at those before."""
    left = iter(range(looks - 1, -1, -1))

    def settle(*_: object) -> None:
        if next(left) == 0:
            raise Looked

    def work() -> None:
        with pytest.raises(Looked):
            read_fields(llama, inputs, plans(llama, budget), check_every=every)

    monkeypatch.setattr(fields, "_settle", settle)
    return work


def test_between_two_looks_nothing_waits_for_the_device(llama, monkeypatch):
    """From the pictures to the eighth token: whatever asked for a number would fail here."""
    inputs = pages(llama, 2)
    counts = counts_of(until_look(llama, inputs, monkeypatch))
    assert counts.operations > 8 * 500


def test_json_mode_waits_only_for_the_token_that_it_asks_the_grammar_about(llama):
    """What is fed, forced tokens of different lengths among it, goes over without waiting."""
    inputs = pages(llama, 2)

    def work() -> None:
        hidden, memory = prefilled(llama, inputs)
        state = skeleton._State(memory.expanded(1, PROMPT + 20), hidden, None)
        fed = [skeleton._Page(None, 96, PROMPT, None, feed=list(range(20, 20 + many))) for many in (7, 0)]
        assert skeleton._fed(llama, state, fed).hidden.shape == (2, LLAMA_11B.hidden)
        assert [page.at for page in fed] == [PROMPT + 7, PROMPT]

    assert counts_of(work).operations > 500


def test_control_asking_for_a_number_shows(llama):
    """The meta device has none."""
    with pytest.raises(RuntimeError, match="meta"):
        pages(llama, 1).pixels.sum().item()


def test_the_plan_covers_what_a_batch_allocates(llama, monkeypatch):
    """Every tensor of encoding, prefill and steps, while the rows' memory grows for long values; and not twice as much is planned."""
    count = 2 * VISION_AT_ONCE
    inputs = pages(llama, count)
    counts = counts_of(until_look(llama, inputs, monkeypatch, looks=5, budget=96))
    made = planned(llama, budget=96)
    assert 0.5 < counts.peak_bytes / (made.vision_bytes + count * made.page_bytes) <= 1.0


def test_the_plan_covers_the_vision_tower(llama):
    """So many pages at once."""
    inputs = pages(llama, VISION_AT_ONCE)
    counts = counts_of(lambda: vision.encode(llama.model, inputs.pixels, inputs.aspect_ids, inputs.tiles))
    assert 0.5 < counts.peak_bytes / planned(llama).vision_bytes <= 1.0


def test_the_vision_tower_takes_a_third_of_the_memory_of_transformers_own(llama):
    """For the same numbers; see test_vision."""
    inputs, inner = pages(llama, 1), llama.model.model
    seen = {"pixel_values": inputs.pixels, "aspect_ratio_ids": inputs.aspect_ids}
    mask = torch.ones(1, 1, 4, dtype=torch.long, device=llama.device)
    ours = counts_of(lambda: vision.encode(llama.model, inputs.pixels, inputs.aspect_ids, inputs.tiles))
    theirs = counts_of(lambda: inner.multi_modal_projector(inner.vision_model(**seen, aspect_ratio_mask=mask).last_hidden_state))
    assert ours.peak_bytes < 0.4 * theirs.peak_bytes  # 312 and 938 MB


def test_a_step_launches_little_more_than_half_the_kernels_of_transformers_own(llama):
    """Which is what an eager step on a fast GPU spends its time on."""
    language = llama.model.model.language_model
    at = torch.full((1, 1), PROMPT, device=llama.device)
    with torch.inference_mode():
        _, memory = prefilled(llama, pages(llama, 1))
        memory = memory.expanded(1, PROMPT + 20)
        cache = DynamicCache(config=language.config)
        for layer in range(language.config.num_hidden_layers):
            if layer in memory.seen_keys:
                cache.update(memory.seen_keys[layer], memory.seen_values[layer], layer)
            else:
                cache.update(memory.keys[layer][:, :, :PROMPT], memory.values[layer][:, :, :PROMPT], layer)
    ours = counts_of(lambda: text.forward(language, at, at, memory, span=PROMPT + 1))
    theirs = counts_of(lambda: language(input_ids=at, position_ids=at, past_key_values=cache, use_cache=True))
    assert ours.operations < 0.6 * theirs.operations  # 860 and 1,603


def flops(work: Callable[[], object]) -> float:
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def test_the_rooflines_counts_are_torchs_own(llama, monkeypatch):
    """Encoding and prefill, which are nearly all that is computed, within 5 % of what torch counts."""
    inputs = pages(llama, 2)
    formula = engine_gpu.vision_flops(LLAMA_11B) + engine_gpu.prefill_flops(LLAMA_11B, PROMPT)
    assert flops(until_look(llama, inputs, monkeypatch, every=1)) / 2 == pytest.approx(formula, rel=0.05)
