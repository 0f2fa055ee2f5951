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
from worker.settings import Settings
from worker.settings.table import environment_of

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
    return Settings(backend="scripted", readers=OWN)


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


def test_an_option_holds_for_every_reader_whose_backend_has_it():
    """What a type says of itself comes first; what its backend does not have is not asked of it."""
    settings = Settings(max_new_tokens=64, device="cpu", readers=OWN)
    own = settings.reader_of("invoice")
    assert (own.backend, own.server_url) == ("vllm", "http://gpu:8000/v1")
    assert own.max_new_tokens == settings.reader_of("slip").max_new_tokens == 64
    assert not hasattr(own, "device")


def test_a_server_key_need_not_stand_among_the_readers():
    """A secret is a variable of its own, also when only one type is read by the server."""
    settings = Settings(server_key="hush", readers=OWN)
    assert settings.reader_of("invoice").server_key.get_secret_value() == "hush"


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
