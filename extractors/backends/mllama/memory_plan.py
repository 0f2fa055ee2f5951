"""How many pages fit: counted from the model's shape before anything is tried.

What is counted is what the engine allocates; activations that come and go are covered by a margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MARGIN = 1.25
VISION_AT_ONCE = 4  # pages in the vision tower; see ``vision.encode``


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What one batch will take, and how many pages it may have."""

    free_bytes: int  # with the weights loaded
    vision_bytes: int  # while a few pages are in the vision tower, whatever the batch
    page_bytes: int  # for each page of a batch
    pages: int  # that fit; 0: not even one

    def as_text(self) -> str:
        """One line for people."""
        return (
            f"{self.free_bytes / 1e9:.1f} GB free, {self.vision_bytes / 1e9:.2f} GB for the vision"
            f" tower, {self.page_bytes / 1e9:.2f} GB a page: {self.pages} pages at once"
        )


def plan(
    config: Any,
    *,
    free_bytes: int,
    item_bytes: int,
    prompt_tokens: int,
    budgets: Sequence[int],
    whole_tower: bool = False,
) -> MemoryPlan:
    """The plan for pages of all tiles.

    config:      MllamaConfig
    item_bytes:  of one number: 2 in bfloat16
    budgets:     tokens that each row of a page may take, skeleton included: one row in json mode,
                 one a field in fields mode
    whole_tower: transformers' own vision tower reads the whole batch at once, as in its
                 ``generate``
    """
    page = round(
        MARGIN
        * (_seen_numbers(config) + _self_numbers(config, prompt_tokens, budgets))
        * item_bytes
    )
    page += round(MARGIN * len(budgets) * _step_bytes(config))
    vision = round(MARGIN * VISION_AT_ONCE * _vision_numbers(config) * item_bytes)
    if whole_tower:
        page, vision = page + round(MARGIN * _transformers_vision_numbers(config) * item_bytes), 0
    return MemoryPlan(
        free_bytes=free_bytes,
        vision_bytes=vision,
        page_bytes=page,
        pages=max(0, (free_bytes - vision) // page if page else 0),
    )


def vision_tokens(config: Any) -> int:
    """Of a page with all its tiles."""
    vision = config.vision_config
    return int(vision.max_num_tiles * ((vision.image_size // vision.patch_size) ** 2 + 1))


def _seen_numbers(config: Any) -> int:
    """Numbers of a page's pixels, and of its vision tokens: projected, and as keys and values of
    every cross-attention layer.
    """
    text, vision = config.text_config, config.vision_config
    width = text.hidden_size * text.num_key_value_heads // text.num_attention_heads
    pixels = vision.max_num_tiles * 3 * vision.image_size**2
    return int(
        pixels
        + vision_tokens(config) * (text.hidden_size + 2 * width * len(text.cross_attention_layers))
    )


def _self_numbers(config: Any, prompt_tokens: int, budgets: Sequence[int]) -> int:
    """Numbers of a page's self-attention keys and values: the prompt once, and every row with room
    for the longest.

    Rows that have ended are left out once they are half of all: so rows never take more than twice
    what the longer ones need.
    """
    text = config.text_config
    width = text.hidden_size * text.num_key_value_heads // text.num_attention_heads
    layers = text.num_hidden_layers - len(text.cross_attention_layers)
    all_rows = len(budgets) * (prompt_tokens + max(budgets))
    dropping = 2 * (len(budgets) * prompt_tokens + sum(budgets))
    return int(2 * width * layers * (prompt_tokens + min(all_rows, dropping)))


def _step_bytes(config: Any) -> int:
    """Of one row's logits: as they come, in float32, and what the recorder's sums need
    meanwhile.
    """
    return int(config.text_config.vocab_size * 4 * 4)


def _vision_numbers(config: Any) -> int:
    """Numbers of one page in the vision tower: the layers that are handed on, and either one layer
    at work or all being joined.
    """
    vision = config.vision_config
    handed_on = len(vision.intermediate_layers_indices)
    at_work = 6 + 2 * vision.intermediate_size / vision.hidden_size
    widths = max(handed_on + at_work, 3 * handed_on + 3)
    return int(
        _padded_tokens(config) * (vision.hidden_size * widths + config.text_config.hidden_size)
    )


def _transformers_vision_numbers(config: Any) -> int:
    """The same in transformers' forward, which keeps every layer's output and makes a mask of all
    tokens squared.
    """
    vision, tokens = config.vision_config, _padded_tokens(config)
    layers = vision.num_hidden_layers + vision.num_global_layers
    return int(
        tokens * vision.hidden_size * (layers + 8)
        + 2 * tokens * tokens
        + tokens * vision.vision_output_dim
    )


def _padded_tokens(config: Any) -> int:
    """Each tile's vision tokens are padded to a multiple of eight."""
    return vision_tokens(config) + 8 * int(config.vision_config.max_num_tiles)
