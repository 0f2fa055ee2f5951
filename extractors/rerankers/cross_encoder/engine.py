"""Options of the cross-encoder."""

from typing import Literal

from pydantic import Field

from extractors.errors import MissingExtra
from extractors.registry import Finding, missing
from extractors.rerankers import Reranker, RerankerOptions, judges

NEEDS = ("torch", "transformers")


class Options(RerankerOptions):
    """What can be set about it."""

    reranker: Literal["cross-encoder"] = Field("cross-encoder", description="What judges texts.")
    model: str = Field(
        "BAAI/bge-reranker-v2-m3", description="A cross-encoder's folder or hub name."
    )


def require() -> None:
    """Raises MissingExtra where its libraries are not installed."""
    if absent := missing(*NEEDS):
        raise MissingExtra("model", f"The reranker 'cross-encoder' needs {', '.join(absent)}")


def open(options: Options) -> Reranker:
    """The reranker; its weights are loaded at the first pairs.

    Raises MissingExtra where torch is not installed.
    """
    require()
    from extractors.rerankers.cross_encoder.reranker import CrossEncoder

    return CrossEncoder(options.model)


def check(options: Options) -> Finding:
    """It orders a pair as it should."""
    return judges(lambda: open(options))
