"""Every setting, with its unit and bounds.

Only entry points build ``Settings``; everything below receives plain arguments.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from pydantic import (
    Field,
    SecretStr,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from extractors.backends import BackendOptions
from extractors.decision.policy import CertificateUse, PolicyName
from extractors.documents import Ask
from extractors.documents.checks import MOST_LOOKS
from extractors.page.ocr.engines import Engine
from extractors.rerankers import RerankerOptions
from extractors.types import LookKind
from worker.intake.sources import KINDS
from worker.intake.sources.roots import EVERYBODY, wrong_root
from worker.settings import engines, environment
from worker.settings.types import Duration

# What reads, or judges, and how: the options of one of the registered engines. It is told apart by
# its field ``backend`` (``reranker``). Equal readers share one model.
Reader = BackendOptions


class LogForm(StrEnum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class Sandbox(StrEnum):
    """What is asked of the walls around the processes that open strangers' files."""

    AVAILABLE = "available"
    REQUIRED = "required"


class Settings(BaseSettings):
    """Read from ``SUREFIELD_*`` environment variables."""

    model_config = SettingsConfigDict(env_prefix="SUREFIELD_", frozen=True, extra="forbid")

    state_dir: Path = Field(
        Path(".surefield"), description="Folder of the embedded Postgres, the blobs and the logs."
    )
    database_url: SecretStr | None = Field(
        None, description="Your own Postgres 15 or newer; without it one is run in `state_dir`."
    )
    worker_database_url: SecretStr | None = Field(
        None,
        description=(
            "The same database as the role `surefield_worker`, for the workers that `surefield up`"
            " starts; without it they enter as `database_url` says."
        ),
    )
    web_database_url: SecretStr | None = Field(
        None,
        description=(
            "The same database as the role `surefield_web`, for the web that `surefield up` starts;"
            " without it it enters as `database_url` says."
        ),
    )
    reader_url: SecretStr | None = Field(
        None,
        description=(
            "A login that only reads the views, for `surefield sql`, where the owner of the"
            " database may not make one."
        ),
    )
    query_timeout: Duration = Field(
        timedelta(minutes=5),
        gt=timedelta(0),
        description=(
            "Longest that a query of `surefield sql`, or of a new analyst's login, may run."
        ),
    )
    broker_url: SecretStr | None = Field(
        None,
        description=(
            "Your RabbitMQ (`amqp://`) or Redis (`redis://`); without it the queue lives in the"
            " same Postgres."
        ),
    )
    open_upstream: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description=(
            "Whose documents the queue `surefield.submissions` holds, which needs no key; without"
            " it that queue is not read."
        ),
    )
    broker_events: bool = Field(
        False,
        description=(
            "Tell upstreams over the broker, too, what becomes of their documents:"
            " `docs/queue.md` says where."
        ),
    )
    blobs_url: str | None = Field(
        None,
        description=(
            "Where originals and page images are kept: a folder, `s3://`, `gs://` or `az://`;"
            " default `state_dir`/blobs."
        ),
    )
    upstream: str = Field(
        "cli", min_length=1, description="The name under which the command line submits."
    )
    document_types: Path | None = Field(
        None, description="A folder with document types of your own (`*.py`)."
    )
    source_roots: dict[str, tuple[str, ...]] = Field(
        {},
        description=(
            "Beneath what a submission's `source` may lie: folders, and URLs such as"
            " `https://files.example.org/out/` or `s3://bucket/in/`; a JSON list for everybody, or"
            ' an object of upstream to its list, with `"*"` for everybody; none by default.'
        ),
    )
    source_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description=(
            "Networks beside the internet in which a `source` by URL may lie, also without TLS (a"
            ' JSON list, such as `["10.1.0.0/16"]`).'
        ),
    )
    source_timeout: Duration = Field(
        timedelta(seconds=6),
        gt=timedelta(0),
        description="Time in which a `source` by URL must be here; its queue waits meanwhile.",
    )

    reader: SerializeAsAny[Reader] = Field(description="Flat names choose it and its options.")
    readers: dict[str, SerializeAsAny[Reader]] = Field(
        {},
        description=(
            "Another reader for a document type: a JSON object of type to a backend and its"
            ' options, such as `{"invoice": {"backend": "vllm", "model":'
            ' "Qwen/Qwen3-VL-8B-Instruct"}}`.'
        ),
    )
    reranker: SerializeAsAny[RerankerOptions] | None = Field(
        None,
        description=(
            "Looks twice at the pages that page selection finds promising, and says whether a"
            " value's line speaks of its field."
        ),
    )

    ocr: Engine | None = Field(
        None,
        description=(
            "What reads the words of pictures: `rapidocr`, `tesseract` or `off`. Without it, the"
            " first of the two that is installed."
        ),
    )
    ocr_languages: tuple[str, ...] = Field(
        ("eng",), min_length=1, description='Tesseract\'s languages, such as `["eng", "deu"]`.'
    )
    ocr_memory_mb: int = Field(
        1_500, ge=700, description="Address space of the OCR engine's process, in MB."
    )

    max_bytes: int = Field(100_000_000, ge=1_000, description="Largest file taken, in bytes.")
    max_waiting: int = Field(
        10_000,
        ge=1,
        description=(
            "Documents of one upstream that may wait to be rendered; then HTTP answers 429 with"
            " `Retry-After`, and its queue is left alone."
        ),
    )
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
    document_timeout: Duration = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        description="Time after which a document's rendering is given up, pages waited for in all.",
    )
    max_words: int = Field(
        500_000, ge=1_000, description="Most words that a document's pages may have together."
    )
    max_stored_mb: int = Field(
        2_000, ge=1, description="Most room that a document's page images may take, in MB."
    )
    worker_memory_mb: int = Field(
        4_000, ge=1_000, description="Address space of a worker without a model, in MB."
    )
    render_memory_mb: int = Field(
        1_500, ge=256, description="Address space of a render child, in MB."
    )

    sandbox: Sandbox = Field(
        Sandbox.AVAILABLE,
        description=(
            "Walls around the processes that open files: `available` (what the kernel has;"
            " `surefield doctor` says what that is) or `required` (without Landlock and seccomp no"
            " file is opened)."
        ),
    )

    allow_root: bool = Field(
        False,
        description=(
            "Started by root, workers and web stay root, instead of going on as the account of the"
            " embedded Postgres."
        ),
    )

    accept_at: float = Field(
        0.7,
        ge=0.0,
        le=1.0,
        description="Score from which a field is accepted when its type names no threshold.",
    )
    policy: PolicyName = Field(
        PolicyName.PLAIN,
        description=(
            "What an accepted value needs: `plain` (the least sure token reaches `accept_at`) or"
            " `careful` (it reaches 0.9, the page is read three times, and all readings say the"
            " same)."
        ),
    )
    certificates: CertificateUse = Field(
        CertificateUse.OPTIONAL,
        description=(
            "What no certificate covers is decided by the policy (`optional`) or by a person"
            " (`required`)."
        ),
    )
    document_certificates: CertificateUse = Field(
        CertificateUse.OPTIONAL,
        description=(
            "A document that nobody would look at, and that no certificate of whole documents"
            " covers, goes through (`optional`) or to a person (`required`)."
        ),
    )
    audit_rate: float = Field(
        0.05,
        ge=0.0,
        le=1.0,
        description=(
            "Share of the rows that scores decide that a person shall look at, whatever became of"
            " them: drawn beforehand, and independently of the score."
        ),
    )
    audit_documents: float = Field(
        0.02,
        ge=0.0,
        le=1.0,
        description=(
            "The same of documents: of one that is drawn a person looks at every row, and at how"
            " many rows its lists have."
        ),
    )
    audit_planted: float = Field(
        0.1,
        ge=0.0,
        le=1.0,
        description=(
            "Share of the audits that show a wrong value in place of what was read, to learn how"
            " many errors people overlook; they are told at once, and nothing of it is kept as an"
            " answer."
        ),
    )
    looks: int | None = Field(
        None,
        ge=0,
        le=MOST_LOOKS,
        description=(
            "Further looks at each page, moved by a few pixels; without it as many as the policy"
            " needs."
        ),
    )
    look_kind: LookKind = Field(
        LookKind.FREE,
        description=(
            "What a further look is: `free` (the page is read again) or `forced` (the first answer"
            " is held against the moved page, which costs less; `careful` does not count it)."
        ),
    )
    look_below: float = Field(
        1.0,
        ge=0.0,
        le=1.0,
        description="Further looks are taken where a page's least sure field scores below this.",
    )
    claim_lease: Duration = Field(
        timedelta(seconds=20), description="Time until a silent worker's work is taken over."
    )
    ask_sender: frozenset[Ask] = Field(
        frozenset(),
        description=(
            "Doubts about which a document's sender is asked, where its type does not say (a JSON"
            " list): `encrypted`, `illegible`, `type`, `missing`, `conflict`; without it, nobody"
            " is asked but by a person."
        ),
    )
    question_lasts: Duration = Field(
        timedelta(days=14), gt=timedelta(0), description="How long a sender may answer."
    )
    remind_every: Duration = Field(
        timedelta(hours=72),
        gt=timedelta(0),
        description="Pause between two events that remind a sender of an open question.",
    )
    confirm_answers: bool = Field(
        True,
        description="A sender's value that stands on no page waits until a reviewer confirms it.",
    )
    patience: Duration = Field(
        timedelta(seconds=10),
        description="Time after which a document that should have moved wakes a worker again.",
    )
    sweep_every: Duration = Field(timedelta(seconds=5), description="Pause between two sweeps.")
    max_attempts: int = Field(
        4, ge=1, le=20, description="Attempts at a stage before the document fails."
    )
    cpu_processes: int = Field(
        2, ge=1, le=64, description="CPU workers that run on this machine, one process each."
    )

    key_file: Path | None = Field(
        None,
        description=(
            "The installation's private key, which opens sealed messages and secrets; without it"
            " `installation.key` in the state folder."
        ),
    )
    clear_passwords: bool = Field(
        False,
        description=(
            "Whether a message of a queue may hold a PDF's `password` that is not sealed: everybody"
            " who reads at the broker reads it then."
        ),
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description=(
            "Networks beside the internet that webhooks may lead to, also without TLS (a JSON list,"
            ' such as `["10.1.0.0/16"]`).'
        ),
    )
    web_host: str = Field(
        "127.0.0.1", description="Address that the web listens on; `0.0.0.0` for every network."
    )
    web_port: int = Field(8321, ge=1, le=65535, description="Port that the web listens on.")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+$",
        description="How people reach the web, such as `https://review.example.org`.",
    )
    trusted_proxies: str = Field(
        "", description="Addresses of proxies whose `X-Forwarded-For` is believed, with commas."
    )
    uploads_at_once: int = Field(
        4, ge=1, description="Most uploads of one upstream that may be in flight at once."
    )
    stays_signed_in: Duration = Field(
        timedelta(hours=12), description="Time after which a browser must sign in again."
    )
    signed_out_when_idle: Duration = Field(
        timedelta(hours=2), description="Time after which a browser that nobody uses signs out."
    )
    review_lease: Duration = Field(
        timedelta(minutes=2),
        description="Time until a field that a silent reviewer holds goes to others.",
    )
    log: LogForm = Field(LogForm.TEXT, description="Log lines for people, or `json` for machines.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, by our own rules."""
        given = environment.given_in(
            os.environ,
            {name: info for name, info in cls.model_fields.items() if name != "reader"},
            engines.backend_names() | engines.reranker_names(),
        )
        return init_settings, InitSettingsSource(settings_cls, init_kwargs=given)

    @field_validator("source_roots", mode="before")
    @classmethod
    def _of_everybody(cls, given: Any) -> Any:
        """A list is everybody's."""
        listed = {EVERYBODY: given} if isinstance(given, list | tuple) else given
        if not isinstance(listed, Mapping):
            return listed
        return {
            name: [os.fspath(one) for one in some] if isinstance(some, list | tuple) else some
            for name, some in listed.items()
        }

    @field_validator("source_roots")
    @classmethod
    def _are_roots(cls, given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for root in (one for some in given.values() for one in some):
            if why := wrong_root(root, KINDS.keys() - {""}):
                raise ValueError(why)
        return given

    @model_validator(mode="before")
    @classmethod
    def _engines(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Flat names become the options of the engines that they choose."""
        rest = dict(given)
        if "reader" not in rest:
            names = engines.backend_names() & rest.keys()
            flat = {name: rest.pop(name) for name in names}
            own = {name: _as_given(one) for name, one in rest.pop("readers", {}).items()}
            rest["reader"], rest["readers"] = engines.readers_of(flat, own)
        if not isinstance(rest.get("reranker"), RerankerOptions):
            names = engines.reranker_names() & rest.keys()
            flat = {name: rest.pop(name) for name in names}
            rest["reranker"] = engines.reranker_of(flat)
        return rest

    def reader_of(self, document_type: str) -> Reader:
        """What reads this document type."""
        return self.readers.get(document_type, self.reader)

    @property
    def all_readers(self) -> tuple[Reader, ...]:
        """The general one, and those of document types; equal ones once."""
        return tuple(dict.fromkeys((self.reader, *self.readers.values())))

    @property
    def key_path(self) -> Path:
        """The key file, default applied."""
        return self.key_file or self.state_dir.resolve() / "installation.key"

    @cached_property
    def blobs(self) -> str:
        """Where blobs are, default applied."""
        return self.blobs_url or str(self.state_dir.resolve() / "blobs")

    @property
    def as_worker(self) -> "Settings":
        """What a worker gets: its own login and no other."""
        return self._alone_as(self.worker_database_url)

    @property
    def as_web(self) -> "Settings":
        """What the web gets: its own login and no other."""
        return self._alone_as(self.web_database_url)

    def _alone_as(self, url: SecretStr | None) -> "Settings":
        none = dict.fromkeys(("worker_database_url", "web_database_url", "reader_url"))
        return self.model_copy(update={**none, "database_url": url or self.database_url})

    @property
    def embedded(self) -> bool:
        """No Postgres was named, so one is run here."""
        return self.database_url is None

    @property
    def web_url(self) -> str:
        """How people reach the web, default applied."""
        host = "127.0.0.1" if self.web_host == "0.0.0.0" else self.web_host
        return self.public_url or f"http://{host}:{self.web_port}"


def problems(error: ValidationError) -> list[str]:
    """What is wrong with settings, a sentence each, with the variable's name."""
    said = []
    for one in error.errors(include_input=False, include_url=False):
        what = one["msg"].removeprefix("Value error, ")
        name = environment.variable("_".join(str(part) for part in one["loc"]))
        said.append(f"{name}: {what}." if one["loc"] else what)
    return said


def _as_given(options: Mapping[str, Any] | Reader) -> Mapping[str, Any]:
    if isinstance(options, Mapping):
        return options
    return {name: getattr(options, name) for name in options.model_fields_set}
