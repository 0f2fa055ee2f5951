"""What reads pages: one protocol, and the registry of the backends that speak it.

A backend is one file in this folder, ``<name>.py``, or a folder with ``engine.py``; what the file
must have says ``extractors.registry``, and ``canvas(options)`` besides. Nothing here imports torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from extractors.backends.mllama.memory_plan import MemoryPlan
from extractors.documents.spec import DocumentType
from extractors.errors import ModelNotLoadable
from extractors.registry import EngineOptions, Registry
from extractors.types import Canvas, PageAnswer, PageImage

MANIFEST = "surefield.json"  # beside a checkpoint's weights: what it says of itself


@runtime_checkable
class Backend(Protocol):
    """A model that answers about pages."""

    @property
    def model(self) -> str:
        """Name or path of the model, for people."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever weights, dtype or image size change: evidence of two fingerprints is
        never mixed.
        """
        ...

    @property
    def decode_mode(self) -> str:
        """``json`` or ``fields``."""
        ...

    @property
    def canvas(self) -> Canvas:
        """What pages must be rendered to fit."""
        ...

    @property
    def batch_pages(self) -> int:
        """How many pages are best given at once; ``answer`` takes any number."""
        ...

    @property
    def settings(self) -> Mapping[str, object]:
        """Decoding parameters, JSON-able, stored with every reading."""
        ...

    def in_domain(self, spec: DocumentType) -> bool:
        """Whether the model was made for this document type."""
        ...

    def answer(self, pages: Sequence[PageImage], spec: DocumentType) -> list[PageAnswer]:
        """What the model says about each page, in the pages' order.

        Raises ModelNotLoadable, BackendUnavailable or OutOfMemory; never gives part of the pages.
        """
        ...


@runtime_checkable
class PlansMemory(Protocol):
    """A backend that can say beforehand how many pages will fit."""

    def forecast(self, spec: DocumentType) -> MemoryPlan:
        """What a batch of this type will take, with nothing loaded.

        Raises ModelNotLoadable when there is no such model.
        """
        ...


@runtime_checkable
class ScoresAnswers(Protocol):
    """A backend that can say what the model believes of an answer that it did not write now."""

    def scored(
        self, pages: Sequence[PageImage], answers: Sequence[PageAnswer], spec: DocumentType
    ) -> list[PageAnswer]:
        """The same answers, each about the page in its place: every token that was not fed comes
        with what the model believes of it there.

        Raises what ``answer`` raises.
        """
        ...


class BackendOptions(EngineOptions):
    """What every backend lets set; each has its own besides."""

    backend: str = Field(description="What reads the pages.")
    batch_pages: int = Field(8, ge=1, le=256, description="Pages that are read together.")


BACKENDS: Registry[BackendOptions, Backend] = Registry(
    "backend", package="extractors.backends", group="surefield.backends"
)


def open_backend(name: str, **options: Any) -> Backend:
    """The backend of this name; ``options`` are its own (see the ``Options`` of its module).

    Weights are loaded at the first answer.
    """
    return BACKENDS.open(BACKENDS.options(name, options))


def canvas(options: BackendOptions) -> Canvas:
    """What pages are rendered to fit, for the backend of these options."""
    found: Canvas = BACKENDS.of(options).module.canvas(options)
    return found


def made_for(options: BackendOptions) -> frozenset[str] | None:
    """Names of the document types that the model of these options was made for; None: of any.

    Raises ModelNotLoadable when what it says of itself cannot be understood.
    """
    says = getattr(BACKENDS.of(options).module, "made_for", None)
    found: frozenset[str] | None = None if says is None else says(options)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a checkpoint says of itself; None where it does not say."""

    document_types: frozenset[str] | None = None  # those that it was trained for
    decode_mode: str | None = None  # the one that it reads better in


def read_manifest(model: str) -> Manifest:
    """What the file beside the weights says.

    Raises ModelNotLoadable when it cannot be understood.
    """
    path = Path(model) / MANIFEST
    if not path.is_file():
        return Manifest()
    try:
        said = _ManifestFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ModelNotLoadable(
            f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}. Mend it, or"
            " remove it if the model reads any type."
        ) from error
    return Manifest(document_types=frozenset(said.document_types), decode_mode=said.decode_mode)


class _ManifestFile(BaseModel):
    """The file; what else it holds is for people."""

    model_config = ConfigDict(strict=True)

    document_types: list[str]
    decode_mode: Annotated[str, Field(min_length=1)] | None = None
