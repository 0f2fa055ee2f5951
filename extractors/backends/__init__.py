"""What reads pages: one protocol, and a table of the backends that speak it.

Nothing here imports torch; a backend's own module is imported when it is opened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from extractors.backends.mllama.memory_plan import MemoryPlan
from extractors.documents.spec import DocumentType
from extractors.errors import ModelNotLoadable
from extractors.types import Canvas, PageAnswer, PageImage

ABOUT = "surefield.json"  # beside a checkpoint's weights: what it says of itself


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


BACKENDS: dict[str, str] = {
    "mllama": "extractors.backends.mllama.backend:MllamaBackend",
    "scripted": "extractors.backends.scripted:ScriptedBackend",
    "vllm": "extractors.backends.vllm:VllmBackend",
}


def open_backend(name: str, **options: Any) -> Backend:
    """The backend of this name; ``options`` are its own (see its class).

    Weights are loaded at the first answer.
    """
    if name not in BACKENDS:
        raise ModelNotLoadable(
            f"There is no backend {name!r}. Choose one of: {', '.join(sorted(BACKENDS))}."
        )
    module, _, attribute = BACKENDS[name].partition(":")
    try:
        opened = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise ModelNotLoadable(
            f"Backend {name!r} needs the package {error.name!r}. Install it: pip install"
            " 'surefield[model]'."
        ) from error
    return cast(Backend, opened(**options))


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a checkpoint says of itself; None where it does not say."""

    document_types: frozenset[str] | None = None  # those that it was trained for
    decode_mode: str | None = None  # the one that it reads better in


def about(model: str) -> About:
    """What the file beside the weights says.

    Raises ModelNotLoadable when it cannot be understood.
    """
    path = Path(model) / ABOUT
    if not path.is_file():
        return About()
    try:
        said = _Said.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ModelNotLoadable(
            f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}. Mend it, or"
            " remove it if the model reads any type."
        ) from error
    return About(document_types=frozenset(said.document_types), decode_mode=said.decode_mode)


class _Said(BaseModel):
    """The file; what else it holds is for people."""

    model_config = ConfigDict(strict=True)

    document_types: list[str]
    decode_mode: Annotated[str, Field(min_length=1)] | None = None
