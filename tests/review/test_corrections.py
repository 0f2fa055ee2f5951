"""What was accepted, or decided, can be corrected: a decision with its author, and taken back."""

from datetime import timedelta

import pytest

from tests.web.making import TRUTH
from worker.actor import Actor, Forbidden, Role
from worker.errors import NotFound
from worker.pipeline import again
from worker.review import actions
from worker.review.actions import Answer
from worker.review.errors import InvalidDecision, NotSeen, ReviewConflict
from worker.review.tables import Action

ADA, BOB, EVE = Actor("ada"), Actor("bob"), Actor("eve", Role.MANAGER)
LEASE = timedelta(minutes=5)


def correct(site, document, field, who=ADA, ordinal=0, **more):
    answer = Answer(**{"action": Action.CORRECT, "seen": True, **more})
    return actions.correct(who, document, field, ordinal, answer, site.house.rt)


def outcome(site, field):
    (row,) = site.house.rows(
        "SELECT text, decision, corrected, decided_by, read_text FROM reporting.field_outcomes"
        " WHERE field = :field AND ordinal = 0",
        field=field,
    )
    return row


@pytest.fixture
def sure(make_site):
    """A site that accepts everything."""
    return make_site()


def test_an_accepted_value_is_corrected_while_the_document_is_open(site):
    """Its author stands beside it, and what the machine had read."""
    document = site.read()
    decided = correct(site, document, "number", text="RE-2026-0482")
    assert (decided.open_items, decided.status) == (2, "in_review")
    assert outcome(site, "number") == ("RE-2026-0482", "reviewed", True, "ada", "RE-2026-0481")


def test_an_accepted_document_becomes_a_reviewed_one_and_back(sure):
    """Accepted means that no person decided anything: a correction ends that, an undo restores
    it.
    """
    document = sure.read()
    assert sure.house.status(document) == "accepted"
    decided = correct(sure, document, "total", text="1,284.51")
    assert (decided.open_items, decided.status) == (0, "reviewed")
    actions.undo_last(ADA, sure.house.rt, lease=LEASE)
    assert sure.house.status(document) == "accepted"
    assert outcome(sure, "total") == ("1,284.50", "accepted", None, None, "1,284.50")
    moves = sure.house.rows(
        "SELECT to_status, actor FROM document_events WHERE actor LIKE 'person%' ORDER BY id"
    )
    assert moves == [("reviewed", "person:ada"), ("accepted", "person:ada")]


def test_what_was_decided_of_an_earlier_answer_makes_the_next_one_no_reviewed_one(sure):
    """The correction was carried over, and is taken back there: the machine's word counts again."""
    document = sure.read()
    correct(sure, document, "total", text="1,284.51")
    again.one(sure.house.rt, document, again.Again.REREAD, by="person:eve")
    sure.house.work()
    assert (sure.house.status(document), outcome(sure, "total").text) == ("reviewed", "1,284.51")

    (item,) = sure.house.rows(
        "SELECT i.id FROM review_items i JOIN results r ON r.id = i.result_id WHERE"
        " r.generation = 2 AND r.name = 'total'"
    )
    actions.decide(ADA, item.id, Answer(action=Action.UNDO), sure.house.rt)

    assert outcome(sure, "total") == ("1,284.50", "accepted", None, None, "1,284.50")
    assert sure.house.status(document) == "accepted"


def test_a_reviewed_document_can_still_be_corrected(site):
    """Also what a person decided themselves; each word stays on record."""
    document = site.read()
    for item in site.items().values():
        actions.decide(ADA, item, Answer(action=Action.ACCEPT, seen=True), site.house.rt)
    correct(site, document, "total", text="1,284.60")
    correct(site, document, "payee", action=Action.ABSENT)
    assert outcome(site, "total").text == "1,284.60"
    assert outcome(site, "payee").text is None
    assert [each.action for each in site.decisions()] == ["accept", "accept", "correct", "absent"]
    assert site.house.status(document) == "reviewed"


def test_a_value_of_a_row_is_corrected_by_its_row(sure):
    """The second row's amount, not the first's."""
    document = sure.read()
    correct(sure, document, "items.amount", ordinal=1, text="184.00")
    texts = sure.house.rows("SELECT text FROM results WHERE name = 'items.amount' ORDER BY ordinal")
    assert texts == [("1,100.00",), ("184.00",)]
    assert TRUTH["items"][0]["amount"] == "1,100.00"


def test_the_second_of_two_corrections_gets_a_conflict(sure):
    """Both saw the value as it was accepted; a retry of the first counts once."""
    document = sure.read()
    first = correct(sure, document, "total", text="1.00", version=1)
    assert correct(sure, document, "total", text="1.00", version=1) == first
    with pytest.raises(ReviewConflict) as conflict:
        correct(sure, document, "total", text="2.00", version=1, who=EVE)
    assert conflict.value.mine.text == "2.00"
    assert len(sure.decisions()) == 1


def test_what_somebody_else_decided_is_a_managers_to_correct(sure):
    """A reviewer is told to ask."""
    document = sure.read()
    correct(sure, document, "total", text="1.00")
    with pytest.raises(Forbidden, match="manager"):
        correct(sure, document, "total", text="2.00", who=BOB)
    correct(sure, document, "total", text="3.00", who=EVE)
    assert outcome(sure, "total").decided_by == "eve"


def test_a_correction_that_makes_no_sense_leaves_no_trace(sure):
    """Unseen, of no such field, of a list, of no such meaning."""
    document = sure.read()
    before = sure.house.everything()
    for field, more, error in (
        ("total", {"seen": False, "text": "1.00"}, NotSeen),
        ("colour", {"text": "red"}, NotFound),
        ("total", {"text": "many"}, InvalidDecision),
        ("total", {"action": Action.ACCEPT}, InvalidDecision),
    ):
        with pytest.raises(error):
            correct(sure, document, field, **more)
    assert sure.house.everything() == before
