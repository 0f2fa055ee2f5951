"""From pages' evidence to the document's answer: best support, conflicts named, nothing dropped."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.decision.choose import choose
from extractors.evidence.gather import gather
from extractors.evidence.witnesses import DENIES, Testimony
from extractors.types import FieldState
from tests.evidence.making import (
    ITEMS,
    PAPER,
    TOTAL,
    a_type,
    absent,
    answers,
    ids,
    row_of_items,
    said,
    some_evidence,
    unreadable,
)

JUST_TOTAL = a_type(TOTAL)


def total_of(*evidence, pages=None):
    (row,) = answers(JUST_TOTAL, evidence, pages=pages or {e.page for e in evidence})
    return row


def test_the_value_of_the_highest_score_is_the_answer_and_the_other_is_kept_as_conflict():
    """Two pages say different totals: the surer one is shown, and nobody forgets the other."""
    low, high = said("5.00", page=1, score=0.7), said("6.00", page=2, score=0.9)

    row = total_of(low, high)

    assert (row.text, row.score, row.page, row.evidence_id) == ("6.00", 0.9, 2, high.id)
    assert (row.conflicting, row.agreeing) == (ids(low), ())
    assert [one.details["others"] for one in row.testimony] == [["5.00"]]


def test_pages_that_say_the_same_in_other_words_agree():
    """By value, not by spelling."""
    a, b = said("1,204.50", page=1, score=0.8), said("EUR 1204.5", page=2, score=0.9)

    row = total_of(a, b)

    assert (row.evidence_id, row.agreeing, row.conflicting) == (b.id, ids(a), ())


def test_equal_scores_go_to_the_earlier_page():
    """The order in which evidence arrives does not matter."""
    first, second = said("5.00", page=1), said("5.00", page=2)

    assert total_of(second, first).evidence_id == first.id


def test_two_currencies_conflict_even_behind_one_without():
    """5.00, EUR 5.00 and $5.00: the first does not reconcile the others."""
    row = total_of(
        said("5.00", page=1, score=0.99),
        said("EUR 5.00", page=2, score=0.9),
        said("$5.00", page=3, score=0.9),
    )

    assert len(row.conflicting) == 2
    assert row.agreeing == ()


def test_of_pages_that_say_the_same_the_one_whose_words_show_it_is_chosen():
    """A logo's words are not in the text layer; the footer's are."""
    picture, footer = (
        said("5.00", page=1, score=0.99, found=False),
        said("5.00", page=2, score=0.9, found=True),
    )

    row = total_of(picture, footer)

    assert (row.evidence_id, row.score, row.agreeing) == (footer.id, 0.9, ids(picture))


def test_the_witnesses_go_before_the_score():
    """Of two values that contradict each other, one that its page's words show is the answer, be
    the model ever so sure of the other.
    """
    sure, shown = (
        said("5.00", page=1, score=0.99, found=False),
        said("6.00", page=2, score=0.8, found=True),
    )

    row = total_of(sure, shown)

    assert (row.evidence_id, row.conflicting) == (shown.id, ids(sure))


def test_a_value_without_score_never_beats_one_with_a_score():
    """Not scored is not sure."""
    unscored, low = said("5.00", page=1, score=None), said("5.00", page=2, score=0.1)

    assert total_of(unscored, low).evidence_id == low.id
    assert total_of(said("5.00", page=1, score=math.nan), low).evidence_id == low.id


def test_a_value_is_as_sure_as_the_surest_page_that_says_it():
    """Another page that says the same less surely takes nothing from it."""
    twice = said("5.00", page=1, score=0.2), said("5.00", page=3, score=0.9)
    once = said("6.00", page=2, score=0.8)

    row = total_of(*twice, once)

    assert (row.text, row.score, row.evidence_id) == ("5.00", 0.9, twice[1].id)


@pytest.mark.parametrize(
    ("witnesses", "codes", "wins"),
    [
        (("a/1", "b/1"), ("gap", "gap"), "6.00"),
        (("a/1", "a/1"), ("gap", "other"), "5.00"),
    ],
)
def test_of_two_values_the_one_that_fewer_witnesses_deny_is_chosen(witnesses, codes, wins):
    """Two who say the same are two; one who says two things is one, and the score decides."""
    sure, other = said("5.00", page=1, score=0.9), said("6.00", page=2, score=0.8)
    first, second = gather(JUST_TOTAL, [sure, other], pages={1, 2})
    against = [
        Testimony(of=first, says=DENIES, because=code, witness=witness)
        for witness, code in zip(witnesses, codes, strict=True)
    ]
    against.append(Testimony(of=second, says=DENIES, because="gap", witness="a/1"))

    (row,) = choose(JUST_TOTAL, [first, second], against, {sure.id: 0.9, other.id: 0.8})

    assert row.text == wins


def test_a_field_is_absent_only_when_every_page_says_so_and_as_surely_as_the_least_sure():
    """The weakest page speaks for the document."""
    sure, unsure = absent(page=1, score=0.99), absent(page=2, score=0.6)

    row = total_of(sure, unsure)

    assert (row.state, row.score, row.evidence_id, row.agreeing) == (
        FieldState.ABSENT,
        0.6,
        unsure.id,
        ids(sure),
    )


def test_one_unscored_absence_leaves_the_whole_absence_unscored():
    """Unknown is not the weakest number, it is unknown."""
    row = total_of(absent(page=1, score=0.2), absent(page=2, score=None))

    assert (row.state, row.score) == (FieldState.ABSENT, None)


def test_a_value_on_one_page_outweighs_absence_on_another():
    """Most fields stand on one page only."""
    row = total_of(absent(page=1), said("5.00", page=2), absent(page=3))

    assert (row.state, row.page, row.conflicting) == (FieldState.VALUE, 2, ())


def test_an_unreadable_page_makes_an_absence_unreadable():
    """The value may stand on that very page."""
    row = total_of(absent(page=1), unreadable(page=2, problem="truncated"))

    assert (row.state, row.problem, row.unread_pages) == (FieldState.UNREADABLE, "truncated", (2,))


def test_an_unreadable_page_beside_a_value_is_remembered():
    """It might say otherwise."""
    row = total_of(said("5.00", page=1), unreadable(page=2))

    assert (row.state, row.unread_pages) == (FieldState.VALUE, (2,))


def test_a_page_that_says_nothing_at_all_counts_as_unreadable():
    """Silence is not absence."""
    assert total_of(absent(page=1), pages={1, 2}).state is FieldState.UNREADABLE
    assert total_of(said("5.00", page=1), pages={1, 2}).unread_pages == (2,)
    assert answers(PAPER, [], pages={1})[0].problem == "missing"
    assert answers(PAPER, [], pages=())[0].state is FieldState.UNREADABLE


def test_a_damaged_text_is_shown_to_the_person_who_looks():
    """Of several unreadable pages, one with something to read."""
    damaged = said("5.0", page=2, state=FieldState.UNREADABLE, problem="truncated", score=None)

    row = total_of(unreadable(page=1), damaged)

    assert (row.text, row.evidence_id, row.problem) == ("5.0", damaged.id, "truncated")


def test_of_an_unreadable_answer_the_first_page_stands_for_it_where_none_has_a_text():
    """There is something to look at, whatever is on it."""
    first, second = unreadable(page=1, problem="repeated_key"), unreadable(page=2)

    row = total_of(second, first)

    assert (row.page, row.evidence_id, row.problem) == (1, first.id, "repeated_key")


@pytest.mark.parametrize("lost", ["total", "items.amount"])
def test_an_answer_that_ended_at_the_token_limit_marks_its_field_or_all_of_its_list(lost):
    """What was cut could have gone on in any cell of the list, and in no other field."""
    evidence = [said("5.00", page=1), *row_of_items(1, 0, "a", "1"), *row_of_items(2, 0, "b", "2")]
    evidence = [replace(one, cut=one.name == lost) for one in evidence]

    rows = answers(PAPER, evidence, pages={1, 2})

    of_list = lost.startswith("items")
    assert {row.name: row.cut_pages for row in rows} == {
        "total": () if of_list else (1,),
        "items.description": (1, 2) if of_list else (),
        "items.amount": (1, 2) if of_list else (),
    }


def test_of_an_absence_nothing_is_wrong_whatever_its_reading_says():
    """A problem is why there is no usable value; an absence has none to use."""
    row = total_of(replace(absent(page=1), problem="unstorable"))

    assert (row.state, row.problem) == (FieldState.ABSENT, None)


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        # a page that says it less surely does not count for the place of a value
        ([("5.00", 1, 0.5), ("5.00", 3, 0.9), ("6.00", 2, 0.9)], "6.00"),
        # of pages that say it as surely, the first counts
        ([("5.00", 1, 0.9), ("5.00", 3, 0.9), ("6.00", 2, 0.9)], "5.00"),
        # a score of 0 is more than none
        ([("5.00", 1, None), ("6.00", 2, 0.0)], "6.00"),
        ([("5.00", 1, math.nan), ("6.00", 2, 0.0)], "6.00"),
    ],
)
def test_of_equally_sure_values_the_one_that_is_surest_on_the_earliest_page_is_the_answer(
    evidence, text
):
    """One order, whatever came first."""
    readings = [said(one, page=page, score=score) for one, page, score in evidence]

    assert total_of(*readings).text == text
    assert total_of(*reversed(readings)).text == text


def test_what_was_wrong_with_a_reading_goes_with_its_value():
    """Of an absence nothing is wrong, whatever an unread page beside it has."""
    assert total_of(said("5.00", problem="unstorable")).problem == "unstorable"
    assert total_of(said("5.00")).problem is None
    both = total_of(absent(page=1), unreadable(page=2, problem="truncated"))
    assert (both.state, both.problem) == (FieldState.UNREADABLE, "truncated")


def test_rows_of_a_group_are_concatenated_in_page_order_and_renumbered():
    """A table over two pages is one table."""
    evidence = (
        row_of_items(2, 0, "c", "3") + row_of_items(1, 1, "b", "2") + row_of_items(1, 0, "a", "1")
    )

    rows = [r for r in answers(PAPER, evidence, pages={1, 2}) if r.name.startswith("items")]

    assert [(r.name, r.ordinal, r.text) for r in rows] == [
        ("items.description", 0, "a"),
        ("items.amount", 0, "1"),
        ("items.description", 1, "b"),
        ("items.amount", 1, "2"),
        ("items.description", 2, "c"),
        ("items.amount", 2, "3"),
    ]
    assert all(r.list_problem is None for r in rows)


def test_a_list_that_was_cut_short_marks_all_of_its_rows():
    """Nothing about it is known to be complete."""
    evidence = [
        *row_of_items(1, 0, "a", "1"),
        *row_of_items(2, 0, "b", "2"),
        unreadable("items", page=2, problem="truncated"),
    ]

    rows = [r for r in answers(PAPER, evidence, pages={1, 2}) if r.name.startswith("items")]

    assert (rows[0].name, rows[0].state, rows[0].problem) == (
        "items",
        FieldState.UNREADABLE,
        "truncated",
    )
    assert len(rows) == 5
    assert all(r.list_problem == "truncated" and 2 in r.unread_pages for r in rows[1:])


def test_a_page_that_is_silent_about_a_group_marks_all_of_its_rows():
    """Its rows may be missing."""
    rows = answers(a_type(ITEMS), row_of_items(1, 0, "a", "1"), pages={1, 2})

    assert (rows[0].name, rows[0].state) == ("items", FieldState.UNREADABLE)
    assert all(r.list_problem == "missing" for r in rows[1:])


def test_pages_without_rows_are_remembered_with_their_scores():
    """An unsure "none here" means that rows may be missing."""
    rows = answers(
        a_type(ITEMS),
        [*row_of_items(1, 0, "a", "1"), absent("items", page=2, score=0.4)],
        pages={1, 2},
    )

    assert [r.empty_page_scores for r in rows] == [(0.4,), (0.4,)]


def test_a_group_that_no_page_has_is_one_absent_row():
    """Under the group's own name."""
    (row,) = answers(
        a_type(ITEMS), [absent("items", page=1), absent("items", page=2, score=0.8)], pages={1, 2}
    )

    assert (row.name, row.state, row.score) == ("items", FieldState.ABSENT, 0.8)


def test_a_row_without_one_of_its_members_says_so():
    """Every row has every member."""
    rows = answers(a_type(ITEMS), [said("1", name="items.amount")], pages={1})

    assert [(r.name, r.state) for r in rows] == [
        ("items.description", FieldState.UNREADABLE),
        ("items.amount", FieldState.VALUE),
    ]


def test_what_a_row_says_twice_is_a_conflict():
    """Two answers for one place are not silently one."""
    a, b = said("1", name="items.amount", score=0.9), said("2", name="items.amount", score=0.8)

    row = answers(a_type(ITEMS), [a, b], pages={1})[1]

    assert (row.text, row.conflicting) == ("1", ids(b))


def test_evidence_under_unknown_names_is_left_out():
    """The model's invention has no place in the answer."""
    assert [
        r.name for r in answers(JUST_TOTAL, [said("5.00"), said("x", name="iban")], pages={1})
    ] == ["total"]


@given(some_evidence(), st.randoms())
def test_the_order_of_evidence_does_not_matter(evidence, random):
    """The database may return rows in any order."""
    shuffled = list(evidence)
    random.shuffle(shuffled)

    assert answers(PAPER, evidence, pages={1, 2, 3, 4}) == answers(
        PAPER, shuffled, pages={1, 2, 3, 4}
    )


@given(some_evidence())
def test_every_field_has_a_row_and_every_value_is_chosen_agreeing_or_conflicting(evidence):
    """Nothing is dropped silently, and names with ordinals are unique."""
    rows = answers(PAPER, evidence, pages={1, 2, 3, 4})
    mentioned = {i for r in rows for i in (r.evidence_id, *r.agreeing, *r.conflicting)}

    assert {r.name.partition(".")[0] for r in rows} == {"total", "items"}
    assert len({(r.name, r.ordinal) for r in rows}) == len(rows)
    assert all(e.id in mentioned for e in evidence if e.state is FieldState.VALUE)


@given(some_evidence())
def test_a_row_is_absent_only_when_nobody_says_otherwise(evidence):
    """No value, no unreadable page, no silent page."""
    total = answers(PAPER, evidence, pages={1, 2, 3, 4})[0]
    about = [e for e in evidence if e.name == "total"]

    unanimous = {e.page for e in about} == {1, 2, 3, 4} and all(
        e.state is FieldState.ABSENT for e in about
    )
    assert (total.state is FieldState.ABSENT) == unanimous


@pytest.mark.parametrize("more", [said("7.00", page=3, score=0.1), unreadable(page=3)])
@given(evidence=some_evidence())
def test_more_contradiction_never_means_fewer_doubts(more, evidence):
    """A further page that disagrees, or cannot be read, is always visible in the row."""
    row = answers(JUST_TOTAL, [e for e in evidence if e.page != 3] + [more], pages={1, 2, 3})[0]

    assert more.id in (row.evidence_id, *row.conflicting) or 3 in row.unread_pages


def test_pages_that_were_not_read_are_named_on_every_row():
    """Left out is not silent: it says nothing for a field's absence, and is kept apart from pages
    that could not be read.
    """
    rows = answers(
        PAPER,
        [said("5.00", page=1), absent("items", page=1)],
        pages={1},
        left_out={3, 2},
        unjudged={3},
    )

    assert {(row.left_out_pages, row.unjudged_pages, row.unread_pages) for row in rows} == {
        ((2, 3), (3,), ())
    }
