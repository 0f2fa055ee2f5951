"""Evidence is read back of its own document, of the generation that counts, and of one method."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.triage.classify import Guess
from tests.factories import LEASE, MadeDocument, a_document, a_page, a_reading, begin, page_claims
from tests.store.test_candidates import SLIP, gathered_of, heard_of
from worker import store
from worker.db import Tx
from worker.store.types import Claim, NewScore
from worker.tables.documents import Status

Sessions = sessionmaker[Session]


def run(db: Sessions, statement: str, **values: Any) -> None:
    with begin(db) as tx:
        tx.session.execute(text(statement), values)


def taken(tx: Tx, document: MadeDocument, at: Status) -> Claim:
    held = store.documents.claim(tx, document.id, at=at, stage="tests", lease=LEASE)
    assert held is not None
    return held


def scored(db: Sessions, score: float, method: str = "m/1") -> MadeDocument:
    """A document each of whose fields has this score."""
    document = a_document(db, status=Status.GROUNDED)
    with begin(db) as tx:
        fields = store.evidence.evidence_of(tx, document.id)
        held = taken(tx, document, Status.GROUNDED)
        scores = [NewScore(each.field_id, method, score) for each in fields]
        store.evidence.save_scores(tx, held, scores)
    return document


def test_scores_are_one_documents_by_one_method_of_the_reading_that_counts(db: Sessions) -> None:
    """Those of a reading before stay, and say nothing of this one."""
    document, other = scored(db, 0.9), scored(db, 0.4)
    with begin(db) as tx:
        ids = {each.field_id for each in store.evidence.evidence_of(tx, document.id)}
        assert store.evidence.scores_of(tx, document.id, "m/1") == dict.fromkeys(ids, 0.9)
        assert set(store.evidence.scores_of(tx, other.id, "m/1").values()) == {0.4}
        assert store.evidence.scores_of(tx, document.id, "m/2") == {}
    run(db, "UPDATE documents SET working_generation = 2, reading_generation = 2 WHERE id = :id",
        id=document.id)  # fmt: skip
    with begin(db) as tx:
        assert store.evidence.scores_of(tx, document.id, "m/1") == {}
        assert len(store.evidence.scores_of(tx, other.id, "m/1")) == len(ids)


def test_pages_words_and_looks_are_their_own_documents(db: Sessions) -> None:
    """Two documents with a page of the same number, looked at again, each in other words."""
    made = [a_document(db) for _ in range(2)]
    for document, printed in zip(made, ("Ada", "Bob"), strict=True):
        with begin(db) as tx:
            held = taken(tx, document, Status.SUBMITTED)
            words = tuple(replace(word, text=printed) for word in a_page().words)
            store.pages.save_pages(tx, held, [a_page(2), a_page(1, words=words)])
            store.documents.finish(tx, held, to=Status.RENDERED, page_count=2)
            first, second = page_claims(tx, document.id)
            readings = [
                (first, a_reading()),
                (first, replace(a_reading(), look=2, forced=True)),
                (first, replace(a_reading(), look=1)),
                (second, a_reading(2)),
            ]
            store.pages.save_readings(tx, readings)
    for document, printed in zip(made, ("Ada", "Bob"), strict=True):
        with begin(db) as tx:
            texts = store.evidence.page_texts(tx, document.id)
            pages = store.evidence.pages_of(tx, document.id)
            looks = store.evidence.looks_of(tx, document.id)
            fields = store.evidence.evidence_of(tx, document.id)
        assert list(texts) == [page.number for page in pages] == [1, 2]
        assert texts[1].words[0].text == pages[0].text.words[0].text == printed
        assert [look.forced for look in looks[1]] == [False, True]
        assert list(looks) == [1]
        assert len(fields) == 4
        assert {each.page: each.looked_at_again for each in fields} == {1: True, 2: False}


def test_looks_at_an_earlier_reading_are_none_at_this_one(db: Sessions) -> None:
    """Nor is what an earlier reading of it says its evidence."""
    document = a_document(db, status=Status.RENDERED)
    with begin(db) as tx:
        (held,) = page_claims(tx, document.id)
        store.pages.save_readings(tx, [(held, a_reading()), (held, replace(a_reading(), look=1))])
        assert len(store.evidence.looks_of(tx, document.id)) == 1
    run(db, "UPDATE documents SET working_generation = 2, reading_generation = 2")
    with begin(db) as tx:
        assert store.evidence.looks_of(tx, document.id) == {}
        assert store.evidence.evidence_of(tx, document.id) == []


@pytest.mark.parametrize("newer", [0, 1])
def test_candidates_are_their_own_documents_of_its_newest_gathering(
    db: Sessions, newer: int
) -> None:
    """Another document may have been gathered more often, or less."""
    made = [a_document(db, status=Status.EXTRACTED, pages=2) for _ in range(2)]
    run(db, "UPDATE documents SET working_generation = 2 WHERE id = :id", id=made[newer].id)
    for document in made:
        with begin(db) as tx:
            candidates = gathered_of(tx, document)
            held = taken(tx, document, Status.EXTRACTED)
            earlier = replace(held, generation=1)
            if held.generation > 1:
                store.candidates.save(tx, earlier, candidates, heard_of(candidates))
            store.candidates.save(tx, held, candidates, heard_of(candidates))
    for document in made:
        with begin(db) as tx:
            fields = store.evidence.evidence_of(tx, document.id)
            found = store.candidates.gathered(tx, document.id, SLIP, fields)
            wanted = gathered_of(tx, document)
        assert {each.key for each in found.candidates} == {each.key for each in wanted}
        assert len(found.candidates) == len(wanted)
        assert len(found.testimony) == 3
        own = {each.field_id for each in fields}
        assert {said.id for each in found.candidates for said in each.said} <= own


@pytest.mark.parametrize("first", [True, False])
def test_a_model_that_knows_the_type_of_one_page_alone_does_not_know_the_document(
    db: Sessions, first: bool
) -> None:
    """Whichever page it is; of nothing it knows nothing."""
    document = a_document(db, status=Status.EXTRACTED, pages=2)
    run(
        db,
        "UPDATE readings SET in_domain = false WHERE page_id IN"
        " (SELECT id FROM pages WHERE number = :page)",
        page=1 if first else 2,
    )
    with begin(db) as tx:
        fields = store.evidence.evidence_of(tx, document.id)
        assert not store.candidates.gathered(tx, document.id, SLIP, fields).in_domain
        assert not store.candidates.gathered(tx, document.id, SLIP, []).in_domain


def test_a_methods_version_takes_a_document_for_what_it_took_it_first(db: Sessions) -> None:
    """Another version may say otherwise; another document has its own."""
    made = [a_document(db) for _ in range(2)]
    with begin(db) as tx:
        held = taken(tx, made[0], Status.SUBMITTED)
        for method, kind, confidence in (
            ("words/1", "slip", 0.9),
            ("words/1", "invoice", 0.2),
            ("words/2", "invoice", 0.3),
        ):
            guess = Guess(method=method, document_type=kind, confidence=confidence, fits={})
            store.classifications.save_guess(tx, held, guess)
        rows = tx.session.execute(
            text(
                "SELECT method, document_type, confidence FROM classifications"
                " WHERE document_id = :id ORDER BY 1"
            ),
            {"id": made[0].id},
        ).all()
    assert [tuple(row) for row in rows] == [("words/1", "slip", 0.9), ("words/2", "invoice", 0.3)]
