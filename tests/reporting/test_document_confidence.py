"""How probable it is that all of a document is right."""

import math
from uuid import UUID

import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.decision.combined import bundled
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, House, Make, a_pdf
from worker import reporting
from worker.actor import Actor
from worker.pipeline import again
from worker.review import actions
from worker.review.actions import Answer
from worker.review.tables import Action

UNSURE = {"total": 0.6}


def a_house(make_house: Make, *, known: bool = True) -> House:
    """A model whose total waits; known: with the fingerprint that weights were fitted for."""
    line = Line(truth={**TRUTH, "date": "14/04/2026"}, probability=UNSURE)
    backend = ScriptedBackend(lambda page, spec: line, canvas=TINY_CANVAS)
    if known:
        backend.fingerprint, backend.decode_mode = max(bundled())
    return make_house(backend=backend)


def read(house: House) -> UUID:
    document = house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    return document


def told(house: House, document: UUID) -> tuple[float | None, float | None]:
    """By the typed read; the view for analysts says the same."""
    with house.rt.transaction() as tx:
        (row,) = reporting.documents(tx, [document])
    (seen,) = house.rows(
        "SELECT probability_right, expected_wrong FROM reporting.documents WHERE document_id = :id",
        id=document,
    )
    assert tuple(seen) == (row.probability_right, row.expected_wrong)
    return row.probability_right, row.expected_wrong


def scores(house: House, document: UUID) -> dict[str, float]:
    rows = house.rows(
        "SELECT r.name, s.score FROM results r JOIN documents d ON d.id = r.document_id"
        " JOIN scores s ON s.field_id = r.field_id AND s.method = 'combined/1'"
        " WHERE r.document_id = :id AND r.generation = d.generation",
        id=document,
    )
    return {row.name: row.score for row in rows}


def test_it_is_the_product_of_what_each_field_says(make_house: Make) -> None:
    """And what is wrong on average is the sum of the rest."""
    house = a_house(make_house)
    document = read(house)
    each = scores(house, document)

    assert len(each) == len(house.results(document))
    right, wrong = told(house, document)
    assert right == pytest.approx(math.prod(each.values()))
    assert wrong == pytest.approx(sum(1 - score for score in each.values()))


def test_what_a_person_decided_is_right(make_house: Make) -> None:
    """The others say what they said."""
    house = a_house(make_house)
    document = read(house)
    before, _ = told(house, document)
    (item,) = house.rows("SELECT id FROM review_items")
    actions.decide(Actor("ada"), item.id, Answer(action=Action.ACCEPT, seen=True), house.rt)

    each = scores(house, document)
    after, _ = told(house, document)
    assert after == pytest.approx(math.prod(s for name, s in each.items() if name != "total"))
    assert before is not None
    assert before < (after or 0.0)


def test_where_one_field_has_no_such_score_nothing_is_said(make_house: Make) -> None:
    """A number for the rest would be taken for one of the whole."""
    house = a_house(make_house)
    document = read(house)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "DELETE FROM scores USING fields f WHERE f.id = field_id AND f.name = 'payee'"
            " AND method = 'combined/1'"
        )

    assert told(house, document) == (None, None)
    (row,) = house.rows("SELECT fields_unknown FROM reporting.document_confidence")
    assert row.fields_unknown == 1


def test_a_model_without_weights_says_nothing(make_house: Make) -> None:
    """Its scores are no probabilities."""
    house = a_house(make_house, known=False)

    assert told(house, read(house)) == (None, None)


def test_a_field_that_is_surely_wrong_makes_it_zero(make_house: Make) -> None:
    """The logarithm of nothing is no error of the database."""
    house = a_house(make_house)
    document = read(house)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE scores SET score = 0 FROM fields f WHERE f.id = field_id AND f.name = 'payee'"
        )

    assert told(house, document)[0] == 0.0


def test_a_list_of_very_many_doubtful_rows_is_no_error(make_house: Make) -> None:
    """Their product is smaller than a number can be."""
    house = a_house(make_house)
    document = read(house)
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run("UPDATE scores SET score = 0.001")
        run(
            "INSERT INTO results (document_id, generation, name, ordinal, kind, state, text,"
            " read_state, read_text, field_id, score, threshold, decision, reason)"
            " SELECT document_id, generation, 'row', n, kind, state, text, read_state, read_text,"
            " field_id, score, 0.99, 'review', 'low_score' FROM results,"
            " generate_series(1, 600) AS n WHERE name = 'payee'"
        )

    right, wrong = told(house, document)
    assert right == pytest.approx(0.0, abs=1e-300)
    assert wrong is not None
    assert wrong > 600


def test_a_row_that_a_person_removed_counts_no_more(make_house: Make) -> None:
    """It is no part of the answer."""
    house = a_house(make_house)
    document = read(house)
    each = scores(house, document)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE results SET removed_at = now() WHERE name = 'payee'"
        )

    right, _ = told(house, document)
    assert right == pytest.approx(math.prod(s for name, s in each.items() if name != "payee"))


def test_only_the_answer_that_counts_is_told(make_house: Make) -> None:
    """A document that was routed again has one row."""
    house = a_house(make_house)
    document = read(house)
    before = told(house, document)
    again.one(house.rt, document, again.Again.REROUTE, by="person:ada")
    house.work()

    assert told(house, document) == before
    (row,) = house.rows("SELECT generation FROM reporting.document_confidence")
    assert row.generation == 2


def test_a_document_without_an_answer_has_none(make_house: Make) -> None:
    """It waits to be read."""
    house = a_house(make_house)
    document = house.submit(a_pdf("Foo Ltd"))

    assert told(house, document) == (None, None)
