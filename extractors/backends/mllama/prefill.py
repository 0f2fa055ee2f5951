"""The first forward pass over prompts and pictures: it fills the KV cache, for both decode
modes.
"""

from typing import Any

from torch import Tensor

from extractors.backends.mllama import text_model, vision_tower
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.inputs import PageInputs, padded, to_device
from extractors.backends.mllama.text_model import KVCache

ROOM = 32  # slots for tokens to come, at first; doubled whenever they are spent


def prefill_prompts(
    loaded: Loaded, inputs: PageInputs, *, cache_only: bool = False
) -> tuple[Tensor, KVCache]:
    """(B, hidden) of the prompts' last tokens, and the memory, one row a page, without the padding
    tiles.

    only_memory: a skeleton follows at once, so that nobody asks what the prompts' last tokens say
    """
    model: Any = loaded.model
    states = vision_tower.encode(model, inputs.pixels, inputs.aspect_ids, inputs.tiles)
    ids, lengths = padded(inputs.prompts, loaded.vocabulary.pad_id, loaded.device)
    image_at = to_device(
        [prompt.index(inputs.image_token) for prompt in inputs.prompts], loaded.device
    )
    all_tiles = inputs.pixels.shape[2]
    hidden, cache = text_model.prefill(
        model.model.language_model,
        ids,
        lengths,
        image_at,
        states,
        inputs.tiles,
        all_tiles,
        cache_only=cache_only,
    )
    return hidden, cache.trimmed(inputs.tiles, states.shape[1] // all_tiles)
