"""Readings of pages -> candidates: distinct answers, all of them, and no opinion."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.evidence.gather import gather, in_their_rows
from extractors.evidence.grounding import Agreement, Grounding
from extractors.types import Box, FieldState
from tests.evidence.making import (
    ITEMS,
    PAPER,
    TOTAL,
    a_type,
    absent,
    ids,
    row_of_items,
    said,
    some_evidence,
    unreadable,
)

JUST_TOTAL = a_type(TOTAL)
PAGES = {1, 2, 3, 4}


def texts_of(*evidence):
    """What each candidate of the total says, and on which pages."""
    found = gather(JUST_TOTAL, evidence, pages={e.page for e in evidence})
    return [(one.text, one.pages) for one in found]


def test_readings_that_mean_the_same_are_one_candidate():
    """By value, not by spelling; its text is the first page's."""
    same = texts_of(said("1,204.50", page=1), said("1204.5", page=2), said("7.00", page=3))

    assert same == [("1,204.50", (1, 2)), ("7.00", (3,))]


def test_a_currency_that_is_left_out_does_not_part_them():
    """EUR 5.00 and 5.00 may be the same."""
    assert texts_of(said("5.00", page=1), said("EUR 5.00", page=2)) == [("5.00", (1, 2))]


def test_two_currencies_part_three_candidates_in_whatever_order():
    """What has none could mean either."""
    evidence = [said("EUR 5.00", page=1), said("5.00", page=2), said("$5.00", page=3)]

    assert [text for text, _ in texts_of(*evidence)] == ["EUR 5.00", "5.00", "$5.00"]


def test_texts_without_a_value_are_compared_as_texts():
    """Two damaged amounts are two candidates, unless they are damaged alike."""
    damaged = [said("5.O0", page=1), said("5.O0", page=2), said("S.00", page=3)]

    assert texts_of(*damaged) == [("5.O0", (1, 2)), ("S.00", (3,))]


def test_a_text_that_the_pages_words_show_stands_for_its_candidate():
    """Of two pages that say the same."""
    found = gather(
        JUST_TOTAL,
        [said("5.00", page=1, found=False), said("EUR 5.00", page=2, found=True)],
        pages={1, 2},
    )

    assert [one.text for one in found] == ["EUR 5.00"]


@pytest.mark.parametrize("later", [True, False])
def test_a_scan_that_comes_first_gives_the_text_whatever_later_words_show(later):
    """Nothing of it can be held against its words: it has none."""
    scan = replace(said("5.00", page=1), grounding=None)
    found = gather(JUST_TOTAL, [scan, said("EUR 5.00", page=2, found=later)], pages={1, 2})

    assert [one.text for one in found] == ["5.00"]


def test_absent_and_unreadable_are_candidates_too():
    """Values first, then the absence, then what could not be read."""
    found = gather(
        JUST_TOTAL, [unreadable(page=1), absent(page=2), said("5.00", page=3)], pages=PAGES
    )

    assert [(one.number, one.state, one.pages) for one in found] == [
        (0, FieldState.VALUE, (3,)),
        (1, FieldState.ABSENT, (2,)),
        (2, FieldState.UNREADABLE, (1, 4)),
    ]


def test_a_list_has_a_candidate_of_its_own():
    """Witnesses speak of the list as a whole through it."""
    found = gather(a_type(ITEMS), row_of_items(2, 0, "a", "1"), pages={2})

    assert [(one.name, one.state, one.pages, one.group) for one in found] == [
        ("items", FieldState.VALUE, (2,), None),
        ("items.description", FieldState.VALUE, (2,), "items"),
        ("items.amount", FieldState.VALUE, (2,), "items"),
    ]


def test_an_amount_is_a_number_and_a_text_is_none():
    """For witnesses that calculate."""
    amount, damaged = said("EUR 1,204.50", page=1), said("5.O0", page=2)
    found = gather(JUST_TOTAL, [amount, damaged], pages={1, 2})

    assert [str(one.amount) for one in found] == ["1204.50", "None"]


@given(some_evidence(), st.randoms())
def test_candidates_are_the_same_in_whatever_order_the_readings_come(evidence, random):
    """The database may return rows in any order."""
    shuffled = list(evidence)
    random.shuffle(shuffled)

    assert gather(PAPER, evidence, pages=PAGES) == gather(PAPER, shuffled, pages=PAGES)


@given(some_evidence())
def test_every_reading_is_in_one_candidate_and_every_field_has_one(evidence):
    """Nothing is dropped, nothing counts twice, and each place is numbered through."""
    found = gather(PAPER, evidence, pages=PAGES)
    said_by = [id for one in found for id in ids(*one.said)]

    assert sorted(said_by) == sorted(e.id for e in evidence)
    assert len({one.key for one in found}) == len(found)
    assert {one.name.partition(".")[0] for one in found} == {"total", "items"}


@given(some_evidence())
def test_two_candidates_of_a_field_never_mean_the_same(evidence):
    """But for an amount without a currency beside two currencies."""
    found = [one for one in gather(PAPER, evidence, pages=PAGES) if one.value is not None]
    for one in found:
        for other in found:
            if one.key[:2] == other.key[:2] and one is not other:
                assert not one.value.agrees_with(other.value) or None in (
                    one.value.currency,
                    other.value.currency,
                )


def damaged(text, page, problem):
    return said(text, page=page, state=FieldState.UNREADABLE, problem=problem, score=None)


@pytest.mark.parametrize(
    ("evidence", "pages", "expected"),
    [
        # the first page that could not be read names the problem, unless another has a text
        (
            [unreadable(page=1, problem="repeated_key"), unreadable(page=2, problem="truncated")],
            {1, 2},
            [(FieldState.UNREADABLE, None, "repeated_key", (1, 2))],
        ),
        (
            [unreadable(page=1, problem="repeated_key"), damaged("5.0", 2, "truncated")],
            {1, 2},
            [(FieldState.UNREADABLE, "5.0", "truncated", (1, 2))],
        ),
        (
            [damaged("5.0", 1, None)],
            {1},
            [(FieldState.UNREADABLE, "5.0", "missing", (1,))],
        ),
        # a page that says nothing is one of them, and so is a document without any page
        (
            [unreadable(page=2, problem="truncated")],
            {1, 2, 3},
            [(FieldState.UNREADABLE, None, "truncated", (1, 2, 3))],
        ),
        (
            [said("5.00", page=1)],
            {1, 2},
            [
                (FieldState.VALUE, "5.00", None, (1,)),
                (FieldState.UNREADABLE, None, "missing", (2,)),
            ],
        ),
        (
            [said("5.00", page=1), unreadable(page=2)],
            {1, 2},
            [
                (FieldState.VALUE, "5.00", None, (1,)),
                (FieldState.UNREADABLE, None, "unparsable", (2,)),
            ],
        ),
        ([], (), [(FieldState.UNREADABLE, None, "missing", ())]),
        # every page was read
        ([said("5.00", page=1)], {1}, [(FieldState.VALUE, "5.00", None, (1,))]),
        ([absent(page=1)], {1}, [(FieldState.ABSENT, None, None, (1,))]),
        # the reading's problem goes before the value's
        (
            [said("5.O0", problem="unstorable")],
            {1},
            [(FieldState.VALUE, "5.O0", "unstorable", (1,))],
        ),
        ([said("5.O0")], {1}, [(FieldState.VALUE, "5.O0", "unparsable_amount", (1,))]),
        # the first text stands for a value that no page shows
        (
            [said("5.00", page=1, found=False), said("5", page=2, found=False)],
            {1, 2},
            [(FieldState.VALUE, "5.00", None, (1, 2))],
        ),
        # the value that was read on the earliest page is the first
        (
            [
                said("6.00", page=2),
                said("6.00", page=3),
                said("5.00", page=1),
                said("5.00", page=4),
            ],
            {1, 2, 3, 4},
            [
                (FieldState.VALUE, "5.00", None, (1, 4)),
                (FieldState.VALUE, "6.00", None, (2, 3)),
            ],
        ),
    ],
)
def test_a_field_has_a_candidate_for_each_answer_with_its_problem_and_its_pages(
    evidence, pages, expected
):
    """Values first, then what is absent, then what could not be read."""
    found = gather(JUST_TOTAL, evidence, pages=pages)

    assert [(one.state, one.text, one.problem, one.pages) for one in found] == expected
    assert [one.number for one in found] == list(range(len(found)))


@pytest.mark.parametrize(
    ("evidence", "pages", "states"),
    [
        ([unreadable("items")], {1}, [FieldState.UNREADABLE]),
        ([absent("items")], {1}, [FieldState.ABSENT]),
        ([absent("items")], {1, 2}, [FieldState.ABSENT, FieldState.UNREADABLE]),
        (row_of_items(1, 0, "a", "1"), {1}, [FieldState.VALUE]),
        (row_of_items(1, 0, "a", "1"), {1, 2}, [FieldState.VALUE, FieldState.UNREADABLE]),
        (
            [*row_of_items(1, 0, "a", "1"), unreadable("items", page=2)],
            {1, 2},
            [FieldState.VALUE, FieldState.UNREADABLE],
        ),
        ([], (), [FieldState.UNREADABLE]),
    ],
)
def test_a_list_is_read_absent_or_unreadable_on_each_page(evidence, pages, states):
    """One candidate each, and none for what no page says."""
    found = gather(a_type(ITEMS), evidence, pages=pages)

    assert [one.state for one in found if one.name == "items"] == states


@pytest.mark.parametrize("without", [0, 1])
def test_a_text_that_nobody_made_into_a_value_agrees_with_itself_alone(without):
    """Whichever of the two has no value."""
    readings = [said("5.00", page=1), said("5", page=2)]
    readings[without] = replace(readings[without], value=None)

    assert len(texts_of(*readings)) == 2


def test_a_text_of_figures_is_no_amount():
    """A house number adds up to nothing."""
    (one,) = gather(a_type(TOTAL), [said("12", kind=Kind.TEXT)], pages={1})

    assert one.amount is None


def test_a_cell_has_the_place_in_its_own_row_first_and_every_place_once():
    """Where two rows say the same, each is shown at its own place."""
    upper, lower = (Box(50, 100, 80, 110),), (Box(50, 130, 80, 140),)
    both = Grounding(agreement=Agreement.EXACT, places=(upper, lower))
    cells = [
        replace(said("5.00", name="items.amount", ordinal=at), grounding=both) for at in (0, 1)
    ]
    nowhere = said("7.00", name="items.amount", ordinal=2, found=False)

    first, second, third = in_their_rows(ITEMS, [*cells, nowhere])

    assert first.grounding.places == (upper, lower)
    assert second.grounding.places == (lower, upper)
    assert third == nowhere
