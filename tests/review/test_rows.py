"""The rows of a list can be set right, as one answer that one undo takes back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from extractors.types import FieldState
from tests.web.making import TRUTH
from worker.actor import Actor, Forbidden, Role
from worker.review import actions, list_actions
from worker.review.actions import Answer
from worker.review.errors import InvalidRows, NotSeen, ReviewConflict
from worker.review.lists import Cell
from worker.review.row_texts import TypedRow
from worker.review.rows import is_as_it_was
from worker.review.tables import Action
from worker.tables.results import Outcome

ADA, BOB, EVE = Actor("ada"), Actor("bob"), Actor("eve", Role.MANAGER)
LEASE = timedelta(minutes=5)
THIRD = {"description": "Late fee", "amount": "12.50"}


@pytest.fixture
def document(site):
    return site.read()


def answer_of(site):
    """The list as SQL sees it: one row a row, in the order of the answer."""
    rows = site.house.rows(
        "SELECT field, ordinal, text, number, decision, decided_by FROM reporting.field_outcomes"
        " WHERE field LIKE 'items%' ORDER BY ordinal, field"
    )
    return [(row.field.partition(".")[2], row.ordinal, row.text) for row in rows]


def typed(site, document):
    """The rows as they are, to be changed."""
    shown = list_actions.show(document, "items", site.house.rt).as_json()
    return [TypedRow(was=row["was"], cells=dict(row["cells"])) for row in shown["rows"]]


def say(site, document, rows, who=ADA, **more):
    return list_actions.set_rows(
        who, document, "items", rows, site.house.rt, **{"seen": True, **more}
    )


def test_a_row_is_added_one_removed_and_one_moved(site, document):
    """The answer is what the person says, in their order; nothing of it is a slip of numbers."""
    first, second = typed(site, document)
    say(site, document, [second, TypedRow(was=None, cells=THIRD)])
    assert answer_of(site) == [
        ("amount", 0, "184.50"),
        ("description", 0, "Meter rent"),
        ("amount", 1, "12.50"),
        ("description", 1, "Late fee"),
    ]
    assert first.cells["amount"] == "1,100.00"
    numbers = site.house.rows(
        "SELECT text, value, read_text, decision FROM results"
        " WHERE name = 'items.amount' AND removed_at IS NULL ORDER BY ordinal"
    )
    assert numbers == [
        ("184.50", "184.50", "184.50", "accepted"),
        ("12.50", "12.50", None, "reviewed"),
    ]


def test_a_cell_is_edited_with_its_author(site, document):
    """Only what changed is decided; the machine's reading stays beside it."""
    first, second = typed(site, document)
    changed = TypedRow(was=0, cells={**first.cells, "amount": "1,000.00"})
    say(site, document, [changed, second])
    (row,) = site.house.rows(
        "SELECT text, read_text, corrected, decided_by, decided_how FROM reporting.field_outcomes"
        " WHERE field = 'items.amount' AND ordinal = 0"
    )
    assert row == ("1,000.00", "1,100.00", True, "ada", "correct")


def test_one_undo_takes_the_whole_list_back(site, document):
    """Added, removed, moved and edited at once; then everything is as it was, to the position."""
    rt = site.house.rt
    before = site.house.rows(
        "SELECT name, ordinal, position, state, text, value, decision FROM results"
        " WHERE removed_at IS NULL ORDER BY position, ordinal, name"
    )
    first, second = typed(site, document)
    edited = TypedRow(was=1, cells={**second.cells, "amount": "185.00"})
    say(site, document, [edited, TypedRow(was=None, cells=THIRD)])
    actions.undo_last(ADA, rt, lease=LEASE)
    assert (
        site.house.rows(
            "SELECT name, ordinal, position, state, text, value, decision FROM results"
            " WHERE removed_at IS NULL ORDER BY position, ordinal, name"
        )
        == before
    )
    say(site, document, [first])
    assert [text for _, _, text in answer_of(site)] == ["1,100.00", "Electricity, March"]


def test_list_incomplete_is_answered_truthfully(make_site):
    """Rows that wait since one is missing: the missing one is added, nothing of the list waits."""
    site = make_site({**TRUTH, "items": TRUTH["items"][:1]})
    document = site.read()
    waiting = site.house.rows("SELECT reason FROM review_items WHERE state = 'open'")
    assert {row.reason for row in waiting} == {"list_incomplete"}
    decided = say(
        site, document, [*typed(site, document), TypedRow(was=None, cells=TRUTH["items"][1])]
    )
    assert (decided.open_items, decided.status) == (0, "reviewed")
    assert [text for _, _, text in answer_of(site)] == [
        "1,100.00",
        "Electricity, March",
        "184.50",
        "Meter rent",
    ]


def test_a_list_that_nobody_read_gets_its_rows_and_loses_them_again(make_site):
    """From no row to two, to none: a list without rows is absent, not a riddle."""
    site = make_site({**TRUTH, "items": []})
    document = site.read()
    assert answer_of(site) == [("", 0, None)]
    rows = [TypedRow(was=None, cells=each) for each in TRUTH["items"]]
    say(site, document, rows)
    assert len(answer_of(site)) == 4
    say(site, document, [])
    assert answer_of(site) == [("", 0, None)]
    states = site.house.rows("SELECT state FROM results WHERE name = 'items'")
    assert states == [("absent",)]


def test_the_list_must_be_as_it_was_seen(site, document):
    """Two people set it right at once: the second looks again."""
    version = list_actions.show(document, "items", site.house.rt).rows.version
    rows = typed(site, document)
    say(site, document, rows[:1], version=version)
    with pytest.raises(ReviewConflict, match="changed meanwhile"):
        say(site, document, rows[1:], who=BOB, version=version)
    assert [text for _, _, text in answer_of(site)] == ["1,100.00", "Electricity, March"]


def test_a_list_is_set_right_only_with_its_page_before_ones_eyes(site, document):
    """As every decision."""
    with pytest.raises(NotSeen):
        say(site, document, [], seen=False)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"description": "Pens", "amount": "three"}, "row 3, amount"),
        ({"colour": "red"}, "no 'colour'"),
        ({"description": " "}, "at least one value"),
    ],
)
def test_rows_that_make_no_sense_are_refused_with_the_cell(site, document, cells, words):
    """Nothing of the list changes then."""
    before = answer_of(site)
    with pytest.raises(InvalidRows, match=words):
        say(site, document, [*typed(site, document), TypedRow(was=None, cells=cells)])
    assert answer_of(site) == before


def test_what_somebody_else_decided_in_a_list_is_a_managers_to_change(site, document):
    """A reviewer may change the rest of the list."""
    first, second = typed(site, document)
    say(site, document, [TypedRow(was=0, cells={**first.cells, "amount": "1.00"}), second])
    first, second = typed(site, document)
    with pytest.raises(Forbidden, match="Row 1 was decided by ada"):
        say(site, document, [second], who=BOB)
    say(site, document, [first], who=BOB)
    say(site, document, [], who=EVE)
    assert answer_of(site) == [("", 0, None)]


def test_a_cell_that_was_decided_after_the_list_is_taken_back_first(site, document):
    """An undo never sweeps away a later word."""
    first, second = typed(site, document)
    say(site, document, [TypedRow(was=0, cells={**first.cells, "amount": "1.00"}), second])
    rows = typed(site, document)
    say(site, document, [TypedRow(was=0, cells={**rows[0].cells, "amount": "2.00"}), rows[1]])
    items = site.house.rows(
        "SELECT i.id, i.version FROM review_items i JOIN results r ON r.id = i.result_id"
        " WHERE r.name = 'items'"
    )
    (item,) = items
    undo = Answer(action=Action.UNDO, version=item.version)
    actions.decide(ADA, item.id, undo, site.house.rt)
    actions.decide(ADA, item.id, Answer(action=Action.UNDO), site.house.rt)
    assert answer_of(site)[0] == ("amount", 0, "1,100.00")


def test_sums_are_said_beside_what_is_printed(make_site):
    """Of a type that names its sums: whether the rows come to one of them."""
    invoice = {
        "seller": "Foo", "number": "A-17", "date": "03/04/2026", "total": "12.50", "net": "12.50",
        "lines": [{"description": "Pens", "amount": "12.00"}],
    }  # fmt: skip
    site = make_site(invoice)
    document = site.read(document_type="invoice")
    rt = site.house.rt
    (column,) = [
        each for each in list_actions.show(document, "lines", rt).sums if each.member == "amount"
    ]
    assert (str(column.total), column.agrees) == ("12.00", False)
    rows = [
        TypedRow(was=0, cells={"amount": "12.00"}),
        TypedRow(was=None, cells={"amount": "0.50"}),
    ]
    said = list_actions.check(document, "lines", rows, rt)
    amounts = {each["member"]: each for each in said["sums"]}["amount"]
    assert amounts["agrees"] is True
    assert amounts["printed"] == {"net": "12.50", "total": "12.50"}


def test_a_removed_row_stays_on_record_and_counts_as_read_wrong(site, document):
    """The machine read a row that is not there: that is an error, and history is append-only."""
    first, _ = typed(site, document)
    say(site, document, [first])
    rows = site.house.rows("SELECT action, seen->>'text' AS was FROM review_decisions ORDER BY id")
    assert ("remove", "184.50") in rows
    wrong = site.house.rows(
        "SELECT sum(fields - fields_right) FROM reporting.calibration"
        " WHERE method = 'weakest-token/1'"
    )
    assert wrong == [(2,)]
    with pytest.raises(IntegrityError, match="append-only"), site.house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("DELETE FROM review_answers")


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize(
    ("state", "was", "typed_text", "as_it_was"),
    [
        (FieldState.VALUE, "1.00", "1.00", True),
        (FieldState.VALUE, "1.00", "1.0", False),
        (FieldState.VALUE, "1.00", None, False),
        (FieldState.ABSENT, None, None, True),
        (FieldState.ABSENT, None, "1.00", False),
        # somebody called it unreadable: who types nothing says nothing of it
        (FieldState.UNREADABLE, None, None, None),
        (FieldState.UNREADABLE, "1.O0", None, None),
        (FieldState.UNREADABLE, None, "1.00", False),
        (FieldState.UNREADABLE, "1.O0", "1.O0", False),
    ],
)
def test_a_cell_is_as_it_was_where_nothing_else_was_typed(
    state, was, typed_text, as_it_was, outcome
):
    """One that the machine could not read, and nobody judged, is absent when it is left empty."""
    cell = Cell(
        result_id=uuid4(),
        name="items.amount",
        ordinal=0,
        position=0,
        removed=False,
        state=state,
        text=was,
        value=was,
        score=None,
        outcome=outcome,
        item_id=None,
        item_version=None,
        item_state=None,
        decided_by=None,
    )
    expected = outcome is Outcome.REVIEWED if as_it_was is None else as_it_was
    assert is_as_it_was(cell, typed_text) is expected
