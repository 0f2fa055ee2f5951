"""How relevant a passage is to a query, as a cross-encoder judges it: one protocol, and a table of
what speaks it.

Nothing here imports torch; a reranker's own module is imported when it is opened.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast, runtime_checkable

from extractors.errors import ModelNotLoadable

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


RERANKERS: dict[str, str] = {
    "cross-encoder": "extractors.rerankers.cross_encoder:CrossEncoder",
    "server": "extractors.rerankers.server:RerankServer",
}


def open_reranker(name: str, **options: Any) -> Reranker:
    """The reranker of this name; ``options`` are its own (see its class).

    Nothing is loaded or asked before the first pairs.
    """
    if name not in RERANKERS:
        raise ModelNotLoadable(
            f"There is no reranker {name!r}. Choose one of: {', '.join(sorted(RERANKERS))}."
        )
    module, _, attribute = RERANKERS[name].partition(":")
    try:
        opened = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        extra = "server" if name == "server" else "model"
        raise ModelNotLoadable(
            f"Reranker {name!r} needs the package {error.name!r}. Install it: pip install"
            f" 'surefield[{extra}]'."
        ) from error
    return cast(Reranker, opened(**options))
