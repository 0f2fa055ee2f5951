"""A grammar that lets a model write nothing but an answer of the document type, in the form it was
trained to write.

The mask is applied to the scores that choose the next token, never to what the recorder sees.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor

from extractors.backends.vocabulary import Vocabulary
from extractors.documents.spec import DocumentType
from extractors.errors import ModelNotLoadable
from extractors.reading import prompts

log = logging.getLogger(__name__)

_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class GrammarSource:
    """Compiles document types to matchers, for one tokenizer."""

    def __init__(self, vocabulary: Vocabulary, tokenizer: Any) -> None:
        try:
            import llguidance  # here, so that a machine without it can still read in fields mode
        except ModuleNotFoundError as error:
            raise ModelNotLoadable(
                "json mode's grammar needs llguidance. Install it: pip install 'surefield[model]';"
                " or turn the grammar off."
            ) from error
        self._matcher_of = llguidance.LLMatcher
        wrapper = llguidance.TokenizerWrapper(_Tokens(vocabulary, tokenizer))
        self._tokenizer = llguidance.LLTokenizer(
            wrapper, n_vocab=len(vocabulary), eos_token=list(vocabulary.eos_ids)
        )
        self._compiled = lru_cache(maxsize=64)(self._compile)

    def matcher(self, spec: DocumentType) -> Any:
        """A fresh matcher of the whole answer."""
        return self._compiled(spec).deep_copy()

    def _compile(self, spec: DocumentType) -> Any:
        grammar = self._matcher_of.grammar_from_json_schema(
            prompts.answer_schema(spec), overrides=_COMPACT
        )
        matcher = self._matcher_of(self._tokenizer, grammar)
        assert not matcher.is_error(), matcher.get_error()
        return matcher


class _Tokens:
    """The vocabulary as llguidance wants it."""

    def __init__(self, vocabulary: Vocabulary, tokenizer: Any) -> None:
        self.eos_token_id = vocabulary.eos_ids[0]
        self.bos_token_id = tokenizer.bos_token_id
        self.tokens = [
            name.encode() if i in vocabulary.special_ids else spelled
            for i, (name, spelled) in enumerate(
                zip(vocabulary.names, vocabulary.spelled, strict=True)
            )
        ]
        self.special_token_ids = sorted(vocabulary.special_ids)
        self._tokenizer = tokenizer

    def __call__(self, text: str | bytes) -> list[int]:
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return list(self._tokenizer.encode(text, add_special_tokens=False))


class GrammarMask(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped
    """Allows each row of a batch only what its grammar allows next."""

    def __init__(self, matchers: Sequence[Any], vocabulary: Vocabulary, prompt_tokens: int) -> None:
        # None: the row has ended, or its matcher gave up
        self._matchers: list[Any | None] = list(matchers)
        self._vocabulary = vocabulary
        self._seen = prompt_tokens

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """scores: (B, V), of which what the grammar forbids becomes -inf."""
        self._consume(input_ids[:, self._seen :].tolist())
        self._seen = input_ids.shape[1]
        return scores.masked_fill(~allowed_next(self._matchers, scores), float("-inf"))

    def _consume(self, new: list[list[int]]) -> None:
        for row, tokens in enumerate(new):
            for token in tokens:
                matcher = self._matchers[row]
                if matcher is None:
                    break
                if token in self._vocabulary.eos_ids:
                    self._matchers[row] = None
                elif not matcher.consume_token(token):
                    log.warning("grammar_gave_up", extra={"reason": matcher.get_error()[:200]})
                    # the row goes on without a grammar; its reader judges what comes
                    self._matchers[row] = None


def allowed_next(matchers: Sequence[Any | None], scores: Tensor) -> Tensor:
    """(B, V) bool: what each row's matcher allows next; everything where there is none."""
    width = scores.shape[1]
    mask = np.full((len(matchers), (width + 31) // 32), -1, dtype=np.int32)
    for row, matcher in enumerate(matchers):
        if matcher is not None:
            bits = mask[row]
            matcher.unsafe_compute_mask_ptr(bits.ctypes.data, bits.nbytes)
    # (B, W) of 32 tokens each: sixteen kB a row go over, not the mask itself
    words = torch.from_numpy(mask)
    words = (
        words.pin_memory().to(scores.device, non_blocking=True)
        if scores.is_cuda
        else words.to(scores.device)
    )
    bits = (words[:, :, None] >> torch.arange(32, device=scores.device, dtype=torch.int32)) & 1
    return bits.flatten(1)[:, :width].bool()
