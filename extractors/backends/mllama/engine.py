"""Options of the Mllama backend, and what can be said of it before anything is loaded."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field

from extractors.backends import Backend, BackendOptions, PlansMemory, read_manifest
from extractors.documents.spec import DocumentType
from extractors.errors import MissingExtra, SurefieldError
from extractors.registry import Finding, missing
from extractors.rendering.canvas import canvas_of
from extractors.types import Canvas

BUNDLED_MODEL = Path(__file__).resolve().parents[2] / "demo" / "weights"
NEEDS = ("torch", "transformers", "llguidance")


class DecodeMode(StrEnum):
    """How a page's fields are asked for."""

    AUTO = "auto"
    JSON = "json"
    FIELDS = "fields"


class Options(BackendOptions):
    """What can be set about it."""

    backend: Literal["mllama"] = Field("mllama", description="What reads the pages.")
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
    attention: bool = Field(
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


def require() -> None:
    """Raises MissingExtra where its libraries are not installed."""
    if absent := missing(*NEEDS):
        raise MissingExtra("model", f"The backend 'mllama' needs {', '.join(absent)}")


def open(options: Options) -> Backend:
    """The backend; its weights are loaded at the first page.

    Raises MissingExtra where torch is not installed.
    """
    require()
    from extractors.backends.mllama.backend import MllamaBackend

    return MllamaBackend(
        options.model,
        device=options.device,
        decode_mode=options.decode_mode.value,
        grammar=options.grammar,
        attention=options.attention,
        max_new_tokens=options.max_new_tokens,
        compile_steps=options.compile_steps,
        batch_pages=options.batch_pages,
    )


def canvas(options: Options) -> Canvas:
    """The tile canvas of the checkpoint."""
    return canvas_of(options.model)


def made_for(options: Options) -> frozenset[str] | None:
    """The document types that the checkpoint says it was trained for."""
    return read_manifest(options.model).document_types


def check(options: Options) -> Finding:
    """The model's folder is whole, and what it needs is installed."""
    if absent := missing(*NEEDS):
        return Finding(
            True,
            f"no {', '.join(absent)} here: fine for a CPU worker; the GPU worker needs"
            " pip install 'surefield[model]'",
        )
    folder = Path(options.model)
    if _names_a_folder(options.model) and not folder.is_dir():
        return Finding(
            False, f"there is no folder {folder}; point SUREFIELD_MODEL at a whole checkpoint"
        )
    try:
        tiles = canvas(options)
    except SurefieldError as error:
        return Finding(False, str(error))
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        return Finding(
            False, f"{folder} has no weights; point SUREFIELD_MODEL at a whole checkpoint"
        )
    name = folder.name if folder.is_dir() else f"{options.model}, fetched at the first page"
    return Finding(True, f"{name}: {tiles.max_tiles} tiles of {tiles.tile_px} px")


def memory(options: Options, spec: DocumentType) -> Finding:
    """How many pages it will read at once, counted from its shape and the free memory."""
    if missing(*NEEDS) or not Path(options.model).is_dir():
        return Finding(True, "planned where the model's files are: on the GPU worker")
    backend = open(options)
    assert isinstance(backend, PlansMemory)
    try:
        made = backend.forecast(spec)
    except SurefieldError as error:
        return Finding(False, str(error))
    words = (
        f"{made.as_text()} of type {spec.name}, in {backend.decode_mode} mode; asked for:"
        f" {options.batch_pages}"
    )
    if made.pages > 0:
        return Finding(True, words)
    return Finding(False, f"{words}. Use a larger GPU, a smaller model or SUREFIELD_MAX_NEW_TOKENS")


def _names_a_folder(model: str) -> bool:
    """A hub's name is relative, and has at most one slash."""
    return model.startswith((".", "~")) or Path(model).is_absolute() or model.count("/") > 1
