"""Whatever happens to one document, another one that is exactly like it stays as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.errors import ModelNotLoadable
from extractors.triage.classify import Guess
from tests.factories import (
    LEASE,
    MadeDocument,
    a_document,
    a_page,
    a_reading,
    begin,
    everything_about,
    page_claims,
    results_of,
)
from worker import store
from worker.db import Tx
from worker.store.types import Claim, Failure, PageClaim, SortedPage
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
NO_PAUSE = timedelta(0)
ADA = "person:ada"
PASSES = Failure.of(ModelNotLoadable("The weights are missing. Set SUREFIELD_MODEL."))
DAMAGED = Failure(code="unreadable_file", message="It is damaged. Send it again.", retry=False)


@dataclass(frozen=True, slots=True)
class One:
    """A document of which something is done, as its worker holds it."""

    id: UUID
    held: Claim | None
    pages: tuple[PageClaim, ...]

    @property
    def claim(self) -> Claim:
        assert self.held is not None
        return self.held


Act = Callable[[Tx, One], object]
BOTH_SORTED = [SortedPage(number=1, read=False, rank=2), SortedPage(number=2, read=True, rank=1)]


def guessed(tx: Tx, one: One) -> None:
    guess = Guess(method="words/9", document_type="slip", confidence=0.9, fits={"slip": 0.9})
    store.classifications.save_guess(tx, one.claim, guess)


AT_DOCUMENTS: dict[str, tuple[Status, Act]] = {
    "renew": (Status.SUBMITTED, lambda tx, one: store.documents.renew(tx, one.claim, 9 * LEASE)),
    "finish": (
        Status.SUBMITTED,
        lambda tx, one: store.documents.finish(tx, one.claim, to=Status.RENDERED, page_count=7),
    ),
    "release": (Status.GROUNDED, lambda tx, one: store.documents.release(tx, one.claim)),
    "give turn back": (
        Status.SUBMITTED,
        lambda tx, one: store.documents.give_turn_back(tx, one.claim, stored_bytes=9, waited_s=1.5),
    ),
    "give back": (
        Status.GROUNDED,
        lambda tx, one: store.documents.give_back(tx, one.claim, PASSES, pause=LEASE),
    ),
    "fail": (
        Status.GROUNDED,
        lambda tx, one: store.documents.fail(tx, one.claim, PASSES, backoff=LEASE),
    ),
    "fail for good": (
        Status.SUBMITTED,
        lambda tx, one: store.documents.fail(tx, one.claim, DAMAGED, backoff=LEASE),
    ),
    "save pages": (
        Status.SUBMITTED,
        lambda tx, one: store.pages.save_pages(tx, one.claim, [a_page(1), a_page(2)]),
    ),
    "guess": (Status.SUBMITTED, guessed),
    "results": (
        Status.SCORED,
        lambda tx, one: store.results.save_results(
            tx, one.claim, results_of(tx, one.id, review=frozenset())
        ),
    ),
}
AT_PAGES: dict[str, Act] = {
    "sort": lambda tx, one: store.pages.sort_pages(tx, one.claim, BOTH_SORTED, by="bm25/1"),
    "renew": lambda tx, one: store.pages.renew_pages(tx, one.pages, 9 * LEASE),
    "release": lambda tx, one: store.pages.release_pages(tx, one.pages),
    "give back": lambda tx, one: store.pages.give_back_pages(tx, one.pages, PASSES, pause=LEASE),
    "save": lambda tx, one: store.pages.save_readings(
        tx, [(held, a_reading(held.number)) for held in one.pages]
    ),
    "fail": lambda tx, one: store.pages.fail_pages(tx, one.pages, PASSES, backoff=LEASE),
    "fail for good": lambda tx, one: store.pages.fail_pages(tx, one.pages, DAMAGED, backoff=LEASE),
    "end": lambda tx, one: store.documents.end(
        tx, [one.id], error_code="x", error_message="x", by="worker", stage="extract"
    ),
}
AT_REST: dict[str, tuple[Status, Act]] = {
    "read again": (
        Status.ACCEPTED,
        lambda tx, one: store.generations.read_again(tx, [one.id], by=ADA, code="read_again"),
    ),
    "answer again": (
        Status.IN_REVIEW,
        lambda tx, one: store.generations.answer_again(
            tx, [one.id], to=Status.SCORED, by=ADA, code="scored_again"
        ),
    ),
    "retry": (Status.RENDERED, lambda tx, one: store.retry.retry(tx, [one.id], by=ADA)),
    "reopen": (
        Status.RENDERED,
        lambda tx, one: store.retry.reopen(tx, one.id, by=ADA, stage="submit", code="sent_again"),
    ),
}


def two(db: Sessions, at: Status) -> tuple[One, One]:
    """Two documents of two pages at this status, held by one worker, pages and all."""
    made = [a_document(db, status=at, pages=2) for _ in range(2)]
    with begin(db) as tx:
        return tuple(_held(tx, each, at) for each in made)  # type: ignore[return-value]


def _held(tx: Tx, made: MadeDocument, at: Status) -> One:
    held = store.documents.claim(tx, made.id, at=at, stage="tests", lease=LEASE)
    return One(made.id, held, tuple(page_claims(tx, made.id)))


def stays(db: Sessions, act: Act, one: One, other: One) -> None:
    """Something happens to the one, and nothing to the other."""
    before = everything_about(db, one.id), everything_about(db, other.id)
    with begin(db) as tx:
        act(tx, one)
    assert everything_about(db, one.id) != before[0]
    assert everything_about(db, other.id) == before[1]


@pytest.mark.parametrize("name", AT_DOCUMENTS)
def test_what_is_done_under_one_claim_touches_no_other_document(db: Sessions, name: str) -> None:
    """Which stands where the first stands, and was taken as often."""
    at, act = AT_DOCUMENTS[name]
    one, other = two(db, at)
    assert one.claim.claim_no == other.claim.claim_no
    stays(db, act, one, other)


@pytest.mark.parametrize("name", AT_PAGES)
def test_what_is_done_with_the_pages_of_one_document_touches_no_page_of_another(
    db: Sessions, name: str
) -> None:
    """Of the same numbers, taken as often; nor the other document's row."""
    one, other = two(db, Status.RENDERED)
    stays(db, AT_PAGES[name], one, other)


@pytest.mark.parametrize("name", AT_REST)
def test_one_document_that_begins_anew_leaves_its_twin_at_rest(db: Sessions, name: str) -> None:
    """Both failed where they were read, or both have their answer."""
    at, act = AT_REST[name]
    one, other = two(db, at)
    if at is Status.RENDERED:
        with begin(db) as tx:
            store.documents.end(
                tx, [one.id, other.id], error_code="x", error_message="x", by=ADA, stage="extract"
            )
    stays(db, act, one, other)


def asked(db: Sessions, document: UUID, wanted: str, token: str) -> None:
    """A question of its sender that is open."""
    ask = text(
        "INSERT INTO questions (document_id, generation, wanted, doubt, text, asked_by, expires_at,"
        " back, token_sha256) VALUES (:document, 1, :wanted, 'x', 'Which?', 'worker',"
        " now() + interval '1 day', 'failed', repeat(:token, 64))"
    )
    with begin(db) as tx:
        tx.session.execute(ask, {"document": document, "wanted": wanted, "token": token})


def questions(db: Sessions) -> list[tuple[Any, ...]]:
    with db() as session:
        rows = session.execute(
            text("SELECT token_sha256, state, closed_by, door FROM questions ORDER BY 1")
        )
        return [(row[0][0], *row[1:]) for row in rows]


def test_a_password_that_came_by_itself_answers_its_own_question_and_no_other(
    db: Sessions,
) -> None:
    """Not the other document's, nor where nobody waits for it; one about something else is
    withdrawn.
    """
    waits, other, not_waiting = (a_document(db).id for _ in range(3))
    for at, document in enumerate((waits, other, not_waiting)):
        asked(db, document, "password", f"{at}")
    asked(db, waits, "text", "3")
    with begin(db) as tx:
        tx.session.execute(
            text("UPDATE documents SET status = 'needs_input' WHERE id IN (:one, :two)"),
            {"one": waits, "two": other},
        )
        assert store.retry.reopen(tx, waits, by=ADA, stage="submit", code="sent_again")
        assert not store.retry.reopen(tx, not_waiting, by=ADA, stage="submit", code="sent_again")

    still = ("open", None, None)
    assert questions(db) == [
        ("0", "answered", ADA, "submission"),
        ("1", *still),
        ("2", *still),
        ("3", "withdrawn", ADA, None),
    ]
