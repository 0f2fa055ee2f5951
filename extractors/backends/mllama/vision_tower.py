"""Pages -> what the language model sees of them, a few at a time.

The modules and weights are transformers' own. Its forward tells padding apart by a mask as large as
all tokens squared, and keeps what every layer put out. Here real tokens stand before padding, so
that two products without a mask say the same, which leaves the choice of the fastest attention
kernel; and only the layers that the model was trained to hand on are kept.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from extractors.backends.mllama.memory_plan import VISION_AT_ONCE

MULTIPLE = 8  # each tile's tokens are padded to a multiple of it, as the model was trained


def encode(
    model: Any,
    pixels: Tensor,
    aspect_ids: Tensor,
    tiles: Sequence[int],
    *,
    at_once: int = VISION_AT_ONCE,
) -> Tensor:
    """Vision tokens of each page, projected to the language model's width.

    model:      MllamaForConditionalGeneration
    pixels:     (B, 1, T, 3, side, side), padding tiles zero, as the processor leaves them: they are
                live inside the vision tower
    aspect_ids: (B, 1)
    tiles:      how many of the T each page has; neighbours with as many are encoded together
    at_once:    so many pages at most
    returns:    (B, T * N, hidden), N vision tokens a tile
    """
    inner = model.model
    parts = []
    for some in _alike(tiles, at_once):
        seen = _tower(inner.vision_model, pixels[some, 0], aspect_ids[some], tiles[some.start])
        parts.append(inner.multi_modal_projector(seen).flatten(1, 2))
    return torch.cat(parts)


def _alike(tiles: Sequence[int], at_once: int) -> Iterator[slice]:
    """Neighbouring pages with as many tiles."""
    start = 0
    for n in range(1, len(tiles) + 1):
        if n == len(tiles) or n - start == at_once or tiles[n] != tiles[start]:
            yield slice(start, n)
            start = n


def _tower(vision: Any, pixels: Tensor, aspect_ids: Tensor, tiles: int) -> Tensor:
    """MllamaVisionModel's forward for pages with as many tiles.

    pixels:  (b, T, 3, side, side)
    returns: (b, T, N, (1 + kept layers) * width)
    """
    patches = (
        vision.patch_embedding(pixels.flatten(0, 1).to(vision.patch_embedding.weight.dtype))
        .flatten(2)
        .transpose(1, 2)
    )
    shape = (*pixels.shape[:2], -1, patches.shape[-1])  # (b, T, tokens, width)
    hidden = vision.pre_tile_positional_embedding(patches.view(shape), aspect_ids)
    hidden = vision.apply_class_embedding(hidden.flatten(0, 1)).view(shape)
    hidden = vision.layernorm_pre(vision.gated_positional_embedding(hidden, aspect_ids))
    tokens = hidden.shape[2]  # N
    hidden = pad(hidden, (0, 0, 0, -tokens % MULTIPLE))
    order = _real_first(tiles, tokens, hidden)
    back, real = order.argsort(), tiles * tokens

    def in_place(ordered: Tensor) -> Tensor:
        return ordered[:, back].view(shape)  # a copy

    hidden = hidden.flatten(1, 2)[:, order]
    kept: dict[int, Tensor] = {}
    wanted = list(vision.intermediate_layers_indices)
    for number, layer in enumerate(vision.transformer.layers):
        hidden = _layer(layer, hidden, real)
        if number in wanted:
            kept[number] = in_place(hidden)[:, :, :tokens]
    hidden = vision.post_tile_positional_embedding(
        in_place(vision.layernorm_post(hidden)), aspect_ids
    )
    hidden = hidden.flatten(1, 2)[:, order]
    for layer in vision.global_transformer.layers:
        hidden = _layer(layer, hidden, real)
    layers = torch.stack([kept[number] for number in wanted], dim=-1)  # (b, T, N, width, kept)
    return torch.cat([in_place(hidden)[:, :, :tokens], layers.flatten(3)], dim=-1)


def _real_first(tiles: int, tokens: int, hidden: Tensor) -> Tensor:
    """Places of the first ``tokens`` of each real tile, then of everything that is padding.

    hidden:  (b, T, padded, width)
    returns: (T * padded,)
    """
    _, all_tiles, padded, _ = hidden.shape
    places = torch.arange(all_tiles * padded, device=hidden.device).view(all_tiles, padded)
    return torch.cat(
        [
            places[:tiles, :tokens].flatten(),
            places[:tiles, tokens:].flatten(),
            places[tiles:].flatten(),
        ]
    )


def _layer(layer: Any, hidden: Tensor, real: int) -> Tensor:
    """hidden: (b, S, width), the first ``real`` of S not padding"""
    attended = _attended(layer.self_attn, layer.input_layernorm(hidden), real)
    hidden = hidden + (layer.gate_attn.tanh() * attended if layer.is_gated else attended)
    more = layer.mlp(layer.post_attention_layernorm(hidden))
    result: Tensor = hidden + (layer.gate_ffn.tanh() * more if layer.is_gated else more)
    return result


def _attended(attn: Any, x: Tensor, real: int) -> Tensor:
    """Real tokens look at everything, padding included; padding looks at real tokens only: so was
    the model trained.
    """
    shape = (*x.shape[:2], attn.num_heads, attn.head_dim)
    query, keys, values = (
        part(x).view(shape).transpose(1, 2) for part in (attn.q_proj, attn.k_proj, attn.v_proj)
    )
    of_real = scaled_dot_product_attention(query[:, :, :real], keys, values)
    of_padding = scaled_dot_product_attention(
        query[:, :, real:], keys[:, :, :real], values[:, :, :real]
    )
    projected: Tensor = attn.o_proj(
        torch.cat([of_real, of_padding], dim=2).transpose(1, 2).flatten(2)
    )
    return projected
