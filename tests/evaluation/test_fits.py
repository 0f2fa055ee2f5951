"""What people decided becomes labels, and these are held against the score that was there."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.decision.combined import bundled
from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.pipeline.conftest import (  # noqa: F401  fixtures
    TINY_CANVAS,
    TRUTH,
    House,
    Make,
    a_pdf,
    make_house,
    renderer,
)
from worker.actor import Actor
from worker.audits import actions as audits
from worker.audits import store as audit_store
from worker.audits.actions import Said
from worker.evaluation import decided
from worker.review import actions
from worker.review.actions import Answer
from worker.review.tables import Action

ADA = Actor("ada")
DOUBT = 0.55  # of each value's tokens: the prior believes little of what is right here
KEY = max(bundled())


def a_house(make_house: Make, *, known: bool = True, **changes: Any) -> House:
    """A model whose every value waits; known: with the fingerprint that weights ship for."""
    line = Line(truth={**TRUTH, "date": "14/04/2026"}, probability=DOUBT)
    backend = ScriptedBackend(lambda page, spec: line, canvas=TINY_CANVAS)
    if known:
        backend.fingerprint, backend.decode_mode = KEY
    return make_house(backend=backend, **changes)


# values first: each document has one field that is not there
WAITING = """
SELECT i.id, r.state FROM review_items AS i JOIN results AS r ON r.id = i.result_id
WHERE i.state = 'open' ORDER BY r.state <> 'value', i.document_id, r.name
"""


def reviewed(house: House, documents: int, *, wrong: Callable[[int], bool] = lambda n: n % 8 == 0):
    """So many documents whose waiting fields a person decides, every eighth of them wrong."""
    for n in range(documents):
        house.submit(a_pdf(f"Foo Ltd A-17 {n}", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    numbers = count()
    for item in house.rows(WAITING):
        answer = Answer(action=Action.ACCEPT, seen=True)
        if wrong(next(numbers)) and item.state == "value":  # an absent one would be right
            answer = Answer(action=Action.ABSENT, seen=True)
        actions.decide(ADA, item.id, answer, house.rt)


def labels(house: House, *, document_type: str | None = None, until: datetime | None = None):
    until = until or datetime.now(UTC) + timedelta(minutes=1)
    with house.rt.transaction() as tx:
        return list(decided.labels(tx, house.rt, document_type=document_type, until=until))


def test_what_people_decided_is_a_label_and_what_nobody_saw_is_none(make_house: Make) -> None:
    """With the evidence as it was scored; before a cut, and of one type where it is asked for."""
    house = a_house(make_house, audit_rate=0.0)
    start = datetime.now(UTC)
    reviewed(house, 2)
    house.submit(a_pdf("not decided"))
    house.work()
    found = labels(house)
    (decided,) = house.rows("SELECT count(*) FROM results WHERE decision = 'reviewed'")

    assert len(found) == decided.count > 0
    (wrong,) = house.rows("SELECT count(*) FROM review_decisions WHERE action = 'absent'")
    assert sum(not one.right for one in found) == wrong.count > 0
    assert {(one.evidence.fingerprint, one.evidence.decode_mode) for one in found} == {KEY}
    assert all(one.evidence.tokens and not one.drawn for one in found)
    assert labels(house, until=start) == []
    assert labels(house, document_type="invoice") == []
    assert len(labels(house, document_type="slip")) == len(found)


def test_what_nobody_can_read_is_neither_right_nor_wrong(make_house: Make) -> None:
    house = a_house(make_house)
    reviewed(house, 1)
    before = len(labels(house))
    house.submit(a_pdf("a further one"))
    house.work()
    for item in house.rows("SELECT id FROM review_items WHERE state = 'open'"):
        actions.decide(ADA, item.id, Answer(action=Action.UNREADABLE, seen=True), house.rt)

    assert len(labels(house)) == before


def test_drawn_labels_are_a_sample_up_to_the_first_that_nobody_judged(make_house: Make) -> None:
    """Doubtful ones are judged first: a sample with holes would say that scores are too high."""
    house = a_house(make_house, audit_rate=1.0)
    reviewed(house, 2)
    (all_drawn,) = house.rows("SELECT count(*) FROM audits")
    assert sum(one.drawn for one in labels(house)) == all_drawn.count > 0
    house.submit(a_pdf("a further one"))
    house.work()
    before = {one.document for one in labels(house)}
    items = house.rows("SELECT id FROM review_items WHERE state = 'open' ORDER BY id")
    actions.decide(ADA, items[0].id, Answer(action=Action.ACCEPT, seen=True), house.rt)

    assert len(items) > 1
    assert {one.drawn for one in labels(house) if one.document not in before} == {False}
    assert sum(one.drawn for one in labels(house)) == all_drawn.count


def test_an_audit_of_an_accepted_value_is_a_label(make_house: Make) -> None:
    """Right ones, and wrong ones that the audit corrected."""
    line = Line(truth={**TRUTH, "date": "14/04/2026"})
    backend = ScriptedBackend(lambda page, spec: line, canvas=TINY_CANVAS)
    backend.fingerprint, backend.decode_mode = KEY
    house = make_house(backend=backend, audit_rate=1.0)
    house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    with house.rt.transaction() as tx:
        waiting = {one.field: one.audit_id for one in audit_store.list_waiting(tx, limit=50)}
    for field, typed in (("total", "12.60"), ("number", "A-17")):
        said = Said(action=Action.CORRECT, text=typed, seen=True, compared=True)
        audits.answer(ADA, waiting[field], said, house.rt)

    assert sorted(one.right for one in labels(house)) == [False, True]


def test_a_doubt_that_people_lift_makes_a_better_score(make_house: Make, surefield) -> None:
    """Said with intervals, by weights that the document itself did not make."""
    house = a_house(make_house)
    # one and the same field in every other document: nobody can learn from wrongs by chance
    reviewed(house, 24, wrong=lambda n: n % 10 == 0)
    said = json.loads(surefield("fit", "--json"))
    (one,) = said

    assert one["is_better"]
    assert one["before"] == "combined/1"
    assert one["labels"] == len(labels(house))
    assert one["wrong"] == sum(not x.right for x in labels(house))
    gain, low, high = one["all"]["gain"]["brier"]
    assert 0 < low <= gain <= high
    assert one["fit"]["fitted_on"]["prior_worth"] == 1500
    assert "It is better" in surefield("fit", "--type", "slip")


def test_labels_that_the_prior_knew_are_said_to_make_nothing_better(
    make_house: Make, surefield
) -> None:
    """Of each field as many are right as the prior told: there is nothing to learn."""
    house = a_house(make_house)
    for n in range(20):
        house.submit(a_pdf(f"Foo Ltd A-17 {n}", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    told: Counter[str] = Counter()  # rights that the prior told so far, less those that there were
    for item in house.rows(
        "SELECT i.id, r.name, r.state, s.score FROM review_items i"
        " JOIN results r ON r.id = i.result_id AND r.kind <> 'group'"
        " JOIN scores s ON s.field_id = r.field_id AND s.method = 'combined/1' ORDER BY i.id"
    ):
        told[item.name] += item.score
        right = told[item.name] >= 0.5
        told[item.name] -= right
        wrong = Action.CORRECT if item.state == "absent" else Action.ABSENT
        text = {**TRUTH, "date": "14/04/2026"}[item.name]
        answer = Answer(action=Action.ACCEPT if right else wrong, text=text, seen=True)
        actions.decide(ADA, item.id, answer, house.rt)

    assert "It is not better" in surefield("fit")


def test_a_model_that_nothing_ships_for_needs_labels_enough(make_house: Make, surefield) -> None:
    house = a_house(make_house, known=False)
    reviewed(house, 4)
    (one,) = json.loads(surefield("fit", "--json"))

    assert one["fit"] is None
    assert one["before"] == "weakest-token/1"
    assert not one["is_better"]
    assert "Too few labels" in surefield("fit")


def test_a_few_documents_alone_make_nothing_better(make_house: Make, surefield) -> None:
    """Their rows are alike, and an interval by document of so few says nothing."""
    house = a_house(make_house)
    reviewed(house, 4)
    (one,) = json.loads(surefield("fit", "--json"))

    assert one["all"]["gain"]["brier"][1] > 0
    assert not one["is_better"]
    assert "Too few documents" in surefield("fit")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Nobody has decided anything yet"),
        (("--type", "no-such-type"), "unknown_document_type"),
        (("--until", "yesterday"), "Invalid value"),
        (("--until", "2999-01-31"), "lies in the future"),
    ],
)
def test_what_is_missing_is_said(db, surefield, words, says) -> None:
    assert says in " ".join(surefield("fit", *words, fails=True).split())
