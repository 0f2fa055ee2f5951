"""A cross-encoder behind a server: vLLM's ``/score``, Text Embeddings Inference's ``/rerank``, or
the ``/rerank`` of Jina's shape.

Servers ignore fields that they do not know, with a 200, and have renamed the one that asks for raw
scores; so what is asked for is checked once against what is known, before anything is believed.
"""

import hashlib
import json
import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from extractors.backends.vllm.client import Client
from extractors.errors import BackendUnavailable, ModelNotLoadable, RequestRefused, UnexpectedScores
from extractors.rerankers import Pair, Relevance, sigmoid
from extractors.rerankers.known_pairs import KnownPair, check, known_pairs

log = logging.getLogger(__name__)

_NEAREST = 1e-7  # to 0 or 1 that a float32 probability is told apart; nearer ones have no logit


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Scored(_Part):
    index: int = Field(ge=0)
    score: float


class _Scores(_Part):
    data: tuple[_Scored, ...]

    def by_place(self) -> dict[int, float]:
        return {one.index: one.score for one in self.data}


class _Ranks(RootModel[tuple[_Scored, ...]]):
    def by_place(self) -> dict[int, float]:
        return {one.index: one.score for one in self.root}


class _Ranked(_Part):
    index: int = Field(ge=0)
    relevance_score: float


class _Results(_Part):
    results: tuple[_Ranked, ...]

    def by_place(self) -> dict[int, float]:
        return {one.index: one.relevance_score for one in self.results}


@dataclass(frozen=True, slots=True)
class Style:
    """How a kind of server is asked about one query and several passages."""

    path: str
    body: Callable[[str, Sequence[str]], dict[str, Any]]
    answer: type[_Scores] | type[_Ranks] | type[_Results]
    # what asks for logits; None when nothing does, and scores are probabilities
    raw: Mapping[str, Any] | None
    activated: Mapping[str, Any]  # what asks for probabilities
    # what allows a pair that is too long; None when the server cuts without being asked
    cut: Mapping[str, Any] | None


STYLES: dict[str, Style] = {
    "score": Style(
        "/score",
        lambda query, passages: {"text_1": query, "text_2": list(passages)},
        _Scores,
        raw={"use_activation": False},
        activated={"use_activation": True},
        cut={"truncate_prompt_tokens": -1},
    ),
    "tei": Style(
        "/rerank",
        lambda query, passages: {"query": query, "texts": list(passages)},
        _Ranks,
        raw={"raw_scores": True},
        activated={"raw_scores": False},
        cut={"truncate": True},
    ),
    "jina": Style(
        "/rerank",
        lambda query, passages: {
            "query": query,
            "documents": list(passages),
            "top_n": len(passages),
        },
        _Results,
        raw=None,
        activated={},
        cut=None,
    ),
}


class RerankServer:
    """Judges pairs through a server.

    model: the name under which the server serves it
    base_url: such as ``http://localhost:8001/v1``; Text Embeddings Inference has no ``/v1``
    style: what kind of server it is, one of STYLES
    known: pairs with a known order, the most relevant first; None means what is known of the model
           by its name
    batch_pairs: passages of one request
    revision: say another when the weights change: it is part of the fingerprint
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "http://localhost:8001/v1",
        api_key: str | None = None,
        style: str = "score",
        known: Sequence[KnownPair] | None = None,
        batch_pairs: int = 32,
        revision: str = "",
        timeout_s: float = 60.0,
        attempts: int = 3,
        pause_s: float = 1.0,
    ) -> None:
        if style not in STYLES:
            raise ModelNotLoadable(
                f"There is no style {style!r} of reranking server. Choose one of:"
                f" {', '.join(sorted(STYLES))}."
            )
        self.model = model
        self.style = style
        self._style = STYLES[style]
        self._known = known
        self._batch_pairs = batch_pairs
        self._revision = revision
        self._client = Client(
            base_url, api_key=api_key, timeout_s=timeout_s, attempts=attempts, pause_s=pause_s
        )
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the model's served name, the style and the revision: servers tell no
        more of their weights.
        """
        told = json.dumps(["rerank-server/1", self.model, self.style, self._revision])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def relevance(self, pairs: Sequence[Pair]) -> list[Relevance]:
        """Of every pair, in the pairs' order; pairs of one query are asked together."""
        if not pairs:
            return []
        with self._lock:
            self._checked  # noqa: B018  # made once, before anything is believed
        return self._judge(pairs)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @cached_property
    def _checked(self) -> bool:
        known = known_pairs(self.model) if self._known is None else self._known
        check(self.model, known, self._judge)
        if self._style.raw is not None:
            self._check_activation(known[0])
        return True

    def _check_activation(self, pair: KnownPair) -> None:
        """The same pair with and without activation: one must be the sigmoid of the other."""
        raw = self._ask(pair.query, [pair.passage], self._style.raw or {})[0]
        activated = self._ask(pair.query, [pair.passage], self._style.activated)[0]
        if not abs(sigmoid(raw) - activated) <= 1e-3:
            raise UnexpectedScores(
                f"{self.model} scores one pair {raw:.6f} without activation and {activated:.6f}"
                " with it, and the second is not the sigmoid of the first: the server ignores what"
                " it was asked, or activates otherwise. Use a newer server, or another style"
                " of it."
            )

    def _judge(self, pairs: Sequence[Pair]) -> list[Relevance]:
        judged: dict[int, Relevance] = {}
        by_query = sorted(range(len(pairs)), key=lambda at: (pairs[at][0], len(pairs[at][1])))
        for query, group in groupby(by_query, key=lambda at: pairs[at][0]):
            places = list(group)
            for start in range(0, len(places), self._batch_pairs):
                batch = places[start : start + self._batch_pairs]
                judged.update(
                    zip(batch, self._relevance(query, [pairs[at][1] for at in batch]), strict=True)
                )
        return [judged[at] for at in range(len(pairs))]

    def _relevance(self, query: str, passages: Sequence[str]) -> list[Relevance]:
        """Asked all together; one by one when the server refuses one of them, and cut to its liking
        where nothing else helps.
        """
        asked_for = self._style.activated if self._style.raw is None else self._style.raw
        try:
            return [self._made(score) for score in self._ask(query, passages, asked_for)]
        except RequestRefused:
            if len(passages) > 1:
                return [one for passage in passages for one in self._relevance(query, [passage])]
            if self._style.cut is None:
                raise
        # refused again when it was not the length
        (score,) = self._ask(query, passages, {**asked_for, **self._style.cut})
        log.warning("pair_truncated", extra={"model": self.model})
        return [self._made(score, truncated=True)]

    def _made(self, score: float, *, truncated: bool = False) -> Relevance:
        return Relevance(
            logit=score if self._style.raw is not None else _logit(score, self.model),
            truncated=truncated,
        )

    def _ask(self, query: str, passages: Sequence[str], options: Mapping[str, Any]) -> list[float]:
        body = {"model": self.model, **self._style.body(query, passages), **options}
        by_place = self._client.ask(
            self._style.path, body, self._style.answer, called="list of scores"
        ).by_place()
        if sorted(by_place) != list(range(len(passages))):
            raise BackendUnavailable(
                f"{self.model}'s server scored {len(by_place)} of {len(passages)} passages. Check"
                " what runs there, and its limits."
            )
        return [by_place[at] for at in range(len(passages))]


def _logit(probability: float, model: str) -> float:
    """The inverse of the sigmoid."""
    if not 0.0 <= probability <= 1.0:
        raise UnexpectedScores(
            f"{model} gives the score {probability:.4f}, which is no probability: its server sends"
            " raw scores, or another scale. Choose the style that asks for raw scores."
        )
    p = min(max(probability, _NEAREST), 1.0 - _NEAREST)
    return math.log(p / (1.0 - p))
