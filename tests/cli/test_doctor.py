"""What the doctor says of the readers that document types have of their own."""

import pytest

from tests.backends.vllm.server import Server, ok
from worker.cli import doctor
from worker.settings import Settings


def invoices_read_by(url: str, model: str = "tiny") -> Settings:
    return Settings(readers={"invoice": {"backend": "vllm", "model": model, "server_url": url}})


def test_a_server_that_serves_the_model_is_sound():
    """It is asked for the models it serves."""
    with Server(ok({"object": "list", "data": [{"id": "tiny"}]})).running() as url:
        found = doctor.readers(invoices_read_by(url))
    assert found.sound
    assert found.words == f"invoice: tiny at {url}"


def test_a_server_that_serves_another_model_is_broken():
    """The words say which models it does serve."""
    with Server(ok({"object": "list", "data": [{"id": "other"}]})).running() as url:
        found = doctor.readers(invoices_read_by(url))
    assert not found.sound
    assert "serves other" in found.words


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, {"data": None}, ["tiny"]])
def test_a_server_of_another_kind_is_broken_and_names_the_setting(body):
    """Whatever it answers is judged, never believed."""
    with Server(ok(body)).running() as url:
        found = doctor.readers(invoices_read_by(url))
    assert not found.sound
    assert "SUREFIELD_SERVER_URL" in found.words


def test_a_server_that_does_not_run_is_broken():
    """A closed port."""
    assert not doctor.readers(invoices_read_by("http://127.0.0.1:9/v1")).sound


def test_a_reader_for_a_type_that_there_is_not_is_broken():
    """A misspelled type would silently be read by the general model."""
    found = doctor.readers(Settings(readers={"invioce": {"decode_mode": "fields"}}))
    assert not found.sound
    assert "invioce" in found.words


def test_without_a_second_look_there_is_nothing_to_mend():
    """Both are off unless they are set."""
    assert doctor.second_looks(Settings()).sound


def test_a_language_that_tesseract_lacks_is_broken():
    """The words say what to install."""
    found = doctor.second_looks(Settings(ocr_languages=("xyz",)))
    assert not found.sound
    assert "apt-get install" in found.words


def test_a_reranker_that_does_not_answer_is_broken():
    """A document would not wait for it; the operator should know all the same."""
    assert not doctor.second_looks(
        Settings(reranker="server", reranker_url="http://127.0.0.1:9/v1")
    ).sound
