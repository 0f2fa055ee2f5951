"""What people say of whole documents: one word instead of six, on record, and taken back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from extractors.errors import UnknownDocumentType
from tests.web.making import TRUTH, a_slip
from worker.actor import Actor, Forbidden, Role
from worker.errors import NotFound
from worker.review import actions, verdict_actions, verdicts
from worker.review.actions import Answer
from worker.review.errors import InvalidDecision, NotSeen, ReviewConflict
from worker.review.tables import Action, Verdict
from worker.review.verdict_actions import Said

ADA, BOB, EVE = Actor("ada"), Actor("bob"), Actor("eve", Role.MANAGER)
LEASE = timedelta(minutes=5)


def judge(site, document, verdict, who=ADA, **more):
    said = Said(verdict=verdict, **{"seen": True, **more})
    verdict_actions.judge(who, document, said, site.house.rt)


def stands(site, document):
    (row,) = site.house.rows("SELECT status, error_code FROM documents WHERE id = :id", id=document)
    return tuple(row)


@pytest.mark.parametrize("verdict", [Verdict.NOT_OURS, Verdict.ILLEGIBLE])
def test_one_word_ends_all_questions_about_a_document(site, verdict):
    """It rests as rejected, with the code and who said so; nothing of it waits."""
    document = site.read()
    assert len(site.items(document)) == 2
    judge(site, document, verdict)
    assert stands(site, document) == ("rejected", verdict.value)
    assert site.items(document) == {}
    (event,) = site.house.rows("SELECT * FROM document_events WHERE to_status = 'rejected'")
    assert (event.code, event.actor, event.stage) == (verdict.value, "person:ada", "review")
    (said,) = site.house.rows("SELECT verdict, who, seen FROM document_verdicts")
    assert said == (verdict.value, "ada", True)


def test_a_duplicate_names_the_document_that_it_says_the_same_as(site):
    """It is asked and stored; those that look alike are offered."""
    first, second = site.read(), site.read(a_slip({**TRUTH, "payee": "Nordlicht GmbH"}))
    with site.house.rt.transaction() as tx:
        (alike,) = verdicts.alike(tx, second)
    assert (alike.document_id, alike.why) == (first, "the same number RE-2026-0481")
    with pytest.raises(InvalidDecision, match="names the document"):
        judge(site, second, Verdict.DUPLICATE)
    with pytest.raises(InvalidDecision, match="this one"):
        judge(site, second, Verdict.DUPLICATE, duplicate_of=second)
    with pytest.raises(NotFound):
        judge(site, second, Verdict.DUPLICATE, duplicate_of=uuid4())
    judge(site, second, Verdict.DUPLICATE, duplicate_of=first)
    assert stands(site, second) == ("rejected", "duplicate")
    assert site.house.rows("SELECT duplicate_of FROM document_verdicts") == [(first,)]
    with pytest.raises(InvalidDecision, match="rejected itself"):
        judge(site, first, Verdict.DUPLICATE, duplicate_of=second)


def test_a_verdict_is_taken_back_and_its_fields_wait_again(site):
    """By U, as any decision; also by a manager."""
    document = site.read()
    before = set(site.items(document).values())
    judge(site, document, Verdict.NOT_OURS)
    with pytest.raises(Forbidden):
        judge(site, document, Verdict.UNDO, who=BOB)
    undone = actions.undo_last(ADA, site.house.rt, lease=LEASE)
    assert undone.document_id == document
    assert undone.item_id in before
    assert stands(site, document) == ("in_review", None)
    assert set(site.items(document).values()) == before
    judge(site, document, Verdict.ILLEGIBLE)
    judge(site, document, Verdict.UNDO, who=EVE)
    assert stands(site, document) == ("in_review", None)
    words = site.house.rows("SELECT verdict FROM document_verdicts ORDER BY id")
    assert [row.verdict for row in words] == ["not_ours", "undo", "illegible", "undo"]


def test_an_undo_takes_back_what_one_did_last_field_or_document(site):
    """In the order in which it was done."""
    document = site.read()
    item = site.items(document)["total"]
    actions.decide(ADA, item, Answer(action=Action.ACCEPT, seen=True), site.house.rt)
    judge(site, document, Verdict.NOT_OURS)
    actions.undo_last(ADA, site.house.rt, lease=LEASE)
    assert site.house.status(document) == "in_review"
    assert actions.undo_last(ADA, site.house.rt, lease=LEASE).item_id == item


def test_an_accepted_document_can_be_rejected_and_comes_back_accepted(make_site):
    """The machine accepted every field of a paper that is not ours."""
    site = make_site()
    document = site.read()
    judge(site, document, Verdict.NOT_OURS)
    assert stands(site, document) == ("rejected", "not_ours")
    assert actions.undo_last(ADA, site.house.rt, lease=LEASE).item_id is None
    assert stands(site, document) == ("accepted", None)


def test_nothing_of_a_rejected_document_is_decided(site):
    """A decision that was on its way gets a conflict; nothing is judged twice."""
    document = site.read()
    item = site.items(document)["total"]
    judge(site, document, Verdict.NOT_OURS)
    with pytest.raises(ReviewConflict, match="rejected"):
        actions.decide(BOB, item, Answer(action=Action.ACCEPT, seen=True), site.house.rt)
    with pytest.raises(ReviewConflict, match="rejected"):
        judge(site, document, Verdict.ILLEGIBLE, who=BOB)


def test_only_illegible_is_said_of_what_nobody_saw(site):
    """As of a field."""
    document = site.read()
    for verdict in (Verdict.NOT_OURS, Verdict.OTHER_TYPE):
        with pytest.raises(NotSeen):
            judge(site, document, verdict, seen=False)
    judge(site, document, Verdict.ILLEGIBLE, seen=False)
    assert site.house.rows("SELECT seen FROM document_verdicts") == [(False,)]


def test_a_document_without_a_type_is_named_or_rejected(site):
    """The same keys where nothing is read yet."""
    document = site.read(a_slip(words=False), document_type="auto")
    judge(site, document, Verdict.NOT_OURS)
    judge(site, document, Verdict.UNDO)
    assert stands(site, document) == ("needs_type", None)
    with pytest.raises(UnknownDocumentType):
        judge(site, document, Verdict.OTHER_TYPE, document_type="letter")
    with pytest.raises(InvalidDecision, match="which type"):
        judge(site, document, Verdict.OTHER_TYPE)
    judge(site, document, Verdict.OTHER_TYPE, document_type="slip")
    site.house.work()
    assert site.house.status(document) == "in_review"
    (said,) = site.house.rows("SELECT * FROM document_verdicts WHERE verdict = 'other_type'")
    assert (said.who, said.document_type, said.before) == ("ada", "slip", {"status": "needs_type"})


def test_a_verdict_can_never_be_changed(site):
    """As a decision cannot."""
    judge(site, site.read(), Verdict.NOT_OURS)
    with pytest.raises(IntegrityError, match="append-only"), site.house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("UPDATE document_verdicts SET who = 'eve'")
