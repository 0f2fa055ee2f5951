"""What a worker gives back: a turn, a document or pages that it could do nothing for, an end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.documents.slip import Slip
from extractors.errors import ModelNotLoadable
from tests.factories import (
    LEASE,
    MadeDocument,
    a_document,
    a_page,
    a_reading,
    begin,
    everything_about,
    page_claims,
)
from worker import store
from worker.db import Tx, transaction
from worker.errors import ClaimLost
from worker.store.types import Claim, Failure, PageClaim, SortedPage
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
LACKS = Failure.of(ModelNotLoadable("The weights are missing. Set SUREFIELD_MODEL."))
DAMAGED = Failure(code="unreadable_file", message="It is damaged. Send it again.", retry=False)


def taken(db: Sessions, document: MadeDocument, *, at: Status = Status.SUBMITTED) -> Claim:
    with begin(db) as tx:
        held = store.documents.claim(tx, document.id, at=at, stage="tests", lease=LEASE)
    assert held is not None
    return held


def run(db: Sessions, statement: str, **values: Any) -> None:
    with begin(db) as tx:
        tx.session.execute(text(statement), values)


def one(db: Sessions, query: str, **values: Any) -> Any:
    with db() as session:
        return session.execute(text(query), values).one()


def row_of(db: Sessions, document: MadeDocument) -> Any:
    return one(db, "SELECT * FROM documents WHERE id = :id", id=document.id)


def overtaken(db: Sessions, document: MadeDocument) -> None:
    run(db, "UPDATE documents SET lease_until = now() - interval '1 s'")
    taken(db, document)


def test_a_turn_that_is_given_back_is_nobodys_and_says_what_it_cost(db: Sessions) -> None:
    """The old claim renews nothing; earlier failures are forgotten, and the document is told of."""
    document, heard = a_document(db), list[Any]()
    run(db, "UPDATE documents SET failures = 2, error_code = 'x', error_message = 'x', turn = 4")
    held = taken(db, document)
    with transaction(db, lambda *moved: heard.append(moved)) as tx:
        store.documents.give_turn_back(tx, held, stored_bytes=1_000, waited_s=2.5)

    row = row_of(db, document)
    assert heard == [(document.id, Status.SUBMITTED)]
    assert (row.status, row.lease_until, row.turn) == ("submitted", None, 5)
    assert (row.failures, row.error_code, row.error_message) == (0, None, None)
    assert (row.rendered_bytes, row.rendering_s) == (1_000, 2.5)
    assert row.claim_no == held.claim_no + 1
    with begin(db) as tx:
        assert not store.documents.renew(tx, held, LEASE)
    assert taken(db, document).failures == 0


LATE: dict[str, Callable[[Tx, Claim], object]] = {
    "a turn": lambda tx, held: store.documents.give_turn_back(
        tx, held, stored_bytes=1, waited_s=1.0
    ),
    "an end": lambda tx, held: store.documents.fail(tx, held, DAMAGED, backoff=LEASE),
    "the ranks of pages": lambda tx, held: store.pages.sort_pages(
        tx, held, [SortedPage(number=1, read=False, rank=1)]
    ),
    "a type": lambda tx, held: store.documents.finish(tx, held, to=Status.RENDERED, pin=Slip.spec),
}


@pytest.mark.parametrize("what", LATE)
def test_an_overtaken_worker_gives_nothing_back(db: Sessions, what: str) -> None:
    """It learns that its claim is lost, and the document stays as the other worker has it."""
    document = a_document(db)
    slow = taken(db, document)
    with begin(db) as tx:
        store.pages.save_pages(tx, slow, [a_page(1)])
    overtaken(db, document)
    before = everything_about(db, document.id)
    with pytest.raises(ClaimLost), begin(db) as tx:
        LATE[what](tx, slow)
    assert everything_about(db, document.id) == before


@pytest.mark.parametrize(
    ("pause_s", "stood_s", "aside_s"),
    [(10, 0, 11), (10, 40, 11), (10, 400, 100), (10, 7_200, 300), (600, 7_200, 601)],
)
def test_what_the_installation_lacks_sets_a_document_aside_and_counts_no_attempt(
    db: Sessions, pause_s: float, stood_s: float, aside_s: float
) -> None:
    """A moment longer than its stage pauses, or for a quarter of what it has stood, and for five
    minutes at most; its pages alike.
    """
    document, by_pages = a_document(db), a_document(db, status=Status.RENDERED)
    held = taken(db, document)
    with begin(db) as tx:
        pages = page_claims(tx, by_pages.id)
    run(
        db,
        "UPDATE documents SET updated_at = now() - make_interval(secs => :stood)",
        stood=stood_s,
    )
    pause = timedelta(seconds=pause_s)
    with begin(db) as tx:
        store.documents.give_back(tx, held, LACKS, pause=pause)
        store.pages.give_back_pages(tx, pages, LACKS, pause=pause)
        left = (
            "SELECT extract(epoch FROM next_attempt_at - now())::float AS s, lease_until, failures"
        )
        of_document = tx.session.execute(text(f"{left} FROM documents WHERE id = '{document.id}'"))
        row, page = of_document.one(), tx.session.execute(text(f"{left} FROM pages")).one()

    for found in (row, page):
        assert found.s == pytest.approx(aside_s, abs=0.5)
        assert (found.lease_until, found.failures) == (None, 0)
    for each in (document, by_pages):
        kept = row_of(db, each)
        assert (kept.error_code, kept.error_message) == ("model_not_loadable", LACKS.message)


def test_pages_that_another_has_by_now_are_not_given_back(db: Sessions) -> None:
    """Nor does their document say why; those that are still ours are."""
    documents = [a_document(db, status=Status.RENDERED) for _ in range(2)]
    with begin(db) as tx:
        mine, slow = (page_claims(tx, each.id) for each in documents)
        page_claims(tx, documents[1].id)
    before = everything_about(db, documents[1].id)
    with begin(db) as tx:
        store.pages.give_back_pages(tx, [*mine, *slow], LACKS, pause=LEASE)

    assert row_of(db, documents[0]).error_code == "model_not_loadable"
    assert everything_about(db, documents[1].id) == before


def test_a_document_that_ends_keeps_the_pages_that_were_read(db: Sessions) -> None:
    """Those that wait leave the queue; an attempt under a claim is counted, the sweeper's not."""
    for under_claim in (True, False):
        document = a_document(db, status=Status.RENDERED, pages=3)
        with begin(db) as tx:
            first, *_ = page_claims(tx, document.id)
            store.pages.save_readings(tx, [(first, a_reading(1))])
        run(
            db,
            "UPDATE pages SET status = 'left_out', lease_until = NULL"
            " WHERE number = 2 AND document_id = :id",
            id=document.id,
        )
        held = taken(db, document, at=Status.RENDERED) if under_claim else None
        with begin(db) as tx:
            ended = store.documents.end(
                tx,
                [document.id],
                error_code="x",
                error_message="x",
                by="worker",
                stage="extract",
                held=held,
            )
        assert ended == [document.id]
        pages = everything_about(db, document.id)["pages"]
        assert sorted((each["number"], each["status"], each["lease_until"]) for each in pages) == [
            (1, "read", None),
            (2, "left_out", None),
            (3, "failed", None),
        ]
        assert row_of(db, document).failures == (1 if under_claim else 0)


def test_a_document_that_moves_keeps_the_number_of_its_pages_and_its_type(db: Sessions) -> None:
    """Only what was found out is written; a type is pinned in the version that it has now."""
    document = a_document(db, document_type="auto")
    held = taken(db, document)
    with begin(db) as tx:
        store.documents.finish(tx, held, to=Status.UNTRIAGED, page_count=3)
    row = row_of(db, document)
    assert (row.page_count, row.document_type, row.type_version) == (3, "auto", None)

    held = taken(db, document, at=Status.UNTRIAGED)
    with begin(db) as tx:
        store.documents.finish(tx, held, to=Status.RENDERED, pin=Slip.spec)
        version = store.document_types.keep(tx, Slip.spec)
    row = row_of(db, document)
    assert (row.page_count, row.document_type, row.type_version) == (3, "slip", version)


def claimed(db: Sessions, limit: int = 8) -> list[PageClaim]:
    with begin(db) as tx:
        return store.pages.claim_pages(tx, limit=limit, lease=LEASE)


def test_a_page_that_failed_joins_no_batch_whose_first_page_is_fresh(db: Sessions) -> None:
    """Its pause is over and nobody holds it: it is still read alone."""
    first, second, third = (a_document(db, status=Status.RENDERED) for _ in range(3))
    run(db, "UPDATE pages SET failures = 1 WHERE document_id = :id", id=second.id)

    assert [held.document_id for held in claimed(db)] == [first.id, third.id]
    assert [(held.document_id, held.failures) for held in claimed(db)] == [(second.id, 1)]


@pytest.mark.parametrize("status", ["untriaged", "extracted", "in_review", "accepted"])
def test_pages_wait_for_the_model_only_while_their_document_does(db: Sessions, status: str) -> None:
    """Their pages are chosen first, or it has its answer, or ended."""
    made, other = (a_document(db, status=Status.RENDERED) for _ in range(2))
    ended = ", finished_at = now()" if status == "accepted" else ""
    run(db, f"UPDATE documents SET status = '{status}'{ended} WHERE id = :id", id=made.id)

    assert [held.document_id for held in claimed(db)] == [other.id]


def test_pages_that_may_be_read_again_leave_their_document_one_reason(db: Sessions) -> None:
    """The newest, and without a count; another failure of another document stays its own."""
    made, other = (a_document(db, status=Status.RENDERED, pages=2) for _ in range(2))
    run(db, "UPDATE documents SET error_code = 'y', error_message = 'y' WHERE id = :i", i=other.id)
    run(db, "UPDATE pages SET failures = 1 WHERE document_id = :id", id=made.id)
    with begin(db) as tx:
        claims = page_claims(tx, made.id)
        assert store.pages.fail_pages(tx, claims, LACKS, backoff=LEASE) == []

    assert (row_of(db, made).error_code, row_of(db, made).error_message) == (
        "model_not_loadable",
        LACKS.message,
    )
    assert row_of(db, other).error_code == "y"


def test_pages_that_were_read_are_not_left_out_any_more(db: Sessions) -> None:
    """Ranks are written for those that wait or were left out; each page has its own."""
    document = a_document(db, pages=4)
    held = taken(db, document)
    with begin(db) as tx:
        store.pages.save_pages(tx, held, [a_page(number) for number in (1, 2, 3, 4)])
    run(db, "UPDATE pages SET status = 'read' WHERE number = 3")
    wanted = [SortedPage(number=n, read=n == 1, rank=r) for n, r in ((1, 2), (2, 1), (3, 3))]
    with begin(db) as tx:
        store.pages.sort_pages(tx, held, wanted, by="bm25/1")
        store.pages.sort_pages(tx, held, [])
        assert store.pages.left_out_pages(tx, document.id) == {2: 1}
        assert store.pages.left_out_pages(tx, a_document(db).id) == {}

    pages = everything_about(db, document.id)["pages"]
    assert sorted((p["number"], p["status"], p["rank"], p["ranked_by"]) for p in pages) == [
        (1, "rendered", 2, "bm25/1"),
        (2, "left_out", 1, "bm25/1"),
        (3, "read", None, None),
        (4, "rendered", None, None),
    ]
    with begin(db) as tx:
        store.pages.sort_pages(tx, held, [SortedPage(number=2, read=True, rank=None)], by="x/1")
        assert store.pages.left_out_pages(tx, document.id) == {}


def test_what_earlier_turns_rendered_is_known_while_not_all_is(db: Sessions) -> None:
    """Its own pages and words; nothing at first, and nothing once the whole document was."""
    document, other = a_document(db), a_document(db)
    held, theirs = taken(db, document), taken(db, other)
    with begin(db) as tx:
        nothing = store.pages.rendered_before(tx, held)
        store.pages.save_pages(tx, theirs, [a_page(n) for n in (1, 2, 3)])
        store.pages.save_pages(tx, held, [a_page(1), a_page(2, words=())])
    run(
        db,
        "UPDATE documents SET rendered_bytes = 7, rendering_s = 0.5 WHERE id = :i",
        i=document.id,
    )
    with begin(db) as tx:
        some = store.pages.rendered_before(tx, held)
    assert nothing is not None
    assert (nothing.pages, nothing.words, nothing.stored_bytes) == (0, 0, 0)
    assert some is not None
    assert (some.pages, some.words, some.stored_bytes, some.waited_s) == (2, 2, 7, 0.5)

    run(db, "UPDATE documents SET page_count = 2")
    with begin(db) as tx:
        assert store.pages.rendered_before(tx, held) is None
