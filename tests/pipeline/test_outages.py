"""What the installation lacks is no document's fault: the stage pauses, and health says why."""

import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pymupdf
import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.backends.vllm.backend import VllmBackend
from extractors.errors import (
    BackendFailed,
    BackendUnavailable,
    BrokenDocumentType,
    MissingExtra,
    ModelNotLoadable,
    OutOfMemory,
)
from tests.backends.vllm.server import Reply, Server, recorded
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, House, a_pdf
from worker import health
from worker.errors import BlobsUnavailable
from worker.pipeline import flow
from worker.pipeline.attempt import attempt
from worker.pipeline.stages import extract
from worker.store import pauses as stage_pauses
from worker.store.types import Failure
from worker.tables.documents import Status

RESTS = {"accepted", "in_review"}
NO_MODEL = ModelNotLoadable("There is no folder /nope. Point SUREFIELD_MODEL at a checkpoint.")


class Broken(ScriptedBackend):
    """A model that cannot be loaded until somebody mends it."""

    lacking: Exception | None = NO_MODEL
    tried = 0
    pages = 0  # asked for

    def answer(self, pages, spec):
        self.tried += 1
        self.pages += len(pages)
        if self.lacking is not None:
            raise self.lacking
        return super().answer(pages, spec)


@pytest.fixture
def broken() -> Broken:
    return Broken(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS)


def later(house: House) -> None:
    """Every pause is over, the stage's and the rows'."""
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE stage_pauses SET retry_at = now()"))
        session.execute(text("UPDATE pages SET next_attempt_at = now()"))
        session.execute(text("UPDATE documents SET next_attempt_at = now()"))


def stage_later(house: House) -> None:
    """The stage's pause is over; what met the wall stands aside a moment longer."""
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE stage_pauses SET retry_at = now()"))


def pauses(house: House) -> dict[str, int]:
    """The stages that pause, and how many probes met the same wall."""
    return {row.stage: row.probes for row in house.rows("SELECT * FROM stage_pauses")}


def read(house: House) -> None:
    """A wake-up of the model's queue."""
    extract.run(UUID(int=0), house.rt)


def failures(house: House) -> int:
    return sum(
        row[0]
        for name in ("documents", "pages")
        for row in house.rows(f"SELECT failures FROM {name}")
    )


def test_a_wrong_setting_fails_no_document_however_often_it_is_tried(make_house, broken):
    """Ten times the cap, and no attempt is counted; mended, everything goes through."""
    house = make_house(backend=broken)
    documents = [house.submit(a_pdf(f"no {number}"), key=str(number)) for number in range(3)]
    house.work()
    for _ in range(10 * house.rt.max_attempts):
        later(house)
        flow.STEP_AT[Status.RENDERED].run(documents[0], house.rt)
    assert {house.status(each) for each in documents} == {"rendered"}
    assert failures(house) == 0
    assert house.rows("SELECT count(*) FROM document_events WHERE to_status = 'failed'")[0][0] == 0

    broken.lacking = None
    later(house)
    flow.STEP_AT[Status.RENDERED].run(documents[0], house.rt)
    house.work()
    assert {house.status(each) for each in documents} <= RESTS


def test_a_stage_that_pauses_is_not_tried_for_every_message(make_house, broken):
    """A long backlog meets the wall once, not once a document."""
    house = make_house(backend=broken, batch_pages=1)
    for number in range(5):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    house.work()
    assert broken.tried == 1


def test_health_is_red_and_says_what_is_lacking(make_house, broken):
    """The words are the error's own, with the fix; the other stages are well."""
    house = make_house(backend=broken)
    house.submit(a_pdf())
    house.work()
    found = health.findings(house.rt)
    assert not found["extract"].sound
    assert "SUREFIELD_MODEL" in found["extract"].words
    assert found["render"].sound


@pytest.mark.parametrize(
    "error",
    [
        MissingExtra("model", "The backend 'mllama' needs torch"),
        BrokenDocumentType("order.py, line 3: mend it."),
        BlobsUnavailable("The blob store cannot be read."),
    ],
)
def test_a_stage_for_single_documents_pauses_as_well(make_house, monkeypatch, error):
    """Rendering needs the canvas, the types and the blobs."""

    def lacks(document_type):
        raise error

    house = make_house(canvas=lacks)
    document = house.submit(a_pdf())
    for _ in range(2 * house.rt.max_attempts):
        flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)
        later(house)
    assert house.status(document) == "submitted"
    assert failures(house) == 0
    assert error.code in health.findings(house.rt)["render"].words


def test_others_go_first_when_the_pause_is_over(make_house, broken):
    """A document whose own blob cannot be read must not hold up the stage for ever."""
    house = make_house(backend=broken, batch_pages=1)
    document = house.submit(a_pdf())
    house.work()
    row = house.rows("SELECT next_attempt_at - now() AS pause FROM pages")[0]
    assert row.pause > house.rt.pause
    assert house.status(document) == "rendered"


def test_a_queue_that_nobody_serves_is_red(make_house):
    """A message that was never taken: the oldest row says how long."""
    house = make_house()
    document = house.submit(a_pdf())
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE documents SET updated_at = now() - interval '5 minutes'"))
    found = health.findings(house.rt)["render"]
    assert not found.sound
    assert "nobody serves the queue cpu" in found.words
    assert "5 min" in found.words

    with house.rt.transaction() as tx:  # somebody takes it
        tx.session.execute(text("UPDATE documents SET lease_until = now() + interval '9 s'"))
    assert health.findings(house.rt)["render"].sound
    assert house.status(document) == "submitted"


def test_a_long_line_that_moves_is_no_fault(make_house):
    """A low priority may wait for hours."""
    house = make_house()
    house.submit(a_pdf("first"), key="1")
    house.work()
    house.submit(a_pdf("second"), key="2")
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE documents SET updated_at = now() - interval '5 hours'"))
    assert health.findings(house.rt)["render"].sound


def test_a_worker_that_was_frozen_is_noticed_when_its_lease_is_over(make_house):
    """Its pages wait, and nobody holds them."""
    house = make_house()
    house.submit(a_pdf())
    flow.STEP_AT[Status.SUBMITTED].run(house.announced.pop()[0], house.rt)
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE documents SET updated_at = now() - interval '2 minutes'"))
        session.execute(text("UPDATE pages SET lease_until = now() - interval '1 minute'"))
    found = health.findings(house.rt)["extract"]
    assert not found.sound
    assert "nobody serves the queue gpu" in found.words
    assert house.rt.lease < health.UNSERVED_AFTER + timedelta(seconds=1)


def test_a_stage_that_met_a_wrong_setting_pauses_at_once(make_house):
    """For every worker: the row is in the database.  The other stages work."""

    def lacks(document_type):
        raise NO_MODEL

    house = make_house(canvas=lacks)
    document = house.submit(a_pdf())
    flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)

    assert pauses(house) == {"render": 0}


def test_one_document_probes_and_the_others_wait(make_house, broken):
    """However many wait and however large a batch is; each probe in vain doubles the pause."""
    house = make_house(backend=broken)
    for number in range(6):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    house.work()
    assert (broken.tried, pauses(house)) == (1, {"extract": 0})
    asked, waits = broken.pages, []
    for _ in range(6):
        later(house)
        read(house)
        read(house)  # a second worker, in the same moment
        (row,) = house.rows("SELECT retry_at - now() AS wait FROM stage_pauses")
        waits.append(round(row.wait.total_seconds()))

    assert broken.tried == 7
    assert broken.pages == asked + 6  # a page a probe
    assert waits == [10, 20, 40, 60, 60, 60]
    assert pauses(house) == {"extract": 6}
    assert failures(house) == 0


def test_the_first_probe_that_is_answered_opens_the_stage_for_all(make_house, broken):
    """By itself, and in batches again; health is well."""
    house = make_house(backend=broken)
    for number in range(6):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    house.work()
    broken.lacking = None
    later(house)
    broken.tried = 0
    read(house)
    house.work()

    assert pauses(house) == {}
    assert broken.tried == 2  # the probe, and the five others together
    assert {row.status for row in house.rows("SELECT status FROM documents")} <= RESTS
    assert health.findings(house.rt)["extract"].sound


def test_a_probe_that_finds_no_document_leaves_its_turn_to_others(make_house, broken):
    """The only page stands aside a moment longer than the stage."""
    house = make_house(backend=broken)
    house.submit(a_pdf())
    house.work()
    stage_later(house)
    read(house)
    assert broken.tried == 1
    later(house)
    read(house)
    assert broken.tried == 2


def test_a_document_that_alone_meets_an_outage_stands_aside_longer_and_longer(make_house, broken):
    """A quarter of the time that it has stood, five minutes at most: others go on meanwhile."""
    house = make_house(backend=broken)
    house.submit(a_pdf())
    house.work()
    for stood, aside in (("8 minutes", 2), ("10 hours", 5)):
        with house.rt.sessions.begin() as session:
            session.execute(text(f"UPDATE documents SET updated_at = now() - interval '{stood}'"))
        later(house)
        read(house)
        (row,) = house.rows("SELECT next_attempt_at - now() AS wait FROM pages")
        assert round(row.wait.total_seconds() / 60) == aside


class Picky(ScriptedBackend):
    """A model that fails on upright pages, or whenever it is ill."""

    ill = False

    def answer(self, pages, spec):
        if self.ill or any(page.height_px > page.width_px for page in pages):
            raise BackendFailed("The model failed (500). Look into its log.")
        return super().answer(pages, spec)


def upright(number: int = 0) -> bytes:
    document = pymupdf.open()
    page = document.new_page(width=160, height=320)
    page.insert_text((20, 30), f"upright {number}")
    return document.tobytes()


def test_a_page_on_which_a_model_fails_that_reads_others_fails_alone(make_house):
    """Poison is told from an outage by what becomes of the others, here those of its batch."""
    house = make_house(backend=Picky(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS))
    good = [house.submit(a_pdf(f"no {number}"), key=str(number)) for number in range(3)]
    bad = house.submit(upright())
    house.work()
    for number in range(2 * house.rt.max_attempts):
        good.append(house.submit(a_pdf(f"further {number}"), key=f"further {number}"))
        stage_later(house)
        house.work()  # others go first
        later(house)
        read(house)
    assert house.status(bad) == "failed"
    assert {house.status(each) for each in good} <= RESTS
    (row,) = house.rows("SELECT error_code FROM documents WHERE id = :id", id=bad)
    assert row.error_code == "backend_failed"


def test_a_model_that_fails_on_every_page_fails_no_document(make_house):
    """A server that says 500 to all, or a GPU that is lost: nobody can tell that a page is bad."""
    backend = Picky(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS)
    house = make_house(backend=backend)
    backend.ill = True
    documents = [house.submit(a_pdf(f"no {number}"), key=str(number)) for number in range(5)]
    house.work()
    for _ in range(5 * house.rt.max_attempts):
        later(house)
        read(house)
    assert failures(house) == 0
    assert "backend_failed" in health.findings(house.rt)["extract"].words

    backend.ill = False
    later(house)
    read(house)
    house.work()
    assert {house.status(each) for each in documents} <= RESTS


class Small(ScriptedBackend):
    """An accelerator with room for so many pages at once."""

    fits = 1
    sizes: list[int]

    def answer(self, pages, spec):
        self.sizes.append(len(pages))
        if len(pages) > self.fits:
            raise type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")
        return super().answer(pages, spec)


@pytest.fixture
def small() -> Small:
    backend = Small(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS)
    backend.sizes = []
    return backend


@pytest.mark.parametrize(("fits", "sizes"), [(1, [4, 2, 1, 1, 2, 1, 1]), (2, [4, 2, 2]), (4, [4])])
def test_a_batch_that_does_not_fit_is_halved(make_house, small, fits, sizes):
    """Until it fits; nothing is counted, and the stage does not pause."""
    small.fits = fits
    house = make_house(backend=small)
    for number in range(4):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    house.work()
    assert small.sizes == sizes
    assert pauses(house) == {}
    assert failures(house) == 0
    assert {row.status for row in house.rows("SELECT status FROM documents")} <= RESTS


def test_one_page_that_does_not_fit_is_an_outage(make_house, small):
    """Something else may sit on the accelerator: the rest of the batch is not tried in vain."""
    small.fits = 0
    house = make_house(backend=small)
    for number in range(4):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    house.work()
    assert small.sizes == [4, 2, 1]
    assert pauses(house) == {"extract": 0}
    assert failures(house) == 0
    assert OutOfMemory.code in health.findings(house.rt)["extract"].words


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE])
def test_a_machine_that_lacks_something_is_an_outage(make_house, number):
    """A full disk and the like, wherever it shows."""

    def full(document_type):
        raise OSError(number, "it is full")

    house = make_house(canvas=full)
    document = house.submit(a_pdf())
    flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)
    assert (house.status(document), failures(house)) == ("submitted", 0)
    assert "machine_lacks" in health.findings(house.rt)["render"].words


def test_a_right_that_is_lacking_is_an_outage(make_house):
    """A worker with the login of somebody else fails nothing, and says whose fault it is."""
    house = make_house()
    document = house.submit(a_pdf())
    workers = replace(house.rt, sessions=house.workers)
    with house.rt.sessions.begin() as session:
        session.execute(text("REVOKE INSERT ON pages FROM surefield_worker"))
    for _ in range(2 * house.rt.max_attempts):
        flow.STEP_AT[Status.SUBMITTED].run(document, workers)
        later_documents(house)
    assert (house.status(document), failures_of_documents(house)) == ("submitted", 0)
    (row,) = house.rows("SELECT code, message FROM stage_pauses")
    assert (row.code, "surefield roles" in row.message) == ("rights_missing", True)


def test_tables_of_another_release_are_an_outage(make_house):
    """An old worker beside a migrated database fails nothing."""
    house = make_house()
    document = house.submit(a_pdf())
    with house.rt.sessions.begin() as session:
        session.execute(text("ALTER TABLE pages RENAME COLUMN words_source TO said_by"))
    for _ in range(2 * house.rt.max_attempts):
        flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)
        later_documents(house)
    assert (house.status(document), failures_of_documents(house)) == ("submitted", 0)
    (row,) = house.rows("SELECT code, message FROM stage_pauses")
    assert (row.code, "surefield migrate" in row.message) == ("wrong_schema", True)

    with house.rt.sessions.begin() as session:
        session.execute(text("ALTER TABLE pages RENAME COLUMN said_by TO words_source"))
    flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)
    house.work()
    assert house.status(document) in RESTS


def later_documents(house: House) -> None:
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE stage_pauses SET retry_at = now()"))
        session.execute(text("UPDATE documents SET next_attempt_at = now()"))


def failures_of_documents(house: House) -> int:
    return int(house.rows("SELECT sum(failures) FROM documents")[0][0])


def test_blobs_that_are_not_mounted_are_an_outage(make_house, tmp_path):
    """One blob that is missing is the document's; a folder in which there is nothing is not."""
    house = make_house()
    document = house.submit(a_pdf())
    (tmp_path / "blobs").rename(tmp_path / "elsewhere")
    (tmp_path / "blobs").mkdir()
    for _ in range(2 * house.rt.max_attempts):
        flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)
        later(house)
    assert (house.status(document), failures(house)) == ("submitted", 0)
    assert "blobs_unavailable" in health.findings(house.rt)["render"].words

    (tmp_path / "blobs").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "blobs")
    flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)
    house.work()
    assert house.status(document) in RESTS
    assert pauses(house) == {}


SAYS = recorded("raw_free")
AWAY: dict[str, Reply] = {
    "502": Reply(502, b"bad gateway"),
    "503": Reply(503, b"{}"),
    "429": Reply(429, b"{}", headers={"retry-after": "0"}),
    "500 to everything": Reply(500, b"{}"),
    "too slow": Reply(200, b"{}", after_s=0.4),
    "another service": Reply(200, b"<html>We are back soon</html>"),
}


@pytest.fixture
def served(make_house: Callable[..., House]) -> Iterator[Callable[[str], Any]]:
    """A house that reads through a real HTTP server, which goes away as this says and comes back:
    ``house, set_away = served("503")``.
    """
    with ExitStack() as stack:

        def start(how: str) -> Any:
            away = {"now": True}
            server = Server(decide=lambda asked: AWAY[how] if away["now"] else SAYS)
            url = stack.enter_context(server.running())
            backend = VllmBackend(
                "tiny", base_url=url, grammar=False, attempts=2, pause_s=0.01, timeout_s=0.2
            )
            stack.callback(backend.close)
            return make_house(backend=backend), away

        yield start


@pytest.mark.parametrize("how", sorted(AWAY))
def test_a_model_server_that_is_away_fails_no_document_and_takes_no_attempt(served, how):
    """Ten documents, more probes than attempts, and then it is back: all are at rest."""
    house, away = served(how)
    documents = [house.submit(a_pdf(f"no {number}"), key=str(number)) for number in range(10)]
    house.work()
    for _ in range(2 * house.rt.max_attempts):
        later(house)
        read(house)
    assert {house.status(each) for each in documents} == {"rendered"}
    assert failures(house) == 0
    assert not health.findings(house.rt)["extract"].sound

    away["now"] = False
    for _ in range(3):  # the first of them probes
        later(house)
        read(house)
    house.work()
    assert {house.status(each) for each in documents} <= RESTS
    assert house.rows("SELECT 1 FROM document_events WHERE to_status = 'failed'") == []
    assert failures(house) == 0
    assert health.findings(house.rt)["extract"].sound


def test_a_server_that_refuses_connections_fails_no_document(make_house):
    """Nobody listens, and then somebody does, at the same address."""
    server = Server(SAYS)
    with server.running() as url:
        pass
    backend = VllmBackend("tiny", base_url=url, grammar=False, attempts=2, pause_s=0.01)
    house = make_house(backend=backend)
    document = house.submit(a_pdf())
    house.work()
    for _ in range(2 * house.rt.max_attempts):
        later(house)
        read(house)
    assert (house.status(document), failures(house)) == ("rendered", 0)
    assert BackendUnavailable.code in health.findings(house.rt)["extract"].words
    backend.close()


def test_a_probe_without_a_document_leaves_its_turn_to_the_next_one(house: House) -> None:
    """Somebody else took it meanwhile: nobody waits for a probe that never was."""
    there = house.submit(a_pdf("Foo Ltd A-17"))
    with house.rt.transaction() as tx:
        failure = Failure.of(BlobsUnavailable("away"))
        stage_pauses.begin(tx, "render", failure, first=timedelta(0), probed=False)
    with attempt(house.rt, uuid4(), at=Status.SUBMITTED, stage="render") as claim:
        assert claim is None
    with attempt(house.rt, there, at=Status.SUBMITTED, stage="render") as claim:
        assert claim is not None
        assert claim.probes
