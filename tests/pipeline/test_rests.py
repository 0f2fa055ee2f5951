"""What the installation lacks is no document's fault: the stage rests, and health says why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.errors import BrokenDocumentType, MissingExtra, ModelNotLoadable
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, House, a_pdf
from worker import health
from worker.errors import BlobsUnavailable
from worker.pipeline import flow
from worker.runtime import Rests
from worker.tables.documents import Status

NO_MODEL = ModelNotLoadable("There is no folder /nope. Point SUREFIELD_MODEL at a checkpoint.")


class Broken(ScriptedBackend):
    """A model that cannot be loaded until somebody mends it."""

    lacking: Exception | None = NO_MODEL
    tried = 0

    def answer(self, pages, spec):
        self.tried += 1
        if self.lacking is not None:
            raise self.lacking
        return super().answer(pages, spec)


@pytest.fixture
def broken() -> Broken:
    return Broken(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS)


def later(house: House) -> None:
    """The rest is over, in the process and in the rows."""
    house.rt = replace(house.rt, rests=Rests())
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE pages SET next_attempt_at = now()"))
        session.execute(text("UPDATE documents SET next_attempt_at = now()"))


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
    assert {house.status(each) for each in documents} <= {"accepted", "in_review"}


def test_a_stage_that_rests_is_not_tried_for_every_message(make_house, broken):
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
def test_a_stage_for_single_documents_rests_as_well(make_house, monkeypatch, error):
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


def test_others_go_first_when_the_rest_is_over(make_house, broken):
    """A document whose own blob cannot be read must not hold up the stage for ever."""
    house = make_house(backend=broken, batch_pages=1)
    document = house.submit(a_pdf())
    house.work()
    row = house.rows("SELECT next_attempt_at - now() AS pause FROM pages")[0]
    assert row.pause > house.rt.rest
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


def test_a_stage_that_met_a_wrong_setting_rests_at_once(make_house):
    """The next document is not tried in vain."""

    def lacks(document_type):
        raise NO_MODEL

    house = make_house(canvas=lacks)
    document = house.submit(a_pdf())
    flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)

    assert house.rt.rests.last("render")
    assert not house.rt.rests.last("extract")
