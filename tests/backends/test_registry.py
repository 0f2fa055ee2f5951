"""Engines are found by where they lie: a new one is one file."""

import sys

import pytest

from extractors import backends
from extractors.backends import BACKENDS, Backend
from extractors.errors import ModelNotLoadable
from extractors.registry import Registry
from extractors.rerankers import RERANKERS
from tests.pipeline.conftest import a_pdf, make_house, renderer  # noqa: F401  fixtures
from worker import bootstrap
from worker.settings import Settings
from worker.settings.table import environment_of, rows

ONE_FILE = '''
"""A backend that says one thing of every page."""

from typing import Literal

from pydantic import Field

from extractors.backends import BackendOptions
from extractors.backends.scripted import Line, ScriptedBackend
from extractors.registry import Finding
from extractors.types import Canvas


class Options(BackendOptions):
    backend: Literal["parrot"] = "parrot"
    parrot_says: str = Field("hello", description="What it says of every payee.")


def open(options):
    said = Line(truth={"payee": options.parrot_says})
    return ScriptedBackend(lambda page, spec: said, canvas=canvas(options))


def canvas(options):
    return Canvas(tile_px=48, max_tiles=1)


def check(options):
    return Finding(True, f"it says {options.parrot_says}")
'''


@pytest.fixture
def parrot(tmp_path, monkeypatch):
    """A backend in one new file."""
    (tmp_path / "parrot.py").write_text(ONE_FILE)
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])
    yield
    sys.modules.pop("extractors.backends.parrot", None)
    BACKENDS.forget("parrot")


@pytest.mark.usefixtures("parrot")
def test_a_new_backend_is_one_file(make_house, monkeypatch):
    """It is chosen, set, checked, listed and read with, and nothing else was told of it."""
    monkeypatch.setenv("SUREFIELD_BACKEND", "parrot")
    monkeypatch.setenv("SUREFIELD_PARROT_SAYS", "Ada")
    settings = Settings()

    assert BACKENDS.check(settings.reader).words == "it says Ada"
    assert "SUREFIELD_PARROT_SAYS" in {row.variable for row in rows()}
    assert environment_of(settings)["SUREFIELD_PARROT_SAYS"] == "Ada"
    house = make_house(
        backend=bootstrap.open_backends(settings)("slip"), canvas=bootstrap.canvases(settings)
    )
    document = house.submit(a_pdf())
    house.work()
    assert house.results(document)["payee"].text == "Ada"
    assert house.rows("SELECT model_width_px FROM pages")[0].model_width_px == 48


@pytest.mark.parametrize("registry", [BACKENDS, RERANKERS], ids=lambda one: one.kind)
def test_every_engine_bears_its_own_name(registry: Registry):
    """The field that tells engines apart is the name by which one is found."""
    for engine in registry.engines():
        assert engine.options.model_fields[registry.kind].default == engine.name


@pytest.mark.parametrize("registry", [BACKENDS, RERANKERS], ids=lambda one: one.kind)
def test_every_option_of_every_engine_says_what_it_means(registry: Registry):
    """It stands in the table of settings."""
    for engine in registry.engines():
        for name, info in engine.options.model_fields.items():
            assert info.description, f"{engine.name}: {name}"


def test_a_helper_module_is_no_engine():
    """Only what has options is one."""
    assert set(BACKENDS.names()) >= {"mllama", "scripted", "vllm"}
    assert "vocabulary" not in BACKENDS.names()
    assert RERANKERS.names() == ("cross-encoder", "server")


def test_an_installed_package_may_add_an_engine(monkeypatch, tmp_path):
    """By an entry point in the group of its kind."""
    (tmp_path / "their_parrot.py").write_text(ONE_FILE)
    info = tmp_path / "theirs-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[surefield.backends]\nparrot = their_parrot\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry: Registry = Registry(
        "backend", package="extractors.backends", group="surefield.backends"
    )
    opened = registry.open(registry.options("parrot", {"parrot_says": "Bob"}))
    assert isinstance(opened, Backend)


def test_a_file_that_is_no_whole_engine_says_what_it_lacks(tmp_path, monkeypatch):
    """At the first use of its name."""
    (tmp_path / "half.py").write_text(ONE_FILE.partition("def check")[0])
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])
    registry: Registry = Registry("backend", package="extractors.backends", group="none")
    with pytest.raises(ModelNotLoadable, match="lacks check"):
        registry.engine("half")
    sys.modules.pop("extractors.backends.half", None)
