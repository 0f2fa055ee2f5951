"""The vision tower's work in another order: what it says is what transformers' own says."""

import weakref
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from extractors.backends.mllama import vision_tower
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.inputs import PageInputs
from tests.backends.mllama.test_engine import batch, tile_mask

TILES = [[1], [2, 2], [3], [4, 4], [4, 1, 2, 2]]


def transformers_own(loaded: Loaded, inputs: PageInputs) -> Tensor:
    """(B, T * N, hidden) from its forward, all pages at once."""
    inner = loaded.model.model
    seen = inner.vision_model(
        pixel_values=inputs.pixels,
        aspect_ratio_ids=inputs.aspect_ids,
        aspect_ratio_mask=tile_mask(inputs),
    )
    projected: Tensor = inner.multi_modal_projector(seen.last_hidden_state).flatten(1, 3)
    return projected


def furthest(loaded: Loaded, tiles: Sequence[int]) -> float:
    """The largest difference of any number of any vision token, padding tiles' tokens included."""
    inputs = batch(loaded, tiles)
    with torch.inference_mode():
        ours = vision_tower.encode(loaded.model, inputs.pixels, inputs.aspect_ids, inputs.tiles)
        return (ours - transformers_own(loaded, inputs)).abs().max().item()


@pytest.mark.parametrize("tiles", TILES, ids=str)
def test_every_vision_token_is_the_one_that_transformers_computes(loaded, tiles):
    """Those of padding tiles too, which the prompt's tokens before the image look at."""
    assert furthest(loaded, tiles) < 1e-5


def test_control_padding_that_sees_padding_shows(loaded, monkeypatch):
    """Without the second product the padding would look at itself."""
    attended: Callable[..., Tensor] = vision_tower._attended
    monkeypatch.setattr(
        vision_tower, "_attended", lambda attn, x, real: attended(attn, x, x.shape[1])
    )
    assert furthest(loaded, [2]) > 1e-3


def test_control_hiding_padding_from_real_tokens_shows(loaded, monkeypatch):
    """The obvious mask is another model: real tokens were trained to see the padding."""

    def hidden_from(attn, x, real):
        after = torch.zeros_like(x)
        after[:, :real] = vision_attended(attn, x[:, :real], real)
        return after

    vision_attended: Callable[..., Tensor] = vision_tower._attended
    monkeypatch.setattr(vision_tower, "_attended", hidden_from)
    assert furthest(loaded, [4]) > 1e-3


def test_pages_encoded_together_or_apart_are_the_same(loaded):
    """Micro-batches of the tower change nothing but memory."""
    inputs = batch(loaded, [4, 4, 4, 1, 2])
    with torch.inference_mode():
        a, b = (
            vision_tower.encode(
                loaded.model, inputs.pixels, inputs.aspect_ids, inputs.tiles, at_once=n
            )
            for n in (1, 3)
        )
    assert torch.allclose(a, b, atol=1e-5)


def test_only_neighbours_with_as_many_tiles_go_together():
    """So that one division into real tokens and padding holds for all of them."""
    assert [(s.start, s.stop) for s in vision_tower._alike([4, 4, 4, 1, 2, 2], 2)] == [
        (0, 2),
        (2, 3),
        (3, 4),
        (4, 6),
    ]


def test_no_layers_output_outlives_the_next_layer(loaded, monkeypatch):
    """transformers' forward holds all of them to the end: half a GB a page at 11B."""
    made: list[weakref.ref[Tensor]] = []
    held: list[int] = []
    layer: Callable[..., Tensor] = vision_tower._layer

    def watched(*arguments):
        held.append(sum(one() is not None for one in made))
        result = layer(*arguments)
        made.append(weakref.ref(result))
        return result

    monkeypatch.setattr(vision_tower, "_layer", watched)
    inputs = batch(loaded, [4])
    with torch.inference_mode():
        vision_tower.encode(loaded.model, inputs.pixels, inputs.aspect_ids, inputs.tiles)
    assert held == [0, 1, 0]  # the last layer's own input has been put into another order


def test_nothing_as_large_as_all_tokens_squared_is_made(loaded):
    """The mask of transformers' forward is."""
    inputs = batch(loaded, [4])
    with torch.inference_mode(), torch.profiler.profile(profile_memory=True) as profile:
        vision_tower.encode(loaded.model, inputs.pixels, inputs.aspect_ids, inputs.tiles)
    tokens = 4 * 24
    assert 0 < max(event.cpu_memory_usage for event in profile.events()) < tokens * tokens * 4
