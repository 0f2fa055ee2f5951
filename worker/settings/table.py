"""Every setting as a row: for people, for the docs, and for the next process."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from extractors.backends import BACKENDS
from extractors.backends.mllama.engine import BUNDLED_MODEL
from extractors.registry import Registry
from extractors.rerankers import RERANKERS
from worker.settings import Settings
from worker.settings.engines import DEFAULT_BACKEND, RERANKER
from worker.settings.environment import variable

ENGINES = ("reader", "reranker")  # fields of Settings that hold the options of an engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting."""

    variable: str
    default: str
    meaning: str
    value: str = ""  # in force
    source: str = ""  # "environment" or "default"


def rows(settings: Settings | None = None, environ: Mapping[str, str] | None = None) -> list[Row]:
    """Every setting; with the value in force and where it came from, where settings are given."""
    found = [*_own(settings), *_of_engines(settings)]
    if settings is None:
        return found
    given = {name for name, value in (environ or {}).items() if value}
    return [
        Row(
            variable=row.variable,
            default=row.default,
            meaning=row.meaning,
            value=row.value,
            source="environment" if row.variable in given else "default" if row.value else "",
        )
        for row in found
    ]


def markdown() -> str:
    """The table of docs/reference.md; a test compares the two."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for row in rows():
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.variable}` | {default} | {row.meaning} |")
    return "\n".join(lines)


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings that differ from the defaults, as the environment of a process that shall have
    the same.
    """
    found = {}
    for name, info in type(settings).model_fields.items():
        value = getattr(settings, name)
        if name in ENGINES or value is None or value == info.default:
            continue
        found[variable(name)] = _spelled(value)
    if settings.reader.backend != DEFAULT_BACKEND:
        found[variable("backend")] = settings.reader.backend
    found.update(_changed(settings.reader, "backend", ""))
    if settings.reranker is not None:
        found[variable("reranker")] = settings.reranker.reranker
        found.update(_changed(settings.reranker, "reranker", RERANKER))
    return found


def _own(settings: Settings | None) -> Iterator[Row]:
    for name, info in Settings.model_fields.items():
        if name not in ENGINES:
            yield Row(
                variable=variable(name),
                default=_shown(info.default),
                meaning=info.description or "",
                value="" if settings is None else _shown(getattr(settings, name)),
            )


def _of_engines(settings: Settings | None) -> Iterator[Row]:
    reader = None if settings is None else settings.reader
    reranker = None if settings is None else settings.reranker
    yield from _options(BACKENDS, "", DEFAULT_BACKEND, reader)
    yield from _options(RERANKERS, RERANKER, "", reranker)


def _options(
    registry: Registry[Any, Any], prefix: str, default: str, chosen: BaseModel | None
) -> Iterator[Row]:
    """The choice of an engine, then every option that one of them has, with the names of those that
    have it.
    """
    kind = registry.kind
    engines = sorted(registry.engines(), key=lambda one: (one.name != default, one.name))
    names = [f"`{one.name}`" for one in engines]
    what = "What reads the pages" if kind == "backend" else "What judges texts; none by default"
    yield Row(
        variable=variable(kind),
        default=default,
        meaning=f"{what}: {', '.join(names)}.",
        value="" if chosen is None else str(getattr(chosen, kind)),
    )
    options = dict.fromkeys(name for one in engines for name in one.options.model_fields)
    for name in (option for option in options if option != kind):
        having = [one for one in engines if name in one.options.model_fields]
        info: FieldInfo = having[0].options.model_fields[name]
        whose = ", ".join(f"`{one.name}`" for one in having)
        meanings = dict.fromkeys(one.options.model_fields[name].description for one in having)
        value = getattr(chosen, name, None)
        yield Row(
            variable=variable(prefix + name),
            default=_shown(info.default),
            meaning=f"{' '.join(filter(None, meanings))} ({whose})",
            value=_shown(value),
        )


def _changed(options: BaseModel, kind: str, prefix: str) -> dict[str, str]:
    return {
        variable(prefix + name): _spelled(value)
        for name, value in options
        if name != kind and value is not None and value != type(options).model_fields[name].default
    }


def _shown(value: object) -> str:
    """A value for people; a secret is hidden."""
    if value is None or value is PydanticUndefined or value in ((), {}, frozenset()):
        return ""
    if value == str(BUNDLED_MODEL):
        return "the bundled model"
    if isinstance(value, SecretStr):
        return "(hidden)"
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, dict | tuple | frozenset):
        return json.dumps(_plain(value, hide=True))
    return str(value.value) if isinstance(value, Enum) else str(value)


def _duration(value: timedelta) -> str:
    """In the largest unit that leaves no rest: 2 min, 12 h."""
    seconds = value.total_seconds()
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"


def _spelled(value: object) -> str:
    """A value as the environment has it."""
    plain = _plain(value, hide=False)
    return json.dumps(plain) if isinstance(plain, dict | list) else str(plain)


def _plain(value: object, *, hide: bool) -> Any:
    if isinstance(value, SecretStr):
        return "(hidden)" if hide else value.get_secret_value()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()}"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):  # only what was given: the rest follows from it
        return {name: _plain(getattr(value, name), hide=hide) for name in _given(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one, hide=hide) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one, hide=hide) for one in value]
    if isinstance(value, frozenset):
        return sorted(_plain(one, hide=hide) for one in value)
    return value if isinstance(value, bool | int | float) else str(value)


def _given(options: BaseModel) -> list[str]:
    given = options.model_fields_set
    return [name for name in type(options).model_fields if name in given]
