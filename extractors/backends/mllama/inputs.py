"""What will be fed: prompts, skeletons of fields, and what may open a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from extractors.backends.mllama.attention_boxes import PatchGrid
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.vocabulary import Vocabulary
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.reading import prompts

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """One field of a page: what is fed before its value, and how much the model may write."""

    skeleton: Tokens
    budget: int
    # (V,) bool, on the device: what the first token may be; None: anything
    openings: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInputs:
    """A batch of pages as the vision tower and the language model take them."""

    prompts: tuple[Tokens, ...]
    pixels: Tensor  # (B, 1, T, 3, side, side)
    aspect_ids: Tensor  # (B, 1)
    # how many of the T each page has: on the host, so that nothing waits for the device to learn it
    tiles: tuple[int, ...]
    image_token: int
    # of the pages; when it is asked where the model looks
    grids: tuple[PatchGrid, ...] | None = None


def page_inputs(inputs: Any, image_token: int, device: torch.device) -> PageInputs:
    """From the processor's batch, which is on the host; the prompts' padding is dropped, the
    pictures go to the device.
    """
    ids, mask = inputs["input_ids"].tolist(), inputs["attention_mask"].tolist()
    return PageInputs(
        prompts=tuple(
            tuple(i for i, real in zip(row, kept, strict=True) if real)
            for row, kept in zip(ids, mask, strict=True)
        ),
        pixels=inputs["pixel_values"].to(device, non_blocking=True),
        aspect_ids=inputs["aspect_ratio_ids"].to(device, non_blocking=True),
        tiles=tuple(inputs["aspect_ratio_mask"][:, 0].sum(-1).tolist()),
        image_token=image_token,
    )


def continuations(
    spec: DocumentType, loaded: Loaded, *, field_tokens: int, group_tokens: int, grammar: bool
) -> tuple[Continuation, ...]:
    """One for each field of the type, in its order."""
    tokenizer, vocabulary = loaded.processor.tokenizer, loaded.vocabulary
    made = []
    for field in spec.fields:
        skeleton = skeleton_of(field, tokenizer)
        rest = prompts.field_prefix(field.name).encode()[
            sum(len(vocabulary.spelled[i]) for i in skeleton) :
        ]
        openings = openings_of(field, rest, vocabulary).to(loaded.device) if grammar else None
        made.append(
            Continuation(
                skeleton=skeleton,
                budget=group_tokens if field.kind is Kind.GROUP else field_tokens,
                openings=openings,
            )
        )
    return tuple(made)


def skeleton_of(field: FieldSpec, tokenizer: Any) -> Tokens:
    """The tokens that begin every answer about the field, as training would split them.

    The prefix's last space may belong to the same token as the value's quote; what is fed is only
    what all values share.
    """
    prefix = prompts.field_prefix(field.name)
    spelled = [
        tuple(tokenizer.encode(prefix + value, add_special_tokens=False))
        for value in _values(field, probe="x")
    ]
    shared = next(
        (n for n, column in enumerate(zip(*spelled, strict=False)) if len(set(column)) > 1),
        min(map(len, spelled)),
    )
    return spelled[0][:shared]


def openings_of(field: FieldSpec, rest: bytes, vocabulary: Vocabulary) -> Tensor:
    """(V,) bool: the tokens that a value can begin with, after ``rest`` of the prefix that was not
    fed.
    """
    begins = [b"["] if field.kind is Kind.GROUP else [b'"', b"null"]
    fits = [
        token.startswith(rest) and any(_agree(token[len(rest) :], begin) for begin in begins)
        for token in vocabulary.spelled
    ]
    return torch.tensor(fits)


def _agree(token: bytes, begin: bytes) -> bool:
    return bool(token) and (token.startswith(begin) or begin.startswith(token))


def _values(field: FieldSpec, *, probe: str) -> tuple[str, ...]:
    return (
        ("[]", '[{"' + probe) if field.kind is Kind.GROUP else ("null", f'"{probe}"', f'"1{probe}')
    )


def padded(rows: Sequence[Sequence[int]], fill: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(R, q) padded on the right, and (R,) lengths."""
    width = max(map(len, rows))
    ids = to_device([[*row, *[fill] * (width - len(row))] for row in rows], device)
    return ids, to_device([len(row) for row in rows], device)


def to_device(values: Sequence[Any], device: torch.device) -> Tensor:
    """Whole numbers as a tensor on the device; from pinned memory, so that the host goes on without
    waiting for what is under way there.
    """
    made = torch.tensor(values, dtype=torch.long)
    return (
        made.pin_memory().to(device, non_blocking=True)
        if device.type == "cuda"
        else made.to(device)
    )
