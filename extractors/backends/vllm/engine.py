"""Options of the vLLM backend, and what its server says of itself."""

from typing import Literal

from pydantic import Field, SecretStr

from extractors.backends import Backend, BackendOptions
from extractors.errors import MissingExtra
from extractors.registry import Finding, missing
from extractors.types import SERVED_CANVAS, Canvas

NEEDS = ("httpx2",)


class Options(BackendOptions):
    """What can be set about it."""

    backend: Literal["vllm"] = Field("vllm", description="What reads the pages.")
    model: str = Field(min_length=1, description="The name under which the server serves it.")
    server_url: str = Field(
        "http://localhost:8000/v1", description="The vLLM or OpenAI-compatible server."
    )
    server_key: SecretStr | None = Field(None, description="Its API key.")
    server_tokenizer: str | None = Field(
        None, description="Folder of the served model's tokenizer: makes each token's bytes exact."
    )
    grammar: bool = Field(
        True,
        description="Let a grammar keep the JSON well-formed. Scores are always taken before it.",
    )
    temperature: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="Of the server's sampling; 0 is greedy, and the default for a reason.",
    )
    top_p: float = Field(1.0, gt=0.0, le=1.0, description="Of the server's sampling.")
    repetition_penalty: float = Field(1.0, gt=0.0, le=2.0, description="Of the server's sampling.")
    max_new_tokens: int = Field(
        1024,
        ge=16,
        le=8192,
        description="Tokens that one page's answer may take; a longer one is truncated.",
    )


def require() -> None:
    """Raises MissingExtra where its libraries are not installed."""
    if absent := missing(*NEEDS):
        raise MissingExtra("server", f"The backend 'vllm' needs {', '.join(absent)}")


def open(options: Options) -> Backend:
    """The backend; the server is asked at the first page.

    Raises MissingExtra where the HTTP client is not installed.
    """
    require()
    from extractors.backends.vllm.backend import VllmBackend

    return VllmBackend(
        options.model,
        base_url=options.server_url,
        api_key=options.server_key.get_secret_value() if options.server_key else None,
        grammar=options.grammar,
        temperature=options.temperature,
        top_p=options.top_p,
        repetition_penalty=options.repetition_penalty,
        max_tokens=options.max_new_tokens,
        tokenizer=options.server_tokenizer,
        batch_pages=options.batch_pages,
    )


def canvas(options: Options) -> Canvas:
    """A served model takes any shape."""
    return SERVED_CANVAS


def check(options: Options) -> Finding:
    """The server answers and serves the model."""
    if missing(*NEEDS):
        return Finding(
            True,
            "no httpx2 here: fine for a CPU worker; the GPU worker needs pip install"
            " 'surefield[server]'",
        )
    import httpx2

    key, url = options.server_key, options.server_url
    headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/models", headers=headers, timeout=10)
        served = [str(one["id"]) for one in answer.raise_for_status().json()["data"]]
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError) as error:
        return Finding(
            False,
            f"{url}: {type(error).__name__}; check SUREFIELD_SERVER_URL and _KEY, and that it runs",
        )
    if options.model in served:
        return Finding(True, f"{options.model} at {url}")
    return Finding(False, f"the server serves {', '.join(served)}; set SUREFIELD_MODEL")
