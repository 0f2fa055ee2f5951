"""Two questions beside each other: whose they are, whose time is over, which link opens which."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import a_document, begin, rows, run
from worker.errors import NotFound
from worker.questions import store, tries
from worker.questions.asking import Ended, ask
from worker.questions.errors import InvalidQuestion, NoSuchLink
from worker.questions.tries import MOST_FROM_AN_ADDRESS, MOST_OF_A_LINK, TooManyQuestionTries
from worker.questions.types import New
from worker.tables.documents import Status
from worker.tables.questions import QuestionState, Wanted

Sessions = sessionmaker[Session]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WORDS = New(wanted=Wanted.TEXT, doubt="x", text="What is this?")


def asked(db: Sessions, document: UUID, new: New = WORDS, lasts: timedelta = DAY) -> Any:
    with begin(db) as tx:
        return ask(tx, document, [new], by="person:ada", lasts=lasts)


def a_question(db: Sessions, **more: Any) -> tuple[UUID, Any]:
    """A document that waits for its sender, and the link to what they were asked."""
    document = a_document(db, status=Status.IN_REVIEW, **more)
    (link,) = asked(db, document.id)
    return document.id, link


def whole(db: Sessions, question: UUID) -> Any:
    return rows(db, "SELECT to_jsonb(q) FROM questions AS q WHERE id = :id", id=question)[0][0]


def test_a_question_is_its_senders_and_opens_by_its_own_link(db: Sessions) -> None:
    """Another upstream has none of it; a link that was made anew ends the one before."""
    document, link = a_question(db, upstream="left")
    _, other = a_question(db, upstream="right")
    with begin(db) as tx:
        assert store.of_id(tx, link.question_id, upstream="left").document_id == document
        assert store.of_id(tx, link.question_id).document_id == document
        with pytest.raises(NotFound):
            store.of_id(tx, link.question_id, upstream="right")
        with pytest.raises(NotFound):
            store.of_id(tx, uuid4())
        new = store.new_link(tx, link.question_id)
        assert store.of_token(tx, new.token).question_id == link.question_id
        assert store.of_token(tx, other.token).question_id == other.question_id
        for gone in (link.token, "", other.token[:-1]):
            with pytest.raises(NoSuchLink):
                store.of_token(tx, gone)


def test_questions_are_listed_by_sender_document_and_state(db: Sessions) -> None:
    """Each narrows what the others leave; the oldest first, and no more than asked for."""
    one, first = a_question(db, upstream="left")
    two, second = a_question(db, upstream="left")
    _, third = a_question(db, upstream="right")
    with begin(db) as tx:
        store.close(tx, [second.question_id], to=QuestionState.WITHDRAWN, by="person:ada")

    def listed(**asked_for: Any) -> list[UUID]:
        with begin(db) as tx:
            return [each.question_id for each in store.listed(tx, **asked_for)]

    of = [each.question_id for each in (first, second, third)]
    assert listed() == [of[0], of[2]]
    assert listed(state=None) == of
    assert listed(state=None, limit=2) == of[:2]
    assert listed(upstream="left") == [of[0]]
    assert listed(upstream="left", state=QuestionState.WITHDRAWN) == [of[1]]
    assert listed(document_id=two) == []
    assert listed(document_id=two, state=None) == [of[1]]
    assert listed(document_id=one, upstream="right") == []


def test_a_question_that_ended_keeps_its_end(db: Sessions) -> None:
    """It is closed once; the one beside it, about the same document, stays open."""
    document, link = a_question(db)
    (other,) = asked(db, document, New(wanted=Wanted.FILE, doubt="x", text="A better scan?"))
    assert asked(db, document) == []  # the same one is open already
    before = whole(db, other.question_id)
    for to, door in ((QuestionState.ANSWERED, "api"), (QuestionState.EXPIRED, None)):
        with begin(db) as tx:
            store.close(tx, [link.question_id], to=to, by="upstream:tests", door=door, answer="A")
    row = whole(db, link.question_id)
    assert (row["state"], row["door"], row["answer"]) == ("answered", "api", "A")
    assert row["token_sealed"] is None
    assert whole(db, other.question_id) == before
    assert len(asked(db, document)) == 1  # it may be asked again


@pytest.mark.parametrize(
    ("question", "is_over", "is_due"),
    [
        ("expires_at = now() - interval '1 s', asked_at = now() - interval '2 h'", True, False),
        ("asked_at = now() - interval '2 h'", False, True),
        ("asked_at = now() - interval '30 min'", False, False),
        ("asked_at = now() - interval '2 h', reminded_at = now() - interval '1 min'", False, False),
        ("asked_at = now() - interval '3 h', reminded_at = now() - interval '2 h'", False, True),
        (
            "asked_at = now() - interval '2 h', expires_at = now() - interval '1 s',"
            " state = 'withdrawn', closed_at = now(), closed_by = 'x', token_sealed = NULL",
            False,
            False,
        ),
    ],
)
def test_a_question_is_reminded_of_until_its_time_is_over(
    db: Sessions, question: str, is_over: bool, is_due: bool
) -> None:
    """Counted from the reminder before; its neighbour, which was asked just now, waits."""
    document, link = a_question(db)
    other, beside = a_question(db)
    run(db, f"UPDATE questions SET {question} WHERE id = :id", id=link.question_id)
    before = whole(db, beside.question_id)
    with begin(db) as tx:
        assert store.overdue(tx, limit=9) == ([document] if is_over else [])
        assert store.unreminded(tx, every=HOUR, limit=9) == ([document] if is_due else [])
        assert store.note_reminder(tx, document, every=HOUR) is is_due
        assert not store.note_reminder(tx, document, every=HOUR)
        assert not store.note_reminder(tx, other, every=HOUR)
    assert whole(db, link.question_id)["reminders"] == int(is_due)
    assert whole(db, beside.question_id) == before


def test_documents_with_several_questions_are_swept_once_each(db: Sessions) -> None:
    """And no more of them at a time than asked for."""
    made = {a_question(db)[0] for _ in range(2)}
    for document in made:
        asked(db, document, New(wanted=Wanted.FILE, doubt="x", text="A better scan?"))
    run(db, "UPDATE questions SET asked_at = now() - interval '2 h'")
    with begin(db) as tx:
        assert set(store.unreminded(tx, every=HOUR, limit=9)) == made
        assert len(store.unreminded(tx, every=HOUR, limit=1)) == 1
    run(db, "UPDATE questions SET expires_at = now() - interval '1 s'")
    with begin(db) as tx:
        found = store.overdue(tx, limit=9)
        assert (len(found), set(found)) == (2, made)
        assert len(store.overdue(tx, limit=1)) == 1


PASSWORD = New(wanted=Wanted.PASSWORD, doubt="x", text="Its password?")
TYPE = New(wanted=Wanted.TYPE, doubt="x", text="Which?")
VALUE = New(wanted=Wanted.VALUE, doubt="x", text="How much?", field="total")


@pytest.mark.parametrize(
    ("status", "code", "new", "is_asked"),
    [
        (Status.IN_REVIEW, None, WORDS, True),
        (Status.ACCEPTED, None, WORDS, True),
        (Status.FAILED, "unreadable_file", WORDS, True),
        (Status.RENDERED, None, WORDS, False),
        (Status.SCORED, None, WORDS, False),
        (Status.FAILED, "encrypted_pdf", PASSWORD, True),
        (Status.FAILED, "unreadable_file", PASSWORD, False),
        (Status.IN_REVIEW, None, PASSWORD, False),
        (Status.IN_REVIEW, None, VALUE, True),
        (Status.FAILED, "unreadable_file", VALUE, False),
        (Status.IN_REVIEW, None, TYPE, False),
        (Status.IN_REVIEW, None, New(wanted=Wanted.TEXT, doubt="x", text="  "), False),
        (Status.IN_REVIEW, None, New(wanted=Wanted.TEXT, doubt="x", text="x" * 4_000), True),
        (Status.IN_REVIEW, None, New(wanted=Wanted.TEXT, doubt="x", text="x" * 4_001), False),
    ],
)
def test_only_what_would_help_is_asked_where_somebody_may_be_asked(
    db: Sessions, status: Status, code: str | None, new: New, is_asked: bool
) -> None:
    """Another document of the same status is not put to its sender with it."""
    document, other = (a_document(db, status=status) for _ in range(2))
    if code is not None:
        run(db, "UPDATE documents SET error_code = :code", code=code)
    before = rows(db, "SELECT * FROM documents WHERE id = :id", id=other.id)
    held = "SELECT leased_by FROM review_items WHERE document_id = :id"
    if not is_asked:
        with pytest.raises(InvalidQuestion):
            asked(db, document.id, new)
        assert rows(db, "SELECT 1 FROM questions") == []
        return
    asked(db, document.id, new)
    (row,) = rows(db, "SELECT status FROM documents WHERE id = :id", id=document.id)
    assert row.status == "needs_input"
    assert rows(db, "SELECT * FROM documents WHERE id = :id", id=other.id) == before
    assert {one.leased_by for one in rows(db, held, id=other.id)} <= {None}
    (question,) = rows(db, "SELECT back, fails_with FROM questions")
    assert (question.back, question.fails_with) == (status, code)


def test_a_second_question_leads_back_to_where_the_first_one_does(db: Sessions) -> None:
    """Not to where the document waits for its sender."""
    document = a_document(db, status=Status.IN_REVIEW)
    ended = Ended(to=Status.FAILED, code="encrypted_pdf", message="It needs a password.")
    with begin(db) as tx:
        ask(tx, document.id, [WORDS], by="worker", lasts=DAY, ended=ended)
    asked(db, document.id, New(wanted=Wanted.FILE, doubt="x", text="A better scan?"))
    back = rows(db, "SELECT back, fails_with, fails_because FROM questions")
    assert [tuple(row) for row in back] == [("failed", "encrypted_pdf", "It needs a password.")] * 2


@pytest.mark.parametrize(
    ("of_link", "of_address", "refused"),
    [
        (MOST_OF_A_LINK, 0, False),
        (MOST_OF_A_LINK + 1, 0, True),
        (0, MOST_FROM_AN_ADDRESS, False),
        (0, MOST_FROM_AN_ADDRESS + 1, True),
    ],
)
def test_a_link_and_an_address_have_a_most_of_their_own(
    db: Sessions, of_link: int, of_address: int, refused: bool
) -> None:
    """What others open counts for neither; after a quarter of an hour nothing does."""
    with begin(db) as tx:
        for number in range(of_link):
            tries.note(tx, "mine", f"10.1.0.{number}")
        for number in range(of_address):
            tries.note(tx, f"theirs {number}", "10.0.0.1")
        for number in range(130):
            tries.note(tx, f"somebody's {number}", f"10.2.0.{number}")
        if refused:
            with pytest.raises(TooManyQuestionTries, match="15 minutes"):
                tries.check(tx, "mine", "10.0.0.1")
        else:
            tries.check(tx, "mine", "10.0.0.1")
        tries.check(tx, "another", "10.9.9.9")
    run(db, "UPDATE question_tries SET tried_at = now() - interval '16 min'")
    with begin(db) as tx:
        tries.check(tx, "mine", "10.0.0.1")
        tries.note(tx, "mine", "10.0.0.1")
    kept = of_link + of_address + 131
    assert rows(db, "SELECT count(*) FROM question_tries") == [(kept,)]
    run(db, "UPDATE question_tries SET tried_at = now() - interval '31 min' WHERE address <> 'x'")
    with begin(db) as tx:
        tries.note(tx, "mine", "x")
    assert rows(db, "SELECT count(*) FROM question_tries") == [(1,)]
