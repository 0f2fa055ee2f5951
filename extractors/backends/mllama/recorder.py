"""What the model believed at each step: taken from lm_head's own output, before anything else
touches it.

Processors, grammars and samplers come later and cannot be seen here; one step's logits are kept
until the step's token is known, and nothing that grows with steps x vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria

from extractors.backends.mllama.checkpoint import RoadTokens
from extractors.backends.vocabulary import Vocabulary
from extractors.types import Alternative, AttentionPatch, Box, TokenTrace

TOP = 5
FAINT = 0.1  # of the share of the patch that was looked at most: what is fainter is left out

Place = Callable[[int], Box]  # of a vision token


@dataclass(frozen=True, slots=True)
class TopPatches:
    """Where every row looked at one step, the most attended first; on the model's device."""

    tokens: Tensor  # (B, K) vision tokens
    shares: Tensor  # (B, K) float32, of the attention

    def __getitem__(self, rows: Tensor) -> "TopPatches":
        return TopPatches(self.tokens[rows], self.shares[rows])


@dataclass(frozen=True, slots=True)
class Step:
    """One step of every row; all on the model's device."""

    chosen: Tensor  # (B,) token ids
    logprob: Tensor  # (B,) float32, of the chosen token
    top_ids: Tensor  # (B, TOP)
    top_logprobs: Tensor  # (B, TOP) float32
    entropy: Tensor  # (B,) float32, nats
    logsumexp: Tensor  # (B,) float32
    attention: TopPatches | None = None  # None when it was not asked
    # (B, 2) float32: log-probabilities of all tokens that open a value, and of all that say that
    # there is none; None when it was not asked
    roads: Tensor | None = None


def step_of(
    logits: Tensor,
    chosen: Tensor,
    attention: TopPatches | None = None,
    roads: RoadTokens | None = None,
) -> Step:
    """The evidence of one step.

    logits: (B, V) as lm_head gives them, any dtype
    chosen: (B,) token ids
    attention: where each row looked
    roads: the tokens whose probability is summed up
    """
    raw = logits.float()
    logsumexp = raw.logsumexp(dim=-1)  # (B,)
    top, ids = raw.topk(min(TOP, raw.shape[-1]), dim=-1)
    # (B,) of the logits, under the model's own distribution
    mean = torch.linalg.vecdot((raw - logsumexp[:, None]).exp(), raw)
    return Step(
        chosen=chosen,
        logprob=raw.gather(-1, chosen[:, None])[:, 0] - logsumexp,
        top_ids=ids,
        top_logprobs=top - logsumexp[:, None],
        entropy=(logsumexp - mean).clamp_min(0.0),
        logsumexp=logsumexp,
        attention=attention,
        roads=None if roads is None else _of_roads(raw, logsumexp, roads),
    )


def _of_roads(raw: Tensor, logsumexp: Tensor, roads: RoadTokens) -> Tensor:
    """(B, 2) float32: log of the summed probabilities; -inf where there is no such token."""
    sums = [raw[:, ids].logsumexp(dim=-1) for ids in (roads.value, roads.nothing)]
    return (torch.stack(sums, dim=-1) - logsumexp[:, None]).clamp_max(0.0)


@dataclass(slots=True)
class Recorder:
    """Collects steps: from ``generate`` by ``attached``, from a loop of our own by ``add``."""

    roads: RoadTokens | None = None
    steps: list[Step] = field(default_factory=list)

    def add(self, logits: Tensor, chosen: Tensor) -> None:
        self.steps.append(step_of(logits, chosen, roads=self.roads))

    @contextmanager
    def attached(self, lm_head: torch.nn.Module) -> Iterator["StoppingCriteria"]:
        """Listen to ``lm_head`` while ``generate`` runs with the stopping criterion that this
        yields.

        A criterion is called after every step, the last included, with the step's token in place; a
        processor never is.
        """
        seen: list[Tensor] = []

        def listen(_module: torch.nn.Module, _inputs: Any, output: Tensor) -> None:
            # (B, V); a clone, since others may write in place
            seen[:] = [output[:, -1].detach().clone()]

        handle = lm_head.register_forward_hook(listen)
        try:
            yield _AfterStep(self, seen)
        finally:
            handle.remove()

    def traces(self, vocabulary: Vocabulary) -> list[list[TokenTrace]]:
        """Every row's tokens with their evidence, from the first step to the last."""
        return traces_of(self.steps, vocabulary) if self.steps else []


def traces_of(
    steps: Sequence[Step],
    vocabulary: Vocabulary,
    wanted: Sequence[bool] | None = None,
    places: Sequence[Place] | None = None,
) -> list[list[TokenTrace]]:
    """Each row's tokens with their evidence; rows that are not ``wanted`` are empty.  Waits for the
    device once.

    places: for each row, where on its page a vision token lies; when the steps say which ones were
            looked at
    """
    columns = [
        torch.stack([getattr(step, name) for step in steps]).tolist() for name in Step.__slots__[:5]
    ]
    told = [step.roads for step in steps if step.roads is not None]
    roads = torch.stack(told).tolist() if len(told) == len(steps) else None  # (T, B, 2)
    patches = (
        _patches([step.attention for step in steps if step.attention is not None], places)
        if places is not None
        else None
    )
    traces: list[list[TokenTrace]] = []
    for row in range(len(columns[0][0])):
        kept = range(len(steps)) if wanted is None or wanted[row] else range(0)
        tokens = [_trace(vocabulary, *(column[t][row] for column in columns)) for t in kept]
        if roads is not None:
            tokens = [replace(token, roads=tuple(roads[t][row])) for t, token in enumerate(tokens)]
        if patches is not None:
            tokens = [replace(token, patches=patches(t, row)) for t, token in enumerate(tokens)]
        traces.append(tokens)
    return traces


def _patches(
    attention: Sequence[TopPatches], places: Sequence[Place]
) -> Callable[[int, int], tuple[AttentionPatch, ...]]:
    """(step, row) -> the patches it looked at, without those that are faint beside the first."""
    tokens = torch.stack([one.tokens for one in attention]).tolist()  # (T, B, K)
    shares = torch.stack([one.shares for one in attention]).tolist()

    def of(step: int, row: int) -> tuple[AttentionPatch, ...]:
        strong = FAINT * shares[step][row][0]
        pairs = zip(tokens[step][row], shares[step][row], strict=True)
        return tuple(
            AttentionPatch(places[row](token), share)
            for at, (token, share) in enumerate(pairs)
            if at == 0 or share > strong
        )

    return of


class _AfterStep(StoppingCriteria):  # type: ignore[misc]  # transformers is untyped
    """Stops nothing; tells the recorder which token was chosen."""

    def __init__(self, recorder: Recorder, seen: Sequence[Tensor]) -> None:
        self._recorder = recorder
        self._seen = seen

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        self._recorder.add(self._seen[0], input_ids[:, -1])
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _trace(
    vocabulary: Vocabulary,
    chosen: int,
    logprob: float,
    top_ids: list[int],
    top_logprobs: list[float],
    entropy: float,
) -> TokenTrace:
    return TokenTrace(
        token_id=chosen,
        text=spelled(vocabulary, chosen),
        logprob=logprob,
        top=tuple(
            Alternative(i, spelled(vocabulary, i), p)
            for i, p in zip(top_ids, top_logprobs, strict=True)
        ),
        entropy=entropy,
    )


def spelled(vocabulary: Vocabulary, token_id: int) -> bytes:
    """What a token spells; nothing for ids that no row of lm_head stands for (padding after a row's
    end).
    """
    return vocabulary.spelled[token_id] if token_id < len(vocabulary) else b""
