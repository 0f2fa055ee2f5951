"""The ``fields`` decode mode: every field of every page of a batch written at the same time.

The page is encoded once and its prompt prefilled once; then each field continues it with its own
short skeleton. The loop asks the device for nothing while it runs: every few steps it looks which
rows have ended, and goes on with the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from extractors.backends.mllama import text_model
from extractors.backends.mllama.attention_boxes import PatchGrid, top_patches
from extractors.backends.mllama.checkpoint import Loaded
from extractors.backends.mllama.inputs import Continuation, PageInputs, padded, to_device
from extractors.backends.mllama.prefill import ROOM, prefill_prompts
from extractors.backends.mllama.recorder import Step, spelled, step_of, traces_of
from extractors.backends.mllama.text_model import KVCache
from extractors.backends.mllama.value_end import ValueEnd
from extractors.types import Generation, StopReason, TokenTrace


@dataclass(slots=True)
class _Row:
    """One field of one page, while it is written."""

    page: int  # index in the batch
    continuation: Continuation
    start: int  # position of the first token that the model writes
    tokens: list[TokenTrace] = field(default_factory=list)
    value: ValueEnd = field(default_factory=ValueEnd)
    stop: StopReason | None = None

    def add(self, token: TokenTrace, eos_ids: Sequence[int]) -> None:
        if self.stop is not None:
            return
        self.tokens.append(token)
        if token.token_id in eos_ids or self.value.feed(token.text):
            self.stop = StopReason.END
        elif len(self.tokens) >= self.continuation.budget:
            self.stop = StopReason.LENGTH


@dataclass(frozen=True, slots=True)
class EndCheckSchedule:
    """Steps after which finished rows are looked for; always also after the last step.

    Each check waits for the device.
    """

    first: int
    every: int
    drops_rows: bool = True  # whether rows that have ended are left out of the next steps

    @classmethod
    def on(cls, device: torch.device, *, compiled: bool) -> "EndCheckSchedule":
        """On a CPU every row costs, and the first token ends nulls; a GPU's kernels are launched
        ahead, and rows cost it little.

        A compiled step keeps its rows: it would be compiled again for some of the smaller numbers.
        """
        first, every = (1, 2) if device.type == "cpu" else (8, 8)
        return cls(first, every, drops_rows=not compiled)


def read_fields(
    loaded: Loaded,
    inputs: PageInputs,
    fields: Sequence[Continuation],
    *,
    schedule: EndCheckSchedule | None = None,
    step: Callable[..., Tensor] | None = None,
) -> list[list[Generation]]:
    """For each page its fields' generations, in the order of ``fields``.

    pace: by default what suits the device
    step: of one more token for every row: ``text.compiled()`` instead of ``text.forward``
    """
    assert fields, "a document type has a field"
    _, cache = prefill_prompts(loaded, inputs, cache_only=True)
    rows = [
        _Row(page, continuation, len(prompt) + len(continuation.skeleton))
        for page, prompt in enumerate(inputs.prompts)
        for continuation in fields
    ]
    longest = max(continuation.budget for continuation in fields)
    cache = cache.expanded(len(fields), max(row.start for row in rows) + min(ROOM, longest) + 1)
    first = _skeletons(loaded, cache, rows, inputs.grids)
    _write(
        loaded,
        cache,
        rows,
        first,
        inputs.grids,
        schedule or EndCheckSchedule.on(loaded.device, compiled=step is not None),
        step or text_model.forward,
    )
    return [
        [_generation(loaded, row) for row in rows[page * len(fields) : (page + 1) * len(fields)]]
        for page in range(len(inputs.prompts))
    ]


def _skeletons(
    loaded: Loaded, cache: KVCache, rows: Sequence[_Row], grids: Sequence[PatchGrid] | None
) -> Step:
    """What the model says after each row's skeleton."""
    ids, lengths = padded(
        [row.continuation.skeleton for row in rows], loaded.vocabulary.pad_id, loaded.device
    )
    # (R,) positions of the skeletons' first tokens
    first = to_device([row.start for row in rows], loaded.device) - lengths
    where = torch.arange(ids.shape[1], device=loaded.device)[None]
    positions = torch.where(where < lengths[:, None], first[:, None] + where, cache.padding_slot)
    layers: list[Tensor] | None = None if grids is None else []
    hidden = text_model.forward(
        loaded.model.model.language_model,
        ids,
        positions,
        cache,
        span=max(row.start for row in rows),
        attention_maps=layers,
    )
    logits: Tensor = loaded.lm_head(
        hidden[torch.arange(len(rows), device=loaded.device), lengths - 1]
    )
    chosen = _opened(logits, [row.continuation for row in rows[: cache.fields]])
    return step_of(
        logits,
        chosen,
        None if grids is None else top_patches(layers or [], grids[0].side, lengths - 1),
        loaded.roads,
    )


def _write(
    loaded: Loaded,
    cache: KVCache,
    rows: Sequence[_Row],
    first: Step,
    grids: Sequence[PatchGrid] | None,
    schedule: EndCheckSchedule,
    step: Callable[..., Tensor],
) -> None:
    """Greedy steps until every row has ended."""
    # what each row of the tensors is; None: nothing that is still needed
    live: list[_Row | None] = list(rows)
    positions = to_device([row.start for row in rows], loaded.device)  # (R,)
    # the largest of them, known without asking the device
    furthest = max(row.start for row in rows)
    pending, chosen, steps = [first], first.chosen, 1
    while True:
        budget = max(row.continuation.budget for row in live if row is not None)
        if steps in (schedule.first, budget) or steps % schedule.every == 0:
            _settle(loaded, live, pending, grids)
            pending = []
            live = [row if row is not None and row.stop is None else None for row in live]
            if not any(live):
                return
            kept = _worth_keeping(live, cache.fields) if schedule.drops_rows else None
            if kept is not None:
                index, pages, width, live = kept
                at = to_device(index, loaded.device)
                cache = cache.selected(at, to_device(pages, loaded.device), width)
                positions, chosen = positions[at], chosen[at]
        if furthest + 1 >= cache.slots:
            cache = cache.expanded(1, cache.slots + min(max(ROOM, steps), budget - steps + 1))
        layers: list[Tensor] | None = None if grids is None else []
        hidden = step(
            loaded.model.model.language_model,
            chosen[:, None],
            positions[:, None],
            cache,
            span=furthest + 1,
            attention_maps=layers,
        )
        logits = loaded.lm_head(hidden[:, -1])
        chosen = logits.argmax(dim=-1)
        pending.append(
            step_of(
                logits,
                chosen,
                None if grids is None else top_patches(layers or [], grids[0].side),
                loaded.roads,
            )
        )
        positions = positions + 1
        furthest += 1
        steps += 1


def _opened(logits: Tensor, fields: Sequence[Continuation]) -> Tensor:
    """(R,): the best token that may open each row's value; the rows are every page's ``fields``."""
    openings = [one.openings for one in fields if one.openings is not None]
    if len(openings) < len(fields):
        return logits.argmax(dim=-1)
    each = logits.view(-1, len(fields), logits.shape[-1])  # (B, F, V)
    return each.masked_fill(~torch.stack(openings), float("-inf")).argmax(dim=-1).flatten()


def _settle(
    loaded: Loaded,
    live: Sequence[_Row | None],
    pending: Sequence[Step],
    grids: Sequence[PatchGrid] | None,
) -> None:
    """Hand the steps since the last look to the rows that they belong to."""
    places = (
        None if grids is None else [grids[row.page if row is not None else 0].box for row in live]
    )
    traces = traces_of(pending, loaded.vocabulary, [row is not None for row in live], places)
    for row, tokens in zip(live, traces, strict=True):
        for token in tokens:
            if row is not None:
                row.add(token, loaded.vocabulary.eos_ids)


def _worth_keeping(
    live: Sequence[_Row | None], fields: int
) -> tuple[list[int], list[int], int, list[_Row | None]] | None:
    """Row indices, page indices, rows a page and the rows to go on with, when that is at most half
    of what there is.

    Every page needs the same number of rows; a page with fewer repeats one whose result is not
    needed.
    """
    pages = [
        [n for n in range(start, start + fields) if live[n] is not None]
        for start in range(0, len(live), fields)
    ]
    width = max(map(len, pages))
    left = [page for page, still in enumerate(pages) if still]
    if len(left) * width * 2 > len(live):
        return None
    index, after = [], []
    for page in left:
        fill = width - len(pages[page])
        index += [*pages[page], *[pages[page][0]] * fill]
        after += [*[live[n] for n in pages[page]], *[None] * fill]
    return index, left, width, after


def _generation(loaded: Loaded, row: _Row) -> Generation:
    """The skeleton, which was fed and of which nothing was asked, and what the model wrote after
    it.
    """
    fed = [
        TokenTrace(token_id=i, text=spelled(loaded.vocabulary, i), logprob=0.0, forced=True)
        for i in row.continuation.skeleton
    ]
    assert row.stop is not None, "the loop goes on until every row has ended"
    return Generation(tokens=(*fed, *row.tokens), stop_reason=row.stop)
