"""The ``json`` decode mode with a forced skeleton: what the grammar leaves no choice about is fed,
not written.

Keys, colons and brackets make up most of an answer. Wherever the grammar allows only one
continuation, its tokens go in together with the token before them, in one forward; the model is
asked only where there is something to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from extractors.backends.mllama import text_model
from extractors.backends.mllama.attention_boxes import PatchGrid, top_patches
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.grammar import allowed_next
from extractors.backends.mllama.inputs import PageInputs, padded, to_device
from extractors.backends.mllama.prefill import ROOM, prefill_prompts
from extractors.backends.mllama.recorder import Step, TopPatches, spelled, step_of, traces_of
from extractors.backends.mllama.text_model import KVCache
from extractors.backends.vocabulary import Vocabulary
from extractors.types import Generation, StopReason, TokenTrace


@dataclass(slots=True)
class _Page:
    """One page's answer, while it is written."""

    matcher: Any
    budget: int
    at: int  # position of the next token that is fed
    grid: PatchGrid | None
    order: list[TokenTrace | None] = field(default_factory=list)  # None: the model's next own token
    written: list[TokenTrace] = field(default_factory=list)  # the model's own tokens
    feed: list[int] = field(default_factory=list)
    stop: StopReason | None = None

    def force(self, vocabulary: Vocabulary) -> None:
        """Take over what the grammar leaves no choice about."""
        forced = self.matcher.compute_ff_tokens()
        if forced and self.matcher.consume_tokens(forced):
            self.feed += forced
            self.order += [
                TokenTrace(token_id=i, text=spelled(vocabulary, i), logprob=0.0, forced=True)
                for i in forced
            ]
        if self.matcher.is_stopped():
            self.stop = StopReason.GRAMMAR
        elif len(self.order) >= self.budget:
            self.stop = StopReason.LENGTH

    def take(self, token: int, vocabulary: Vocabulary) -> None:
        """The model's choice, and what follows from it."""
        self.feed = [token]
        self.order.append(None)
        if token in vocabulary.eos_ids:
            self.stop = StopReason.END
        elif self.matcher.consume_token(token):
            self.force(vocabulary)
        else:
            self.stop = StopReason.GRAMMAR  # the grammar gave up; what was read so far stands

    def generation(self) -> Generation:
        assert self.stop is not None, "the loop goes on until every page has ended"
        own = iter(self.written)
        return Generation(
            tokens=tuple(token if token is not None else next(own) for token in self.order),
            stop_reason=self.stop,
        )


def read_json(
    loaded: Loaded, inputs: PageInputs, matchers: Sequence[Any], *, max_new_tokens: int
) -> list[Generation]:
    """One answer for each page.

    matchers: the grammar's, one a page, fresh
    """
    grids = inputs.grids or (None,) * len(inputs.prompts)
    pages = [
        _Page(matcher, max_new_tokens, len(prompt), grid)
        for matcher, prompt, grid in zip(matchers, inputs.prompts, grids, strict=True)
    ]
    for page in pages:
        page.force(loaded.vocabulary)
    hidden, cache = prefill_prompts(loaded, inputs, cache_only=all(page.feed for page in pages))
    state = _State(cache.expanded(1, max(page.at for page in pages) + ROOM + 1), hidden, None)
    if any(page.feed for page in pages):
        state = _fed(loaded, state, pages)
    _write(loaded, state, pages)
    return [page.generation() for page in pages]


@dataclass(frozen=True, slots=True)
class _State:
    """What the tensors hold after each page's last token."""

    cache: KVCache
    hidden: Tensor  # (B, hidden)
    attention: TopPatches | None

    def selected(self, at: Tensor) -> "_State":
        return _State(
            self.cache.selected(at, at, 1),
            self.hidden[at],
            None if self.attention is None else self.attention[at],
        )


def _write(loaded: Loaded, state: _State, live: Sequence[_Page]) -> None:
    """Steps until every page has ended."""
    pending: list[Step] = []
    while True:
        still = [n for n, page in enumerate(live) if page.stop is None]
        if len(still) * 2 <= len(live):
            _settle(loaded, live, pending)
            pending = []
            if not still:
                return
            state, live = state.selected(to_device(still, loaded.device)), [live[n] for n in still]
        logits = loaded.lm_head(state.hidden)  # (B, V)
        chosen = logits.masked_fill(
            ~allowed_next([page.matcher if page.stop is None else None for page in live], logits),
            float("-inf"),
        ).argmax(dim=-1)
        pending.append(step_of(logits, chosen, state.attention, loaded.roads))
        for page, token in zip(live, chosen.tolist(), strict=True):
            if page.stop is None:
                page.take(token, loaded.vocabulary)
            else:
                page.feed = []
        if any(page.stop is None for page in live):
            state = _fed(loaded, state, live)


def _fed(loaded: Loaded, state: _State, pages: Sequence[_Page]) -> _State:
    """The state after each page's ``feed``; a page that feeds nothing keeps what it had."""
    cache = state.cache
    furthest = max(page.at + len(page.feed) for page in pages)
    if furthest >= cache.slots:
        cache = cache.expanded(1, furthest + max(ROOM, cache.slots // 4) + 1)
    ids, lengths = padded([page.feed for page in pages], loaded.vocabulary.pad_id, loaded.device)
    where = torch.arange(ids.shape[1], device=loaded.device)[None]
    starts = to_device([page.at for page in pages], loaded.device)[:, None]
    positions = torch.where(where < lengths[:, None], starts + where, cache.padding_slot)
    grid = pages[0].grid
    layers: list[Tensor] | None = None if grid is None else []
    hidden = text_model.forward(
        loaded.model.model.language_model,
        ids,
        positions,
        cache,
        span=furthest,
        attention_maps=layers,
    )
    last = (lengths - 1).clamp_min(0)
    after = torch.where(
        (lengths > 0)[:, None],
        hidden[torch.arange(len(pages), device=loaded.device), last],
        state.hidden,
    )
    for page in pages:
        page.at += len(page.feed)
        page.feed = []
    return _State(
        cache, after, None if grid is None else top_patches(layers or [], grid.side, last)
    )


def _settle(loaded: Loaded, live: Sequence[_Page], pending: Sequence[Step]) -> None:
    """Hand the steps since the last change of rows to the pages that they belong to."""
    if not pending:
        return
    grids = [page.grid for page in live]
    places = (
        None if pending[0].attention is None else [grid.box for grid in grids if grid is not None]
    )
    for page, tokens in zip(
        live, traces_of(pending, loaded.vocabulary, places=places), strict=True
    ):
        page.written += tokens  # more than its order asks for, if it ended on the way
