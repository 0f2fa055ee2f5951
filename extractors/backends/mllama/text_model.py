"""One forward of Mllama's language model over rows that share pages.

A page has one or more rows (one a field). Its rows share the cross-attention keys and values: they
are folded into the query axis, so that these are read once a page, not once a row. Self-attention
keys lie at the slot of their position, so that rows of any length live side by side without padding
in between; the last slot takes what is padding and is seen by nobody.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, scaled_dot_product_attention

from extractors.backends.mllama.inputs import to_device

ALIGNED = 8


@dataclass(frozen=True, slots=True)
class KVCache:
    """What the rows of B pages, F rows each, have seen so far.

    Whatever makes another one of it takes its tensors, layer by layer, so that there are never two
    of them.
    """

    keys: dict[int, Tensor]  # by self-attention layer: (B * F, KV, slots, D)
    values: dict[int, Tensor]
    cross_keys: dict[int, Tensor]  # by cross-attention layer: (B, KV, M, D), M vision tokens
    cross_values: dict[int, Tensor]
    # (B, 1, 1, M) bool, true where a page has a tile; None when all have all M
    cross_mask: Tensor | None
    fields: int  # F

    @property
    def slots(self) -> int:
        return next(iter(self.keys.values())).shape[2]

    @property
    def padding_slot(self) -> int:
        """The slot for padding; no valid position reaches it."""
        return self.slots - 1

    def expanded(self, fields: int, slots: int) -> "KVCache":
        """``fields`` rows for each there is now, each with what that one has seen, and room up to
        ``slots``.
        """

        def grown(kept: Tensor) -> Tensor:
            rows, heads, used, width = kept.shape
            room = kept.new_zeros(rows, fields, heads, slots, width)
            room[:, :, :, : used - 1] = kept[:, None, :, : used - 1]
            return room.flatten(0, 1)

        return replace(
            self,
            keys=_each(self.keys, grown),
            values=_each(self.values, grown),
            fields=self.fields * fields,
        )

    def trimmed(self, tiles: Sequence[int], tile_tokens: int) -> "KVCache":
        """Without the vision tokens of tiles that no page of the batch has; exact once no row
        before the image is left to come.
        """
        most = max(tiles) * tile_tokens
        mask = None
        if min(tiles) < max(tiles):
            device = next(iter(self.keys.values())).device
            real = to_device(tiles, device)[:, None] * tile_tokens  # (B, 1)
            mask = (torch.arange(most, device=device)[None] < real)[:, None, None]

        def cut(kept: Tensor) -> Tensor:
            return kept[:, :, :most].contiguous()  # no copy of full pages

        return replace(
            self,
            cross_keys=_each(self.cross_keys, cut),
            cross_values=_each(self.cross_values, cut),
            cross_mask=mask,
        )

    def selected(self, rows: Tensor, pages: Tensor, fields: int) -> "KVCache":
        """Only these rows, ``fields`` for each of ``pages``, in the pages' order."""

        def of(kept: dict[int, Tensor], index: Tensor) -> dict[int, Tensor]:
            return _each(kept, lambda tensor: tensor.index_select(0, index))

        mask = None if self.cross_mask is None else self.cross_mask.index_select(0, pages)
        return KVCache(
            of(self.keys, rows),
            of(self.values, rows),
            of(self.cross_keys, pages),
            of(self.cross_values, pages),
            mask,
            fields,
        )


def _each(kept: dict[int, Tensor], change: Callable[[Tensor], Tensor]) -> dict[int, Tensor]:
    """Every layer's tensor changed; the old one goes before the next layer's new one comes."""
    return {layer: change(kept.pop(layer)) for layer in list(kept)}


def prefill(
    text: Any,
    ids: Tensor,
    lengths: Tensor,
    image_at: Tensor,
    states: Tensor,
    tiles: Sequence[int],
    all_tiles: int,
    *,
    cache_only: bool = False,
) -> tuple[Tensor, KVCache]:
    """The prompts of B pages, once each.

    text:      MllamaTextModel
    ids:       (B, P), padded on the right
    lengths:   (B,) of the prompts
    image_at:  (B,) position of the image token
    states:    (B, M, hidden) from ``vision.encode``, all tiles
    tiles:     how many each page has, of ``all_tiles``
    only_memory: what the prompts' last tokens say is not asked, so that the last layers need not be
                 finished
    returns:   (B, hidden) of each prompt's last token, and the memory with P + 1 slots and one row
               a page
    """
    batch, width = ids.shape
    where = torch.arange(width, device=ids.device)[None]  # (1, P)
    positions = torch.where(where < lengths[:, None], where, width)  # padding goes to the last slot
    config = text.config
    head = config.hidden_size // config.num_attention_heads
    room = (batch, config.num_key_value_heads, width + 1, head)
    crossing = set(config.cross_attention_layers)
    selves = [n for n in range(config.num_hidden_layers) if n not in crossing]
    seen = {n: _project_cross_kv(text.layers[n].cross_attn, states) for n in sorted(crossing)}
    cache = KVCache(
        keys={n: states.new_zeros(room) for n in selves},
        values={n: states.new_zeros(room) for n in selves},
        cross_keys={n: keys for n, (keys, _) in seen.items()},
        cross_values={n: values for n, (_, values) in seen.items()},
        cross_mask=None,
        fields=1,
    )
    after_image = where >= image_at[:, None]  # (B, P)
    # Rows before the image see all tiles, padding tiles included, and lose their MLP's output: that
    # is what the model was trained with.
    cross_mask = None
    if min(tiles) < all_tiles:
        real = to_device(tiles, ids.device)[:, None] * (states.shape[1] // all_tiles)  # (B, 1)
        tokens = torch.arange(states.shape[1], device=ids.device)[None] < real  # (B, M)
        cross_mask = (tokens[:, None] | ~after_image[:, :, None])[:, None]  # (B, 1, P, M)
    hidden = forward(
        text,
        ids,
        positions,
        cache,
        span=width,
        cross_mask=cross_mask,
        row_gate=after_image[..., None].to(states.dtype),
        until=max(selves) if cache_only else None,
    )
    return hidden[torch.arange(batch, device=ids.device), lengths - 1], cache


def forward(
    text: Any,
    ids: Tensor,
    positions: Tensor,
    cache: KVCache,
    *,
    span: int,
    cross_mask: Tensor | None = None,
    row_gate: Tensor | None = None,
    attention_maps: list[Tensor] | None = None,
    until: int | None = None,
) -> Tensor:
    """The next tokens of every row; their keys and values join the memory.

    ids:        (R, q)
    positions:  (R, q), also the slots; padding stands at ``memory.trash``
    span:       how many slots any row can see: one more than the largest valid position
    cross_mask: (B, 1, F * q, M) bool, where it differs from row to row (prefill); else the memory's
                own
    row_gate:   (R, q, 1): 0 for rows before the image, whose MLP output in cross-attention layers
                is dropped
    attention_maps: is given (R, q, M) for each cross-attention layer: the mean over heads of its
                attention
    until:      the last self-attention layer, when only the memory is wanted: nothing after its
                keys and values is computed
    returns:    (R, q, hidden), normalised for lm_head
    """
    slots = torch.arange(span, device=ids.device)
    groups = text.config.num_attention_heads // text.config.num_key_value_heads
    rows = torch.arange(ids.shape[0], device=ids.device)[:, None]  # (R, 1)
    hidden = text.embed_tokens(ids)
    cos, sin = text.rotary_emb(hidden, position_ids=positions)
    half = sin.shape[-1] // 2
    angles = (cos[:, :, None], torch.cat([-sin[..., :half], sin[..., half:]], dim=-1)[:, :, None])
    visible = _additive((slots[None, None] <= positions[..., None])[:, None], groups, hidden.dtype)
    seen = cache.cross_mask if cross_mask is None else cross_mask
    mask = None if seen is None else _additive(seen, groups, hidden.dtype)
    for number, layer in enumerate(text.layers):
        normed = _normed(layer.input_layernorm, hidden)
        if number in cache.cross_keys:
            attended = _cross(layer.cross_attn, normed, cache, number, mask, attention_maps)
            hidden = hidden + layer.cross_attn_attn_gate.tanh() * attended
            more = layer.mlp(_normed(layer.post_attention_layernorm, hidden))
            hidden = hidden + layer.cross_attn_mlp_gate.tanh() * (
                more if row_gate is None else row_gate * more
            )
        else:
            _write_kv(layer.self_attn, normed, angles, cache, number, (rows, positions))
            if number == until:
                break
            hidden = hidden + _self(layer.self_attn, normed, angles, cache, number, visible)
            hidden = hidden + layer.mlp(_normed(layer.post_attention_layernorm, hidden))
    return _normed(text.norm, hidden)


@functools.cache
def compiled(backend: str = "inductor") -> Callable[..., Tensor]:
    """``forward`` as fewer, larger kernels: worth its minutes where launching kernels takes the
    time.

    One compilation holds for any number of slots and, as a rule, of rows; one page alone, pages
    with padding tiles and pages as many as there are key heads get another each. Beyond dynamo's
    limit of such variants it goes on uncompiled, with a warning.
    """
    made: Callable[..., Tensor] = torch.compile(forward, dynamic=True, backend=backend)
    return made


def _additive(mask: Tensor, groups: int, dtype: torch.dtype) -> Tensor:
    """A bool mask as attention adds it, its queries repeated for the heads that share keys; made
    once for all layers.

    Its rows lie a multiple of ``ALIGNED`` numbers apart: CUDA's attention would copy it in every
    layer otherwise.
    """
    if mask.shape[2] > 1:
        mask = mask.repeat(1, 1, groups, 1)
    *before, width = mask.shape
    room = torch.zeros(*before, -(-width // ALIGNED) * ALIGNED, dtype=dtype, device=mask.device)
    return room[..., :width].masked_fill_(~mask, float("-inf"))


def _write_kv(
    attn: Any,
    x: Tensor,
    angles: tuple[Tensor, Tensor],
    cache: KVCache,
    number: int,
    at: tuple[Tensor, Tensor],
) -> None:
    """Write the new tokens' keys and values to their slots.  x: (R, q, hidden)"""
    shape = (*x.shape[:2], attn.num_key_value_heads, attn.head_dim)
    # at (row, slot): (R, q, KV, D)
    cache.keys[number].transpose(1, 2)[at] = _apply_rotary(attn.k_proj(x).view(shape), angles)
    cache.values[number].transpose(1, 2)[at] = attn.v_proj(x).view(shape)


def _self(
    attn: Any,
    x: Tensor,
    angles: tuple[Tensor, Tensor],
    cache: KVCache,
    number: int,
    visible: Tensor,
) -> Tensor:
    """x: (R, q, hidden); visible: (R, 1, groups * q or 1, span), additive"""
    rows, new, _ = x.shape
    query = _apply_rotary(
        attn.q_proj(x).view(rows, new, attn.num_heads, attn.head_dim), angles
    ).transpose(1, 2)
    span = visible.shape[-1]
    groups = attn.num_key_value_groups
    # heads that share keys become queries
    query = query.reshape(rows, attn.num_key_value_heads, groups * new, attn.head_dim)
    keys, values = cache.keys[number], cache.values[number]
    out = scaled_dot_product_attention(
        query, keys[:, :, :span], values[:, :, :span], attn_mask=visible
    )
    out = (
        out.reshape(rows, attn.num_heads, new, attn.head_dim).transpose(1, 2).reshape(rows, new, -1)
    )
    projected: Tensor = attn.o_proj(out)
    return projected


def _apply_rotary(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary position embedding in three kernels.

    x:      (R, q, heads, D)
    angles: cosines, and sines with the first half's sign turned, (R, q, 1, D)
    """
    cos, sin = angles
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def _normed(norm: Any, x: Tensor) -> Tensor:
    """MllamaTextRMSNorm in one kernel instead of eight."""
    return rms_norm(x, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _cross(
    attn: Any,
    x: Tensor,
    cache: KVCache,
    number: int,
    mask: Tensor | None,
    attention_maps: list[Tensor] | None,
) -> Tensor:
    """x: (R, q, hidden); mask: (B, 1, 1 or groups * F * q, M), additive"""
    rows, new, _ = x.shape
    keys, values = cache.cross_keys[number], cache.cross_values[number]
    pages, heads, _, width = keys.shape
    groups = attn.num_key_value_groups
    queries = cache.fields * new
    query = _normed(attn.q_norm, attn.q_proj(x).view(rows, new, attn.num_heads, width))
    query = (
        query.view(pages, queries, heads, groups, width)
        .permute(0, 2, 3, 1, 4)
        .reshape(pages, heads, groups * queries, width)
    )
    out = scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    if attention_maps is not None:  # beside the answer, never on its way
        weights = (query * attn.scaling) @ keys.transpose(-1, -2)
        weights = (weights if mask is None else weights.add_(mask)).softmax(-1)
        attention_maps.append(
            weights.view(pages, heads * groups, queries, -1).mean(1).view(rows, new, -1)
        )
    out = (
        out.view(pages, heads, groups, queries, width).permute(0, 3, 1, 2, 4).reshape(rows, new, -1)
    )
    projected: Tensor = attn.o_proj(out)
    return projected


def _project_cross_kv(attn: Any, states: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values of the vision tokens, (B, KV, M, D) each; laid out head by head, as every
    step will read them.
    """
    shape = (*states.shape[:2], attn.num_key_value_heads, attn.head_dim)
    keys = _normed(attn.k_norm, attn.k_proj(states).view(shape)).transpose(1, 2)
    return keys.contiguous(), attn.v_proj(states).view(shape).transpose(1, 2).contiguous()
