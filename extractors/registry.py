"""Engines by name: what reads pages, what judges texts, each with options of its own.

An engine is one module: ``<name>.py`` in the folder of its kind, or ``<name>/engine.py`` there, or
a module that an installed package names under the kind's entry-point group. The module has

- ``Options``, a frozen Pydantic model of what can be set about it; its first field bears the
  engine's name,
- ``open(options)``, the engine, with nothing loaded yet,
- ``check(options)``, a finding for ``surefield doctor``,

and whatever else its kind asks for; also ``require()`` where it needs libraries that may be
missing, which raises MissingExtra then. It imports its libraries where they are needed: the options
of an engine can be read on a machine that cannot run it.
"""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from extractors.errors import ModelNotLoadable


class EngineOptions(BaseModel):
    """What can be set about an engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it."""

    sound: bool
    words: str


O_ = TypeVar("O_", bound=EngineOptions)
E_ = TypeVar("E_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine(Generic[O_, E_]):
    """One engine, with nothing of it loaded but its options."""

    name: str
    module: ModuleType  # for what only its kind has
    options: type[O_]
    open: Callable[[O_], E_]
    check: Callable[[O_], Finding]


class Registry(Generic[O_, E_]):
    """The engines of one kind.

    kind: what one is called, and the field of the options that names it: "backend"
    package: the folder that holds them, as a package
    group: of the entry points by which other packages add theirs
    """

    def __init__(self, kind: str, *, package: str, group: str) -> None:
        self.kind = kind
        self._package = package
        self._group = group
        self._engines: dict[str, Engine[O_, E_]] = {}

    def names(self) -> tuple[str, ...]:
        """Every engine that there is."""
        return tuple(sorted(self._modules()))

    def engine(self, name: str) -> Engine[O_, E_]:
        """The engine of this name.

        Raises ModelNotLoadable when there is none.
        """
        if name not in self._engines:
            modules = self._modules()
            if name not in modules:
                raise ModelNotLoadable(
                    f"There is no {self.kind} {name!r}. Choose one of: {', '.join(self.names())}."
                )
            self._engines[name] = _engine(name, modules[name])
        return self._engines[name]

    def engines(self) -> tuple[Engine[O_, E_], ...]:
        """All of them."""
        return tuple(self.engine(name) for name in self.names())

    def of(self, options: O_) -> Engine[O_, E_]:
        """The engine that these options belong to."""
        return self.engine(str(getattr(options, self.kind)))

    def having(self, option: str) -> tuple[str, ...]:
        """Names of the engines that have an option."""
        return tuple(one.name for one in self.engines() if option in one.options.model_fields)

    def options(self, name: str, given: Mapping[str, object]) -> O_:
        """The options of an engine, checked.

        Raises ModelNotLoadable when there is no such engine, or when another one has an option; and
        pydantic's ValidationError when a value cannot be used.
        """
        engine = self.engine(name)
        for option in sorted(given.keys() - engine.options.model_fields.keys()):
            raise ModelNotLoadable(f"{option}: {self.strange(option, name)}")
        return engine.options.model_validate({**given, self.kind: name})

    def strange(self, option: str, *names: str) -> str:
        """Why these engines do not take an option, in a sentence."""
        others = self.having(option)
        belongs = f"It is an option of: {', '.join(others)}." if others else "No other has it."
        return f"The {self.kind} {' or '.join(names)} has no such option. {belongs}"

    def open(self, options: O_) -> E_:
        """The engine itself; what is large is loaded when it is first needed."""
        return self.of(options).open(options)

    def check(self, options: O_) -> Finding:
        """Whether the engine can work here, as far as that shows without loading it."""
        return self.of(options).check(options)

    def forget(self, name: str) -> None:
        """Look for this engine anew when it is next asked for."""
        self._engines.pop(name, None)

    def require(self, options: O_) -> None:
        """Raises MissingExtra where the engine's libraries are not installed; nothing is loaded."""
        demand: Callable[[], None] | None = getattr(self.of(options).module, "require", None)
        if demand is not None:
            demand()

    def _modules(self) -> dict[str, str]:
        return {**dict(self._in_folder()), **self._from_packages}

    def _in_folder(self) -> Iterator[tuple[str, str]]:
        """Read anew each time: a folder may join the package's path while the process runs."""
        for found in pkgutil.iter_modules(import_module(self._package).__path__):
            path = f"{self._package}.{found.name}"
            if found.ispkg and find_spec(f"{path}.engine") is not None:
                yield found.name.replace("_", "-"), f"{path}.engine"
            elif not found.ispkg and hasattr(import_module(path), "Options"):
                yield found.name.replace("_", "-"), path

    @cached_property
    def _from_packages(self) -> dict[str, str]:
        return {entry.name: entry.value for entry in entry_points(group=self._group)}


def missing(*packages: str) -> tuple[str, ...]:
    """Those of these libraries that are not installed here."""
    return tuple(name for name in packages if find_spec(name) is None)


def _engine(name: str, path: str) -> Engine[O_, E_]:
    module = import_module(path)
    lacking = [part for part in ("Options", "open", "check") if not hasattr(module, part)]
    if lacking:
        raise ModelNotLoadable(f"The engine {path} lacks {', '.join(lacking)}. Add what is named.")
    return Engine(
        name=name,
        module=module,
        options=module.Options,
        open=module.open,
        check=module.check,
    )
