"""Pages -> what the language model sees of them, a few at a time."""

from typing import Any

import torch
from torch import Tensor

from extractors.backends.engine.memory import VISION_AT_ONCE


def encode(model: Any, pixels: Tensor, aspect_ids: Tensor, aspect_mask: Tensor, *, at_once: int = VISION_AT_ONCE) -> Tensor:
    """Vision tokens of each page, projected to the language model's width.

    model:       MllamaForConditionalGeneration
    pixels:      (B, 1, T, 3, side, side), padding tiles zero, as the processor leaves them: they are live inside the vision tower
    aspect_ids:  (B, 1)
    aspect_mask: (B, 1, T)
    at_once:     the tower keeps every layer's output of a batch, half a GB a page at 11B: hence few pages at a time
    returns:     (B, T * N, hidden), N vision tokens a tile
    """
    inner = model.model
    parts = []
    for start in range(0, pixels.shape[0], at_once):
        some = slice(start, start + at_once)
        seen = inner.vision_model(pixel_values=pixels[some], aspect_ratio_ids=aspect_ids[some], aspect_ratio_mask=aspect_mask[some])
        states = inner.multi_modal_projector(seen.last_hidden_state)  # (b, 1, T, N, hidden)
        parts.append(states.flatten(1, 3))
    return torch.cat(parts)
