"""A document is answered more than once: every answer stays, one counts, and people's decisions
hold.
"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.documents import DocumentType
from tests.factories import LEASE, a_reading, page_claims, rows_of
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, House, Make, a_pdf
from worker import reporting, store
from worker.actor import Actor
from worker.errors import NotAtRest, NotFound
from worker.migrate import alembic_config, migrate
from worker.pipeline import again, flow
from worker.pipeline.again import Again, Which
from worker.pipeline.stages import route
from worker.review import actions, context, list_actions, queue, reads, undo, verdicts
from worker.review import store as review_store
from worker.review.actions import Answer
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.row_texts import TypedRow
from worker.review.tables import Action
from worker.review.types import Decided, Decision, Item, ItemFilter
from worker.tables.documents import Status

DOUBT = {"total": 0.41}
BY = "person:ada"


class Model(ScriptedBackend):
    """A model that says what it is told, and can be exchanged for another one."""

    says: Any = Line(truth=TRUTH, doubts=DOUBT)
    knows_slips = True

    def __init__(self) -> None:
        super().__init__(lambda page, spec: self.says, canvas=TINY_CANVAS)

    def in_domain(self, spec: DocumentType) -> bool:
        return self.knows_slips

    def becomes(self, fingerprint: str, says: Line) -> None:
        self.fingerprint, self.says = fingerprint, says


@pytest.fixture
def model() -> Model:
    """A model that doubts the total."""
    return Model()


@pytest.fixture
def house(make_house: Make, model: Model) -> House:
    """A house that this model reads for."""
    return make_house(backend=model)


def read(house: House, *, words: bool = False) -> UUID:
    document = house.submit(a_pdf(words=words))
    house.work()
    return document


def once_more(house: House, document: UUID, how: Again = Again.REREAD) -> None:
    again.one(house.rt, document, how, by=BY)
    house.work()


def items(house: House, document: UUID) -> dict[str, Item]:
    with house.rt.transaction() as tx:
        return {each.field: each for each in queue.list_items(tx, ItemFilter(document_id=document))}


def decide(house: House, item: Item, action: Action, **more: Any) -> Decided:
    with house.rt.transaction() as tx:
        return review_store.decide(
            tx,
            Decision(item_id=item.item_id, version=item.version, who="ada", action=action, **more),
        )


def take_back(house: House, item: Item) -> Decided:
    with house.rt.transaction() as tx:
        return undo.take_back(tx, item.item_id, version=item.version, who="ada")


def corrected(house: House, document: UUID, to: str = "13.50") -> None:
    decide(house, items(house, document)["total"], Action.CORRECT, text=to, value=to)


def total(house: House, document: UUID) -> Any:
    rows = house.rows(
        "SELECT * FROM reporting.field_outcomes WHERE document_id = :id AND field = 'total'",
        id=document,
    )
    (row,) = rows
    return row


def test_both_readings_are_there_and_one_answer_counts(house: House, model: Model) -> None:
    """Another model reads the page: SQL has both, the views that count documents and fields have
    the later one, once.
    """
    document = read(house)
    before = rows_of(reporting.fields, house.rt.sessions, [document])
    model.becomes("other", Line(truth={**TRUTH, "number": "B-18"}, doubts=DOUBT))

    once_more(house, document)

    rows = house.rows("SELECT * FROM reporting.readings ORDER BY generation")
    assert [(row.generation, row.is_current) for row in rows] == [(1, False), (2, True)]
    assert rows[0].fingerprint != rows[1].fingerprint == "other"
    history = house.rows(
        "SELECT generation, text, is_current FROM reporting.field_history WHERE field = 'number'"
        " ORDER BY 1"
    )
    assert [tuple(row) for row in history] == [(1, "A-17", False), (2, "B-18", True)]
    after = rows_of(reporting.fields, house.rt.sessions, [document])
    assert len(after) == len(before)
    (day,) = rows_of(reporting.straight_through, house.rt.sessions)
    assert (day.documents, day.fields) == (1, len(before))
    (row,) = rows_of(reporting.documents, house.rt.sessions, [document])
    assert (row.generation, row.waiting) == (2, 1)


def test_the_answer_before_counts_until_the_next_is_there(house: House) -> None:
    """A re-read of a thousand documents takes hours; nobody is without an answer meanwhile."""
    document = read(house)
    before = rows_of(reporting.fields, house.rt.sessions, [document])

    again.one(house.rt, document, Again.REREAD, by=BY)

    assert house.status(document) == "untriaged"
    assert rows_of(reporting.fields, house.rt.sessions, [document]) == before
    assert items(house, document) == {}


def test_a_decision_is_carried_over_where_the_same_is_read(house: House) -> None:
    """The correction holds, the machine's reading stands beside it, and nobody is asked again."""
    document = read(house)
    corrected(house, document)

    once_more(house, document)

    row = total(house, document)
    assert house.status(document) == "reviewed"
    assert (row.text, row.read_text, row.decided_by, row.carried_over, row.generation) == (
        "13.50",
        "12.50",
        "ada",
        True,
        2,
    )
    rows = house.rows("SELECT answer_id, who, carried_from FROM review_decisions ORDER BY id")
    assert len({row.answer_id for row in rows}) == len(house.rows("SELECT 1 FROM review_answers"))
    assert [(row.who, row.carried_from is None) for row in rows] == [("ada", True), ("ada", False)]


def test_a_new_reading_that_says_what_was_decided_needs_nobody(house: House, model: Model) -> None:
    """The better model reads what the person had typed."""
    document = read(house)
    corrected(house, document)
    model.becomes("better", Line(truth={**TRUTH, "total": "13.50"}))

    once_more(house, document)

    row = total(house, document)
    assert (house.status(document), row.text, row.read_text) == ("reviewed", "13.50", "13.50")


@pytest.mark.parametrize(
    ("reads", "status"), [("EUR 13.50", "reviewed"), ("USD 13.50", "in_review")]
)
def test_a_decision_about_an_amount_holds_for_its_currency_alone(
    house: House, model: Model, reads: str, status: str
) -> None:
    """However it is written; the same number of another currency is another amount."""
    document = read(house)
    item = items(house, document)["total"]
    decide(house, item, Action.CORRECT, text="13.50 EUR", value="13.50", currency="EUR")
    model.becomes("other", Line(truth={**TRUTH, "total": reads}))

    once_more(house, document)

    assert house.status(document) == status
    assert (total(house, document).reason == "decided_otherwise") == (status == "in_review")


def test_a_number_that_an_earlier_answer_had_makes_no_document_alike(
    house: House, model: Model
) -> None:
    """It was misread then, or read of another version; what counts now is compared."""
    first = read(house)
    model.becomes("other", Line(truth={**TRUTH, "number": "B-9"}))
    once_more(house, first)
    model.becomes("first", Line(truth=TRUTH))
    second = house.submit(a_pdf(pages=2, words=False))
    house.work()
    assert rows_of(verdicts.alike, house.rt.sessions, second) == []

    once_more(house, first)

    (alike,) = rows_of(verdicts.alike, house.rt.sessions, second)
    assert (alike.document_id, alike.why) == (first, "the same number A-17")


@pytest.mark.parametrize("doubts", [DOUBT, {}], ids=["unsure", "sure"])
def test_another_reading_opens_the_item_again_and_shows_both(
    house: House, model: Model, doubts: dict[str, float]
) -> None:
    """However sure the model is: what a person decided is not overruled by a machine."""
    document = read(house)
    corrected(house, document)
    model.becomes("other", Line(truth={**TRUTH, "total": "99.99"}, doubts=doubts))

    once_more(house, document)

    item = items(house, document)["total"]
    assert (house.status(document), item.text, item.reason) == (
        "in_review",
        "99.99",
        "decided_otherwise",
    )
    assert item.details["message"] == "ada decided “13.50” before; now “99.99” is read"
    assert item.details["decided"]["text"] == "13.50"
    decide(house, item, Action.ACCEPT)
    assert total(house, document).text == "99.99"


def test_what_another_decided_of_the_answer_before_keeps_nobody_from_an_undo(
    house: House, model: Model
) -> None:
    """That decision made no version of the present item: whoever decided this one takes it back."""
    document = read(house)
    corrected(house, document)
    model.becomes("other", Line(truth={**TRUTH, "total": "99.99"}))
    once_more(house, document)
    item = items(house, document)["total"]
    bob = Actor("bob")
    actions.decide(bob, item.item_id, Answer(action=Action.ACCEPT, seen=True), house.rt)

    undone = actions.decide(bob, item.item_id, Answer(action=Action.UNDO), house.rt)

    assert undone.status is Status.IN_REVIEW
    with house.rt.transaction() as tx:
        said = [(each.who, each.version) for each in context.said_about(tx, item.item_id)]
    assert said == [("ada", None), ("bob", 2), ("bob", 3)]


def test_an_open_question_about_a_decision_survives_a_third_reading(
    house: House, model: Model
) -> None:
    """Nobody had confirmed the second reading: the decision about the first still stands."""
    document = read(house)
    corrected(house, document)
    model.becomes("other", Line(truth={**TRUTH, "total": "99.99"}))
    once_more(house, document)
    model.becomes("first", Line(truth=TRUTH, doubts=DOUBT))

    once_more(house, document)

    row = total(house, document)
    assert (row.text, row.decided_by, row.generation) == ("13.50", "ada", 3)
    assert house.status(document) == "reviewed"


def test_a_row_that_a_person_decided_is_not_lost_with_its_reading(
    house: House, model: Model
) -> None:
    """The new reading has no such row: a person sees what had been decided."""
    line = {"items": [{"description": "Brush", "amount": "12.50"}]}
    model.says = Line(truth={**TRUTH, **line}, doubts={"items.amount": 0.41})
    document = read(house)
    found = items(house, document)
    decide(house, found["items.amount"], Action.CORRECT, text="21.50", value="21.50")
    for name, item in items(house, document).items():
        if name != "items.amount":
            decide(house, item, Action.ACCEPT)
    model.becomes("blind", Line(truth={**TRUTH, "items": []}))

    once_more(house, document)

    item = items(house, document)["items.amount"]
    assert item.state == "absent"
    assert "ada decided “21.50” before; now not on the document is read" in item.details["message"]


def test_what_was_carried_over_can_be_taken_back(house: House) -> None:
    """Then it is a question again, and no later reading brings the decision back."""
    document = read(house)
    corrected(house, document)
    once_more(house, document)
    with house.rt.transaction() as tx:
        item_id, version, _ = reads.items_of(tx, document)[("total", 0)]
        item = queue.item(tx, item_id)
    assert version == 2

    undone = take_back(house, item)
    assert (undone.status, total(house, document).text) == (Status.IN_REVIEW, "12.50")

    once_more(house, document)
    assert total(house, document).decision == "review"


def test_whether_a_model_knows_the_type_is_said_of_the_reading_that_counts(
    house: House, model: Model
) -> None:
    """One that was not made for it read the document before."""
    model.knows_slips = False
    document = read(house)
    (before,) = rows_of(reporting.documents, house.rt.sessions, [document])
    model.knows_slips = True
    model.becomes("other", model.says)
    once_more(house, document)
    (after,) = rows_of(reporting.documents, house.rt.sessions, [document])

    assert (before.in_domain, after.in_domain) == (False, True)


def test_a_decision_about_the_answer_before_gets_a_conflict(house: House) -> None:
    """Whoever still has the old field before them must look again; also for an undo."""
    document = read(house)
    item = items(house, document)["total"]
    again.one(house.rt, document, Again.REREAD, by=BY)
    with pytest.raises(ReviewConflict):
        decide(house, item, Action.ACCEPT)
    house.work()
    with pytest.raises(ReviewConflict):
        decide(house, item, Action.ACCEPT)

    decide(house, items(house, document)["total"], Action.ACCEPT)
    with house.rt.transaction() as tx:
        done = queue.item(tx, reads.items_of(tx, document)[("total", 0)][0])
    once_more(house, document)
    with pytest.raises(ReviewConflict):
        take_back(house, done)


def test_a_new_threshold_routes_again_without_the_model(make_house: Make, model: Model) -> None:
    """The evidence and its scores stay as they are; the answer is a further one."""
    house = make_house(backend=model)
    document = read(house)
    evidence = house.rows("SELECT * FROM fields ORDER BY id"), house.rows("SELECT * FROM scores")
    model.becomes("gone", Line(raw=b"the model must not be asked"))
    lower = make_house(backend=model, accept_at=0.4)

    once_more(lower, document, Again.REROUTE)

    assert house.rows("SELECT * FROM fields ORDER BY id") == evidence[0]
    assert house.rows("SELECT * FROM scores") == evidence[1]
    row = total(house, document)
    assert (house.status(document), row.threshold, row.generation) == ("accepted", 0.4, 2)
    stages = house.rows(
        "SELECT stage, generation, code FROM document_events WHERE generation = 2 ORDER BY id"
    )
    assert [tuple(each) for each in stages] == [("again", 2, "reroute"), ("route", 2, None)]


def test_a_new_method_scores_history_without_the_model(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scores stand beside the old ones, about the same readings."""
    from worker.pipeline.stages import score

    document = read(house)
    scores = house.rows("SELECT * FROM scores ORDER BY id")
    monkeypatch.setitem(score.METHODS, "planted/1", lambda reading: 0.5)

    once_more(house, document, Again.RESCORE)

    rows = house.rows("SELECT * FROM scores WHERE method <> 'planted/1' ORDER BY id")
    assert rows == scores
    assert house.rows("SELECT 1 FROM scores WHERE method = 'planted/1'")
    assert len(house.rows("SELECT 1 FROM readings")) == 1
    assert total(house, document).generation == 2


def test_a_reread_that_fails_leaves_the_answer_and_can_be_tried_again(
    make_house: Make, model: Model
) -> None:
    """The document says what went wrong; its fields are those of before; the next reading is a
    generation of its own.
    """
    house = make_house(backend=model, max_attempts=1)
    document = read(house)
    before = rows_of(reporting.fields, house.rt.sessions, [document])

    def breaks(page: Any, spec: Any) -> Any:
        raise RuntimeError("out of order")

    broken = make_house(backend=ScriptedBackend(breaks, canvas=TINY_CANVAS), max_attempts=1)
    once_more(broken, document)
    assert house.status(document) == "failed"
    assert rows_of(reporting.fields, house.rt.sessions, [document]) == before

    once_more(house, document)

    assert house.status(document) == "in_review"
    assert total(house, document).generation == 3


def test_a_document_that_failed_without_pages_is_rendered_first(house: House) -> None:
    """It begins where it began."""
    document = house.submit(b"no PDF at all")
    house.work()

    again.one(house.rt, document, Again.REREAD, by=BY)

    assert house.status(document) == "submitted"
    house.work()
    assert house.status(document) == "failed"


def test_routing_that_dies_before_its_commit_is_done_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither answer nor items are half there, and the second run makes them once."""
    document = read(house)
    corrected(house, document)
    before = rows_of(reporting.fields, house.rt.sessions, [document])
    again.one(house.rt, document, Again.REROUTE, by=BY)

    def dies(*_: Any) -> int:
        raise RuntimeError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr(review_store, "open_review", dies)
        route.run(document, house.rt)
    assert rows_of(reporting.fields, house.rt.sessions, [document]) == before

    route.run(document, house.rt)
    after = house.everything()
    route.run(document, house.rt)

    assert house.everything() == after
    assert total(house, document).generation == 2


def test_documents_on_their_way_and_unknown_ones_are_refused(house: House) -> None:
    """With a word on what to do; nothing moves."""
    document = house.submit(a_pdf())
    for how in Again:
        with pytest.raises(NotAtRest, match="submitted"):
            again.one(house.rt, document, how, by=BY)
    with pytest.raises(NotFound):
        again.one(house.rt, uuid4(), Again.REREAD, by=BY)
    failed = house.submit(b"no PDF at all")
    house.work()
    with pytest.raises(NotAtRest, match="surefield reread"):
        again.one(house.rt, failed, Again.RESCORE, by=BY)


def test_all_answered_documents_of_a_type_are_read_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In short transactions; failed ones and those on their way are left alone."""
    monkeypatch.setattr(again, "AT_ONCE", 2)
    documents = [read(house) for _ in range(3)]
    house.submit(b"no PDF at all")
    house.work()
    waiting = house.submit(a_pdf())

    assert again.many(house.rt, Which(document_type="invoice"), Again.REREAD, by=BY) == 0
    assert again.many(house.rt, Which(document_type="slip"), Again.REREAD, by=BY) == 3
    house.work()

    rows = rows_of(reporting.documents, house.rt.sessions, documents)
    assert [row.generation for row in rows] == [2, 2, 2]
    assert house.rows("SELECT generation FROM documents WHERE id = :id", id=waiting)[0][0] == 1


def test_the_database_refuses_a_second_answer_in_one_generation(house: House) -> None:
    """Whatever the code does: one row a field of a generation."""
    read(house)
    with (
        pytest.raises(IntegrityError, match="generation_name_ordinal"),
        house.rt.transaction() as tx,
    ):
        tx.session.connection().exec_driver_sql(
            "INSERT INTO results (document_id, generation, name, kind, state, read_state,"
            " decision, reason) SELECT document_id, generation, name, kind, 'absent',"
            " 'absent', 'review', 'x' FROM results"
        )


def test_each_way_begins_where_its_stage_takes_documents() -> None:
    """The start follows the flow, so that a new stage in between needs no change here."""
    starts = {step.name: step.at for step in flow.FLOW}
    assert again._start(Again.RESCORE) == starts["score"]
    assert again._start(Again.REROUTE) == starts["route"]


ROWS = [{"description": "Brush", "amount": "9.50"}, {"description": "Wool", "amount": "3.00"}]


def list_of(house: House, document: UUID) -> list[tuple[str | None, str | None]]:
    """The rows of the list as they are now."""
    shown = list_actions.show(document, "items", house.rt)
    return [(row["description"].text, row["amount"].text) for row in shown.rows.rows]


def set_right(house: House, document: UUID) -> None:
    """A row comes first that no machine read, the first one goes, the other one is corrected."""
    typed = [
        TypedRow(was=None, cells={"description": "Paint", "amount": "7.00"}),
        TypedRow(was=1, cells={"description": "Wool", "amount": "3.50"}),
    ]
    list_actions.set_rows(Actor("ada"), document, "items", typed, house.rt, seen=True)


@pytest.mark.parametrize("how", [*Again])
def test_a_list_that_a_person_set_right_holds_as_a_whole(
    house: House, model: Model, how: Again
) -> None:
    """Rows added, removed and moved stay so, whichever way the document is answered again; and one
    undo takes all of it back to what is read now.
    """
    model.says = Line(truth={**TRUTH, "items": ROWS}, doubts={"items.amount": 0.41})
    document = read(house)
    set_right(house, document)
    for item in items(house, document).values():
        decide(house, item, Action.ACCEPT)
    status, now = house.status(document), list_of(house, document)
    assert (status, now) == ("reviewed", [("Paint", "7.00"), ("Wool", "3.50")])

    once_more(house, document, how)
    once_more(house, document, how)

    assert (house.status(document), list_of(house, document)) == (status, now)
    assert total(house, document).generation == 3
    with house.rt.transaction() as tx:
        last = reads.last_decision(tx, "ada")
        shown = list_actions.read_list(tx, document, "items")
        assert last is not None
        assert shown.own is not None
        item = queue.item(tx, shown.own.item_id)  # type: ignore[arg-type]
    take_back(house, item)
    assert list_of(house, document) == [("Brush", "9.50"), ("Wool", "3.00")]
    assert house.status(document) == "in_review"


def test_a_list_that_reads_otherwise_is_a_question_row_by_row(house: House, model: Model) -> None:
    """What the person had set, and what is read now, stand side by side; nothing is lost."""
    model.says = Line(truth={**TRUTH, "items": ROWS}, doubts={"items.amount": 0.41})
    document = read(house)
    set_right(house, document)
    model.becomes("other", Line(truth={**TRUTH, "items": ROWS[:1]}))

    once_more(house, document)

    open_items = {
        (row.name, row.ordinal): row.details["decided"]["text"]
        for row in house.rows(
            "SELECT r.name, r.ordinal, r.details FROM results r JOIN documents d ON d.id ="
            " r.document_id AND d.generation = r.generation WHERE r.reason = 'decided_otherwise'"
        )
    }
    assert open_items == {
        ("items.description", 0): "Paint",
        ("items.description", 1): "Wool",
        ("items.amount", 0): "7.00",
        ("items.amount", 1): "3.50",
    }


def test_what_is_decided_is_listed_of_the_answer_that_counts(house: House) -> None:
    """The item of the answer before is closed too, and history."""
    document = read(house)
    before = items(house, document)["total"]
    corrected(house, document)
    once_more(house, document)

    asked = ItemFilter(document_id=document)
    with house.rt.transaction() as tx:
        (item,) = queue.list_items(tx, asked, closed=True)
        assert queue.list_items(tx, asked) == []
    assert (item.field, item.is_current, item.item_id != before.item_id) == ("total", True, True)


def test_an_undo_takes_nothing_back_that_an_earlier_answer_decided(
    house: House, model: Model
) -> None:
    """The question is open again: there is nothing to take back, and nothing breaks."""
    document = read(house)
    corrected(house, document)
    model.becomes("other", Line(truth={**TRUTH, "total": "99.99"}))
    once_more(house, document)

    with pytest.raises(InvalidDecision, match="no decision of yours"):
        actions.undo_last(Actor("ada"), house.rt, lease=LEASE)
    assert house.status(document) == "in_review"


def test_who_still_reads_a_page_for_the_answer_before_saves_nothing(house: House) -> None:
    """The model was slow, and meanwhile somebody asked to have the document read again."""
    document = read(house)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("UPDATE pages SET status = 'rendered'")
        (slow,) = page_claims(tx, document)
    again.one(house.rt, document, Again.REREAD, by=BY)

    with house.rt.transaction() as tx:
        assert store.pages.save_readings(tx, [(slow, a_reading())]) == []
    house.work()
    rows = house.rows("SELECT generation FROM readings ORDER BY generation")
    assert [row.generation for row in rows] == [1, 2]


def test_carried_decisions_are_no_new_work(house: House) -> None:
    """How fast people are counts what they decided, once."""
    document = read(house)
    corrected(house, document)

    once_more(house, document)

    with house.rt.transaction() as tx:
        (pace,) = reads.pace(tx)
    assert pace.today == 1


def test_a_database_with_several_answers_goes_back_to_one_and_forth_again(
    house: House, model: Model, database_url: str
) -> None:
    """The version before knows one answer: the one that counts stays, with the decisions that it
    carried over.
    """
    carried, reopened = read(house), read(house)
    for document in (carried, reopened):
        corrected(house, document)
    once_more(house, carried)
    model.becomes("other", Line(truth={**TRUTH, "total": "99.99"}))
    once_more(house, reopened)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "0012_review")
    engine.dispose()

    rows = house.rows("SELECT text FROM results WHERE name = 'total' ORDER BY text")
    decisions = house.rows("SELECT result_id FROM review_decisions")
    migrate(database_url)

    assert [row.text for row in rows] == ["13.50", "99.99"]
    assert len(decisions) == 1
    assert (total(house, carried).text, total(house, carried).decided_by) == ("13.50", "ada")
