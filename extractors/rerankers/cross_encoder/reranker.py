"""A cross-encoder that transformers loads: XLM-RoBERTa as in BAAI/bge-reranker-v2-m3, or any other
with one label.
"""

import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from extractors.backends.mllama.checkpoint import device_of, dtype_of, fingerprint_of, folder_of
from extractors.errors import ModelNotLoadable, OutOfMemory
from extractors.rerankers import Pair, Relevance
from extractors.rerankers.known_pairs import KnownPair, check, known_pairs

log = logging.getLogger(__name__)

_NO_LIMIT = 1 << 20  # what tokenizers say when they know of none is far above


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    model: Any
    tokenizer: Any
    max_tokens: int
    device: torch.device


class CrossEncoder:
    """Judges pairs with weights of its own, loaded at the first call.

    model: a checkpoint's folder, or its name on the hub
    max_tokens: longest pair that the model is given; what is longer loses its passage's end and
                says so.  None: what the model can
    batch_tokens: tokens of one forward pass, padding included
    known: pairs with a known order, the most relevant first; None means what is known of the model
           by its name or its folder
    """

    def __init__(
        self,
        model: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_tokens: int | None = None,
        batch_tokens: int = 16_384,
        known: Sequence[KnownPair] | None = None,
    ) -> None:
        self.model = model
        self._device = device_of(device)
        self._dtype = dtype_of(dtype, self._device)
        self._max_tokens = max_tokens
        self._batch_tokens = batch_tokens
        self._known = known
        self._lock = threading.Lock()

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of weights, tokenizer, dtype and the longest pair."""
        of_files = fingerprint_of(self._folder, self._dtype)
        return hashlib.sha256(f"rerank/1 {of_files} {self._max_tokens}".encode()).hexdigest()[:16]

    def relevance(self, pairs: Sequence[Pair]) -> list[Relevance]:
        """Of every pair, in the pairs' order; those of one length are read together, so that little
        is padded.
        """
        if not pairs:
            return []
        with self._lock:
            loaded = self._loaded
        return self._judge(loaded, pairs)

    @cached_property
    def _folder(self) -> Path:
        return folder_of(self.model)

    @cached_property
    def _loaded(self) -> _Loaded:
        loaded = _load(self._folder, self._device, self._dtype, self._max_tokens)
        known = known_pairs(self.model) if self._known is None else self._known
        check(self.model, known, lambda pairs: self._judge(loaded, pairs))
        log.info(
            "reranker_loaded",
            extra={
                "folder": str(self._folder),
                "device": str(self._device),
                "dtype": str(self._dtype),
            },
        )
        return loaded

    def _judge(self, loaded: _Loaded, pairs: Sequence[Pair]) -> list[Relevance]:
        lengths = _lengths(loaded, pairs)
        judged: dict[int, Relevance] = {}
        for batch in _batches(lengths, loaded.max_tokens, self._batch_tokens):
            logits = _logits(loaded, [pairs[at] for at in batch])
            for at, logit in zip(batch, logits.tolist(), strict=True):
                judged[at] = Relevance(logit=logit, truncated=lengths[at] > loaded.max_tokens)
        if cut := sum(one.truncated for one in judged.values()):
            log.warning(
                "pairs_truncated",
                extra={"pairs": cut, "of": len(pairs), "max_tokens": loaded.max_tokens},
            )
        return [judged[at] for at in range(len(pairs))]


def _lengths(loaded: _Loaded, pairs: Sequence[Pair]) -> list[int]:
    """Tokens of every pair, were nothing cut."""
    if not pairs:
        return []
    encoded = loaded.tokenizer(
        [q for q, _ in pairs], [p for _, p in pairs], truncation=False, verbose=False
    )
    return [len(ids) for ids in encoded["input_ids"]]


def _batches(lengths: Sequence[int], max_tokens: int, batch_tokens: int) -> Iterator[list[int]]:
    """Places of the pairs, the longest first, so that memory that is too small is noticed at
    once.
    """
    batch: list[int] = []
    widest = 0
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        length = min(lengths[at], max_tokens)
        if batch and widest * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        widest = widest if batch else length
        batch.append(at)
    if batch:
        yield batch


def _logits(loaded: _Loaded, pairs: Sequence[Pair]) -> Tensor:
    """(B,) float32, raw."""
    queries, passages = [q for q, _ in pairs], [p for _, p in pairs]
    inputs = loaded.tokenizer(
        queries,
        passages,
        padding=True,
        truncation="longest_first",
        max_length=loaded.max_tokens,
        return_tensors="pt",
        verbose=False,
    ).to(loaded.device)
    try:
        with torch.inference_mode():
            logits: Tensor = loaded.model(**inputs).logits  # (B, 1)
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"{len(pairs)} pairs of {inputs['input_ids'].shape[1]} tokens do not fit into memory."
            " Lower batch_tokens or max_tokens."
        ) from error
    return logits[:, 0].float().cpu()


def _load(
    folder: Path, device: torch.device, dtype: torch.dtype, max_tokens: int | None
) -> _Loaded:
    """The checkpoint in ``folder``, complete or not at all: a missing head would be filled with
    random numbers.
    """
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=dtype, local_files_only=True, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except torch.OutOfMemoryError:
        raise
    # from_pretrained raises OSError, ValueError, RuntimeError, KeyError, SafetensorError, ...
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelNotLoadable(
            f"The reranker in {folder} does not load ({type(error).__name__}: {reason}). Fetch its"
            " files again, and compare their sizes."
        ) from error
    unset = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if unset:
        raise ModelNotLoadable(
            f"{folder} lacks {len(unset)} weights of a reranker ({unset[0]}, ...). An embedding"
            " model has no such head: choose a reranker, or fetch its files again."
        )
    if model.config.num_labels != 1:
        raise ModelNotLoadable(
            f"{folder} has {model.config.num_labels} labels, and a reranker has one. Choose a"
            " reranker."
        )
    longest = _longest(model.config, tokenizer)
    return _Loaded(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        max_tokens=min(max_tokens or longest, longest),
        device=device,
    )


def _longest(config: Any, tokenizer: Any) -> int:
    """Tokens that the model has positions for.

    RoBERTa's begin after the padding's own: 514 positions hold 512 tokens.
    """
    positions: int = getattr(config, "max_position_embeddings", _NO_LIMIT)
    if "roberta" in config.model_type:
        positions -= config.pad_token_id + 1
    return min(positions, int(tokenizer.model_max_length), _NO_LIMIT)
