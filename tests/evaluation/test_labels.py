"""What people found, as it is read from the database."""

from uuid import UUID, uuid4

import pytest

from extractors.backends.scripted import Line
from tests.delivery.conftest import make_house, make_site, renderer, site  # noqa: F401  fixtures
from tests.pipeline.conftest import TRUTH, House, Make, a_pdf
from worker.evaluation import labels
from worker.pipeline import again


@pytest.fixture
def house(make_house: Make) -> House:
    """Every field of its documents is drawn."""
    return make_house(Line(truth={**TRUTH, "date": "14/04/2026"}), audit_rate=1.0)


def read(house: House) -> UUID:
    document = house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR", str(uuid4())))
    house.work()
    return document


def sql(house: House, statement: str) -> None:
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(statement)


def judged(house: House, name: str, found: str) -> None:
    sql(
        house,
        f"UPDATE audits AS a SET found = '{found}', judged_by = 'ada', judged_at = now()"
        f" FROM results AS r WHERE r.id = a.result_id AND r.name = '{name}'",
    )


def test_what_nobody_can_read_is_no_label_and_what_nobody_judged_still_counts(
    house: House,
) -> None:
    """An unjudged field says how much a threshold accepts; one that is illegible says nothing."""
    document = read(house)
    judged(house, "number", "right")
    judged(house, "payee", "illegible")
    with house.rt.transaction() as tx:
        found = labels.drawn(tx)
        scored = labels.scored(tx, "slip")
        drawn = house.rows("SELECT FROM audits WHERE method IS NOT NULL")

    assert [(one.document_id, one.path, one.right, one.accepted) for one in found] == [
        (document, "number", True, True)
    ]
    assert len(scored) == len(drawn) - 1
    assert [one.right for one in scored].count(True) == 1
    assert {one.right for one in scored} == {True, None}


@pytest.mark.parametrize(("document_type", "count"), [(None, 1), ("slip", 1), ("invoice", 0)])
def test_labels_are_of_one_type_or_of_all(
    house: House, document_type: str | None, count: int
) -> None:
    """Thresholds are always one type's."""
    read(house)
    judged(house, "number", "right")
    with house.rt.transaction() as tx:
        assert len(labels.drawn(tx, document_type)) == count
        assert bool(labels.scored(tx, document_type or "slip")) == bool(count)


def test_a_field_that_was_drawn_with_a_chance_of_one_in_four_weighs_four(house: House) -> None:
    """It stands for those that were not drawn."""
    read(house)
    sql(house, "UPDATE audits SET rate = 0.25")
    with house.rt.transaction() as tx:
        assert {one.weight for one in labels.scored(tx, "slip")} == {4.0}


def test_a_document_reads_as_well_as_it_did_the_last_time(house: House) -> None:
    """Each by itself; one that was not asked for, or never routed, is not told."""
    document, other = read(house), read(house)
    with house.rt.transaction() as tx:
        before = labels.bands(tx, [document, other, uuid4()])
    again.one(house.rt, document, again.Again.REREAD, by="person:ada")
    house.work()
    sql(house, "UPDATE routings SET band = 'clear' WHERE generation = 1")
    sql(house, "UPDATE routings SET band = 'poor' WHERE generation = 2")
    with house.rt.transaction() as tx:
        after = labels.bands(tx, [document, other])
        assert labels.bands(tx, [other]) == {other: "clear"}
        assert labels.bands(tx, []) == {}

    assert before.keys() == {document, other}
    assert after == {document: "poor", other: "clear"}


def test_each_methods_scores_are_those_of_the_answers_that_count(house: House) -> None:
    """Of the documents that are asked for; not of an earlier reading, and none where there is no
    score.
    """
    document, other = read(house), read(house)
    sql(house, "UPDATE scores SET score = 0.125")
    again.one(house.rt, document, again.Again.REREAD, by="person:ada")
    house.work()
    sql(house, "UPDATE scores SET score = 0.5 WHERE score IS DISTINCT FROM 0.125")
    with house.rt.transaction() as tx:
        found = labels.by_method(tx, [document])
        both = labels.by_method(tx, [document, other])
        assert labels.by_method(tx, []) == {}

    assert found
    for scores in found.values():
        assert {place[0] for place in scores} == {document}
        assert set(scores.values()) == {0.5}
    for scores in both.values():
        assert {score for place, score in scores.items() if place[0] == other} <= {0.125}
    sql(house, "UPDATE scores SET score = NULL")
    with house.rt.transaction() as tx:
        assert labels.by_method(tx, [document]) == {}
