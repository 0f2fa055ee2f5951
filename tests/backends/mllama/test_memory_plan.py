"""How many pages fit is counted from the model's shape, and counted as the engine allocates."""

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import MllamaConfig

from extractors.backends.mllama import backend as mllama_backend
from extractors.backends.mllama import memory_plan
from extractors.backends.mllama.backend import MllamaBackend
from extractors.backends.mllama.checkpoint import weight_bytes
from extractors.backends.mllama.memory_plan import plan, vision_tokens
from extractors.backends.mllama.prefill import prefill_prompts
from extractors.backends.mllama.reference import inputs_of
from extractors.documents.slip import Slip
from tests.backends.mllama import tiny
from tests.backends.mllama.test_engine import batch

H200 = 120_000_000_000


def planned(
    config,
    free_bytes: int = H200,
    *,
    fields: int = 8,
    prompt_tokens: int = 300,
    new_tokens: int = 96,
    item_bytes: int = 2,
):
    return plan(
        config,
        free_bytes=free_bytes,
        item_bytes=item_bytes,
        prompt_tokens=prompt_tokens,
        budgets=[new_tokens] * fields,
    )


@pytest.fixture(scope="module")
def llama() -> MllamaConfig:
    return MllamaConfig(vision_config={"image_size": 560}, text_config={})


def test_a_page_of_llama_takes_what_its_shape_says(llama):
    """6,404 vision tokens, 210 MB of cross-attention keys and values a page: the figures of the
    architecture.
    """
    assert vision_tokens(llama) == 6404
    page = planned(llama)
    assert 210e6 < page.page_bytes < 1.5e9
    assert page.vision_bytes > 2 * 83e6
    assert page.pages > 64


@given(st.integers(0, H200), st.integers(1, 40), st.integers(1, 2000))
def test_what_is_planned_fits(free_bytes, fields, new_tokens):
    """The batch and the vision tower together never exceed what is free; less memory never means
    more pages.
    """
    config = MllamaConfig(vision_config={"image_size": 560}, text_config={})
    made = planned(config, free_bytes, fields=fields, new_tokens=new_tokens)
    assert made.pages == 0 or made.vision_bytes + made.pages * made.page_bytes <= free_bytes
    assert (
        planned(config, free_bytes // 2, fields=fields, new_tokens=new_tokens).pages <= made.pages
    )


def test_the_plan_counts_at_least_what_is_allocated(loaded):
    """Against the tensors themselves: prompt, rows and vision keys of real batches."""
    inputs = batch(loaded, [4, 4])
    longest = max(map(len, inputs.prompts))
    with torch.inference_mode():
        _, cache = prefill_prompts(loaded, inputs)
        cache = cache.expanded(3, longest + 24)
    held = sum(
        t.nbytes
        for part in (
            cache.keys,
            cache.values,
            cache.cross_keys,
            cache.cross_values,
        )
        for t in part.values()
    )
    made = planned(
        loaded.model.config, fields=3, prompt_tokens=longest, new_tokens=24, item_bytes=4
    )
    assert held / 2 <= made.page_bytes < 20 * held


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=12), st.integers(1, 400))
def test_a_list_may_be_written_to_its_end(budgets, prompt_tokens):
    """While rows are dropped once they are half of all: the keys and values that are left at any
    length are what was planned, or less.
    """
    config = MllamaConfig(vision_config={"image_size": 560}, text_config={})
    numbers = memory_plan._self_numbers(config, prompt_tokens, budgets)
    a_token = memory_plan._self_numbers(config, 1, [0]) // 2
    rows = len(budgets)
    for length in range(1, max(budgets) + 1):
        live = sum(budget >= length for budget in budgets)
        rows = live if live * 2 <= rows else rows
        assert rows * (prompt_tokens + length) * a_token <= numbers


def test_a_cpu_has_no_plan(checkpoint, loaded):
    """Its memory is the machine's; what is asked for is tried."""
    backend = MllamaBackend(checkpoint, device="cpu")
    assert backend.memory_plan(Slip.spec) is None


def test_a_plan_reads_as_a_sentence(llama):
    """For the doctor's page."""
    assert "pages at once" in planned(llama).as_text()


def test_pages_of_as_many_tiles_are_read_together(backend, monkeypatch):
    """Sorted into batches by tile count, and given back in the order they came."""
    pages = [tiny.page(n, width_px=56 * (1 + n % 2)) for n in range(6)]  # 56 x 112 and 112 x 112
    batches = []
    original = backend._read_or_shrink
    monkeypatch.setattr(
        backend,
        "_read_or_shrink",
        lambda some, *rest: (
            batches.append([pages[n].width_px for n in some]) or original(some, *rest)
        ),
    )
    backend.fits_pages = 3
    answers = backend.answer(pages, Slip.spec)
    assert [a.page for a in answers] == [0, 1, 2, 3, 4, 5]
    assert batches == [[56, 56, 56], [112, 112, 112]]


def test_the_forecast_reads_no_weights(checkpoint):
    """Shape, prompt and the weights' size come from the checkpoint's files; a CPU's forecast is of
    the machine's memory.
    """
    backend = MllamaBackend(checkpoint, device="cpu")
    made = backend.forecast(Slip.spec)
    assert made.pages > 0
    assert "loaded" not in vars(backend)


def test_weights_are_counted_as_they_will_be_loaded(checkpoint, loaded):
    """The files' numbers in the dtype that is asked for, not in the one they were saved in."""
    tensors = {tensor.data_ptr(): tensor for tensor in loaded.model.state_dict().values()}.values()
    assert weight_bytes(checkpoint, torch.float32) == sum(tensor.numel() * 4 for tensor in tensors)
    assert weight_bytes(checkpoint, torch.bfloat16) * 2 == weight_bytes(checkpoint, torch.float32)


def test_the_next_batch_is_prepared_while_the_model_reads(backend, monkeypatch):
    """The first by whoever asks; every other by a second thread, once, and the answers are those of
    one page at a time.
    """
    pages = [tiny.page(n) for n in range(5)]
    alone = [backend.answer([page], Slip.spec)[0] for page in pages]
    prepared = []

    def seen(loaded, some, spec):
        prepared.append(
            (threading.current_thread().name.partition("_")[0], [page.number for page in some])
        )
        return inputs_of(loaded, some, spec)

    monkeypatch.setattr(mllama_backend, "inputs_of", seen)
    backend.fits_pages = 2
    answers = backend.answer(pages, Slip.spec)
    assert sorted(prepared, key=lambda one: one[1]) == [
        ("MainThread", [0, 1]),
        ("pages", [2, 3]),
        ("pages", [4]),
    ]
    assert [[t.token_id for t in a.generations[0].tokens] for a in answers] == [
        [t.token_id for t in a.generations[0].tokens] for a in alone
    ]
