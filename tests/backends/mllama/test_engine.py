"""The engine computes what transformers computes, only in another order; and the tests can tell
when it does not.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from extractors.backends.mllama import decode_fields, text_model, vision_tower
from extractors.backends.mllama.attention_boxes import PatchGrid
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.decode_fields import EndCheckSchedule, read_fields
from extractors.backends.mllama.inputs import Continuation, PageInputs, padded
from extractors.backends.mllama.prefill import ROOM, prefill_prompts
from extractors.backends.mllama.reference import image_of
from extractors.types import Generation, StopReason
from tests.backends.mllama import tiny
from tests.backends.mllama.test_recorder import roads_of

# pixels of a page that fills so many tiles
SIZES = {1: (56, 56), 2: (112, 56), 3: (168, 56), 4: (112, 112)}
GRID = PatchGrid(
    tile_columns=2, side=4, patch_px=14, pt_per_px=1.0, width_pt=112.0, height_pt=112.0
)
TILES = [[4, 4], [4, 1, 2], [3, 1]]
SKELETONS = ((41, 52), (60, 71, 82, 93, 104), (33,))
BUDGET = 12


def batch(loaded: Loaded, tiles: Sequence[int], *, image_at: int = 1, seed: int = 0) -> PageInputs:
    """Pages of so many tiles; prompts of random text and different lengths, the image where asked
    for.
    """
    pages = [
        tiny.page(n, seed=seed, width_px=SIZES[t][0], height_px=SIZES[t][1])
        for n, t in enumerate(tiles)
    ]
    pixels = loaded.processor.image_processor(
        [[image_of(page)] for page in pages], return_tensors="pt"
    )
    image = loaded.processor.image_token_id
    draw = torch.Generator().manual_seed(5)
    made = []
    for n in range(len(tiles)):
        words = torch.randint(0, 400, (image_at + 6 + 3 * n,), generator=draw).tolist()
        made.append((*words[:image_at], image, *words[image_at:]))
    return PageInputs(
        prompts=tuple(made),
        pixels=pixels["pixel_values"],
        aspect_ids=pixels["aspect_ratio_ids"],
        tiles=tuple(tiles),
        image_token=image,
    )


def tile_mask(inputs: PageInputs) -> Tensor:
    """(B, 1, T), as transformers takes it: 1 for tiles that a page has."""
    return (
        torch.arange(inputs.pixels.shape[2])[None] < torch.tensor(inputs.tiles)[:, None]
    ).long()[:, None]


def continuations(loaded: Loaded, budget: int = BUDGET) -> tuple[Continuation, ...]:
    """Values that open with a quote, so that they do not end at once."""
    quotes = torch.tensor(
        [name.startswith(b'"') and len(name) == 1 for name in loaded.vocabulary.spelled]
    )
    return tuple(
        Continuation(skeleton=skeleton, budget=budget, openings=quotes) for skeleton in SKELETONS
    )


def endless(loaded: Loaded) -> Loaded:
    """The same model with a vocabulary in which nothing ends a value: every row runs to its
    budget.
    """
    silent = tuple(b'"' if s == b'"' else b"x" for s in loaded.vocabulary.spelled)
    opened_once = replace(loaded.vocabulary, spelled=tuple(b"x" for _ in silent), eos_ids=())
    return replace(loaded, vocabulary=opened_once)


def plain_logits(loaded: Loaded, inputs: PageInputs, page: int, after: Sequence[int]) -> Tensor:
    """(len, V) from one plain forward of transformers: one page, one field, no cache, no
    padding.
    """
    ids = torch.tensor([[*inputs.prompts[page], *after]])
    image_at = inputs.prompts[page].index(inputs.image_token)
    tiles = torch.zeros(1, ids.shape[1], 1, inputs.pixels.shape[2], dtype=torch.long)
    tiles[:, image_at:] = tile_mask(inputs)[page, 0]
    logits: Tensor = loaded.model(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        pixel_values=inputs.pixels[page : page + 1],
        aspect_ratio_ids=inputs.aspect_ids[page : page + 1],
        aspect_ratio_mask=tile_mask(inputs)[page : page + 1],
        cross_attention_mask=tiles,
        use_cache=False,
    ).logits
    return logits[0, len(inputs.prompts[page]) :]


@contextmanager
def listening(loaded: Loaded) -> Iterator[list[Tensor]]:
    """Everything that lm_head says meanwhile."""
    said: list[Tensor] = []
    handle = loaded.lm_head.register_forward_hook(
        lambda _m, _i, out: said.append(out.detach().clone())
    )
    try:
        yield said
    finally:
        handle.remove()


def worst(loaded: Loaded, inputs: PageInputs) -> float:
    """The largest difference of any logit of any step from transformers' own."""
    silent, plans = endless(loaded), continuations(loaded)
    with torch.inference_mode(), listening(loaded) as said:
        answers = read_fields(silent, inputs, plans, schedule=EndCheckSchedule(100, 100))
    steps = torch.stack(said, dim=1)  # (R, T, V)
    assert steps.shape[1] == BUDGET
    differences = []
    with torch.inference_mode():
        for row, generation in enumerate(g for page in answers for g in page):
            skeleton = plans[row % len(plans)].skeleton
            after = [t.token_id for t in generation.tokens[:-1]]
            expected = plain_logits(loaded, inputs, row // len(plans), after)[len(skeleton) - 1 :]
            differences.append((steps[row] - expected).abs().max().item())
    return max(differences)


@pytest.mark.parametrize("tiles", TILES, ids=str)
@pytest.mark.parametrize("image_at", [0, 1, 5])
def test_every_logit_equals_a_plain_forward_of_one_field(loaded, tiles, image_at):
    """Within 1e-4 in float32, for uneven prompts, skeletons and tile counts, wherever the image
    stands.
    """
    assert worst(loaded, batch(loaded, tiles, image_at=image_at)) < 1e-4


def test_the_evidence_is_log_softmax_of_those_logits(loaded):
    """What the fast path records is what the model believed, before the opening's mask."""
    inputs, plans = batch(loaded, [4, 1]), continuations(loaded)
    with torch.inference_mode():
        answers = read_fields(loaded, inputs, plans)
        for page, generations in enumerate(answers):
            for plan, generation in zip(plans, generations, strict=True):
                ids = [t.token_id for t in generation.tokens]
                expected = plain_logits(loaded, inputs, page, ids).log_softmax(-1)[
                    len(plan.skeleton) - 1 :
                ]
                written = generation.tokens[len(plan.skeleton) :]
                assert written[0].text == b'"'
                assert [t.logprob for t in written] == pytest.approx(
                    [expected[n, t.token_id].item() for n, t in enumerate(written)], abs=1e-4
                )
                assert [t.top[0].logprob for t in written] == pytest.approx(
                    expected.max(-1).values[: len(written)].tolist(), abs=1e-4
                )
                for n, token in enumerate(written):
                    assert token.roads == pytest.approx(roads_of(loaded, expected[n]), abs=1e-4)


def test_rows_that_go_on_are_not_disturbed_by_rows_that_end(loaded):
    """Ended rows are dropped on the way; the others write what they would have written alone."""
    inputs = batch(loaded, [4, 1, 2])
    plans = tuple(
        replace(plan, budget=budget)
        for plan, budget in zip(continuations(loaded), (2, 40, 9), strict=True)
    )
    silent = endless(loaded)
    with torch.inference_mode():
        often = read_fields(silent, inputs, plans, schedule=EndCheckSchedule(1, 1))
        never = read_fields(silent, inputs, plans, schedule=EndCheckSchedule(40, 40))
    for a, b in zip(
        [g for page in often for g in page], [g for page in never for g in page], strict=True
    ):
        assert [t.token_id for t in a.tokens] == [t.token_id for t in b.tokens]
        assert [t.logprob for t in a.tokens] == pytest.approx(
            [t.logprob for t in b.tokens], abs=1e-4
        )
        assert a.stop_reason is StopReason.LENGTH


def test_another_pages_image_changes_exactly_nothing(loaded):
    """Bit for bit: a page's answer does not depend on its neighbours."""
    first = batch(loaded, [4, 2])
    other = batch(loaded, [4, 2], seed=9)
    mixed = replace(first, pixels=torch.stack([first.pixels[0], other.pixels[1]]))
    with torch.inference_mode():
        a, b = (
            read_fields(endless(loaded), inputs, continuations(loaded)) for inputs in (first, mixed)
        )
    assert a[0] == b[0]
    assert a[1] != b[1]


def test_another_fields_skeleton_changes_exactly_nothing(loaded):
    """Bit for bit: fields are read independently of each other."""
    inputs, plans = batch(loaded, [4, 2]), continuations(loaded)
    changed = (plans[0], replace(plans[1], skeleton=(9, 8, 7, 6, 5)), plans[2])
    with torch.inference_mode():
        a, b = (read_fields(endless(loaded), inputs, chosen) for chosen in (plans, changed))
    for before, after in zip(a, b, strict=True):
        assert (before[0], before[2]) == (after[0], after[2])
        assert before[1] != after[1]


def test_the_image_matters(loaded):
    """With open gates; otherwise every test about images would be vacuous."""
    first, other = batch(loaded, [4]), batch(loaded, [4], seed=9)
    with torch.inference_mode():
        a, b = (plain_logits(loaded, inputs, 0, [41, 52]) for inputs in (first, other))
    assert (a - b).abs().max() > 0.1


def test_as_many_forwards_as_the_longest_value_has_tokens(loaded, monkeypatch):
    """One for the skeletons and one for each token after the first; the prompt is read once."""
    calls = []
    original = text_model.forward
    monkeypatch.setattr(
        text_model, "forward", lambda *a, **k: calls.append(a[1].shape) or original(*a, **k)
    )
    with torch.inference_mode():
        read_fields(
            endless(loaded),
            batch(loaded, [4, 4]),
            continuations(loaded),
            schedule=EndCheckSchedule(100, 100),
        )
    assert len(calls) == 1 + BUDGET
    assert [shape[0] for shape in calls] == [2] + [6] * BUDGET


@pytest.mark.parametrize("budget", [12, 48])
def test_memory_for_evidence_does_not_grow_with_the_vocabulary(loaded, monkeypatch, budget):
    """Sixteen numbers a step and row, whether 12 steps or 48."""
    kept = []
    original = decode_fields.step_of
    monkeypatch.setattr(decode_fields, "step_of", lambda *a: kept.append(original(*a)) or kept[-1])
    with torch.inference_mode():
        read_fields(
            endless(loaded),
            batch(loaded, [4]),
            continuations(loaded, budget),
            schedule=EndCheckSchedule(100, 100),
        )
    assert len(kept) == budget
    assert {
        sum(value.numel() for name in s.__slots__ if (value := getattr(s, name)) is not None)
        for s in kept
    } == {3 * 16}


# Negative controls: each known trap, sprung on purpose, must show.


def spoiled(
    loaded: Loaded, inputs: PageInputs, monkeypatch: pytest.MonkeyPatch, **changes: object
) -> float:
    """``worst`` with one argument of the prefill's forward replaced."""
    original = text_model.forward

    def changed(*arguments: object, **options: object) -> Tensor:
        if options.get("row_gate") is not None:
            options |= changes
        return original(*arguments, **options)

    monkeypatch.setattr(text_model, "forward", changed)
    return worst(loaded, inputs)


def test_control_masking_tiles_before_the_image_shows(loaded, monkeypatch):
    """Rows before the image see padding tiles too; masking them there is another model."""
    inputs = batch(loaded, [2], image_at=5)
    tokens = tile_mask(inputs)[:, 0].bool().repeat_interleave(17, dim=1)
    assert spoiled(loaded, inputs, monkeypatch, cross_mask=tokens[:, None, None]) > 1e-2


def test_control_forgetting_the_row_gate_shows(loaded, monkeypatch):
    """Rows before the image lose their MLP's output in cross-attention layers."""
    assert spoiled(loaded, batch(loaded, [4], image_at=5), monkeypatch, row_gate=None) > 1e-2


def test_control_seeing_padding_tiles_while_decoding_shows(loaded, monkeypatch):
    """A page of two tiles must not attend to the two that are empty."""
    monkeypatch.setattr(text_model.KVCache, "trimmed", lambda self, tiles, tile_tokens: self)
    assert worst(loaded, batch(loaded, [2])) > 1e-2


def test_control_a_position_off_by_one_shows(loaded):
    """A skeleton that stands one place too late."""
    inputs = batch(loaded, [4])
    with torch.inference_mode():
        _, cache = prefill_prompts(loaded, inputs)
        cache = cache.expanded(1, 40)
        ids, _ = padded([SKELETONS[0]], 0, loaded.device)
        start = len(inputs.prompts[0])
        late = text_model.forward(
            loaded.model.model.language_model,
            ids,
            torch.tensor([[start + 1, start + 2]]),
            cache,
            span=start + 3,
        )
        expected = plain_logits(loaded, inputs, 0, SKELETONS[0])
        assert (loaded.lm_head(late)[0] - expected).abs().max() > 1e-2


def test_control_a_multi_token_step_without_its_mask_shows(loaded):
    """transformers' own cached continuation needs the cross-attention mask: without it the
    attention turns causal.
    """
    inputs = batch(loaded, [4])
    prompt = torch.tensor([inputs.prompts[0]])
    after = torch.tensor([list(SKELETONS[1])])
    seen = {
        "pixel_values": inputs.pixels,
        "aspect_ratio_ids": inputs.aspect_ids,
        "aspect_ratio_mask": tile_mask(inputs),
    }
    image_at = inputs.prompts[0].index(inputs.image_token)
    tiles = torch.ones(1, prompt.shape[1], 1, 4, dtype=torch.long)
    tiles[:, :image_at] = 0
    with torch.inference_mode():
        cache = loaded.model(
            input_ids=prompt, cross_attention_mask=tiles, use_cache=True, **seen
        ).past_key_values
        careless = loaded.model(input_ids=after, past_key_values=cache, use_cache=True).logits[0]
        expected = plain_logits(loaded, inputs, 0, SKELETONS[1])
    assert (careless - expected).abs().max() > 1e-2


def test_control_pixels_of_padding_tiles_are_live(loaded):
    """The tower looks at padding tiles: the processor's zeros must be kept."""
    inputs = batch(loaded, [2])
    changed = inputs.pixels.clone()
    changed[:, :, 2:] = 1.0
    with torch.inference_mode():
        a, b = (
            vision_tower.encode(loaded.model, pixels, inputs.aspect_ids, inputs.tiles)
            for pixels in (inputs.pixels, changed)
        )
    assert (a - b).abs().max() > 1e-2


def test_in_bf16_the_path_errs_no_more_than_bf16_itself(checkpoint, loaded):
    """Against float32, the engine's logits in bf16 are about as far off as transformers' own in
    bf16.
    """
    from extractors.backends.mllama.checkpoint import load

    half = load(checkpoint, device=torch.device("cpu"), dtype=torch.bfloat16)
    inputs, plans = batch(loaded, [4, 2]), continuations(loaded)
    with torch.inference_mode(), listening(half) as said:
        answers = read_fields(
            endless(half),
            replace(inputs, pixels=inputs.pixels.bfloat16()),
            plans,
            schedule=EndCheckSchedule(100, 100),
        )
    ours, theirs = [], []
    steps = torch.stack(said, dim=1).float()
    with torch.inference_mode():
        for row, generation in enumerate(g for page in answers for g in page):
            skip = len(plans[row % len(plans)].skeleton) - 1
            after = [t.token_id for t in generation.tokens[:-1]]
            exact = plain_logits(loaded, inputs, row // len(plans), after)[skip:]
            plain = plain_logits(
                half, replace(inputs, pixels=inputs.pixels.bfloat16()), row // len(plans), after
            )[skip:].float()
            ours.append((steps[row] - exact).abs().mean())
            theirs.append((plain - exact).abs().mean())
    assert torch.stack(ours).mean() <= 1.5 * torch.stack(theirs).mean()


def written(answers: list[list[Generation]]) -> tuple[list[int], list[float]]:
    """Token ids and log-probabilities of all fields of all pages."""
    tokens = [token for page in answers for said in page for token in said.tokens]
    return [token.token_id for token in tokens], [token.logprob for token in tokens]


def test_the_step_is_one_graph(loaded):
    """Nothing in it makes the compiler give up half-way."""
    step = torch.compile(text_model.forward, dynamic=True, fullgraph=True, backend="eager")
    inputs, plans = batch(loaded, [4, 1, 2]), continuations(loaded)
    with torch.inference_mode():
        plain = written(read_fields(endless(loaded), inputs, plans))
        compiled = written(read_fields(endless(loaded), inputs, plans, step=step))
    assert compiled[0] == plain[0]
    assert compiled[1] == pytest.approx(plain[1], abs=1e-5)


def test_batches_of_any_shape_go_through_the_compiled_step(loaded):
    """One page or as many as there are key heads, padding tiles or none, asked where it looked or
    not: more than dynamo compiles for.
    """
    step = text_model.compiled("eager")
    with torch.inference_mode():
        for tiles in ([4], [1], [4, 4], [4, 1], [4, 4, 4], [2, 4, 1], [4] * 4, [4, 3, 2, 1, 4]):
            for fields_wanted in (1, 3):
                for grids in (None, (GRID,) * len(tiles)):
                    inputs = replace(batch(loaded, tiles), grids=grids)
                    plans = continuations(loaded, 4)[:fields_wanted]
                    plain = written(read_fields(endless(loaded), inputs, plans))
                    compiled = written(read_fields(endless(loaded), inputs, plans, step=step))
                    assert compiled[0] == plain[0]
                    assert compiled[1] == pytest.approx(plain[1], abs=1e-5)


def test_a_compiled_step_keeps_its_rows(loaded):
    """Fewer rows could mean another compilation in the middle of the work; ended rows are written
    on, and nobody reads them.
    """
    plans = tuple(
        replace(plan, budget=budget)
        for plan, budget in zip(continuations(loaded), (2, 30, 2), strict=True)
    )
    rows = []

    def step(language, ids, *arguments, **options):
        rows.append(ids.shape[0])
        return text_model.forward(language, ids, *arguments, **options)

    with torch.inference_mode():
        kept = written(read_fields(endless(loaded), batch(loaded, [4, 2]), plans, step=step))
        dropped = written(read_fields(endless(loaded), batch(loaded, [4, 2]), plans))
    assert set(rows) == {6}
    assert kept[0] == dropped[0]
    assert kept[1] == pytest.approx(dropped[1], abs=1e-5)


def test_asking_where_it_looked_changes_no_answer(loaded):
    """Bit for bit, in the dtype of a GPU too: the weights are taken beside the answer, not on its
    way.
    """
    half = replace(loaded, model=copy.deepcopy(loaded.model).bfloat16(), dtype=torch.bfloat16)
    for one in (loaded, half):
        inputs = batch(loaded, [4, 2])
        inputs = replace(inputs, pixels=inputs.pixels.to(one.dtype))
        with torch.inference_mode():
            plain = written(read_fields(endless(one), inputs, continuations(one)))
            looking = written(
                read_fields(endless(one), replace(inputs, grids=(GRID,) * 2), continuations(one))
            )
        assert plain == looking


def test_rows_have_no_more_room_than_the_longest_may_take(loaded, monkeypatch):
    """Memory grows with what is written, and stops where the budget does."""
    slots = []
    original = text_model.forward
    monkeypatch.setattr(
        text_model, "forward", lambda *a, **k: slots.append(a[3].slots) or original(*a, **k)
    )
    inputs = batch(loaded, [4])
    start = len(inputs.prompts[0]) + max(map(len, SKELETONS))
    for budget in (5, ROOM + 7, 3 * ROOM):
        slots.clear()
        with torch.inference_mode():
            read_fields(
                endless(loaded), inputs, continuations(loaded, budget), step=text_model.forward
            )
        assert start + budget <= slots[-1] <= start + budget + 1


def test_what_makes_a_new_memory_takes_the_old_ones_tensors(loaded):
    """So there are never two of them."""
    with torch.inference_mode():
        _, cache = prefill_prompts(loaded, batch(loaded, [4, 2]))
        grown = cache.expanded(3, 60)
        assert cache.keys == cache.values == {}
        rows = torch.tensor([0, 1, 3, 4])
        selected = grown.selected(rows, torch.tensor([0, 1]), 2)
    assert grown.keys == grown.cross_keys == {}
    assert {kept.shape[0] for kept in selected.keys.values()} == {4}


def test_masks_lie_as_attention_kernels_want_them():
    """Rows a multiple of eight numbers apart, whatever is visible; otherwise CUDA copies the mask
    in every layer.
    """
    for width in (8, 300, 301, 6404):
        mask = torch.rand(2, 1, 3, width) < 0.5
        made = text_model._additive(mask, 2, torch.bfloat16)
        assert made.shape == (2, 1, 6, width)
        assert made.stride()[-2] % 8 == 0
        assert torch.equal(made == 0, mask.repeat(1, 1, 2, 1))
