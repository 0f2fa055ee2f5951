"""Whether fields mode computes on this device what transformers' own forward computes, in the dtype
and the configuration that ship.
"""

from dataclasses import replace
from typing import Any

import torch

from extractors.backends.mllama.attention_boxes import PatchGrid
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.decode_fields import read_fields
from extractors.backends.mllama.inputs import Continuation, PageInputs
from extractors.types import Generation
from tests.benchmarks.engine import (
    FIELD_SKELETON,
    NOTED,
    VALUE_TOKENS,
    for_generate,
    measurement,
    pages_of,
    random_model,
)

GRID = PatchGrid(
    tile_columns=2, side=16, patch_px=14, pt_per_px=1.0, width_pt=448.0, height_pt=448.0
)
# all tiles, and pages that differ, whose padding must be seen by some tokens and not by others
TILES = ((4, 4), (4, 1))


def rows(device: str, dtype: torch.dtype) -> list[dict[str, Any]]:
    """How far the log-probabilities are off, asked where it looked, for pages of as many tiles and
    of different ones.

    In float32 the largest difference from transformers' own; in another dtype the error against
    float32, divided by transformers' own.
    """
    exact = random_model(NOTED, device=device)
    loaded = random_model(NOTED, device=device, dtype=dtype)
    loaded.model.load_state_dict(exact.model.state_dict())
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False  # or float32 would not be exact
    try:
        return [_row(exact, loaded, tiles) for tiles in TILES]
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _row(exact: Loaded, loaded: Loaded, tiles: tuple[int, ...]) -> dict[str, Any]:
    inputs = replace(
        pages_of(NOTED, loaded, len(tiles), 40), tiles=tiles, grids=(GRID,) * len(tiles)
    )
    for page, count in enumerate(tiles):
        inputs.pixels[page, :, count:] = 0.0  # as the processor leaves them
    with torch.inference_mode():
        answers = read_fields(
            loaded, inputs, [Continuation(skeleton=FIELD_SKELETON, budget=VALUE_TOKENS)] * 2
        )
        said = [(page, one) for page, generations in enumerate(answers) for one in generations]
        ours = [token.logprob for _, one in said for token in one.tokens if not token.forced]
        plain = [value for page, one in said for value in _logprobs(loaded, inputs, page, one)]
        true = [value for page, one in said for value in _logprobs(exact, inputs, page, one)]
    name = (
        f"fields mode against transformers' own forward, tiles {tiles},"
        f" {str(loaded.dtype).removeprefix('torch.')}"
    )
    if loaded.dtype is torch.float32:
        return _at_most(
            f"{name}: largest difference",
            max(abs(a - b) for a, b in zip(ours, plain, strict=True)),
            "nats",
            1e-4,
        )
    path, own = (sum(abs(a - b) for a, b in zip(some, true, strict=True)) for some in (ours, plain))
    return _at_most(f"{name}: error", path / own, "x", 1.5)


def _logprobs(loaded: Loaded, inputs: PageInputs, page: int, said: Generation) -> list[float]:
    """Of the tokens that were written, by one plain forward of transformers: one page, one field,
    no cache.
    """
    tokens = [token.token_id for token in said.tokens]
    prompt = inputs.prompts[page]
    alone = replace(
        inputs,
        prompts=((*prompt, *tokens),) * len(inputs.prompts),
        pixels=inputs.pixels.to(loaded.dtype),
    )
    logits = (
        loaded.model(**for_generate(alone, slice(page, page + 1)), use_cache=False)
        .logits[0]
        .float()
    )
    first = len(prompt) + len(FIELD_SKELETON) - 1
    chosen = torch.tensor(tokens[len(FIELD_SKELETON) :], device=logits.device)
    found: list[float] = logits[first:-1].log_softmax(-1).gather(-1, chosen[:, None])[:, 0].tolist()
    return found


def _at_most(metric: str, value: float, unit: str, limit: float) -> dict[str, Any]:
    return {
        **measurement(metric, value, unit),
        "value": value,
        "goal": limit,
        "holds": value <= limit,
    }
