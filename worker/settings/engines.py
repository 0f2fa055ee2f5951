"""Flat names of the environment <-> the options of the engines that are chosen.

``SUREFIELD_BACKEND`` chooses what reads, and ``SUREFIELD_MODEL`` and the like are its options. An
option given this way holds for every reader whose backend has it; ``SUREFIELD_READERS`` puts those
of one document type over it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from extractors.backends import BACKENDS, BackendOptions
from extractors.errors import SurefieldError
from extractors.rerankers import RERANKERS, RerankerOptions
from worker.settings.environment import variable

DEFAULT_BACKEND = "mllama"
RERANKER = "reranker_"  # before the name of a reranker's option


def backend_names() -> frozenset[str]:
    """Every backend's options, and the choice itself."""
    return frozenset(name for one in BACKENDS.engines() for name in one.options.model_fields)


def reranker_names() -> frozenset[str]:
    """The same of rerankers."""
    own = {name for one in RERANKERS.engines() for name in one.options.model_fields}
    return frozenset({"reranker", *(RERANKER + name for name in own - {"reranker"})})


def readers_of(
    flat: Mapping[str, Any], own: Mapping[str, Mapping[str, Any]]
) -> tuple[BackendOptions, dict[str, BackendOptions]]:
    """What reads in general, and what reads the document types that have a reader of their own.

    Raises ValueError with a sentence that names the variable.
    """
    chosen = str(flat.get("backend", DEFAULT_BACKEND))
    used = {chosen, *(str(changes.get("backend", chosen)) for changes in own.values())}
    _refuse_strangers(flat, chosen, used)
    general = _options(chosen, _taken_by(chosen, flat), where="")
    readers = {}
    for document_type, changes in own.items():
        name = str(changes.get("backend", chosen))
        given = {**_taken_by(name, flat, where=f"{document_type}: "), **changes}
        readers[document_type] = _options(name, given, where=f"{document_type}: ")
    return general, readers


def reranker_of(flat: Mapping[str, Any]) -> RerankerOptions | None:
    """What judges texts; None where nothing was chosen.

    Raises ValueError with a sentence that names the variable.
    """
    given = {name.removeprefix(RERANKER): value for name, value in flat.items()}
    chosen = given.pop("reranker", None)
    if chosen is None:
        for name in sorted(given):
            belongs = ", ".join(RERANKERS.having(name))
            raise ValueError(
                f"{variable(RERANKER + name)}: no reranker is chosen. Set SUREFIELD_RERANKER to one"
                f" of: {belongs}."
            )
        return None
    try:
        return RERANKERS.options(str(chosen), given)
    except ValidationError as error:
        where, said = _first(error)
        raise ValueError(f"{variable(RERANKER + where)}: {said}.") from error
    except SurefieldError as error:
        raise ValueError(f"SUREFIELD_RERANKER: {error}") from error


def _refuse_strangers(flat: Mapping[str, Any], chosen: str, used: set[str]) -> None:
    for name in sorted(flat):
        having = BACKENDS.having(name)
        if not used & set(having) and chosen in BACKENDS.names():
            raise ValueError(f"{variable(name)}: {BACKENDS.strange(name, chosen)}")


def _taken_by(name: str, flat: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    try:
        own = BACKENDS.engine(name).options.model_fields
    except SurefieldError as error:
        raise ValueError(f"{_variable(where)}backend: {error}") from error
    return {key: value for key, value in flat.items() if key in own and key != "backend"}


def _options(name: str, given: Mapping[str, Any], *, where: str) -> BackendOptions:
    try:
        return BACKENDS.options(name, {k: v for k, v in given.items() if k != "backend"})
    except ValidationError as error:
        option, said = _first(error)
        raise ValueError(
            f"{_variable(where)}{option}: {said}." if where else f"{variable(option)}: {said}."
        ) from error
    except SurefieldError as error:
        raise ValueError(f"{_variable(where)}{error}") from error


def _variable(where: str) -> str:
    return f"SUREFIELD_READERS: {where}" if where else "SUREFIELD_BACKEND: "


def _first(error: ValidationError) -> tuple[str, str]:
    first = error.errors(include_input=False, include_url=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"]
