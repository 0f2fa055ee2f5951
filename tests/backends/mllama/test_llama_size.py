"""At the size of Llama 3.2 Vision 11B, counted and not run: what waits, what is launched, what is
allocated, what is computed.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache

from extractors.backends.mllama import (
    decode_fields,
    decode_json,
    inputs,
    prefill,
    text_model,
    vision_tower,
)
from extractors.backends.mllama.attention_boxes import PatchGrid
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.decode_fields import EndCheckSchedule, read_fields
from extractors.backends.mllama.inputs import Continuation, PageInputs
from extractors.backends.mllama.memory_plan import VISION_AT_ONCE, MemoryPlan
from extractors.backends.mllama.memory_plan import plan as plan_memory
from extractors.backends.mllama.prefill import prefill_prompts
from tests.backends.mllama.counted import counts_of, llama_11b
from tests.benchmarks import roofline
from tests.benchmarks.engine import FIELD_SKELETON, FIELDS, LLAMA_11B, VALUE_TOKENS, pages_of

PROMPT = 300
GRID = PatchGrid(
    tile_columns=2, side=40, patch_px=14, pt_per_px=1.0, width_pt=1120.0, height_pt=1120.0
)


class Looked(Exception):
    """The loop came to a point where it asks what has ended."""


@pytest.fixture(scope="module")
def llama() -> Loaded:
    return llama_11b()


def pages(
    llama: Loaded, count: int, tiles: Sequence[int] = (4,), *, attention: bool = True
) -> PageInputs:
    """Where it looked is asked by default, as in the product."""
    made = pages_of(LLAMA_11B, llama, count, PROMPT)
    return replace(
        made,
        tiles=tuple(tiles[n % len(tiles)] for n in range(count)),
        grids=(GRID,) * count if attention else None,
    )


def plans(llama: Loaded, budget: int = VALUE_TOKENS) -> list[Continuation]:
    anything = torch.ones(LLAMA_11B.vocabulary, dtype=torch.bool, device=llama.device)
    return [Continuation(skeleton=FIELD_SKELETON, budget=budget, openings=anything)] * FIELDS


def planned(llama: Loaded, budget: int = VALUE_TOKENS, **options: Any) -> MemoryPlan:
    budgets = [len(FIELD_SKELETON) + budget] * FIELDS
    return plan_memory(
        llama.model.config,
        free_bytes=100 * 10**9,
        item_bytes=2,
        prompt_tokens=PROMPT,
        budgets=budgets,
        **options,
    )


def until_look(
    llama: Loaded,
    inputs: PageInputs,
    monkeypatch: pytest.MonkeyPatch,
    *,
    looks: int = 1,
    schedule: EndCheckSchedule | None = None,
    budget: int = VALUE_TOKENS,
) -> Callable[[], None]:
    """Fields mode up to its n-th look; nothing has ended at those before."""
    left = iter(range(looks - 1, -1, -1))

    def settle(*_: object) -> None:
        if next(left) == 0:
            raise Looked

    continuations = plans(llama, budget)
    assert llama.roads.value.numel() >= 0  # made once a model, and not in the loop

    def work() -> None:
        with pytest.raises(Looked):
            read_fields(llama, inputs, continuations, schedule=schedule)

    monkeypatch.setattr(decode_fields, "_settle", settle)
    return work


def without_host(values: Sequence[Any], device: torch.device) -> Tensor:
    """``plan.there`` as it is to a GPU: nothing else may bring numbers over, since everything else
    waits.
    """
    return torch.empty(np.shape(values), dtype=torch.long, device=device)


def forbidden(*_: object, **__: object) -> Tensor:
    raise AssertionError("made from numbers on the host, which waits")


@pytest.mark.parametrize("tiles", [(4,), (4, 1)], ids=str)
def test_between_two_looks_nothing_waits_for_the_device(llama, monkeypatch, tiles):
    """From the pictures to the eighth token: whatever reads a number there fails, and nothing comes
    over but from pinned memory.
    """
    for module in (decode_fields, prefill, text_model, inputs):
        monkeypatch.setattr(module, "to_device", without_host)
    work = until_look(llama, pages(llama, 2, tiles), monkeypatch)
    for name in ("tensor", "as_tensor", "from_numpy"):
        monkeypatch.setattr(torch, name, forbidden)
    counts = counts_of(work)
    assert counts.operations > 8 * 500
    assert counts.from_host == []


def test_control_numbers_that_come_over_in_another_way_show(llama, monkeypatch):
    """Made there from a list, or moved there from memory that is not pinned: both wait."""
    assert counts_of(lambda: torch.zeros(2).to(llama.device)).from_host
    work = until_look(llama, pages(llama, 1), monkeypatch)
    monkeypatch.setattr(torch, "tensor", forbidden)
    with pytest.raises(AssertionError, match="on the host"):
        work()


def test_control_asking_for_a_number_shows(llama):
    """The meta device has none."""
    with pytest.raises(RuntimeError, match="meta"):
        pages(llama, 1).pixels.sum().item()


def test_json_mode_reads_nothing_back_but_the_tokens_that_the_grammar_is_told(llama):
    """What is fed goes over without an answer, forced tokens of different lengths among it."""
    inputs = pages(llama, 2, attention=False)

    def work() -> None:
        hidden, cache = prefill_prompts(llama, inputs)
        state = decode_json._State(cache.expanded(1, PROMPT + 20), hidden, None)
        fed = [
            decode_json._Page(None, 96, PROMPT, None, feed=list(range(20, 20 + many)))
            for many in (7, 0)
        ]
        assert decode_json._fed(llama, state, fed).hidden.shape == (2, LLAMA_11B.hidden)
        assert [page.at for page in fed] == [PROMPT + 7, PROMPT]

    assert counts_of(work).operations > 500


def test_the_plan_covers_what_a_batch_allocates(llama, monkeypatch):
    """Page by page, to the last token, past where the rows' memory grows; the tower's share apart,
    which a batch does not have twice.
    """
    few, many = (
        counts_of(
            until_look(
                llama,
                pages(llama, count),
                monkeypatch,
                looks=10,
                schedule=EndCheckSchedule(4, 4),
                budget=40,
            )
        ).peak_bytes
        for count in (4, 8)
    )
    made = planned(llama, budget=40)
    assert 0.5 < (many - few) / 4 / made.page_bytes < 0.9
    assert many < made.vision_bytes + 8 * made.page_bytes


def test_the_plan_covers_the_vision_tower(llama):
    """So many pages at once."""
    inputs = pages(llama, VISION_AT_ONCE)
    counts = counts_of(
        lambda: vision_tower.encode(llama.model, inputs.pixels, inputs.aspect_ids, inputs.tiles)
    )
    assert 0.5 < counts.peak_bytes / planned(llama).vision_bytes <= 1.0


def transformers_vision(llama: Loaded, inputs: PageInputs) -> Tensor:
    inner = llama.model.model
    mask = torch.ones(len(inputs.tiles), 1, 4, dtype=torch.long, device=llama.device)
    seen = inner.vision_model(
        pixel_values=inputs.pixels, aspect_ratio_ids=inputs.aspect_ids, aspect_ratio_mask=mask
    )
    projected: Tensor = inner.multi_modal_projector(seen.last_hidden_state)
    return projected


def test_the_vision_tower_takes_a_third_of_the_memory_of_transformers_own(llama):
    """For the same numbers; see test_vision."""
    inputs = pages(llama, 1)
    ours = counts_of(
        lambda: vision_tower.encode(llama.model, inputs.pixels, inputs.aspect_ids, inputs.tiles)
    )
    theirs = counts_of(lambda: transformers_vision(llama, inputs))
    assert ours.peak_bytes < 0.4 * theirs.peak_bytes  # 312 and 938 MB


def test_a_plan_for_transformers_own_generate_has_its_tower_for_every_page(llama):
    """It encodes a whole batch at once, whatever that takes."""
    tower = counts_of(lambda: transformers_vision(llama, pages(llama, 1))).peak_bytes
    assert planned(llama, whole_tower=True).page_bytes - planned(llama).page_bytes > tower


def test_a_step_calls_little_more_than_half_the_operators_of_transformers_own(llama):
    """Which is what an eager step on a fast GPU spends its time on; also when it is asked where it
    looked.
    """
    language = llama.model.model.language_model
    at = torch.full((1, 1), PROMPT, device=llama.device)
    with torch.inference_mode():
        _, cache = prefill_prompts(llama, pages(llama, 1))
        cache = cache.expanded(1, PROMPT + 20)
        their_cache = DynamicCache(config=language.config)
        for layer in range(language.config.num_hidden_layers):
            if layer in cache.cross_keys:
                their_cache.update(cache.cross_keys[layer], cache.cross_values[layer], layer)
            else:
                their_cache.update(
                    cache.keys[layer][:, :, :PROMPT], cache.values[layer][:, :, :PROMPT], layer
                )
    ours, looking = (
        counts_of(
            lambda maps=maps: text_model.forward(
                language, at, at, cache, span=PROMPT + 1, attention_maps=maps
            )
        )
        for maps in (None, [])
    )
    theirs = counts_of(
        lambda: language(input_ids=at, position_ids=at, past_key_values=their_cache, use_cache=True)
    )
    assert ours.operations < looking.operations < 0.6 * theirs.operations  # 859, 891 and 1,602


def flops(work: Callable[[], object]) -> float:
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def test_the_rooflines_counts_are_torchs_own(llama, monkeypatch):
    """Encoding and prefill, which are nearly all that is computed, within 5 % of what torch
    counts.
    """
    inputs = pages(llama, 2, attention=False)
    formula = roofline.vision_flops(LLAMA_11B) + roofline.prefill_flops(LLAMA_11B, PROMPT)
    assert flops(
        until_look(llama, inputs, monkeypatch, schedule=EndCheckSchedule(1, 1))
    ) / 2 == pytest.approx(formula, rel=0.05)
