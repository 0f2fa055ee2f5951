"""Every setting, with its unit and bounds.

Only entry points build ``Settings``; everything below receives plain arguments.
"""

from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

BUNDLED_MODEL = Path(__file__).resolve().parent.parent / "extractors" / "demo" / "weights"


def _seconds(value: object) -> object:
    """A plain number in the environment means seconds; pydantic itself reads only ISO 8601
    there.
    """
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]


class BackendName(StrEnum):
    """What reads the pages."""

    MLLAMA = "mllama"
    VLLM = "vllm"  # any vLLM or OpenAI-compatible server with vision
    SCRIPTED = "scripted"  # answers from a script, for tests and benchmarks


class RerankerName(StrEnum):
    """What looks at texts a second time."""

    CROSS_ENCODER = "cross-encoder"
    SERVER = "server"


class RerankStyle(StrEnum):
    """What a reranking server speaks."""

    SCORE = "score"
    TEI = "tei"
    JINA = "jina"


class DecodeMode(StrEnum):
    """How a page's fields are asked for."""

    AUTO = "auto"
    JSON = "json"
    FIELDS = "fields"


class Reader(BaseModel):
    """What reads the pages of a document type, and how.  Equal readers share one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: BackendName = Field(BackendName.MLLAMA, description="What reads the pages.")
    model: str = Field(
        str(BUNDLED_MODEL),
        description=(
            "A checkpoint's folder or hub name, such as `meta-llama/Llama-3.2-11B-Vision-Instruct`."
        ),
    )
    device: str = Field("auto", description="`auto`, `cpu` or `cuda`.")
    decode_mode: DecodeMode = Field(
        DecodeMode.AUTO,
        description=(
            "`json`: one JSON a page; `fields`: all fields in parallel; `auto`: what the model says"
            " it reads better in, or `json`."
        ),
    )
    grammar: bool = Field(
        True,
        description="Let a grammar keep the JSON well-formed. Scores are always taken before it.",
    )
    where_it_looked: bool = Field(
        True, description="Keep the place on the page that the model attended to for each value."
    )
    max_new_tokens: int = Field(
        1024,
        ge=16,
        le=8192,
        description="Tokens that one page's answer may take; a longer one is truncated.",
    )
    compile_steps: bool = Field(
        False,
        description=(
            "Compile the model's step in `fields` mode: minutes at the first page, for a GPU that"
            " launches kernels too slowly."
        ),
    )
    batch_pages: int = Field(
        8, ge=1, le=256, description="Pages that one forward pass reads together."
    )
    server_url: str = Field(
        "http://localhost:8000/v1", description="The vLLM server, for `SUREFIELD_BACKEND=vllm`."
    )
    server_key: SecretStr | None = Field(None, description="Its API key.")
    server_tokenizer: str | None = Field(
        None, description="Folder of the served model's tokenizer: makes each token's bytes exact."
    )
    temperature: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="Of a vLLM server's sampling; 0 is greedy, and the default for a reason.",
    )
    top_p: float = Field(1.0, gt=0.0, le=1.0, description="Of a vLLM server's sampling.")
    repetition_penalty: float = Field(
        1.0, gt=0.0, le=2.0, description="Of a vLLM server's sampling."
    )
    script: Path | None = Field(None, description="The scripted backend's answers (JSON).")


class Settings(Reader, BaseSettings):
    """Read from ``SUREFIELD_*`` environment variables."""

    model_config = SettingsConfigDict(env_prefix="SUREFIELD_", frozen=True, extra="forbid")

    state_dir: Path = Field(
        Path(".surefield"), description="Folder of the embedded Postgres, the blobs and the logs."
    )
    database_url: SecretStr | None = Field(
        None, description="Your own Postgres 15 or newer; without it one is run in `state_dir`."
    )
    broker_url: SecretStr | None = Field(
        None,
        description=(
            "Your RabbitMQ (`amqp://`) or Redis (`redis://`); without it the queue lives in the"
            " same Postgres."
        ),
    )
    blobs_url: str | None = Field(
        None,
        description=(
            "Where originals and page images are kept: a folder, `s3://` or `gs://`; default"
            " `state_dir`/blobs."
        ),
    )
    upstream: str = Field(
        "cli", min_length=1, description="The name under which the command line submits."
    )
    document_types: Path | None = Field(
        None, description="A folder with document types of your own (`*.py`)."
    )
    source_roots: tuple[Path, ...] = Field(
        (),
        description=(
            "Folders from which a queued submission may name a file as `source` (a JSON list); none"
            " by default."
        ),
    )

    readers: dict[str, dict[str, Any]] = Field(
        {},
        description=(
            "Another reader for a document type: a JSON object of type to settings of this table"
            ' from `backend` to `script`, such as `{"invoice": {"backend": "vllm", "model":'
            ' "Qwen/Qwen3-VL-8B-Instruct"}}`.'
        ),
    )

    ocr_languages: tuple[str, ...] = Field(
        (),
        description=(
            'Tesseract\'s languages, such as `["eng", "deu"]`: a page without a text layer gets its'
            " words from it, as evidence of their own source. Without any, it has none."
        ),
    )
    reranker: RerankerName | None = Field(
        None,
        description=(
            "`server`, or `cross-encoder` in the CPU workers (they need torch then): looks twice at"
            " the pages that page selection finds promising, and says whether a value's line speaks"
            " of its field."
        ),
    )
    reranker_model: str = Field(
        "BAAI/bge-reranker-v2-m3",
        description="A cross-encoder's folder or hub name, or the name it is served under.",
    )
    reranker_url: str = Field(
        "http://localhost:8001/v1", description="The server, for `SUREFIELD_RERANKER=server`."
    )
    reranker_key: SecretStr | None = Field(None, description="Its API key.")
    reranker_style: RerankStyle = Field(
        RerankStyle.SCORE, description="What kind of server it is: `score` (vLLM), `tei` or `jina`."
    )

    max_bytes: int = Field(100_000_000, ge=1_000, description="Largest file taken, in bytes.")
    max_pages: int = Field(500, ge=1, description="Most pages a document may have.")
    max_megapixels: float = Field(
        120.0, gt=0, description="Largest image taken, in millions of pixels."
    )
    view_dpi: int = Field(
        200,
        ge=36,
        le=600,
        description="Resolution of the page images people see, in dots per inch.",
    )
    page_timeout: Duration = Field(
        timedelta(seconds=20), description="Time after which a page's rendering is given up."
    )
    render_memory_mb: int = Field(
        1_500, ge=256, description="Address space of a render child, in MB."
    )

    accept_at: float = Field(
        0.7,
        ge=0.0,
        le=1.0,
        description="Score from which a field is accepted when its type names no threshold.",
    )
    claim_lease: Duration = Field(
        timedelta(seconds=20), description="Time until a silent worker's work is taken over."
    )
    patience: Duration = Field(
        timedelta(seconds=10),
        description="Time after which a document that should have moved is sent for again.",
    )
    sweep_every: Duration = Field(timedelta(seconds=5), description="Pause between two sweeps.")
    max_attempts: int = Field(
        4, ge=1, le=20, description="Attempts at a stage before the document fails."
    )
    cpu_processes: int = Field(
        2, ge=1, le=64, description="CPU workers that run on this machine, one process each."
    )

    @field_validator("readers")
    @classmethod
    def _each_is_usable(cls, readers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for document_type, changes in readers.items():
            try:
                Reader.model_validate(changes)
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                raise ValueError(
                    f"{document_type}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
                ) from error
        return readers

    def reader(self, document_type: str) -> Reader:
        """What reads this document type: the general settings, with those that the type has of its
        own.
        """
        general = {name: getattr(self, name) for name in Reader.model_fields}
        return Reader.model_validate({**general, **self.readers.get(document_type, {})})

    @property
    def all_readers(self) -> tuple[Reader, ...]:
        """The general one, and those of document types."""
        return tuple(
            dict.fromkeys(self.reader(document_type) for document_type in ("", *self.readers))
        )

    @cached_property
    def blobs(self) -> str:
        """Where blobs are, default applied."""
        return self.blobs_url or str(self.state_dir.resolve() / "blobs")

    @property
    def embedded(self) -> bool:
        """No Postgres was named, so one is run here."""
        return self.database_url is None
