"""Documents: submitted once, held by one worker at a time, and ended with a reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.errors import SurefieldError, UnreadableFile
from tests.factories import (
    LEASE,
    MadeDocument,
    a_document,
    a_page,
    a_submission,
    begin,
    everything_about,
)
from worker import store
from worker.db import Tx, transaction
from worker.errors import ClaimLost, MissingBlob
from worker.intake import store as intake_store
from worker.intake.errors import InvalidSubmission, KeyReused
from worker.intake.types import Submitted
from worker.settings import Settings
from worker.store import installation
from worker.store.types import Claim, Failure
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
NO_PAUSE = timedelta(0)
HOUR = timedelta(hours=1)
LOST_BLOB = Failure.of(MissingBlob("The page image is gone. Submit the document again."))


def count(db: Sessions, table: str) -> int:
    with db() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def row_of(db: Sessions, document: MadeDocument) -> Any:
    with db() as session:
        return session.execute(
            text("SELECT * FROM documents WHERE id = :id"), {"id": document.id}
        ).one()


def take(
    db: Sessions, document: MadeDocument, *, at: Status = Status.SUBMITTED, **options: Any
) -> Claim | None:
    with begin(db) as tx:
        return store.documents.claim(tx, document.id, at=at, stage="tests", lease=LEASE, **options)


def let_lease_run_out(db: Sessions, table: str = "documents") -> None:
    with begin(db) as tx:
        tx.session.execute(
            text(
                f"UPDATE {table} SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT"
                " NULL"
            )
        )


def taken(db: Sessions, document: MadeDocument, **options: Any) -> Claim:
    held = take(db, document, **options)
    assert held is not None
    return held


def test_the_same_key_gives_the_same_document_back(db: Sessions) -> None:
    """An upstream that is not sure whether its message arrived sends it again."""
    sent = a_submission(key="order 7")
    with begin(db) as tx:
        first = intake_store.submit(tx, sent)
    with begin(db) as tx:
        second = intake_store.submit(tx, sent)

    assert first.created
    assert second == Submitted(first.document_id, created=False)
    assert count(db, "documents") == 1


def test_a_repeated_submission_is_not_announced(db: Sessions) -> None:
    """Only a new document has moved."""
    sent, heard = a_submission(), []
    for _ in range(2):
        with transaction(db, lambda document_id, status: heard.append((document_id, status))) as tx:
            made = intake_store.submit(tx, sent)

    assert heard == [(made.document_id, Status.SUBMITTED)]


def test_without_a_key_the_bytes_and_the_type_are_the_key(db: Sessions) -> None:
    """A bare resend finds its document; another type of the same bytes is another document."""
    sent = a_submission(b"the bytes")
    with begin(db) as tx:
        first, again = intake_store.submit(tx, sent), intake_store.submit(tx, sent)
        other = intake_store.submit(tx, replace(sent, document_type="invoice"))

    assert again.document_id == first.document_id != other.document_id


def test_two_upstreams_may_use_the_same_key(db: Sessions) -> None:
    """A key belongs to its upstream: neither sees nor disturbs the other's document."""
    with begin(db) as tx:
        one = intake_store.submit(tx, a_submission(b"a", key="1", upstream="left"))
        other = intake_store.submit(tx, a_submission(b"b", key="1", upstream="right"))

    assert one.document_id != other.document_id


@pytest.mark.parametrize(
    "change", [{"sha256": "0" * 64}, {"document_type": "invoice"}], ids=["bytes", "type"]
)
def test_a_key_cannot_be_used_for_something_else(db: Sessions, change: dict[str, Any]) -> None:
    """The second use is a mistake of the upstream, and it must hear of it."""
    sent = a_submission(b"first", key="7")
    with begin(db) as tx:
        intake_store.submit(tx, sent)

    with pytest.raises(KeyReused, match="new key") as caught, begin(db) as tx:
        intake_store.submit(tx, replace(sent, **change))

    assert caught.value.code == "key_reused"
    assert count(db, "documents") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"key": ""},
        {"key": "k" * 201},
        {"key": "a\x00b"},
        {"key": "\ud800"},
        {"upstream": ""},
        {"upstream": "u" * 101},
        {"document_type": "slip\x00"},
        {"priority": 10},
        {"metadata": {"a": "m" * 64_000}},
    ],
    ids=lambda change: repr(change)[:30],
)
def test_an_unusable_name_is_refused_with_a_reason(db: Sessions, change: dict[str, Any]) -> None:
    """What Postgres or an index could not hold is the sender's mistake, not a broken worker."""
    with pytest.raises(InvalidSubmission), begin(db) as tx:
        intake_store.submit(tx, a_submission(**change))


@pytest.mark.parametrize(
    ("most", "more"),
    [
        ({"key": "k" * 200}, {"key": "k" * 201}),
        ({"upstream": "u" * 100}, {"upstream": "u" * 101}),
        ({"document_type": "t" * 100}, {"document_type": "t" * 101}),
        ({"priority": 9}, {"priority": 10}),
        ({"priority": 0}, {"priority": -1}),
        ({"key": "k"}, {"key": ""}),
        ({"upstream": "u"}, {"upstream": ""}),
        ({"document_type": "t"}, {"document_type": ""}),
        ({"metadata": {"a": "m" * 63_991}}, {"metadata": {"a": "m" * 63_992}}),
    ],
    ids=lambda change: repr(change)[:30],
)
def test_the_longest_and_the_shortest_names_are_taken(
    db: Sessions, most: dict[str, Any], more: dict[str, Any]
) -> None:
    """And what is one further is refused, before the database has to."""
    with begin(db) as tx:
        assert intake_store.submit(tx, a_submission(**most)).created
    with pytest.raises(InvalidSubmission), begin(db) as tx:
        intake_store.submit(tx, a_submission(**more))


def test_many_at_once_make_one_document(db: Sessions) -> None:
    """Eight messages of one key on eight connections: one insert wins, the others wait and find
    it.
    """
    sent, gate = a_submission(key="storm"), Barrier(8)

    def send(_: int) -> Submitted:
        with begin(db) as tx:
            gate.wait()
            return intake_store.submit(tx, sent)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))

    assert sum(answer.created for answer in answers) == 1
    assert len({answer.document_id for answer in answers}) == 1
    assert count(db, "documents") == 1


def test_metadata_with_anything_in_it_is_kept(db: Sessions) -> None:
    """NUL, lone surrogates and NaN come in JSON of strangers, and must not break the insert."""
    document = a_document(
        db,
        metadata={"a\x00": ["\ud800", float("nan"), 1, None, True, {"b": 2.5}]},
        filename="\x00.pdf",
    )

    kept = everything_about(db, document.id)["submissions"][0]

    assert kept["metadata"] == {"a␀": ["�", "nan", 1, None, True, {"b": 2.5}]}
    assert kept["filename"] == "␀.pdf"


def test_of_a_long_file_name_its_end_is_kept(db: Sessions) -> None:
    """The extension and what numbers the file stand there; 255 characters are kept whole."""
    for length in (255, 256):
        name = f"{'n' * (length - 7)}-12.pdf"
        document = a_document(db, filename=name)
        kept = everything_about(db, document.id)["submissions"][0]
        assert kept["filename"] == name[-255:]


def test_only_one_of_many_gets_the_claim(db: Sessions) -> None:
    """A message may be delivered to several workers at once."""
    document, gate = a_document(db), Barrier(8)

    def try_it(_: int) -> Claim | None:
        with begin(db) as tx:
            gate.wait()
            return store.documents.claim(
                tx, document.id, at=Status.SUBMITTED, stage="render", lease=LEASE
            )

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(try_it, range(8)))

    assert sum(held is not None for held in claims) == 1


def test_a_document_is_claimed_only_at_its_status(db: Sessions) -> None:
    """A late message of an earlier stage finds nothing."""
    document = a_document(db, status=Status.RENDERED)

    assert take(db, document, at=Status.SUBMITTED) is None
    assert take(db, document, at=Status.SCORED) is None


def test_an_overtaken_worker_can_save_nothing(db: Sessions) -> None:
    """Its lease ran out and another took over: whatever it still writes is refused, and the other's
    work stays.
    """
    document = a_document(db)
    slow = taken(db, document)
    let_lease_run_out(db)
    fast = taken(db, document)
    attempts: list[Callable[[Tx], object]] = [
        lambda tx: store.documents.finish(tx, slow, to=Status.RENDERED),
        lambda tx: store.pages.save_pages(tx, slow, [a_page()]),
        lambda tx: store.documents.fail(tx, slow, LOST_BLOB, backoff=NO_PAUSE),
    ]

    for attempt in attempts:
        with pytest.raises(ClaimLost), begin(db) as tx:
            attempt(tx)
    with begin(db) as tx:
        assert not store.documents.renew(tx, slow, LEASE)
        assert store.documents.renew(tx, fast, LEASE)
        store.documents.release(tx, slow)
    assert take(db, document) is None  # the release of a lost claim frees nothing
    with begin(db) as tx:
        store.documents.finish(tx, fast, to=Status.RENDERED, page_count=3)

    assert (row_of(db, document).status, row_of(db, document).page_count) == ("rendered", 3)


def test_one_transaction_that_holds_a_document_holds_no_other(db: Sessions) -> None:
    """The second claim is asked for as well, though the first one is known to hold."""
    first, second = a_document(db), a_document(db)
    held, slow = taken(db, first), taken(db, second)
    let_lease_run_out(db)
    taken(db, second)

    with begin(db) as tx:
        store.documents.hold(tx, held)
        with pytest.raises(ClaimLost):
            store.documents.hold(tx, slow)


def test_a_slow_worker_whose_lease_ran_out_may_finish_if_nobody_took_over(db: Sessions) -> None:
    """The work is done and nobody else did it: throwing it away would help no one."""
    document = a_document(db)
    held = taken(db, document)
    let_lease_run_out(db)
    with begin(db) as tx:
        assert store.sweep.expire_leases(tx, backoff=NO_PAUSE) == []
        store.documents.finish(tx, held, to=Status.RENDERED)

    assert row_of(db, document).status == "rendered"


def test_a_repeated_message_changes_nothing(db: Sessions) -> None:
    """The second claim at a status that is done finds no work and leaves no trace."""
    document = a_document(db, status=Status.SCORED)
    before = everything_about(db, document.id)

    assert take(db, document, at=Status.EXTRACTED) is None

    assert everything_about(db, document.id) == before


def test_pages_are_saved_once(db: Sessions) -> None:
    """An attempt that saved its pages and died before the end is repeated; the pages are there
    already.
    """
    document = a_document(db)
    held = taken(db, document)
    for _ in range(2):
        with begin(db) as tx:
            store.pages.save_pages(tx, held, [a_page(1), a_page(2)])

    assert count(db, "pages") == 2


def test_a_failure_that_may_pass_is_tried_again_after_a_pause(db: Sessions) -> None:
    """The document stays where it is, says why it waits, and is not to be taken before."""
    document = a_document(db)
    with begin(db) as tx:
        held = store.documents.claim(
            tx, document.id, at=Status.SUBMITTED, stage="render", lease=LEASE
        )
        assert held is not None
        now = store.documents.fail(tx, held, LOST_BLOB, backoff=timedelta(minutes=1))
    row = row_of(db, document)

    assert (now, row.status, row.failures, row.error_code, row.lease_until) == (
        Status.SUBMITTED,
        "submitted",
        1,
        "missing_blob",
        None,
    )
    assert take(db, document) is None
    with begin(db) as tx:
        tx.session.execute(text("UPDATE documents SET next_attempt_at = now()"))
    assert taken(db, document).failures == 1


def test_the_pause_doubles(db: Sessions) -> None:
    """A service that is down is not helped by being asked all the time."""
    document = a_document(db)
    pauses = []
    for _ in range(3):
        held = taken(db, document, max_attempts=9)
        with begin(db) as tx:
            store.documents.fail(tx, held, LOST_BLOB, backoff=timedelta(minutes=1), max_attempts=9)
            waits = text("SELECT extract(epoch FROM next_attempt_at - now())::int FROM documents")
            pauses.append(tx.session.execute(waits).scalar_one())
            tx.session.execute(text("UPDATE documents SET next_attempt_at = now()"))

    assert pauses == [60, 120, 240]


def test_the_last_attempt_ends_the_document_with_its_error(db: Sessions) -> None:
    """The row says what went wrong and how often it was tried."""
    document = a_document(db)
    for _ in range(2):
        held = taken(db, document, max_attempts=2)
        with begin(db) as tx:
            store.documents.fail(tx, held, LOST_BLOB, backoff=NO_PAUSE, max_attempts=2)
    row = row_of(db, document)

    assert (row.status, row.error_code) == ("failed", "missing_blob")
    assert row.error_message == "The page image is gone. Submit the document again. (2 attempts.)"
    assert row.finished_at is not None


def test_a_single_attempt_is_not_counted_out_loud(db: Sessions) -> None:
    """Nobody reads that one attempt was made."""
    document = a_document(db)
    held = taken(db, document, max_attempts=1)
    with begin(db) as tx:
        store.documents.fail(tx, held, LOST_BLOB, backoff=NO_PAUSE, max_attempts=1)

    assert row_of(db, document).error_message == LOST_BLOB.message


def test_a_failure_that_cannot_pass_ends_the_document_at_once(db: Sessions) -> None:
    """A damaged file stays damaged."""
    document, heard = a_document(db), []
    held = taken(db, document)
    with transaction(db, lambda document_id, status: heard.append(status)) as tx:
        store.documents.fail(
            tx, held, Failure.of(UnreadableFile("Not a PDF. Send another file.")), backoff=NO_PAUSE
        )

    assert heard == [Status.FAILED]
    assert row_of(db, document).error_code == "unreadable_file"
    assert take(db, document) is None


def test_a_success_forgets_earlier_failures(db: Sessions) -> None:
    """Every stage has its own attempts, and a document that came through shows no old error."""
    document = a_document(db)
    held = taken(db, document)
    with begin(db) as tx:
        store.documents.fail(tx, held, LOST_BLOB, backoff=NO_PAUSE)
    held = taken(db, document)
    with begin(db) as tx:
        store.documents.finish(tx, held, to=Status.RENDERED)
    row = row_of(db, document)

    assert (row.failures, row.error_code, row.error_message, row.next_attempt_at) == (
        0,
        None,
        None,
        None,
    )


def test_an_unknown_error_does_not_quote_the_document() -> None:
    """Its message may hold document text; only its kind is kept."""
    failure = Failure.of(ValueError("IBAN of Ada"))

    assert failure.code == SurefieldError.code
    assert failure.retry
    assert "Ada" not in failure.message


def test_a_hostile_error_message_is_kept_in_part(db: Sessions) -> None:
    """A message of megabytes with a NUL in it still ends as a row."""
    document = a_document(db)
    held = taken(db, document)
    with begin(db) as tx:
        store.documents.fail(
            tx,
            held,
            Failure(code="unreadable_file", message="\x00\ud800" + "x" * 5_000_000, retry=False),
            backoff=NO_PAUSE,
        )

    assert row_of(db, document).error_message == "␀�" + "x" * 1998


def test_a_password_lives_until_the_pages_are_rendered(db: Sessions) -> None:
    """It is there for the attempt that needs it, and gone with the transaction that ends the
    stage.
    """
    with begin(db) as tx:
        sealed = installation.seal(tx, "geheim\x00\ud800")
    document = a_document(db, password=sealed)
    held = taken(db, document)
    with begin(db) as tx:
        assert store.documents.password_of(tx, held, Settings().key_path) == "geheim\x00\ud800"
        store.pages.save_pages(tx, held, [a_page()])
        store.documents.finish(tx, held, to=Status.RENDERED)
    with begin(db) as tx:
        assert store.documents.password_of(tx, held, Settings().key_path) is None

    assert count(db, "secrets") == 0


@pytest.mark.parametrize("retry", [True, False])
def test_a_password_outlives_only_a_failure_that_may_pass(db: Sessions, retry: bool) -> None:
    """A further attempt needs it; a document that failed does not."""
    document = a_document(db, password=b"geheim")
    held = taken(db, document)
    with begin(db) as tx:
        store.documents.fail(
            tx, held, Failure(code="x", message="y", retry=retry), backoff=NO_PAUSE
        )

    assert count(db, "secrets") == int(retry)


def test_a_password_is_in_no_printed_form() -> None:
    """Logs and errors print values."""
    assert "geheim" not in repr(a_submission(password=b"geheim"))


def test_a_dead_worker_counts_as_a_failed_attempt(db: Sessions) -> None:
    """Who takes over an expired lease knows that somebody died over this document."""
    document = a_document(db)
    taken(db, document)
    let_lease_run_out(db)

    assert taken(db, document).failures == 1


def test_a_document_that_kills_workers_ends(db: Sessions) -> None:
    """Nobody takes it at the cap; the sweeper ends it and says why, with the last error beside
    it.
    """
    document = a_document(db)
    held = taken(db, document, max_attempts=3)
    with begin(db) as tx:
        store.documents.fail(tx, held, LOST_BLOB, backoff=NO_PAUSE, max_attempts=3)
    for _ in range(2):
        taken(db, document, max_attempts=3)
        let_lease_run_out(db)
    assert take(db, document, max_attempts=3) is None

    with begin(db) as tx:
        ended = store.sweep.expire_leases(tx, backoff=NO_PAUSE, max_attempts=3)
    row = row_of(db, document)

    assert ended == [document.id]
    assert (row.status, row.error_code) == ("failed", "too_many_attempts")
    assert "Last error: The page image is gone." in row.error_message


def test_an_expired_lease_is_counted_once(db: Sessions) -> None:
    """The sweeper frees it, the next sweep and the next claim find nothing to count."""
    document = a_document(db)
    taken(db, document)
    let_lease_run_out(db)
    for _ in range(2):
        with begin(db) as tx:
            store.sweep.expire_leases(tx, backoff=NO_PAUSE)

    assert taken(db, document).failures == 1


@pytest.mark.parametrize("swept", [True, False])
def test_a_claim_that_is_given_back_counts_as_never_taken(db: Sessions, swept: bool) -> None:
    """Also where the sweeper had counted it as abandoned: the database was away."""
    document = a_document(db)
    held = taken(db, document)
    if swept:
        let_lease_run_out(db)
        with begin(db) as tx:
            store.sweep.expire_leases(tx, backoff=HOUR)
        assert row_of(db, document).failures == 1
    with begin(db) as tx:
        store.documents.release(tx, held)

    assert taken(db, document).failures == 0


def test_a_claim_that_another_took_over_cannot_be_given_back(db: Sessions) -> None:
    """The other one works on, and keeps its count."""
    document = a_document(db)
    held = taken(db, document)
    let_lease_run_out(db)
    other = taken(db, document)
    with begin(db) as tx:
        store.documents.release(tx, held)

    row = row_of(db, document)
    assert (row.claim_no, row.failures) == (other.claim_no, 1)
    assert row.lease_until is not None


def test_the_sweeper_leaves_a_lease_alone_that_has_not_run_out(db: Sessions) -> None:
    """Whoever works on the document keeps it, and nothing is counted against it."""
    alive, dead = a_document(db), a_document(db)
    taken(db, dead)
    let_lease_run_out(db)
    held = taken(db, alive)
    before = everything_about(db, alive.id)
    with begin(db) as tx:
        assert store.sweep.expire_leases(tx, backoff=NO_PAUSE, max_attempts=1) == [dead.id]

    assert everything_about(db, alive.id) == before
    assert take(db, alive) is None
    with begin(db) as tx:
        assert store.documents.renew(tx, held, LEASE)
        store.documents.finish(tx, held, to=Status.RENDERED)


def test_the_sweeper_waits_for_nobody(db: Sessions) -> None:
    """A document that somebody has locked is passed over, and so are its pages; the others are
    swept meanwhile.
    """
    locked, free = a_document(db), a_document(db)
    of_pages = a_document(db, status=Status.RENDERED)
    for each in (locked, free):
        taken(db, each)
    with begin(db) as tx:
        assert len(store.pages.claim_pages(tx, limit=8, lease=LEASE)) == 1
    let_lease_run_out(db)
    let_lease_run_out(db, "pages")
    with begin(db) as held:
        held.session.execute(
            text("SELECT 1 FROM documents WHERE id = ANY(:ids) FOR UPDATE"),
            {"ids": [locked.id, of_pages.id]},
        )
        with begin(db) as tx:
            tx.session.execute(text("SET LOCAL lock_timeout = '200ms'"))
            ended = store.sweep.expire_leases(tx, backoff=NO_PAUSE, max_attempts=1)
    assert ended == [free.id]
    with begin(db) as tx:
        ended = store.sweep.expire_leases(tx, backoff=NO_PAUSE, max_attempts=1)
    assert sorted(ended) == sorted([locked.id, of_pages.id])


def due(db: Sessions, *at: Status, patience_s: float = 60, limit: int = 8) -> int:
    with begin(db) as tx:
        asked = at or (Status.SUBMITTED,)
        patience = timedelta(seconds=patience_s)
        return store.sweep.due(tx, at=asked, patience=patience, limit=limit)


def an_hour_passes(db: Sessions) -> None:
    with begin(db) as tx:
        tx.session.execute(text("UPDATE documents SET updated_at = updated_at - interval '1 h'"))


def test_a_document_whose_message_was_lost_is_found(db: Sessions) -> None:
    """After its patience, at its own status."""
    a_document(db)

    assert due(db) == 0
    an_hour_passes(db)
    assert due(db) == 1
    assert due(db, Status.EXTRACTED, Status.SCORED) == 0
    assert due(db, Status.EXTRACTED, Status.SUBMITTED) == 1


def test_a_held_or_pausing_document_is_not_due(db: Sessions) -> None:
    """Somebody works on it, or it has been told to wait."""
    held, pausing = a_document(db), a_document(db)
    taken(db, held)
    with begin(db) as tx:
        tx.session.execute(
            text("UPDATE documents SET next_attempt_at = now() + interval '2 h' WHERE id = :id"),
            {"id": pausing.id},
        )
    an_hour_passes(db)

    assert due(db) == 0


def test_a_long_line_is_counted_no_further_than_asked(db: Sessions) -> None:
    """A handful of wake-ups is enough, whatever the backlog."""
    for _ in range(5):
        a_document(db)
    an_hour_passes(db)
    assert due(db, limit=3) == 3
    assert due(db, limit=8) == 5
