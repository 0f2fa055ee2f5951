"""Pages: claimed in batches of one type, read together, saved so that no end is missed."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.documents.slip import Slip
from extractors.errors import ModelNotLoadable
from extractors.types import (
    Alternative,
    AttentionPatch,
    Box,
    FieldReading,
    FieldState,
    StopReason,
    TokenTrace,
    Word,
)
from tests.factories import (
    LEASE,
    MadeDocument,
    a_document,
    a_field,
    a_page,
    a_reading,
    begin,
    everything_about,
    page_claims,
    wait_for_lock,
)
from worker import store
from worker.db import Tx, transaction
from worker.errors import MissingBlob
from worker.store.codec import storable, tokens_in, tokens_out, words_in, words_out
from worker.store.types import Failure, PageClaim, StoredField
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
NO_PAUSE = timedelta(0)
DAMAGED = Failure(
    code="unreadable_file", message="The page is damaged. Send it again.", retry=False
)
LOADING = Failure.of(ModelNotLoadable("The weights are missing. Set SUREFIELD_MODEL."))


def rendered(db: Sessions, pages: int = 1, **submission: Any) -> MadeDocument:
    return a_document(db, status=Status.RENDERED, pages=pages, **submission)


def claim_pages(db: Sessions, limit: int = 8, **options: Any) -> list[PageClaim]:
    with begin(db) as tx:
        return store.pages.claim_pages(tx, limit=limit, lease=LEASE, **options)


def save(db: Sessions, *claims: PageClaim) -> list[Any]:
    with begin(db) as tx:
        return store.pages.save_readings(tx, [(held, a_reading(held.number)) for held in claims])


def leases_run_out(db: Sessions) -> None:
    with begin(db) as tx:
        tx.session.execute(
            text(
                "UPDATE pages SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT"
                " NULL"
            )
        )


def status_of(db: Sessions, document: MadeDocument) -> str:
    with db() as session:
        return str(
            session.execute(
                text("SELECT status FROM documents WHERE id = :id"), {"id": document.id}
            ).scalar_one()
        )


def readings(db: Sessions, document: MadeDocument) -> int:
    return len(everything_about(db, document.id)["readings"])


def test_a_batch_takes_pages_of_several_documents_by_priority_then_age(db: Sessions) -> None:
    """The most urgent document's pages come first, in page order, then the oldest's."""
    old, urgent, new = rendered(db, 2), rendered(db, 2, priority=9), rendered(db, 2)

    batch = claim_pages(db, limit=5)

    expected = [(urgent.id, 1), (urgent.id, 2), (old.id, 1), (old.id, 2), (new.id, 1)]
    assert [(held.document_id, held.number) for held in batch] == expected
    assert [(held.document_id, held.number) for held in claim_pages(db)] == [(new.id, 2)]
    assert claim_pages(db) == []


@pytest.mark.parametrize("versions", [("a", "b", "a"), (None, "a", None), ("a", None, "a")])
def test_a_batch_holds_one_version_of_a_type(
    db: Sessions, versions: tuple[str | None, ...]
) -> None:
    """Another version has other fields; one that is not pinned yet is a version of its own."""
    made = [rendered(db) for _ in versions]
    specs = {"a": Slip.spec, "b": replace(Slip.spec, title="another slip")}
    with begin(db) as tx:
        kept = {name: store.document_types.keep(tx, spec) for name, spec in specs.items()}
        for document, version in zip(made, versions, strict=True):
            tx.session.execute(
                text("UPDATE documents SET type_version = :version WHERE id = :id"),
                {"version": kept[version] if version else None, "id": document.id},
            )

    first, second = claim_pages(db), claim_pages(db)

    assert [held.document_id for held in first] == [made[0].id, made[2].id]
    assert [held.document_id for held in second] == [made[1].id]
    assert {held.type_version for held in first} == {kept.get(versions[0] or "")}


def test_a_batch_holds_one_document_type(db: Sessions) -> None:
    """A batch shares its prompt."""
    slip, _, _ = rendered(db), rendered(db, document_type="invoice"), rendered(db)

    assert [held.document_type for held in claim_pages(db)] == ["slip", "slip"]
    assert [held.document_type for held in claim_pages(db)] == ["invoice"]
    assert status_of(db, slip) == "rendered"


def test_pages_of_other_statuses_are_not_taken(db: Sessions) -> None:
    """Neither those of a document that failed, nor those that are read."""
    a_document(db, status=Status.EXTRACTED)
    failing = rendered(db, 2)
    with begin(db) as tx:
        store.pages.fail_pages(tx, page_claims(tx, failing.id)[:1], DAMAGED, backoff=NO_PAUSE)

    assert claim_pages(db) == []


def test_workers_that_claim_at_once_get_different_pages(db: Sessions) -> None:
    """A page that another has locked is passed over, not waited for."""
    for _ in range(4):
        rendered(db, 3)
    gate = Barrier(4)

    def take(_: int) -> list[PageClaim]:
        with begin(db) as tx:
            gate.wait()
            claims = store.pages.claim_pages(tx, limit=3, lease=LEASE)
            gate.wait()  # nobody commits before all have claimed
            return claims

    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(take, range(4)))

    assert [len(batch) for batch in batches] == [3, 3, 3, 3]
    assert len({held.page_id for batch in batches for held in batch}) == 12


def test_a_page_that_failed_before_is_read_alone(db: Sessions) -> None:
    """If it kills its worker, its neighbours do not lose an attempt with it."""
    first, second = rendered(db), rendered(db)
    claim_pages(db, limit=1)
    leases_run_out(db)

    alone, rest = claim_pages(db), claim_pages(db)

    assert [(held.document_id, held.failures) for held in alone] == [(first.id, 1)]
    assert [held.document_id for held in rest] == [second.id]


def test_a_page_whose_reader_died_joins_no_batch_of_fresh_ones(db: Sessions) -> None:
    """Also where a fresh page comes first in the line."""
    slow = rendered(db)
    claim_pages(db, limit=1)
    leases_run_out(db)
    urgent, fresh = rendered(db, priority=5), rendered(db)

    batch, alone = claim_pages(db), claim_pages(db)

    assert {held.document_id for held in batch} == {urgent.id, fresh.id}
    assert [(held.document_id, held.failures) for held in alone] == [(slow.id, 1)]


def test_renewing_tells_which_claims_are_still_ours(db: Sessions) -> None:
    """The heartbeat learns that a page was taken over."""
    rendered(db, 2)
    mine = claim_pages(db)
    leases_run_out(db)
    taken = claim_pages(db, limit=1)
    with begin(db) as tx:
        left = store.pages.renew_pages(tx, mine, LEASE)

    assert [held.number for held in left] == [2]
    assert [held.number for held in taken] == [1]


def test_a_renewed_claim_is_kept_for_another_lease(db: Sessions) -> None:
    """Counted from now, and nobody else takes the page meanwhile."""
    document = rendered(db)
    [mine] = claim_pages(db)
    with begin(db) as tx:
        assert store.pages.renew_pages(tx, [mine], 2 * LEASE) == [mine]
        now = tx.session.execute(text("SELECT now()")).scalar_one()

    [page] = everything_about(db, document.id)["pages"]
    assert datetime.fromisoformat(page["lease_until"]) == now + 2 * LEASE
    assert claim_pages(db) == []


def test_a_document_moves_when_its_own_pages_are_read(db: Sessions) -> None:
    """Pages of other documents may wait."""
    first, waits = rendered(db), rendered(db)
    [held] = claim_pages(db, limit=1)

    assert save(db, held) == [first.id]
    assert status_of(db, waits) == "rendered"


def test_released_pages_can_be_taken_at_once(db: Sessions) -> None:
    """A worker that is told to stop gives back what it has not read, and no attempt is counted."""
    rendered(db, 2)
    with begin(db) as tx:
        store.pages.release_pages(tx, store.pages.claim_pages(tx, limit=2, lease=LEASE))

    assert [held.failures for held in claim_pages(db)] == [0, 0]


def test_the_last_page_moves_the_document(db: Sessions) -> None:
    """Not before, and it is announced once."""
    document = rendered(db, 2)
    first, last = claim_pages(db)
    heard: list[Any] = []
    for held in (first, last):
        assert status_of(db, document) == "rendered"
        with transaction(db, lambda *moved: heard.append(moved)) as tx:
            complete = store.pages.save_readings(tx, [(held, a_reading(held.number))])

    assert complete == [document.id]
    assert heard == [(document.id, Status.EXTRACTED)]


@pytest.mark.parametrize("first", [0, 1], ids=["page 1 first", "page 2 first"])
def test_two_workers_that_finish_the_last_two_pages_at_once_cannot_both_miss_the_end(
    db: Sessions, first: int
) -> None:
    """The second waits for the first's row lock and then counts: it sees both pages, and moves the
    document.
    """
    document = rendered(db, 2)
    claims = claim_pages(db)
    saved, may_commit, waiting = Event(), Event(), Event()

    def early() -> list[Any]:
        with begin(db) as tx:
            done = store.pages.save_readings(tx, [(claims[first], a_reading(claims[first].number))])
            saved.set()
            assert may_commit.wait(10)
            return done

    def late() -> list[Any]:
        assert saved.wait(10)
        with begin(db) as tx:
            tx.session.execute(text("SELECT 1"))
            waiting.set()
            other = claims[1 - first]
            return store.pages.save_readings(tx, [(other, a_reading(other.number))])

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.submit(early), pool.submit(late)
        assert waiting.wait(10)
        try:
            # late now stands before the document's row, with a transaction older than early's
            # commit
            wait_for_lock(db)
        finally:
            may_commit.set()
        answers = [one.result(10), two.result(10)]

    assert answers == [[], [document.id]]
    assert (status_of(db, document), readings(db, document)) == ("extracted", 2)


def test_batches_that_share_documents_do_not_deadlock(db: Sessions) -> None:
    """Two workers save pages of the same documents in opposite order; the rows are locked in id
    order.
    """
    documents = [rendered(db, 2) for _ in range(6)]
    claims = claim_pages(db, limit=12)
    batches = [
        [held for held in claims if held.number == 1],
        [held for held in reversed(claims) if held.number == 2],
    ]
    gate = Barrier(2)

    def work(batch: list[PageClaim]) -> list[Any]:
        with begin(db) as tx:
            gate.wait()
            return store.pages.save_readings(tx, [(held, a_reading(held.number)) for held in batch])

    with ThreadPoolExecutor(2) as pool:
        moved = [document for done in pool.map(work, batches) for document in done]

    assert sorted(moved) == sorted(document.id for document in documents)


def test_an_overtaken_page_is_passed_over(db: Sessions) -> None:
    """The slow worker's other pages are saved; the one that another took is the other's."""
    document = rendered(db, 2)
    slow = claim_pages(db)
    with begin(db) as tx:
        tx.session.execute(
            text("UPDATE pages SET lease_until = now() - interval '1 s' WHERE number = 1")
        )
    fast = claim_pages(db)

    assert save(db, *slow) == []
    assert save(db, *fast) == [document.id]
    assert readings(db, document) == 2


def test_saving_twice_changes_nothing(db: Sessions) -> None:
    """A worker that did not hear its commit saves again."""
    document = rendered(db, 2)
    claims = claim_pages(db)
    save(db, *claims)
    before = everything_about(db, document.id)

    assert save(db, *claims) == []
    assert everything_about(db, document.id) == before


def test_a_page_of_a_document_that_failed_meanwhile_is_passed_over(db: Sessions) -> None:
    """Its other page ended it; nothing is stored under a failed document."""
    document = rendered(db, 2)
    one, other = claim_pages(db)
    with begin(db) as tx:
        assert store.pages.fail_pages(tx, [one], DAMAGED, backoff=NO_PAUSE) == [document.id]

    assert save(db, other) == []
    assert (status_of(db, document), readings(db, document)) == ("failed", 0)


def test_a_failure_that_may_pass_pauses_the_pages(db: Sessions) -> None:
    """They are tried again later; the document says why it waits."""
    document = rendered(db, 2)
    claims = claim_pages(db)
    with begin(db) as tx:
        assert store.pages.fail_pages(tx, claims, LOADING, backoff=timedelta(minutes=1)) == []

    assert claim_pages(db) == []
    assert everything_about(db, document.id)["documents"][0]["error_code"] == "model_not_loadable"
    assert status_of(db, document) == "rendered"


def test_the_cap_on_attempts_ends_the_document_of_the_page(db: Sessions) -> None:
    """And the batch's other documents stay."""
    tired, fresh = rendered(db), rendered(db)
    failure = Failure.of(MissingBlob("Gone. Submit it again."))
    for _ in range(2):
        with begin(db) as tx:
            store.pages.fail_pages(
                tx, page_claims(tx, tired.id), failure, backoff=NO_PAUSE, max_attempts=3
            )
    with begin(db) as tx:
        both = page_claims(tx, tired.id) + page_claims(tx, fresh.id)
        ended = store.pages.fail_pages(tx, both, failure, backoff=NO_PAUSE, max_attempts=3)

    assert ended == [tired.id]
    assert (status_of(db, tired), status_of(db, fresh)) == ("failed", "rendered")
    assert (
        everything_about(db, tired.id)["documents"][0]["error_message"]
        == "Gone. Submit it again. (3 attempts.)"
    )


@pytest.mark.parametrize("tired", [1, 2])
def test_of_two_pages_of_one_document_the_one_that_failed_most_ends_it(
    db: Sessions, tired: int
) -> None:
    """Whichever page it is, and in whatever order they are told."""
    document = rendered(db, 2)
    failure = Failure.of(MissingBlob("Gone. Submit it again."))
    with begin(db) as tx:
        tx.session.execute(
            text("UPDATE pages SET failures = 2 WHERE number = :tired"), {"tired": tired}
        )
        claims = page_claims(tx, document.id)
        assert len(claims) == 2
        ended = store.pages.fail_pages(tx, claims, failure, backoff=NO_PAUSE, max_attempts=3)

    assert ended == [document.id]
    row = everything_about(db, document.id)["documents"][0]
    assert row["error_message"] == "Gone. Submit it again. (3 attempts.)"


def test_an_overtaken_failure_counts_nothing(db: Sessions) -> None:
    """Whoever has the page now may well succeed."""
    document = rendered(db)
    slow = claim_pages(db)
    leases_run_out(db)
    fast = claim_pages(db)
    with begin(db) as tx:
        assert store.pages.fail_pages(tx, slow, DAMAGED, backoff=NO_PAUSE) == []

    assert save(db, *fast) == [document.id]


def test_a_page_that_kills_workers_ends_its_document(db: Sessions) -> None:
    """Nobody takes it at the cap; the sweeper ends its document with a reason."""
    document = rendered(db)
    for _ in range(3):
        assert len(claim_pages(db, max_attempts=3)) == 1
        leases_run_out(db)
    assert claim_pages(db, max_attempts=3) == []

    with begin(db) as tx:
        assert store.sweep.expire_leases(tx, backoff=NO_PAUSE, max_attempts=3) == [document.id]

    row = everything_about(db, document.id)["documents"][0]
    assert (row["status"], row["error_code"]) == ("failed", "too_many_attempts")


def test_the_sweeper_leaves_a_pages_lease_alone_that_has_not_run_out(db: Sessions) -> None:
    """Of two pages of one document, one whose reader died is freed, and the other stays held."""
    document = rendered(db, 2)
    dead, alive = claim_pages(db)
    with begin(db) as tx:
        tx.session.execute(
            text("UPDATE pages SET lease_until = now() - interval '1 s' WHERE id = :id"),
            {"id": dead.page_id},
        )
        assert store.sweep.expire_leases(tx, backoff=NO_PAUSE) == []

    pages = {row["number"]: row for row in everything_about(db, document.id)["pages"]}
    assert [pages[held.number]["failures"] for held in (dead, alive)] == [1, 0]
    assert pages[dead.number]["lease_until"] is None
    assert pages[alive.number]["lease_until"] is not None
    with begin(db) as tx:
        assert store.pages.renew_pages(tx, [alive], LEASE) == [alive]
    assert [held.number for held in claim_pages(db)] == [dead.number]


def test_a_document_whose_unread_page_is_in_its_pause_is_not_due(db: Sessions) -> None:
    """A wake-up would find nothing to take; when the pause is over it is counted."""
    rendered(db)
    claims = claim_pages(db)
    with begin(db) as tx:
        store.pages.fail_pages(tx, claims, LOADING, backoff=timedelta(hours=2))
        tx.session.execute(text("UPDATE documents SET updated_at = now() - interval '1 h'"))

    assert due(db) == 0
    with begin(db) as tx:
        tx.session.execute(text("UPDATE pages SET next_attempt_at = now()"))
    assert due(db) == 1


def due(db: Sessions) -> int:
    with begin(db) as tx:
        patience = timedelta(minutes=1)
        return store.sweep.due(tx, at=[Status.RENDERED], patience=patience, limit=8)


def test_a_document_whose_page_was_tried_in_vain_is_due_again_at_once(db: Sessions) -> None:
    """Its message was read and is gone."""
    rendered(db)
    claims = claim_pages(db)
    with begin(db) as tx:
        tx.session.execute(text("UPDATE documents SET updated_at = now() - interval '1 h'"))
    assert due(db) == 0
    with begin(db) as tx:
        store.pages.fail_pages(tx, claims, LOADING, backoff=NO_PAUSE)
        tx.session.execute(text("UPDATE documents SET updated_at = now() - interval '1 h'"))
    assert due(db) == 1


def test_a_document_with_a_free_page_is_due(db: Sessions) -> None:
    """And one whose pages are all held is not."""
    rendered(db), rendered(db, 2)
    claim_pages(db, limit=2)
    with begin(db) as tx:
        tx.session.execute(text("UPDATE documents SET updated_at = now() - interval '1 h'"))
    assert due(db) == 1


def test_a_document_whose_last_unread_page_is_held_is_not_due(db: Sessions) -> None:
    """Its other page is free since it was read: there is nothing to take."""
    rendered(db, 2)
    first, second = claim_pages(db)
    assert save(db, first) == []
    with begin(db) as tx:
        tx.session.execute(text("UPDATE documents SET updated_at = now() - interval '1 h'"))
    assert due(db) == 0
    with begin(db) as tx:
        store.pages.release_pages(tx, [second])
    assert due(db) == 1


def stored(db: Sessions, *fields: FieldReading) -> list[StoredField]:
    document = rendered(db)
    with begin(db) as tx:
        (held,) = page_claims(tx, document.id)
        store.pages.save_readings(tx, [(held, a_reading(1, fields))])
        return store.evidence.evidence_of(tx, document.id)


def test_evidence_comes_back_as_it_was(db: Sessions) -> None:
    """Every token, its bytes, numbers and alternatives: scoring later sees what the model said."""
    token = TokenTrace(
        token_id=128_000,
        text=b"\xff\x00 \xe2\x82",
        logprob=-0.0012345678713172674,
        top=(Alternative(1, '€"\\'.encode(), -1e-30), Alternative(2, b"", -math.inf)),
        entropy=1.5,
        forced=True,
    )
    field = FieldReading(
        name="items.amount",
        ordinal=3,
        state=FieldState.UNREADABLE,
        text="12.",
        tokens=(token,),
        ends=False,
        stop_reason=StopReason.LENGTH,
        problem="truncated",
    )

    (found,) = stored(db, field)

    assert found.reading == field
    assert (found.page, found.in_domain) == (1, True)


def test_text_that_postgres_refuses_is_kept_with_a_problem(db: Sessions) -> None:
    """NUL and lone surrogates are made visible, and the field says that it is not as printed, so
    nothing accepts it.
    """
    found = {
        each.reading.name: each.reading
        for each in stored(
            db, a_field("payee", "A\x00d\ud800a"), a_field("total", "1\x00", problem="x")
        )
    }

    assert (found["payee"].text, found["payee"].problem) == ("A␀d�a", "unstorable_characters")
    assert (found["total"].text, found["total"].problem) == ("1␀", "x")


def test_a_huge_text_is_kept_whole(db: Sessions) -> None:
    """Nothing is cut in silence."""
    (found,) = stored(db, a_field("payee", "ß" * 3_000_000))

    assert found.reading.text == "ß" * 3_000_000


def test_a_page_without_fields_still_counts_as_read(db: Sessions) -> None:
    """An answer with nothing in it must not hold the document for ever."""
    assert stored(db) == []


def test_words_come_back_by_page(db: Sessions) -> None:
    """With the characters Postgres refuses made visible and impossible coordinates at the edge."""
    document = a_document(db)
    words = (Word("a\x00", Box(1.234567, 2, 3, math.nan)), Word("\udfff", Box(0, 0, math.inf, 1)))
    with begin(db) as tx:
        held = store.documents.claim(
            tx, document.id, at=Status.SUBMITTED, stage="render", lease=LEASE
        )
        assert held is not None
        store.pages.save_pages(tx, held, [a_page(2), a_page(1, words=words)])
        found = store.evidence.page_texts(tx, document.id)

    assert list(found) == [1, 2]
    assert found[1].source == "text-layer"
    assert found[1].words == (Word("a␀", Box(1.23, 2, 3, 0)), Word("�", Box(0, 0, 0, 1)))


def test_the_readings_of_one_generation_count(db: Sessions) -> None:
    """A later model may read the page again; the answer is made from the readings of the
    generation that the document names, and the others stay.
    """
    document = a_document(db, status=Status.EXTRACTED)
    with begin(db) as tx:
        add_generation(tx, document)
        before = store.evidence.evidence_of(tx, document.id)
        tx.session.execute(
            text("UPDATE documents SET working_generation = 2, reading_generation = 2")
        )
        after = store.evidence.evidence_of(tx, document.id)

    assert [(each.reading.name, each.reading.text) for each in before] == [
        ("payee", "Ada"),
        ("total", "12.50"),
    ]
    assert [(each.reading.name, each.reading.text) for each in after] == [("total", "99")]


def test_a_look_at_a_reading_of_before_is_no_look_at_the_one_that_counts(db: Sessions) -> None:
    """Its fields come once, and say that nobody looked again."""
    document = rendered(db)
    with begin(db) as tx:
        (held,) = page_claims(tx, document.id)
        looks = [(held, a_reading()), (held, replace(a_reading(), look=1))]
        store.pages.save_readings(tx, looks)
        before = store.evidence.evidence_of(tx, document.id)
        add_generation(tx, document)
        tx.session.execute(
            text("UPDATE documents SET working_generation = 2, reading_generation = 2")
        )
        after = store.evidence.evidence_of(tx, document.id)

    assert [(each.reading.name, each.looked_at_again) for each in before] == [
        ("payee", True),
        ("total", True),
    ]
    assert [(each.reading.name, each.looked_at_again) for each in after] == [("total", False)]


def add_generation(tx: Tx, document: MadeDocument) -> None:
    tx.session.execute(
        text(
            "WITH r AS (INSERT INTO readings (page_id, generation, model, fingerprint, prompt_hash,"
            " decode_mode, in_domain, answer, stop_reasons) SELECT id, 2, 'm', 'f', 'p', 'json',"
            " true, '', '{}' FROM pages WHERE document_id = :id RETURNING id) INSERT INTO fields"
            " (reading_id, name, ordinal, state, text, tokens, ends, stop_reason) SELECT id,"
            " 'total', 0, 'value', '99', '[]', true, 'end' FROM r"
        ),
        {"id": document.id},
    )


anything = st.text(st.characters(exclude_categories=()))
number = st.floats(allow_nan=False)
token = st.builds(
    TokenTrace,
    token_id=st.integers(0, 2**31 - 1),
    text=st.binary(max_size=8),
    logprob=number,
    entropy=number,
    forced=st.booleans(),
    top=st.lists(
        st.builds(
            Alternative, token_id=st.integers(0, 9), text=st.binary(max_size=4), logprob=number
        ),
        max_size=5,
    ).map(tuple),
    patches=st.lists(st.just(AttentionPatch(Box(1.25, 2.0, 26.25, 27.0), 0.125)), max_size=2).map(
        tuple
    ),
)


@given(st.lists(token, max_size=4))
def test_tokens_survive_the_compact_form(tokens: list[TokenTrace]) -> None:
    """Bytes that are no text, infinities and signs come back exactly."""
    assert tokens_in(tokens_out(tokens)) == tuple(tokens)


def test_a_glance_that_was_stored_without_its_share_is_read_whole() -> None:
    """Evidence is not rewritten when its form grows."""
    stored = [[7, "x", -0.5, 0.1, 0, [], [1.25, 2.0, 26.25, 27.0]]]

    assert tokens_in(stored)[0].patches == (AttentionPatch(Box(1.25, 2.0, 26.25, 27.0), 1.0),)


@given(anything)
def test_storable_text_is_text_that_postgres_takes(value: str) -> None:
    """UTF-8 without NUL; and text that is fine stays as it is."""
    kept = storable(value)

    assert b"\x00" not in kept.encode()
    assert storable(kept) == kept
    assert len(kept) == len(value)


@given(st.lists(st.builds(Word, anything, st.builds(Box, *[st.floats(-1e6, 1e6)] * 4)), max_size=3))
def test_words_survive_to_a_hundredth_of_a_point(words: list[Word]) -> None:
    """Finer than any printer."""
    for before, after in zip(words, words_in(words_out(words)), strict=True):
        assert after.text == storable(before.text)
        assert abs(after.box.x0 - before.box.x0) <= 0.006
