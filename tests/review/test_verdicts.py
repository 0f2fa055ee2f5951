"""What people say of whole documents: one word instead of six, on record, and taken back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from extractors.errors import UnknownDocumentType
from tests.review.test_type_changed import NOTE
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


def test_a_rejected_document_is_offered_as_no_original(site):
    """While the verdict stands: a duplicate names the document that is kept."""
    first, second = site.read(), site.read(a_slip({**TRUTH, "payee": "Nordlicht GmbH"}))

    def alike():
        with site.house.rt.transaction() as tx:
            return [each.document_id for each in verdicts.alike(tx, second)]

    assert alike() == [first]
    judge(site, first, Verdict.NOT_OURS)
    assert alike() == []
    judge(site, first, Verdict.UNDO)
    assert alike() == [first]


def test_a_decision_after_a_verdict_is_taken_back_before_it(site):
    """The verdict is about another document, and stands."""
    first, second = site.read(), site.read(a_slip({**TRUTH, "payee": "Nordlicht GmbH"}))
    judge(site, first, Verdict.NOT_OURS)
    item = site.items(second)["total"]
    actions.decide(ADA, item, Answer(action=Action.ACCEPT, seen=True), site.house.rt)
    assert actions.undo_last(ADA, site.house.rt, lease=LEASE).item_id == item
    assert stands(site, first) == ("rejected", "not_ours")
    assert actions.undo_last(ADA, site.house.rt, lease=LEASE).document_id == first
    assert site.house.status(first) == "in_review"


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


@pytest.fixture
def two_types(make_site, tmp_path):
    """A site that knows slips and notes."""
    folder = tmp_path / "types"
    folder.mkdir()
    (folder / "note.py").write_text(NOTE)
    return make_site(doubts={"total": 0.41}, changes={"document_types_folder": folder})


def test_a_document_that_was_read_is_read_again_as_another_type(two_types):
    """Its open fields wait for nobody any more, and the new answer has the new type's fields."""
    site = two_types
    document = site.read()
    old = site.items(document)
    judge(site, document, Verdict.OTHER_TYPE, document_type="note")
    with pytest.raises(ReviewConflict):
        actions.decide(BOB, old["total"], Answer(action=Action.ACCEPT, seen=True), site.house.rt)
    site.house.work()

    assert set(site.house.results(document)) >= {"payee", "total"}
    rows = site.house.rows("SELECT DISTINCT field FROM reporting.field_outcomes")
    assert {row.field for row in rows} == {"payee", "total"}
    (said,) = site.house.rows("SELECT * FROM document_verdicts")
    assert said.before == {"status": "in_review", "document_type": "slip"}
    assert set(site.items(document)) == {"total"}
    states = site.house.rows("SELECT id, state FROM review_items ORDER BY created_at")
    assert {row.state for row in states if row.id in old.values()} == {"superseded"}
    assert [row.state for row in states if row.id not in old.values()] == ["open"]


def test_that_it_is_of_another_type_can_be_taken_back(two_types):
    """It is read as what it was before; a second time there is nothing to take back."""
    site = two_types
    document = site.read()
    judge(site, document, Verdict.OTHER_TYPE, document_type="note")
    site.house.work()
    judge(site, document, Verdict.UNDO)
    site.house.work()

    (row,) = site.house.rows("SELECT document_type, status, generation FROM documents")
    assert tuple(row) == ("slip", "in_review", 3)
    with pytest.raises(ReviewConflict):
        judge(site, document, Verdict.UNDO)


def test_an_accepted_document_may_be_of_another_type_too(make_site, tmp_path):
    (tmp_path / "note.py").write_text(NOTE)
    site = make_site(changes={"document_types_folder": tmp_path})
    document = site.read()
    assert site.house.status(document) == "accepted"
    judge(site, document, Verdict.OTHER_TYPE, document_type="note")
    site.house.work()
    assert site.house.status(document) == "accepted"
    rows = site.house.rows("SELECT DISTINCT field FROM reporting.field_outcomes")
    assert {row.field for row in rows} == {"payee", "total"}


def test_the_type_that_it_was_read_as_is_no_other_type(site):
    document = site.read()
    before = site.house.everything()
    with pytest.raises(InvalidDecision, match="already"):
        judge(site, document, Verdict.OTHER_TYPE, document_type="slip")
    assert site.house.everything() == before
    assert site.house.rows("SELECT 1 FROM document_verdicts") == []


def test_while_it_is_read_as_another_type_nothing_more_is_said_of_its_type(two_types):
    site = two_types
    document = site.read()
    judge(site, document, Verdict.OTHER_TYPE, document_type="note")
    for said in (
        {"verdict": Verdict.OTHER_TYPE, "document_type": "slip"},
        {"verdict": Verdict.UNDO},
    ):
        with pytest.raises(ReviewConflict):
            judge(site, document, **said)


def test_the_same_file_sent_again_is_the_same_document_whatever_type_it_is_read_as(two_types):
    """The sender said its type, and says it again."""
    site, content = two_types, a_slip()
    document = site.read(content, key="k-1")
    judge(site, document, Verdict.OTHER_TYPE, document_type="note")
    site.house.work()
    assert site.read(content, key="k-1") == document
