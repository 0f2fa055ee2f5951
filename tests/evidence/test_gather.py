"""Readings of pages -> candidates: distinct answers, all of them, and no opinion."""

from hypothesis import given
from hypothesis import strategies as st

from extractors.evidence.gather import gather
from extractors.types import FieldState
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
