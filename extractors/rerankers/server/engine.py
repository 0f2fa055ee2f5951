"""Options of a reranking server."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, SecretStr

from extractors.errors import MissingExtra
from extractors.registry import Finding, missing
from extractors.rerankers import Reranker, RerankerOptions, judges

NEEDS = ("httpx2",)


class RerankStyle(StrEnum):
    """What a reranking server speaks."""

    SCORE = "score"
    TEI = "tei"
    JINA = "jina"


class Options(RerankerOptions):
    """What can be set about it."""

    reranker: Literal["server"] = Field("server", description="What judges texts.")
    model: str = Field(
        "BAAI/bge-reranker-v2-m3", description="The name under which the server serves it."
    )
    url: str = Field("http://localhost:8001/v1", description="The server.")
    key: SecretStr | None = Field(None, description="Its API key.")
    style: RerankStyle = Field(
        RerankStyle.SCORE, description="What kind of server it is: `score` (vLLM), `tei` or `jina`."
    )


def require() -> None:
    """Raises MissingExtra where its libraries are not installed."""
    if absent := missing(*NEEDS):
        raise MissingExtra("server", f"The reranker 'server' needs {', '.join(absent)}")


def open(options: Options) -> Reranker:
    """The reranker; the server is asked at the first pairs.

    Raises MissingExtra where the HTTP client is not installed.
    """
    require()
    from extractors.rerankers.server.reranker import RerankServer

    return RerankServer(
        options.model,
        base_url=options.url,
        api_key=options.key.get_secret_value() if options.key else None,
        style=options.style.value,
    )


def check(options: Options) -> Finding:
    """It orders a pair as it should."""
    return judges(lambda: open(options))
