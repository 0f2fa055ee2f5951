"""Candidates and testimony, stored and read back as they were."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from extractors.documents import BUILT_IN
from extractors.evidence.gather import Candidate, PageEvidence, gather
from extractors.evidence.witnesses import AGREES, DENIES, OFFERS, Testimony
from extractors.types import Box, FieldState
from tests.factories import LEASE, MadeDocument, a_document, begin, everything_about
from worker import store
from worker.store.types import Claim
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
SLIP = BUILT_IN["slip"]


def claimed(tx: Any, document: MadeDocument) -> Claim:
    """The claim on a document that was read."""
    held = store.documents.claim(tx, document.id, at=Status.EXTRACTED, stage="ground", lease=LEASE)
    assert held is not None
    return held


def gathered_of(tx: Any, document: MadeDocument) -> tuple[Candidate, ...]:
    """The candidates of what two pages of the document say."""
    evidence = [
        PageEvidence(
            id=field.field_id,
            page=field.page,
            name=field.reading.name,
            state=field.reading.state,
            text=field.reading.text,
        )
        for field in store.evidence.evidence_of(tx, document.id)
    ]
    return gather(SLIP, evidence, pages={1, 2})


def heard_of(candidates: tuple[Candidate, ...]) -> list[Testimony]:
    """One of each kind."""
    payee = next(one for one in candidates if one.name == "payee")
    date = next(one for one in candidates if one.name == "date")
    return [
        Testimony(of=payee, says=AGREES, because="on_page", page=1, witness="on-page/1"),
        Testimony(
            of=payee,
            says=DENIES,
            because="gap",
            message="17.00 are missing",
            details={"gap": "17.00"},
            witness="sums/1",
        ),
        Testimony(
            of=date,
            says=OFFERS,
            page=2,
            boxes=(Box(1, 2, 3, 4),),
            offers="3 April 2026",
            witness="labels/1",
        ),
    ]


def test_what_was_gathered_and_heard_is_read_back_as_it_was(db: Sessions) -> None:
    """Candidates in their order, each with its readings, and what was said with its place."""
    document = a_document(db, status=Status.EXTRACTED, pages=2)
    with begin(db) as tx:
        candidates = gathered_of(tx, document)
        heard = heard_of(candidates)
        store.candidates.save(tx, claimed(tx, document), candidates, heard)
        fields = store.evidence.evidence_of(tx, document.id, tokens=False)
        found = store.candidates.gathered(tx, document.id, SLIP, fields)

    assert {one.key: one for one in found.candidates} == {one.key: one for one in candidates}
    assert sorted(map(str, found.testimony)) == sorted(map(str, heard))
    assert found.in_domain


def test_saving_twice_changes_nothing(db: Sessions) -> None:
    """What is there already stays, ids among it."""
    document = a_document(db, status=Status.EXTRACTED)
    with begin(db) as tx:
        held = claimed(tx, document)
        candidates = gathered_of(tx, document)
        store.candidates.save(tx, held, candidates, heard_of(candidates))
    before = everything_about(db, document.id)
    with begin(db) as tx:
        other = [replace(one, problem="other") for one in candidates]
        store.candidates.save(tx, held, other, heard_of(candidates))

    assert everything_about(db, document.id) == before
    assert len(before["witnesses"]) == 3


def test_a_candidate_under_a_name_that_the_type_has_no_more_is_passed_over(db: Sessions) -> None:
    """Its document can still be read."""
    document = a_document(db, status=Status.EXTRACTED)
    with begin(db) as tx:
        held = claimed(tx, document)
        gone = Candidate(name="gone", state=FieldState.UNREADABLE, problem="missing")
        said = Testimony(of=gone, says=AGREES, witness="x/1")
        store.candidates.save(tx, held, [gone], [said])

        found = store.candidates.gathered(tx, document.id, SLIP, [])

    assert (found.candidates, found.testimony, found.in_domain) == ((), (), False)


@pytest.mark.parametrize(
    ("rule", "columns", "values"),
    [
        ("denial_says_why", "says", "'denies'"),
        ("denial_says_why", "says, code", "'denies', 'gap'"),
        ("offer_has_text", "says", "'offers'"),
        ("boxes_have_page", "says, boxes", "'agrees', '[[1, 2, 3, 4]]'"),
        ("says", "says", "'doubts'"),
    ],
)
def test_the_database_refuses_half_a_testimony(
    db: Sessions, rule: str, columns: str, values: str
) -> None:
    """A denial says why, an offer what, and boxes stand on a page."""
    document = a_document(db, status=Status.EXTRACTED)
    with begin(db) as tx:
        store.candidates.save(tx, claimed(tx, document), gathered_of(tx, document), [])
    statement = (
        f"INSERT INTO witnesses (candidate_id, witness, number, {columns}) SELECT id, 'x/1', 0,"
        f" {values} FROM candidates LIMIT 1"
    )

    with pytest.raises(IntegrityError, match=f"witnesses_{rule}_check"), db.begin() as session:
        session.execute(text(statement))
