"""What the demo model learns from: batches, its attention made visible, and the three losses.

The forward pass is Hugging Face's own, told to attend through the function below: it gives the same
numbers (a test compares them), costs a third on a CPU, and lets the cross-attention's weights be
seen and taught.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, MllamaForConditionalGeneration, MllamaProcessor

from extractors.demo.dataset import CHARS, NAMES, SLOTS, Shard
from extractors.demo.model import CROSS_LAYERS
from extractors.documents.slip import Slip
from extractors.reading import prompts

ATTENTION = "surefield_training"
IGNORED = -100
JSON_OPENS = 0.2  # of the rows


class _Attend(torch.autograd.Function):
    """Attention by plain products: on a CPU a third of the time of the fused kernel's backward."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float
    ) -> Tensor:
        scaled = query * scaling
        weights = torch.matmul(scaled, key.transpose(-1, -2))  # (B, H, T, S)
        if mask is not None:
            weights += mask
        weights = weights.softmax(-1)
        ctx.save_for_backward(scaled, key, value, weights)
        ctx.scaling = scaling
        return torch.matmul(weights, value)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        scaled, key, value, weights = ctx.saved_tensors
        to_value = torch.matmul(weights.transpose(-1, -2), grads[0])
        to_weights = torch.matmul(grads[0], value.transpose(-1, -2))
        to_scores = torch._softmax_backward_data(to_weights, weights, -1, weights.dtype)
        to_query = torch.matmul(to_scores, key) * ctx.scaling
        return to_query, torch.matmul(to_scores.transpose(-1, -2), scaled), to_value, None, None


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **_: Any,
) -> Any:
    if getattr(module, "show_weights", False):
        weights = torch.matmul(query * scaling, key.transpose(-1, -2))
        if attention_mask is not None:
            weights = weights + attention_mask
        weights = weights.softmax(-1)
        return torch.matmul(weights, value).transpose(1, 2), weights
    return _Attend.apply(query, key, value, attention_mask, scaling).transpose(1, 2), None  # type: ignore[no-untyped-call]


AttentionInterface.register(ATTENTION, _attend)


class CharacterHead(nn.Module):
    """Names the characters of each patch from the vision tower's output; used in training only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.name = nn.Linear(width, SLOTS * (len(CHARS) + 1))

    def forward(self, seen: Tensor) -> Tensor:
        """seen: (B, tiles * patches, width) -> (B, tiles * patches, SLOTS, characters)."""
        named: Tensor = self.name(seen)
        return named.view(*named.shape[:-1], SLOTS, -1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Pages with the prompt, the answers packed behind it, and what is to be said where."""

    inputs: dict[str, Tensor]  # for the model's forward; without text inputs for dense pages
    chars: Tensor  # (B, patches, SLOTS)
    targets: Tensor | None = None  # (B, T) the next token, or IGNORED
    places: Tensor | None = None  # (B, T) the vision token to look at, or -1


def prompt_ids(processor: MllamaProcessor) -> list[int]:
    """The shared prompt, exactly as the processor makes it at inference."""
    text = processor.apply_chat_template(prompts.messages(Slip.spec), add_generation_prompt=True)
    return list(processor.tokenizer(text, add_special_tokens=False).input_ids)


def collate(
    picks: Sequence[tuple[Shard, int, Sequence[int]]],
    prompt: Sequence[int],
    image_token: int,
    dtype: torch.dtype,
    device: torch.device,
) -> Batch:
    """picks: (shard, page, which segments), no segments at all for dense pages."""
    # (B, 2, H, W)
    tiles = torch.from_numpy(np.stack([shard.tiles[page] for shard, page, _ in picks])).to(device)
    n_tiles = torch.tensor([int(shard.n_tiles[page]) for shard, page, _ in picks], device=device)
    present = (torch.arange(2, device=device)[None] < n_tiles[:, None]).long()  # (B, 2)
    pixels = (tiles.to(dtype) / 127.5 - 1.0) * present[..., None, None].to(dtype)
    inputs = {
        "pixel_values": pixels[:, None, :, None].expand(-1, -1, -1, 3, -1, -1),
        "aspect_ratio_ids": torch.tensor(
            [[int(shard.aspect[page])] for shard, page, _ in picks], device=device
        ),
        "aspect_ratio_mask": present[:, None],
    }
    chars = (
        torch.from_numpy(np.stack([shard.chars[page] for shard, page, _ in picks]))
        .long()
        .to(device)
    )
    if not picks[0][2]:
        return Batch(inputs, chars)
    rows = [_row(shard, page, which, prompt) for shard, page, which in picks]
    length = -(-max(len(row[0]) for row in rows) // 8) * 8
    ids, targets, places, positions, owner = (
        torch.from_numpy(
            np.stack(
                [np.pad(row[k], (0, length - len(row[k])), constant_values=pad) for row in rows]
            )
        )
        for k, pad in enumerate((prompt[0], IGNORED, -1, 0, -1))
    )
    # its own segment, or the prompt
    same = (owner[:, :, None] == owner[:, None, :]) | (owner[:, None, :] == 0)
    seen = same & torch.ones(length, length, dtype=torch.bool).tril()
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
    after_image = torch.arange(length)[None] >= list(prompt).index(image_token)
    cross = after_image[..., None, None].to(device) * present[:, None, None, :]  # (B, T, 1, 2)
    inputs |= {
        "input_ids": ids.to(device),
        "attention_mask": mask[:, None].to(device),
        "position_ids": positions.to(device),
        "cross_attention_mask": cross.to(dtype),
    }
    return Batch(inputs, chars, targets.to(device), places.to(device))


def _row(
    shard: Shard, page: int, which: Sequence[int], prompt: Sequence[int]
) -> tuple[np.ndarray, ...]:
    """ids, targets, places, positions and owners of one packed row: each answer sees the prompt and
    itself.
    """
    p = len(prompt)
    ids, targets, places = [np.array(prompt)], [np.full(p, IGNORED)], [np.full(p, -1)]
    positions, owner = [np.arange(p)], [np.zeros(p, np.int64)]
    for k, segment in enumerate(which, start=1):
        said, looked = (array.astype(np.int64) for array in shard.segment(page, segment))
        if segment == 0:
            targets[0][p - 1] = said[0]  # the whole answer is the model's own, from its first token
        ids.append(said[:-1])
        targets.append(said[1:])
        places.append(looked[1:])
        positions.append(p + np.arange(len(said) - 1))
        owner.append(np.full(len(said) - 1, k))
    return tuple(np.concatenate(part) for part in (ids, targets, places, positions, owner))


class Watch:
    """Catches what the vision tower saw and where the cross-attention looked, during one forward
    pass.
    """

    def __init__(self, model: MllamaForConditionalGeneration) -> None:
        self.seen: Tensor | None = None
        self.attention_maps: dict[int, Tensor] = {}
        model.model.vision_model.register_forward_hook(self._see)
        for index in CROSS_LAYERS:
            cross = model.model.language_model.layers[index].cross_attn
            cross.show_weights = True
            cross.register_forward_hook(
                lambda _, __, out, index=index: self.attention_maps.__setitem__(index, out[1])
            )

    def _see(self, _module: nn.Module, _args: Any, out: Any) -> None:
        # (B, 1, tiles, 1 + patches, width): the class token names no character.
        self.seen = out.last_hidden_state[:, 0, :, 1:].flatten(1, 2)


@contextmanager
def training_attention(model: MllamaForConditionalGeneration) -> Iterator[None]:
    """The model attends through the function above inside this context."""
    configs = {id(m.config): m.config for m in model.modules() if hasattr(m, "config")}
    before = {key: config._attn_implementation for key, config in configs.items()}
    for config in configs.values():
        config._attn_implementation = ATTENTION
    try:
        yield
    finally:
        for key, config in configs.items():
            config._attn_implementation = before[key]


def character_loss(head: CharacterHead, seen: Tensor, chars: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the characters' names, empty slots counting a twentieth; and the share of
    characters named right.
    """
    logits = head(seen).float()  # (B, patches, SLOTS, characters)
    weight = torch.ones(logits.shape[-1], device=logits.device)
    weight[0] = 0.05
    loss = F.cross_entropy(
        logits.flatten(0, 2), chars.flatten(), weight=weight, label_smoothing=0.02
    )
    there = chars > 0
    right = (logits.argmax(-1) == chars)[there].float().mean()  # not a number for blank pages
    return loss, right


def answer_loss(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the next tokens; and the share of them that is the likeliest."""
    known = targets != IGNORED
    said, wanted = logits[known].float(), targets[known]
    return F.cross_entropy(said, wanted), (said.argmax(-1) == wanted).float().mean()


def attention_loss(attention_maps: dict[int, Tensor], places: Tensor) -> tuple[Tensor, Tensor]:
    """-log of the attention's mass on the character's patch; and how often the last layer's top
    patch is that one.
    """
    known = places >= 0
    index = places.clamp(min=0)[:, None, :, None]
    losses, hit = [], torch.zeros((), device=places.device)
    for weights in attention_maps.values():
        # (B, T)
        mass = (
            weights.gather(-1, index.expand(-1, weights.shape[1], -1, -1))[..., 0].float().mean(1)
        )
        losses.append(-(mass + 1e-6).log()[known].sum() / known.sum().clamp(min=1))
        hit = (weights.detach().mean(1).argmax(-1) == places)[known].float().mean()
    return torch.stack(losses).mean(), hit


def pick_segments(
    dice: np.random.Generator, lengths: Sequence[int], budget: int = 150
) -> list[int]:
    """What opens the row, and as many fields' continuations behind it as fill it.

    The JSON answer opens a fifth of the rows, and the longest continuation the others: behind the
    JSON answer a list of several rows never fits, and it would be learned from one row in seven.
    All rows are about equally long, and little of a batch is padding.
    """
    longest = 1 + int(np.argmax(lengths[1:]))
    chosen = [0 if dice.random() < JSON_OPENS else longest]
    left = budget - lengths[chosen[0]]
    for k in (1 + dice.permutation(len(NAMES))).tolist():
        if lengths[k] <= left and k not in chosen:
            chosen.append(k)
            left -= lengths[k]
    return chosen
