"""The views, on a small population whose numbers are known, and the role that may read nothing
else.
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from extractors.types import FieldState
from tests.factories import LEASE, MadeDocument, a_document, begin, results_of, rows_of
from tests.factories import rows as ask
from worker import reporting, store
from worker.review import queue, reads, undo
from worker.review import store as review_store
from worker.review.tables import Action
from worker.review.types import Decision, Item, ItemFilter
from worker.tables.documents import Status
from worker.tables.results import Outcome

Sessions = sessionmaker[Session]
VIEWS = (
    "documents",
    "field_outcomes",
    "review_backlog",
    "straight_through",
    "calibration",
    "page_reading",
    "document_types",
    "document_parts",
    "document_confidence",
    "document_events",
    "witnesses",
    "field_history",
    "readings",
    "audits",
    "document_audits",
    "accepted_and_wrong",
    "certificates",
    "fits",
    "questions",
)


def as_reader(db: Sessions, statement: str) -> None:
    with db() as session:
        session.execute(text("SET LOCAL ROLE surefield_reader"))
        session.execute(text(statement))


def reviewed(db: Sessions, action: Action, **more: Any) -> MadeDocument:
    """A document whose total a person decided."""
    document = a_document(db, status=Status.IN_REVIEW)
    with begin(db) as tx:
        (item,) = queue.list_items(tx, ItemFilter(document_id=document.id))
        review_store.decide(
            tx,
            Decision(item_id=item.item_id, version=item.version, who="ada", action=action, **more),
        )
    return document


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_says_what_it_is(db: Sessions, view: str) -> None:
    """An analyst reads the comments in his own tool."""
    silent = ask(
        db,
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:view AS regclass) AND attnum > 0 "
        "AND coalesce(col_description(attrelid, attnum), '') = ''",
        view=f"reporting.{view}",
    )
    about = ask(db, "SELECT obj_description(CAST(:view AS regclass))", view=f"reporting.{view}")

    assert silent == []
    assert about[0][0]


def test_there_is_no_view_that_these_tests_do_not_know(db: Sessions) -> None:
    """A new view joins the tests above."""
    assert {
        row[0]
        for row in ask(
            db, "SELECT table_name FROM information_schema.views WHERE table_schema = 'reporting'"
        )
    } == set(VIEWS)


@pytest.mark.parametrize(
    "table", ["documents", "secrets", "fields", "witnesses", "review_decisions", "submissions"]
)
def test_the_reader_cannot_read_tables(db: Sessions, table: str) -> None:
    """The role sees the views and nothing behind them, passwords least of all."""
    with pytest.raises(ProgrammingError, match="permission denied"):
        as_reader(db, f"SELECT * FROM {table}")


@pytest.mark.parametrize("view", VIEWS)
def test_the_reader_can_read_the_views(db: Sessions, view: str) -> None:
    """That is what it is for."""
    as_reader(db, f"SELECT * FROM reporting.{view}")


@pytest.mark.parametrize(
    "statement", ["DELETE FROM reporting.review_backlog", "CREATE TABLE reporting.mine (a int)"]
)
def test_the_reader_can_change_nothing(db: Sessions, statement: str) -> None:
    """Read-only is read-only."""
    with pytest.raises(DBAPIError, match=r"permission denied|cannot delete"):
        as_reader(db, statement)


def test_a_field_is_one_row_with_its_whole_story(db: Sessions) -> None:
    """Who sent it, what was read, how sure, what became of it."""
    document = reviewed(db, Action.CORRECT, text="13.50", value="13.50")

    (row,) = ask(db, "SELECT * FROM reporting.field_outcomes WHERE field = 'total'")

    assert row.document_id == document.id
    assert (row.upstream, row.document_type, row.document_status) == ("tests", "slip", "reviewed")
    assert (row.text, row.value, float(row.number), row.read_text) == (
        "13.50",
        "13.50",
        13.5,
        "12.50",
    )
    assert (row.decision, row.decided_by, row.decided_how, row.corrected) == (
        "reviewed",
        "ada",
        "correct",
        True,
    )
    assert (row.score, row.threshold, row.certificate, row.model, row.in_domain) == (
        0.9,
        0.95,
        "uncertified",
        "tests/model",
        True,
    )


@pytest.mark.parametrize(
    ("action", "more", "corrected"),
    [
        (Action.ACCEPT, {}, False),
        (Action.CORRECT, {"text": "12.5O", "value": "12.50"}, False),
        (Action.CORRECT, {"text": "12.51", "value": "12.51"}, True),
        (Action.CORRECT, {"text": "12.51"}, True),
        (Action.ABSENT, {}, True),
        (Action.UNREADABLE, {}, True),
    ],
    ids=[
        "accepted",
        "same value, other spelling",
        "other value",
        "other text, no value",
        "absent",
        "unreadable",
    ],
)
def test_corrected_means_that_the_value_changed(
    db: Sessions, action: Action, more: dict[str, Any], corrected: bool
) -> None:
    """Writing the same amount in another way is no error of the machine."""
    reviewed(db, action, **more)

    assert [
        row.corrected
        for row in ask(db, "SELECT corrected FROM reporting.field_outcomes WHERE field = 'total'")
    ] == [corrected]


@pytest.mark.parametrize(
    ("read", "said", "corrected"),
    [("EUR", "USD", True), ("EUR", "EUR", False), (None, "EUR", False)],
)
def test_the_same_amount_of_another_money_was_corrected(
    db: Sessions, read: str | None, said: str, corrected: bool
) -> None:
    """A currency that the machine left open is none that it got wrong."""
    document = a_document(db, status=Status.IN_REVIEW)
    with begin(db) as tx:
        tx.session.execute(
            text("UPDATE results SET currency = :read, read_currency = :read WHERE name = 'total'"),
            {"read": read},
        )
        (item,) = queue.list_items(tx, ItemFilter(document_id=document.id))
        value = {"text": item.text, "value": item.value, "currency": said}
        review_store.decide(
            tx,
            Decision(item_id=item.item_id, version=1, who="ada", action=Action.CORRECT, **value),
        )

    (row,) = ask(db, "SELECT corrected FROM reporting.field_outcomes WHERE field = 'total'")
    assert row.corrected is corrected


def test_a_value_that_is_no_number_does_not_break_the_view(db: Sessions) -> None:
    """One odd row must not hide all others."""
    reviewed(db, Action.CORRECT, text="twelve", value="twelve")
    reviewed(db, Action.CORRECT, text="?", value={"a": [1]})

    rows = ask(db, "SELECT number FROM reporting.field_outcomes WHERE field = 'total'")

    assert [row.number for row in rows] == [None, None]


def test_every_status_column_lists_every_status(db: Sessions) -> None:
    """An analyst who filters by status knows what there is; the comments are the only list."""
    columns = ask(
        db,
        "SELECT c.relname || '.' || attname AS name, col_description(c.oid, attnum) AS said FROM"
        " pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace ="
        " 'reporting'::regnamespace AND attname ~ '(^|_)status$'",
    )

    assert len(columns) == 8
    for column in columns:
        assert set(re.findall(r"[a-z_]+", column.said)) >= {each.value for each in Status}, column


@pytest.mark.parametrize("view", ["field_outcomes", "field_history"])
def test_an_accepted_field_is_not_said_to_be_right(db: Sessions, view: str) -> None:
    """Nobody looked: `corrected` is unknown, so a count of accepted and wrong ones is no 0."""
    a_document(db, status=Status.ACCEPTED)
    a_document(db, status=Status.IN_REVIEW)
    reviewed(db, Action.ACCEPT)
    reviewed(db, Action.CORRECT, text="13.50", value="13.50")

    rows = ask(
        db,
        f"SELECT decision, bool_or(corrected) AS any, count(corrected) AS known, count(*) AS rows"
        f" FROM reporting.{view} GROUP BY 1 ORDER BY 1",
    )

    assert [tuple(row) for row in rows] == [
        ("accepted", None, 0, 5),
        ("review", None, 0, 1),
        ("reviewed", True, 2, 2),
    ]


def test_calibration_says_that_it_rests_on_reviewed_fields(db: Sessions) -> None:
    """The doubtful ones were reviewed and the sure ones were not, so its share is another one."""
    said = ask(
        db,
        "SELECT obj_description('reporting.calibration'::regclass) AS view,"
        " col_description('reporting.calibration'::regclass, attnum) AS column FROM pg_attribute"
        " WHERE attrelid = 'reporting.calibration'::regclass AND attname = 'share_right'",
    )

    assert "rests on reviewed fields only" in said[0].view
    assert "not the share of all fields" in said[0].column


def test_nothing_is_overdue_where_nothing_sets_a_deadline(db: Sessions) -> None:
    """Unknown is NULL, never 0 and never false."""
    a_document(db, status=Status.IN_REVIEW)

    rows = ask(db, "SELECT deadline, overdue FROM reporting.review_backlog")

    assert [tuple(row) for row in rows] == [(None, None)]
    (grouped,) = rows_of(reporting.backlog, db)
    assert (grouped.waiting, grouped.overdue) == (1, None)
    with begin(db) as tx:
        (waits,) = reads.backlog(tx, ItemFilter())
    assert (waits.waiting, waits.overdue) == (1, None)


def test_the_backlog_is_what_waits_now(db: Sessions) -> None:
    """Decided fields are gone from it; overdue ones say so."""
    reviewed(db, Action.ACCEPT)
    a_document(db, status=Status.IN_REVIEW)
    late = a_document(db, status=Status.IN_REVIEW, deadline="2020-01-01T00:00:00Z")
    with begin(db) as tx:
        queue.claim_item(
            tx, "ada", lease=timedelta(minutes=1), filters=ItemFilter(document_id=late.id)
        )

    rows = ask(db, "SELECT overdue, held_by FROM reporting.review_backlog ORDER BY overdue")

    assert [tuple(row) for row in rows] == [(True, "ada"), (None, None)]
    (grouped,) = rows_of(reporting.backlog, db)
    assert (grouped.field, grouped.reason, grouped.waiting, grouped.overdue) == (
        "total",
        "low_score",
        2,
        1,
    )


def test_what_somebody_held_and_let_run_out_is_held_by_nobody(db: Sessions) -> None:
    """Their name stays in the table, and is no news for analysts."""
    a_document(db, status=Status.IN_REVIEW)
    for lease, holder in ((timedelta(minutes=1), "ada"), (timedelta(minutes=-1), None)):
        with begin(db) as tx:
            queue.claim_item(tx, "ada", lease=lease)
        assert ask(db, "SELECT held_by FROM reporting.review_backlog") == [(holder,)]


def test_straight_through_counts_every_document_once(db: Sessions) -> None:
    """Failed ones count against it, those on their way do not."""
    for status in (
        Status.ACCEPTED,
        Status.ACCEPTED,
        Status.IN_REVIEW,
        Status.FAILED,
        Status.SUBMITTED,
        Status.EXTRACTED,
    ):
        a_document(db, status=status)
    reviewed(db, Action.ACCEPT)

    (row,) = rows_of(reporting.straight_through, db)

    assert (
        row.documents,
        row.untouched,
        row.accepted_touched,
        row.waiting,
        row.reviewed,
        row.rejected,
        row.failed,
        row.in_progress,
    ) == (7, 2, 0, 1, 1, 0, 1, 2)
    assert row.straight_through == pytest.approx(2 / 5)
    assert (row.fields, row.fields_accepted, row.fields_accepted_share) == (8, 6, 0.75)
    assert row.median_seconds_untouched is not None


def test_documents_on_their_way_make_no_share(db: Sessions) -> None:
    """Nor a share of 0: nothing of them is decided yet."""
    a_document(db, status=Status.EXTRACTED)
    a_document(db, status=Status.FAILED, document_type="memo")

    memo, slip = sorted(rows_of(reporting.straight_through, db), key=lambda row: row.document_type)

    assert (slip.in_progress, slip.straight_through) == (1, None)
    assert (memo.failed, memo.straight_through, memo.fields) == (1, 0.0, 0)


def test_straight_through_of_nothing_is_unknown(db: Sessions) -> None:
    """Unknown is NULL, never 0."""
    a_document(db)

    (row,) = rows_of(reporting.straight_through, db)

    assert (row.straight_through, row.fields_accepted_share, row.median_seconds_untouched) == (
        None,
        None,
        None,
    )


def test_calibration_compares_scores_with_what_people_found(db: Sessions) -> None:
    """Three right of five, in the tenth of their score; what nobody could read is not right, what
    waits does not count.
    """
    for action, more in [
        (Action.ACCEPT, {}),
        (Action.ACCEPT, {}),
        (Action.CORRECT, {"text": "12.5", "value": "12.50"}),
        (Action.CORRECT, {"text": "99", "value": "99"}),
        (Action.UNREADABLE, {}),
    ]:
        reviewed(db, action, **more)
    a_document(db, status=Status.IN_REVIEW)
    a_document(db, status=Status.ACCEPTED)

    (row,) = rows_of(reporting.calibration, db)

    assert (row.document_type, row.method, row.decile, row.score_from, row.score_to) == (
        "slip",
        "weakest-token/1",
        9,
        0.9,
        1.0,
    )
    assert (row.fields, row.fields_right, row.share_right) == (5, 3, 0.6)
    assert row.mean_score == pytest.approx(0.9)
    assert rows_of(reporting.calibration, db, method="other/1") == []


def in_review_with(db: Sessions, **total: Any) -> Item:
    """The item of a document of which the machine read the total so."""
    document = a_document(db, status=Status.SCORED)
    with begin(db) as tx:
        held = store.documents.claim(tx, document.id, at=Status.SCORED, stage="route", lease=LEASE)
        assert held is not None
        made = results_of(tx, document.id, review=frozenset({"total"}))
        store.results.save_results(
            tx, held, [replace(each, **total) if each.name == "total" else each for each in made]
        )
        review_store.open_review(tx, held)
        store.documents.finish(tx, held, to=Status.IN_REVIEW)
    with begin(db) as tx:
        (item,) = queue.list_items(tx, ItemFilter(document_id=document.id))
    return item


def test_what_the_machine_could_not_read_is_no_case_of_its_calibration(db: Sessions) -> None:
    """A person typed it in: there is nothing that was right or wrong."""
    item = in_review_with(db, state=FieldState.UNREADABLE, text=None, value=None)
    said = Decision(
        item_id=item.item_id, version=1, who="ada", action=Action.CORRECT, text="9", value="9"
    )
    with begin(db) as tx:
        review_store.decide(tx, said)

    (row,) = ask(db, "SELECT state, read_state FROM public.results WHERE decision = 'reviewed'")
    assert tuple(row) == ("value", "unreadable")
    assert rows_of(reporting.calibration, db) == []


def test_a_text_without_a_value_is_right_when_a_person_accepts_it_as_it_was_read(
    db: Sessions,
) -> None:
    """Nothing was made of it, so its characters are compared."""
    item = in_review_with(db, text="twelve fifty", value=None)
    with begin(db) as tx:
        review_store.decide(
            tx, Decision(item_id=item.item_id, version=1, who="ada", action=Action.ACCEPT)
        )

    (row,) = rows_of(reporting.calibration, db)
    assert (row.fields, row.fields_right, row.share_right) == (1, 1, 1.0)


def test_what_was_taken_back_was_decided_by_nobody(db: Sessions) -> None:
    """The decision stays on record; the field waits as before."""
    document = reviewed(db, Action.ACCEPT)
    by = (
        "SELECT decision, decided_by, decided_how FROM reporting.field_outcomes"
        " WHERE field = 'total'"
    )
    assert ask(db, by) == [("reviewed", "ada", "accept")]
    with begin(db) as tx:
        (item,) = queue.list_items(tx, ItemFilter(document_id=document.id), closed=True)
        undo.take_back(tx, item.item_id, version=item.version, who="ada")

    assert ask(db, by) == [("review", None, None)]


def test_the_median_time_is_that_of_untouched_documents_alone(db: Sessions) -> None:
    """One that a person decided took an hour, and one that failed half of one."""
    took = {a_document(db, status=Status.ACCEPTED).id: timedelta(seconds=8)}
    took[reviewed(db, Action.ACCEPT).id] = timedelta(hours=1)
    took[a_document(db, status=Status.FAILED).id] = timedelta(minutes=30)
    with begin(db) as tx:
        for document_id, spent in took.items():
            tx.session.execute(
                text("UPDATE documents SET finished_at = created_at + :spent WHERE id = :id"),
                {"spent": spent, "id": document_id},
            )

    (row,) = rows_of(reporting.straight_through, db)
    assert (row.untouched, row.reviewed, row.failed) == (1, 1, 1)
    assert row.median_seconds_untouched == 8.0


@pytest.mark.parametrize(
    ("score", "decile"), [(None, None), (0.0, 0), (0.0999, 0), (0.5, 5), (1.0, 9)]
)
def test_every_score_has_its_tenth(db: Sessions, score: float | None, decile: int | None) -> None:
    """1 belongs to the last one, and no score to none."""
    reviewed(db, Action.ACCEPT)
    with begin(db) as tx:
        tx.session.execute(text("UPDATE scores SET score = :score"), {"score": score})

    assert [row.decile for row in rows_of(reporting.calibration, db)] == [decile]


def test_a_new_method_is_judged_on_all_history(db: Sessions) -> None:
    """Its scores were added long after people decided; no field has to be decided again."""
    reviewed(db, Action.ACCEPT)
    with begin(db) as tx:
        tx.session.execute(
            text(
                "INSERT INTO scores (field_id, method, score) SELECT field_id, 'newer/1', 0.55 FROM"
                " scores"
            )
        )

    assert [(row.method, row.decile) for row in rows_of(reporting.calibration, db)] == [
        ("newer/1", 5),
        ("weakest-token/1", 9),
    ]


def test_documents_are_read_in_the_order_asked(db: Sessions) -> None:
    """With how many of their fields went where, and unknown ids left out."""
    first, second = (
        a_document(db, status=Status.IN_REVIEW, filename="a.pdf"),
        a_document(db, status=Status.FAILED),
    )

    two, one = rows_of(reporting.documents, db, [second.id, UUID(int=0), first.id])

    assert (one.document_id, one.filename, one.status, one.page_count) == (
        first.id,
        "a.pdf",
        Status.IN_REVIEW,
        1,
    )
    assert (one.accepted, one.waiting, one.reviewed) == (1, 1, 0)
    assert (two.status, two.error_code, two.error_message) == (
        Status.FAILED,
        "unreadable_file",
        "Not a PDF.",
    )
    assert [row.document_id for row in rows_of(reporting.recent, db)] == [second.id, first.id]
    assert [row.document_id for row in rows_of(reporting.recent, db, status=Status.IN_REVIEW)] == [
        first.id
    ]
    assert len(rows_of(reporting.recent, db, limit=1)) == 1


def test_fields_are_read_in_the_order_of_the_answer(db: Sessions) -> None:
    """Document by document as asked, each field with its reason in words."""
    first, second = a_document(db, status=Status.ACCEPTED), a_document(db, status=Status.IN_REVIEW)

    rows = rows_of(reporting.fields, db, [second.id, first.id])

    names = [(row.document_id, row.field) for row in rows]
    assert names == [
        (second.id, "payee"),
        (second.id, "total"),
        (first.id, "payee"),
        (first.id, "total"),
    ]
    total = rows[1]
    assert (total.state, total.decision, total.message, total.decided_by) == (
        FieldState.VALUE,
        Outcome.REVIEW,
        "0.90 of 0.95",
        None,
    )


def test_rows_are_plain_json_for_programs(db: Sessions) -> None:
    """Times, ids and durations become text and numbers."""
    document = a_document(db, status=Status.IN_REVIEW)

    as_json = rows_of(reporting.documents, db, [document.id])[0].as_json()

    assert as_json["document_id"] == str(document.id)
    assert as_json["created_at"].startswith("20")
    assert isinstance(rows_of(reporting.backlog, db)[0].as_json()["oldest"], float)
