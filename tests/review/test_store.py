"""Results and review: what is accepted, what waits, and what people decide, once and on record."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from extractors.documents.spec import Kind
from extractors.normalise import Value
from extractors.types import Box, FieldState
from tests.factories import (
    LEASE,
    MadeDocument,
    a_document,
    begin,
    everything_about,
    results_of,
    wait_for_lock,
)
from worker import store
from worker.db import transaction
from worker.errors import NotFound
from worker.review import queue, undo
from worker.review import store as review_store
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.tables import Action, ItemState
from worker.review.types import Decided, Decision, Item, ItemFilter
from worker.store.types import Measured, NewScore
from worker.tables.documents import Status

Sessions = sessionmaker[Session]


def in_review(db: Sessions, **submission: Any) -> MadeDocument:
    return a_document(db, status=Status.IN_REVIEW, **submission)


def item_of(db: Sessions, document: MadeDocument) -> Item:
    with begin(db) as tx:
        (found,) = queue.list_items(tx, ItemFilter(document_id=document.id)) or queue.list_items(
            tx, ItemFilter(document_id=document.id), closed=True
        )
    return found


def decide(db: Sessions, at: Item, action: Action, who: str = "ada", **more: Any) -> Decided:
    with begin(db) as tx:
        if action is Action.UNDO:
            return undo.take_back(tx, at.item_id, version=at.version, who=who)
        return review_store.decide(
            tx, Decision(item_id=at.item_id, version=at.version, who=who, action=action, **more)
        )


def result_of(db: Sessions, document: MadeDocument, name: str = "total") -> dict[str, Any]:
    (row,) = (row for row in everything_about(db, document.id)["results"] if row["name"] == name)
    return dict(row)


def two_to_review(db: Sessions) -> MadeDocument:
    """A document of which both fields wait."""
    document = a_document(db, status=Status.SCORED)
    with begin(db) as tx:
        held = store.documents.claim(tx, document.id, at=Status.SCORED, stage="route", lease=LEASE)
        assert held is not None
        store.results.save_results(
            tx, held, results_of(tx, document.id, review=frozenset({"payee", "total"}))
        )
        assert review_store.open_review(tx, held) == 2
        store.documents.finish(tx, held, to=Status.IN_REVIEW)
    return document


def test_only_what_routing_sent_to_review_waits(db: Sessions) -> None:
    """The accepted field is nobody's work."""
    document = in_review(db, priority=7, deadline=datetime(2030, 1, 2, tzinfo=UTC))

    item = item_of(db, document)

    assert (item.field, item.text, item.reason, item.score, item.threshold) == (
        "total",
        "12.50",
        "low_score",
        0.9,
        0.95,
    )
    assert (item.priority, item.deadline) == (7, datetime(2030, 1, 2, tzinfo=UTC))
    assert result_of(db, document, "payee")["decision"] == "accepted"


def test_a_second_run_of_routing_changes_nothing(db: Sessions) -> None:
    """Results and items are there once; what a person has decided meanwhile is not overwritten."""
    document = a_document(db, status=Status.SCORED)
    with begin(db) as tx:
        held = store.documents.claim(tx, document.id, at=Status.SCORED, stage="route", lease=LEASE)
        assert held is not None
        results = results_of(tx, document.id, review=frozenset({"total"}))
        store.results.save_results(tx, held, results)
        review_store.open_review(tx, held)
    before = everything_about(db, document.id)
    with begin(db) as tx:
        store.results.save_results(
            tx, held, [replace(each, text="other", score=0.99) for each in results]
        )
        assert review_store.open_review(tx, held) == 1

    assert everything_about(db, document.id) == before


def test_scores_are_saved_once_and_read_by_field(db: Sessions) -> None:
    """A method's version never changes its mind; not scored stays NULL."""
    document = a_document(db, status=Status.EXTRACTED)
    with begin(db) as tx:
        held = store.documents.claim(
            tx, document.id, at=Status.EXTRACTED, stage="score", lease=LEASE
        )
        assert held is not None
        one, other = (each.field_id for each in store.evidence.evidence_of(tx, document.id))
        store.evidence.save_scores(
            tx, held, [NewScore(one, "m/1", None), NewScore(other, "m/1", 0.25)]
        )
        store.evidence.save_scores(tx, held, [NewScore(one, "m/1", 0.9), NewScore(one, "m/2", 1.0)])

        assert store.evidence.scores_of(tx, document.id, "m/1") == {one: None, other: 0.25}
        assert store.evidence.scores_of(tx, document.id, "m/2") == {one: 1.0}
        assert store.evidence.scores_of(tx, document.id, "m/3") == {}


def test_where_the_page_says_it_is_kept_beside_the_evidence(db: Sessions) -> None:
    """A reviewer's page lights it up."""
    document = a_document(db, status=Status.SCORED)
    with begin(db) as tx:
        held = store.documents.claim(tx, document.id, at=Status.SCORED, stage="route", lease=LEASE)
        assert held is not None
        evidence = store.evidence.evidence_of(tx, document.id)
        found = [
            Measured(
                field_id=evidence[0].field_id,
                value=Value(kind=Kind.AMOUNT, value="12.50", currency="EUR"),
                boxes=(Box(1, 2, 3, 4.126),),
                box_source="text-layer",
                agreement="exact",
            )
        ]
        store.evidence.save_measured(tx, held, found)
        lit, dark = store.evidence.evidence_of(tx, document.id)

    assert (lit.boxes, lit.box_source, lit.agreement) == (
        (Box(1, 2, 3, 4.13),),
        "text-layer",
        "exact",
    )
    assert (lit.value, lit.currency, lit.value_problem) == ("12.50", "EUR", None)
    assert (dark.boxes, dark.box_source, dark.agreement) == ((), None, None)
    assert (dark.value, dark.currency, dark.value_problem) == (None, None, None)


def test_hostile_values_of_results_are_kept(db: Sessions) -> None:
    """NUL in a printed value and NaN in details must not break routing."""
    document = a_document(db, status=Status.SCORED)
    with begin(db) as tx:
        held = store.documents.claim(tx, document.id, at=Status.SCORED, stage="route", lease=LEASE)
        assert held is not None
        (first, *_) = results_of(tx, document.id, review=frozenset({"payee", "total"}))
        store.results.save_results(
            tx,
            held,
            [
                replace(
                    first,
                    text="a\x00",
                    value="a\x00",
                    details={"near": float("nan"), "id": held.document_id},
                )
            ],
        )

    row = result_of(db, document, first.name)
    assert (row["text"], row["value"], row["details"]) == (
        "a␀",
        "a␀",
        {"near": "nan", "id": str(document.id)},
    )


@pytest.mark.parametrize(
    ("action", "more", "after"),
    [
        (Action.ACCEPT, {}, ("value", "12.50", "12.50")),
        (
            Action.CORRECT,
            {"text": "1,250.00", "value": "1250.00"},
            ("value", "1,250.00", "1250.00"),
        ),
        (Action.ABSENT, {}, ("absent", None, None)),
        (Action.UNREADABLE, {}, ("unreadable", None, None)),
    ],
    ids=lambda each: str(each) if isinstance(each, Action) else "",
)
def test_a_decision_becomes_the_answer_and_the_machines_reading_stays(
    db: Sessions, action: Action, more: dict[str, Any], after: tuple[str, str | None, str | None]
) -> None:
    """The result holds what is right now; what was read, and what the person saw, is kept beside
    it.
    """
    document = in_review(db)

    decided = decide(db, item_of(db, document), action, took_ms=1_500, **more)

    row = result_of(db, document)
    (kept,) = everything_about(db, document.id)["review_decisions"]
    assert (row["state"], row["text"], row["value"]) == after
    assert (row["decision"], row["read_state"], row["read_text"], row["read_value"]) == (
        "reviewed",
        "value",
        "12.50",
        "12.50",
    )
    assert (kept["who"], kept["action"], kept["took_ms"], kept["seen"]["text"]) == (
        "ada",
        action.value,
        1_500,
        "12.50",
    )
    assert decided == Decided(document.id, 2, 0, Status.REVIEWED)


def test_the_last_decision_ends_the_review(db: Sessions) -> None:
    """Not before; and the document is announced once."""
    document = two_to_review(db)
    with begin(db) as tx:
        items = queue.list_items(tx)
    heard: list[Any] = []
    for item in items:
        with transaction(db, lambda *moved: heard.append(moved)) as tx:
            left = review_store.decide(
                tx, Decision(item_id=item.item_id, version=1, who="ada", action=Action.ACCEPT)
            )

    assert [item.field for item in items] == ["payee", "total"]
    assert (left.open_items, left.status) == (0, Status.REVIEWED)
    assert heard == [(document.id, Status.REVIEWED)]


def test_a_claim_asks_the_database_twice(db: Sessions) -> None:
    """Once for the next field, whatever the filters are, and once for what is known about it:
    people wait for it.
    """
    document = two_to_review(db)
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement.split()[0])

    event.listen(db.kw["bind"], "before_cursor_execute", hear)
    try:
        for filters in (
            ItemFilter(),
            ItemFilter(
                document_id=document.id, document_type="slip", field="total", reason="low_score"
            ),
        ):
            with begin(db) as tx:
                found = queue.claim_item(tx, "ada", lease=LEASE, filters=filters)
            assert found is not None
    finally:
        event.remove(db.kw["bind"], "before_cursor_execute", hear)
    assert asked == ["UPDATE", "SELECT"] * 2
    assert found.field == "total"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in their order", "the other way round"])
def test_two_people_who_decide_the_last_two_fields_at_once_end_the_review(
    db: Sessions, order: tuple[int, int]
) -> None:
    """The document's row is locked before counting, so that one of them sees both."""
    document = two_to_review(db)
    with begin(db) as tx:
        found = queue.list_items(tx)
    items = [found[n] for n in order]
    decided, may_commit = Event(), Event()

    def early() -> Decided:
        with begin(db) as tx:
            done = review_store.decide(
                tx, Decision(item_id=items[0].item_id, version=1, who="ada", action=Action.ACCEPT)
            )
            decided.set()
            assert may_commit.wait(10)
            return done

    def late() -> Decided:
        assert decided.wait(10)
        return decide(db, items[1], Action.ACCEPT, who="bob")

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.submit(early), pool.submit(late)
        try:
            wait_for_lock(db)
        finally:
            may_commit.set()
        answers = [one.result(10), two.result(10)]

    assert [answer.open_items for answer in answers] == [1, 0]
    assert everything_about(db, document.id)["documents"][0]["status"] == "reviewed"


def test_a_decision_about_an_older_version_gets_a_conflict(db: Sessions) -> None:
    """The item was decided and opened again meanwhile: it looks the same, and is not what the
    person saw.
    """
    document = in_review(db)
    seen = item_of(db, document)
    decide(db, seen, Action.ACCEPT)
    decide(db, item_of(db, document), Action.UNDO)

    with pytest.raises(ReviewConflict):
        decide(db, seen, Action.ACCEPT, who="bob")


def test_the_second_of_two_decisions_gets_a_conflict(db: Sessions) -> None:
    """Whoever saw the older version must look again; the first decision stays."""
    document = in_review(db)
    seen = item_of(db, document)
    decide(db, seen, Action.CORRECT, text="1")

    with pytest.raises(ReviewConflict):
        decide(db, seen, Action.CORRECT, who="bob", text="2")

    assert result_of(db, document)["text"] == "1"


def test_of_many_decisions_at_once_one_counts(db: Sessions) -> None:
    """A double click, or eight people."""
    document, gate = in_review(db), Barrier(8)
    seen = item_of(db, document)

    def click(_: int) -> bool:
        try:
            with begin(db) as tx:
                gate.wait()
                review_store.decide(
                    tx,
                    Decision(
                        item_id=seen.item_id, version=seen.version, who="ada", action=Action.ACCEPT
                    ),
                )
        except ReviewConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(click, range(8))) == 1
    assert len(everything_about(db, document.id)["review_decisions"]) == 1


def test_an_undo_brings_back_what_the_machine_had_read(db: Sessions) -> None:
    """The item is open again, the document waits again, and both decisions are on record."""
    document = in_review(db)
    decide(db, item_of(db, document), Action.CORRECT, text="99")

    decided = decide(db, item_of(db, document), Action.UNDO)

    row, actions = (
        result_of(db, document),
        [each["action"] for each in everything_about(db, document.id)["review_decisions"]],
    )
    assert (decided.status, decided.open_items) == (Status.IN_REVIEW, 1)
    assert (row["decision"], row["state"], row["text"], row["decided_at"]) == (
        "review",
        "value",
        "12.50",
        None,
    )
    assert sorted(actions) == ["correct", "undo"]
    assert everything_about(db, document.id)["documents"][0]["finished_at"] is None
    assert decide(db, item_of(db, document), Action.ACCEPT).version == 4


def test_only_a_decided_item_can_be_undone(db: Sessions) -> None:
    """There is nothing to take back on an open one."""
    seen = item_of(db, in_review(db))
    with pytest.raises(ReviewConflict):
        decide(db, seen, Action.UNDO)


@pytest.mark.parametrize(
    ("action", "more"),
    [
        (Action.CORRECT, {}),
        (Action.CORRECT, {"text": "  "}),
        (Action.ACCEPT, {"text": "1"}),
        (Action.ABSENT, {"value": "1"}),
        (Action.ACCEPT, {"who": ""}),
        (Action.ACCEPT, {"who": "a\x00"}),
    ],
    ids=repr,
)
def test_a_decision_that_contradicts_itself_is_refused(
    db: Sessions, action: Action, more: dict[str, Any]
) -> None:
    """And nothing of it is kept."""
    document = in_review(db)
    before = everything_about(db, document.id)
    with pytest.raises(InvalidDecision):
        decide(db, item_of(db, document), action, **more)

    assert everything_about(db, document.id) == before


def test_nothing_unreadable_can_be_accepted(db: Sessions) -> None:
    """There is no value that the person could have agreed to."""
    document = a_document(db, status=Status.SCORED)
    with begin(db) as tx:
        held = store.documents.claim(tx, document.id, at=Status.SCORED, stage="route", lease=LEASE)
        assert held is not None
        (first, *_) = results_of(tx, document.id, review=frozenset({"payee", "total"}))
        store.results.save_results(
            tx,
            held,
            [replace(first, state=FieldState.UNREADABLE, text=None, value=None, score=None)],
        )
        review_store.open_review(tx, held)
        store.documents.finish(tx, held, to=Status.IN_REVIEW)

    with pytest.raises(InvalidDecision, match="no value to accept"):
        decide(db, item_of(db, document), Action.ACCEPT)


def test_a_correction_with_anything_in_it_is_kept(db: Sessions) -> None:
    """People paste."""
    document = in_review(db)
    decide(db, item_of(db, document), Action.CORRECT, text="a\x00\ud800", value={"x": float("inf")})

    assert (result_of(db, document)["text"], result_of(db, document)["value"]) == (
        "a␀�",
        {"x": "inf"},
    )


def test_an_unknown_item_is_said_to_be_unknown(db: Sessions) -> None:
    """The command line gets an id from a person."""
    with pytest.raises(NotFound), begin(db) as tx:
        queue.item(tx, uuid4())


def take(db: Sessions, who: str, **filters: Any) -> Item | None:
    with begin(db) as tx:
        return queue.claim_item(tx, who, lease=LEASE, filters=ItemFilter(**filters))


def test_people_get_items_by_priority_then_deadline_then_age(db: Sessions) -> None:
    """And never one that somebody else has open."""
    plain, soon, later, urgent = (
        in_review(db),
        in_review(db, deadline=datetime(2030, 1, 1, tzinfo=UTC)),
        in_review(db, deadline=datetime(2031, 1, 1, tzinfo=UTC)),
        in_review(db, priority=5),
    )

    taken = [take(db, f"person {number}") for number in range(5)]

    assert [item and item.document_id for item in taken] == [
        urgent.id,
        soon.id,
        later.id,
        plain.id,
        None,
    ]


def test_a_person_gets_back_what_he_had_open(db: Sessions) -> None:
    """He reloads the page."""
    in_review(db)
    first = take(db, "ada")
    in_review(db, priority=9)

    again = take(db, "ada")

    assert first is not None
    assert again is not None
    assert again.item_id == first.item_id


def test_people_who_ask_at_once_get_different_items(db: Sessions) -> None:
    """An item that another is taking is passed over, not waited for."""
    for _ in range(4):
        in_review(db)
    gate = Barrier(4)

    def ask(number: int) -> UUID | None:
        with begin(db) as tx:
            gate.wait()
            item = queue.claim_item(tx, f"person {number}", lease=LEASE)
            gate.wait()
            return item.item_id if item else None

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4))) - {None}) == 4


def test_a_held_item_can_be_decided_only_by_its_holder(db: Sessions) -> None:
    """Until he gives it back, or his lease runs out."""
    document = in_review(db)
    held = take(db, "ada")
    assert held is not None
    with pytest.raises(ReviewConflict):
        decide(db, held, Action.ACCEPT, who="bob")
    with begin(db) as tx:
        queue.release_item(tx, held.item_id, "bob")  # not his to give back
    assert take(db, "bob") is None
    with begin(db) as tx:
        queue.release_item(tx, held.item_id, "ada")

    assert decide(db, held, Action.ACCEPT, who="bob").status is Status.REVIEWED
    assert item_of(db, document).item_state is ItemState.CLOSED


def test_an_item_of_a_person_who_went_home_is_free_again(db: Sessions) -> None:
    """His lease ran out."""
    in_review(db)
    with begin(db) as tx:
        queue.claim_item(tx, "ada", lease=timedelta(seconds=-1))

    assert take(db, "bob") is not None


def test_items_are_found_by_document_type_field_and_reason(db: Sessions) -> None:
    """A person may want only the totals of invoices."""
    slip, invoice = in_review(db), in_review(db, document_type="invoice")

    def found(**filters: Any) -> set[UUID]:
        with begin(db) as tx:
            return {item.document_id for item in queue.list_items(tx, ItemFilter(**filters))}

    assert found() == {slip.id, invoice.id}
    assert found(document_type="invoice") == {invoice.id}
    assert found(document_id=slip.id) == {slip.id}
    assert found(field="payee") == set()
    assert found(field="total", reason="low_score") == {slip.id, invoice.id}
    assert found(reason="other") == set()


def test_an_answer_is_kept_apart_from_the_decision_that_rests_on_it(db: Sessions) -> None:
    """Who said what, of which version, and whether the page was before their eyes."""
    document = in_review(db)
    decide(db, item_of(db, document), Action.CORRECT, text="99", value="99", seen=True)
    decide(db, item_of(db, document), Action.UNDO)

    with db() as session:
        answers = session.execute(
            text(
                "SELECT a.*, d.version AS led_to FROM review_answers a"
                " JOIN review_decisions d ON d.answer_id = a.id ORDER BY a.id"
            )
        ).all()

    assert [(a.action, a.version, a.led_to, a.text, a.value, a.seen) for a in answers] == [
        ("correct", 1, 2, "99", "99", True),
        ("undo", 2, 3, None, None, None),
    ]


def test_an_answer_can_never_be_changed(db: Sessions) -> None:
    """As a decision cannot."""
    with pytest.raises(IntegrityError, match="append-only"), db.begin() as session:
        session.execute(text("UPDATE review_answers SET who = 'eve'"))


def test_undoing_twice_goes_back_two_decisions(db: Sessions) -> None:
    """Decisions are a stack: what was taken back is not taken back again."""
    document = in_review(db)
    decide(db, item_of(db, document), Action.CORRECT, text="1")
    now = item_of(db, document)
    decide(db, now, Action.CORRECT, text="2", again=True)
    assert result_of(db, document)["text"] == "2"
    decide(db, item_of(db, document), Action.UNDO)
    assert (result_of(db, document)["text"], result_of(db, document)["decision"]) == (
        "1",
        "reviewed",
    )
    decide(db, item_of(db, document), Action.UNDO)
    assert (result_of(db, document)["text"], result_of(db, document)["decision"]) == (
        "12.50",
        "review",
    )
    with pytest.raises(ReviewConflict, match="Nothing that is decided"):
        decide(db, item_of(db, document), Action.UNDO)
