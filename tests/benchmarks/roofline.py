"""The least time that fields mode can take: bytes and FLOPs counted from the model's shape,
ceilings measured on the card at hand.

Held against torch's own count of FLOPs by tests/backends/mllama/test_llama_size.py.
"""

from dataclasses import dataclass

import torch

from extractors.backends.mllama.checkpoint import Loaded
from tests.benchmarks.engine import FIELD_SKELETON, FIELDS, VALUE_TOKENS, Shape, per_second


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What this card can do, measured in this run."""

    flops: float  # a second, of matrix products in the model's dtype
    bytes: float  # a second, read and written


def measured_ceilings(loaded: Loaded, side: int) -> Ceilings:
    """A large matrix product, and a large copy."""
    a = torch.randn(side, side, device=loaded.device, dtype=loaded.dtype)
    products = 10 * per_second(loaded, lambda: [a @ a for _ in range(10)], 5)
    copies = 10 * per_second(loaded, lambda: [a.clone() for _ in range(10)], 5)
    return Ceilings(flops=products * 2 * side**3, bytes=copies * 2 * a.nbytes)


def bound_seconds(
    shape: Shape, batch: int, prompt: int, ceilings: Ceilings, item_bytes: int
) -> float:
    """The least time that a batch can take in fields mode: encoding and prefill at the ceiling of
    products, steps at that of memory.
    """
    compute = batch * (vision_flops(shape) + prefill_flops(shape, prompt)) / ceilings.flops
    rows = batch * FIELDS
    step_bytes = item_bytes * (
        weights_read(shape) + batch * seen_numbers(shape) + rows * own_numbers(shape, prompt)
    )
    step_flops = 2 * rows * weights_read(shape)
    return compute + VALUE_TOKENS * max(step_bytes / ceilings.bytes, step_flops / ceilings.flops)


def vision_tokens(shape: Shape) -> int:
    return 4 * ((shape.tile_px // 14) ** 2 + 1)


def vision_flops(shape: Shape) -> float:
    """Of one page: the tower's products and attention, the projector, the keys and values of
    cross-attention.
    """
    tokens, hidden = vision_tokens(shape), shape.vision_hidden
    layers = shape.vision_layers + shape.vision_globals
    tower = layers * (2 * 12 * hidden**2 * tokens + 4 * tokens**2 * hidden)
    projector = 2 * tokens * hidden * (1 + len(shape.vision_taken)) * shape.hidden
    return (
        tower + projector + len(shape.crossing) * 2 * tokens * shape.hidden * 2 * _kv_width(shape)
    )


def prefill_flops(shape: Shape, prompt: int) -> float:
    """Of one page's prompt and skeletons."""
    tokens = prompt + FIELDS * len(FIELD_SKELETON)
    return (
        2 * tokens * weights_read(shape)
        + len(shape.crossing) * 4 * tokens * vision_tokens(shape) * shape.hidden
    )


def weights_read(shape: Shape) -> int:
    """Numbers of the language model's weights that a step needs."""
    mlp = 3 * shape.hidden * shape.intermediate
    crossing = len(shape.crossing) * (2 * shape.hidden**2 + mlp)
    selves = (shape.layers - len(shape.crossing)) * (
        2 * shape.hidden**2 + 2 * shape.hidden * _kv_width(shape) + mlp
    )
    return crossing + selves + shape.hidden * shape.vocabulary


def seen_numbers(shape: Shape) -> int:
    """Keys and values of one page's vision tokens, in all cross-attention layers."""
    return len(shape.crossing) * 2 * vision_tokens(shape) * _kv_width(shape)


def own_numbers(shape: Shape, prompt: int) -> int:
    """Keys and values of one row's text, in all self-attention layers."""
    return (
        (shape.layers - len(shape.crossing))
        * 2
        * (prompt + len(FIELD_SKELETON) + VALUE_TOKENS)
        * _kv_width(shape)
    )


def _kv_width(shape: Shape) -> int:
    return shape.hidden * shape.kv_heads // shape.heads
