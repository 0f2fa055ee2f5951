"""A document type may have a reader of its own: another backend, another model, another way of
decoding.
"""

import json
import os
from dataclasses import replace

import pytest
from pydantic import ValidationError

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.documents import AUTO
from extractors.types import LLAMA_CANVAS, SERVED_CANVAS, Canvas
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, a_pdf
from worker import bootstrap
from worker.cli.local import environment_of
from worker.settings import BackendName, Settings

OWN = {
    "invoice": {
        "backend": "vllm",
        "model": "Qwen/Qwen3-VL-8B-Instruct",
        "server_url": "http://gpu:8000/v1",
    }
}
RECEIPT = {"merchant": "Foo Ltd", "date": "03/04/2026", "total": "12.50", "address": None}


@pytest.fixture
def settings() -> Settings:
    return Settings(backend=BackendName.SCRIPTED, readers=OWN)


def test_each_document_is_read_by_its_types_own_reader_at_its_own_size(make_house):
    """Two types in one queue: each page is rendered for the model that reads it, and the reading
    says which one it was.
    """
    other = Canvas(tile_px=96, max_tiles=1)
    canvases = {"slip": TINY_CANVAS, "receipt": other}
    said = {"slip": TRUTH, "receipt": RECEIPT}
    backends = {
        name: ScriptedBackend(lambda page, spec: Line(truth=said[spec.name]), canvas=canvas)
        for name, canvas in canvases.items()
    }
    house = make_house(canvas=canvases.__getitem__)
    house.rt = replace(house.rt, backend=backends.__getitem__)
    for name in canvases:
        house.submit(a_pdf(name), document_type=name)

    house.work()

    assert [len(backends[name].calls) for name in canvases] == [1, 1]
    pages = house.rows(
        "SELECT document_type, model_width_px FROM pages JOIN documents d ON d.id = document_id"
        " ORDER BY document_type"
    )
    assert [tuple(page) for page in pages] == [("receipt", 96), ("slip", 128)]


def test_a_type_takes_over_what_it_does_not_change(settings):
    """Its reader is the general one with its own settings put over it."""
    general, own = settings.reader("slip"), settings.reader("invoice")
    assert (own.backend, own.server_url) == (BackendName.VLLM, "http://gpu:8000/v1")
    assert (
        own.model_copy(
            update={
                "backend": general.backend,
                "model": general.model,
                "server_url": general.server_url,
            }
        )
        == general
    )


def test_types_with_equal_readers_share_one_model(settings):
    """Weights are not loaded twice; a reader of its own is another backend."""
    backend = bootstrap.open_backends(settings)
    assert backend("slip") is backend("receipt")
    assert backend("invoice") is not backend("slip")


def test_pages_of_an_open_type_are_rendered_for_the_largest_canvas(settings):
    """Whatever the document turns out to be, its model gets no fewer pixels than it can use."""
    canvas = bootstrap.canvases(settings)
    assert (canvas("slip"), canvas("invoice"), canvas(AUTO)) == (
        LLAMA_CANVAS,
        SERVED_CANVAS,
        SERVED_CANVAS,
    )


@pytest.mark.parametrize("changes", [{"beams": 4}, {"batch_pages": 0}, {"backend": "tesseract"}])
def test_a_readers_unusable_setting_is_named_with_its_type(changes):
    """At the start, not at the first invoice."""
    with pytest.raises(ValidationError, match=f"invoice: {next(iter(changes))}"):
        Settings(readers={"invoice": changes})


def test_readers_reach_the_workers_that_a_command_starts(settings, monkeypatch):
    """As the environment that the settings are spelled in."""
    environment = environment_of(settings)
    assert json.loads(environment["SUREFIELD_READERS"]) == OWN
    for name in [name for name in os.environ if name.startswith("SUREFIELD_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
