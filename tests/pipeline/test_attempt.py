"""One attempt: the claim that it holds, and what is written down of the ways in which it ends."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from extractors.errors import ModelNotLoadable, UnreadableFile
from tests.factories import LEASE, begin, everything_about
from tests.pipeline.conftest import a_pdf
from tests.pipeline.test_heartbeat import eventually
from worker import store
from worker.errors import ClaimLost, MissingBlob
from worker.pipeline.attempt import attempt
from worker.store.types import Failure
from worker.tables.documents import Status

GONE = MissingBlob("The page image is gone. Submit the document again.")


def an_attempt(house, document):
    return attempt(house.rt, document, at=Status.SUBMITTED, stage="render")


def row_of(house, document):
    return house.rows("SELECT * FROM documents WHERE id = :id", id=document)[0]


def fail(house, document, error):
    with an_attempt(house, document) as claim:
        assert claim is not None
        raise error


def test_work_that_takes_longer_than_its_lease_keeps_it(make_house):
    """The lease is renewed meanwhile, nobody else gets the document, and the work is saved."""
    house = make_house(lease=timedelta(seconds=1.5))
    document = house.submit(a_pdf())
    with an_attempt(house, document) as claim:
        first = row_of(house, document).lease_until
        eventually(lambda: row_of(house, document).lease_until > first)
        with an_attempt(house, document) as second:
            assert second is None
        with house.rt.transaction() as tx:
            store.documents.finish(tx, claim, to=Status.RENDERED)
    assert house.status(document) == "rendered"


@pytest.mark.parametrize("max_attempts", [1, 2, 3])
def test_the_setting_says_after_how_many_attempts_a_document_ends(make_house, max_attempts):
    """An error that may pass is tried so often and no further."""
    house = make_house(max_attempts=max_attempts)
    document = house.submit(a_pdf())
    for number in range(1, max_attempts + 1):
        assert house.status(document) == "submitted"
        fail(house, document, GONE)
        assert row_of(house, document).failures == number
    row = row_of(house, document)
    assert (row.status, row.error_code) == ("failed", "missing_blob")
    with an_attempt(house, document) as further:
        assert further is None


def test_an_error_that_cannot_pass_takes_one_attempt(make_house):
    """Whatever the setting allows."""
    house = make_house(max_attempts=9)
    document = house.submit(a_pdf())
    fail(house, document, UnreadableFile("Not a PDF. Send another file."))
    assert (row_of(house, document).status, row_of(house, document).failures) == ("failed", 1)


def test_the_pause_before_the_next_attempt_is_the_settings(make_house):
    """And nobody takes the document before it is over."""
    house = make_house(backoff=timedelta(hours=1))
    document = house.submit(a_pdf())
    fail(house, document, GONE)
    (waits,) = house.rows("SELECT next_attempt_at - now() AS long FROM documents")
    assert timedelta(minutes=59) < waits.long <= timedelta(hours=1)
    with an_attempt(house, document) as second:
        assert second is None


def test_a_database_that_goes_away_is_not_the_documents_failure(house):
    """Nothing is counted and no error is written; the claim is given back when it answers."""
    document = house.submit(a_pdf())
    with an_attempt(house, document), house.rt.transaction() as tx:
        tx.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    row = row_of(house, document)
    assert (row.status, row.failures, row.error_code, row.error_message) == (
        "submitted",
        0,
        None,
        None,
    )
    assert row.lease_until is None


@pytest.mark.parametrize(
    "error", [UnreadableFile("Not a PDF. Send another file."), GONE, ClaimLost("overtaken")]
)
def test_whatever_an_overtaken_attempt_ends_with_is_not_written_down(house, error):
    """The document is another worker's by then."""
    document = house.submit(a_pdf())
    before = None
    with an_attempt(house, document):
        with begin(house.rt.sessions) as tx:
            tx.session.execute(text("UPDATE documents SET lease_until = now() - interval '1 s'"))
            other = store.documents.claim(
                tx, document, at=Status.SUBMITTED, stage="render", lease=LEASE
            )
            assert other is not None
        before = everything_about(house.rt.sessions, document)
        raise error
    assert everything_about(house.rt.sessions, document) == before


def test_a_database_that_is_away_when_a_failure_is_written_down_ends_the_attempt_in_silence(
    house, postgres
):
    """What went wrong is told nobody; the lease runs out, and another worker finds out anew."""
    document = house.submit(a_pdf())
    ((name,),) = house.rows("SELECT current_database()")
    url = postgres.url("postgres").replace("postgresql+psycopg", "postgresql", 1)
    with psycopg.connect(url, autocommit=True) as admin:

        def let_in(may):
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {may}")

        with an_attempt(house, document):
            let_in(False)
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            raise GONE
        let_in(True)
    row = row_of(house, document)
    assert (row.status, row.failures, row.error_code) == ("submitted", 0, None)
    assert row.lease_until is not None


LACKS = ModelNotLoadable("The weights are missing. Set SUREFIELD_MODEL.")
TAKEN_OVER = ClaimLost("Somebody else has it. Nothing is to be done.")


def stage_pauses(house, *, over):
    """The stage met an outage; its pause is over, or lasts for an hour."""
    with house.rt.transaction() as tx:
        first = timedelta(hours=1)
        store.pauses.begin(tx, "render", Failure.of(LACKS), first=first, probed=False)
        if over:
            store.pauses.give_turn_back(tx, "render")


def the_stage(house):
    """Works, waits, or waits for somebody to probe."""
    with house.rt.transaction() as tx:
        found = store.pauses.pausing(tx)
    return {None: "works", False: "waits", True: "may be probed"}[found.get("render")]


@pytest.mark.parametrize(
    ("error", "stage", "status"),
    [
        (None, "works", "submitted"),
        (UnreadableFile("Not a PDF. Send another file."), "works", "failed"),
        (GONE, "works", "submitted"),
        (RuntimeError("a mistake of ours"), "works", "submitted"),
        (LACKS, "waits", "submitted"),
        (TAKEN_OVER, "may be probed", "submitted"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else None,
)
def test_a_probe_says_whether_the_stage_works_whatever_is_wrong_with_its_document(
    house, error, stage, status
):
    """Only an error of the installation keeps it paused; one that lost its document is no word."""
    document = house.submit(a_pdf())
    stage_pauses(house, over=True)
    with an_attempt(house, document) as claim:
        assert claim is not None
        assert claim.probes
        assert the_stage(house) == "waits"
        if error is not None:
            raise error

    assert (the_stage(house), house.status(document)) == (stage, status)
    counted = 0 if error in (None, LACKS, TAKEN_OVER) else 1
    assert row_of(house, document).failures == counted


def test_while_a_stage_waits_nobody_takes_a_document_and_a_probe_without_one_leaves_its_turn(house):
    """Another stage is not kept from its work."""
    document = house.submit(a_pdf())
    stage_pauses(house, over=False)
    with an_attempt(house, document) as claim:
        assert claim is None
    assert the_stage(house) == "waits"
    with attempt(house.rt, document, at=Status.SUBMITTED, stage="other") as claim:
        assert claim is not None
        assert not claim.probes
        stage_pauses(house, over=True)
        with an_attempt(house, document) as second:
            assert second is None
        assert the_stage(house) == "may be probed"
