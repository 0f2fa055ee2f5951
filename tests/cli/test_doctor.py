"""What the doctor says of this installation."""

import os
import signal
import sys
from contextlib import closing

import pytest
from sqlalchemy import text

from tests.backends.vllm.server import Server, ok
from tests.embedded.processes import eventually
from tests.factories import a_document, begin
from worker import blobs
from worker.accounts import store as accounts
from worker.cli import doctor
from worker.embedded import broker
from worker.embedded.supervisor import Child, Supervisor
from worker.mailboxes.names import queue_of
from worker.mailboxes.pgmq import PgmqMailbox
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
    """Both may be off, and the words say what that costs."""
    found = doctor.second_looks(Settings(ocr="off"))
    assert found.sound
    assert "no text layer is held against its page" in found.words


def test_a_language_that_tesseract_lacks_is_broken():
    """The words say what to install."""
    found = doctor.second_looks(Settings(ocr="tesseract", ocr_languages=("xyz",)))
    assert not found.sound
    assert "apt-get install" in found.words


def test_a_reranker_that_does_not_answer_is_broken():
    """A document would not wait for it; the operator should know all the same."""
    assert not doctor.second_looks(
        Settings(reranker="server", reranker_url="http://127.0.0.1:9/v1")
    ).sound


def test_a_model_folder_that_does_not_exist_is_broken():
    """It was said to be of four tiles."""
    found = doctor.model(Settings(model="/nope"))
    assert not found.sound
    assert "/nope" in found.words
    assert "SUREFIELD_MODEL" in found.words


def test_a_name_on_the_hub_is_no_missing_folder():
    """It is fetched when the first page comes."""
    assert doctor.model(Settings(model="meta-llama/Llama-3.2-11B-Vision-Instruct")).sound


@pytest.mark.parametrize(("extra", "library"), [("s3", "s3fs"), ("gs", "gcsfs")])
def test_a_store_whose_library_is_missing_names_the_install_line(monkeypatch, extra, library):
    """Not its rights."""
    monkeypatch.setattr(blobs, "missing", lambda *names: names)
    found = doctor.blobs(Settings(blobs_url=f"{extra}://bucket/x"))
    assert not found.sound
    assert library in found.words
    assert f"pip install 'surefield[{extra}]'" in found.words


def test_a_place_of_sources_that_cannot_be_used_is_broken(tmp_path):
    """A folder that is not there, a store whose library is missing."""
    assert doctor.sources(Settings(source_roots=(tmp_path, "https://example.org/"))).sound
    assert doctor.sources(Settings()).sound
    for root, says in ((tmp_path / "none", "SUREFIELD_SOURCE_ROOTS"), ("gs://bucket", "[gs]")):
        found = doctor.sources(Settings(source_roots={"erp": (str(root),)}))
        assert not found.sound
        assert says in found.words


def test_a_broker_whose_library_is_missing_names_the_install_line(monkeypatch):
    """Not that the broker should run."""
    monkeypatch.setattr(broker, "missing", lambda *names: names)
    found = doctor.broker(Settings(broker_url="redis://127.0.0.1:1/"))
    assert not found.sound
    assert "pip install 'surefield[redis]'" in found.words


def test_an_old_schema_is_broken_and_the_database_stays_as_it_is(empty_database_url):
    """Looking changes nothing."""
    settings = Settings(database_url=empty_database_url)
    assert "surefield migrate" in doctor.schema(settings).words
    assert not doctor.schema(settings).sound
    assert doctor.stages(settings) == {}


def test_a_backlog_that_nobody_takes_is_broken(db, database_url):
    """Stage by stage, as /healthz says it."""
    a_document(db)
    with begin(db) as tx:
        tx.session.execute(text("UPDATE documents SET updated_at = now() - interval '1 hour'"))
    found = doctor.stages(Settings(database_url=database_url))
    assert not found["stage render"].sound
    assert "nobody serves the queue cpu" in found["stage render"].words
    assert found["stage extract"].sound


def test_an_upstreams_queue_that_nobody_takes_in_is_broken(db, database_url):
    """A moment after something of it came in, it is not."""
    settings = Settings(database_url=database_url)
    with begin(db) as tx:
        accounts.make_key(tx, "erp")
    assert doctor.submissions(settings).words == "none waits in 1 queues"
    with closing(PgmqMailbox(database_url)) as mailbox:
        mailbox.make(queue_of("erp"))
        mailbox.put(queue_of("erp"), b"{}")
    found = doctor.submissions(settings)
    assert not found.sound
    assert "1 of erp wait" in found.words
    assert "surefield inbox" in found.words

    a_document(db)
    with begin(db) as tx:
        tx.session.execute(text("UPDATE submissions SET upstream = 'erp'"))
    assert doctor.submissions(settings).sound


def test_what_waits_in_the_queue_of_before_is_counted(db, database_url):
    """It is read for one more release."""
    with closing(PgmqMailbox(database_url)) as mailbox:
        mailbox.make("cpu")
        mailbox.put("cpu", b"{}")
    found = doctor.submissions(Settings(database_url=database_url))
    assert found.sound
    assert "1 in cpu, which is read for this release only" in found.words


def test_a_frozen_process_and_one_that_dies_again_and_again_are_named(tmp_path):
    """Of those that run on this machine."""
    well, ill = "import time; time.sleep(60)", "raise SystemExit(3)"
    children = [
        Child(name=name, argv=(sys.executable, "-c", code))
        for name, code in (("cpu-worker", well), ("gpu-worker", well), ("sweeper", ill))
    ]
    settings = Settings(state_dir=tmp_path)
    assert doctor.processes(settings).sound
    with Supervisor(tmp_path, children, tell=lambda said: None) as supervisor:
        os.kill(supervisor.pid_of("gpu-worker"), signal.SIGSTOP)
        try:
            eventually(lambda: "in a row" in doctor.processes(settings).words, within_s=30)
            words = doctor.processes(settings).words
        finally:
            os.kill(supervisor.pid_of("gpu-worker"), signal.SIGCONT)
    assert "gpu-worker is frozen" in words
    assert "sweeper died 3 times in a row" in words
    assert "cpu-worker" not in words
