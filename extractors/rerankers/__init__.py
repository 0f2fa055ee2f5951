"""How relevant a passage is to a query, as a cross-encoder judges it: one protocol, and the
registry of what speaks it.

A reranker is one file in this folder, or a folder with ``engine.py``; what the file must have says
``extractors.registry``. Nothing here imports torch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import Field

from extractors.errors import SurefieldError
from extractors.registry import EngineOptions, Finding, Registry

Pair = tuple[str, str]  # query, passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """What a cross-encoder thinks of one pair.

    The logit is the evidence; the score is made of it wherever it is wanted.
    """

    logit: float  # raw, float32, before any activation
    # the pair was too long for the model, which did not see the passage's end
    truncated: bool = False

    @property
    def score(self) -> float:
        """sigmoid(logit), which is how BAAI/bge-reranker-v2-m3 is documented to be mapped to 0..1
        (its model card, ``normalize=True``).

        vLLM's ``/score`` and sentence-transformers' CrossEncoder do the same for a model of one
        label.
        """
        return sigmoid(self.logit)


def sigmoid(logit: float) -> float:
    """1 / (1 + e^-logit), for a logit of any size."""
    return (
        1.0 / (1.0 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1.0 + math.exp(logit))
    )


@runtime_checkable
class Reranker(Protocol):
    """A model that judges pairs of texts."""

    @property
    def model(self) -> str:
        """Name or path of the model, for people."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever weights or dtype change: scores of two fingerprints are never mixed."""
        ...

    def relevance(self, pairs: Sequence[Pair]) -> list[Relevance]:
        """Of every pair, in the pairs' order.  The first call checks a pair whose answer is known.

        Raises ModelNotLoadable (UnexpectedScores when the known pair is not judged as it should
        be), BackendUnavailable, RequestRefused or OutOfMemory.
        """
        ...


class RerankerOptions(EngineOptions):
    """What every reranker lets set; each has its own besides."""

    reranker: str = Field(description="What judges texts.")


RERANKERS: Registry[RerankerOptions, Reranker] = Registry(
    "reranker", package="extractors.rerankers", group="surefield.rerankers"
)


def open_reranker(name: str, **options: Any) -> Reranker:
    """The reranker of this name; ``options`` are its own (see the ``Options`` of its module).

    Nothing is loaded or asked before the first pairs.
    """
    return RERANKERS.open(RERANKERS.options(name, options))


def judges(opened: Callable[[], Reranker]) -> Finding:
    """Whether a reranker judges a pair at all; its first call checks a pair whose answer is
    known.
    """
    try:
        reranker = opened()
        reranker.relevance([("total: 12.50", "Total 12.50")])
    except SurefieldError as error:
        return Finding(False, str(error))
    return Finding(True, f"{reranker.model} judges pages and lines")
