"""What further looks at a page say of its first reading."""

import math
from dataclasses import replace

import pytest

from extractors.documents import BUILT_IN
from extractors.reading.looks import Agreement, compared, held
from extractors.types import FieldReading, FieldState, Opening, TokenTrace

SLIP = BUILT_IN["slip"]


def said(name, text, ordinal=0, logprobs=(-0.1,), state=None):
    tokens = tuple(TokenTrace(token_id=1, text=b"x", logprob=p) for p in logprobs)
    if state is None:
        state = FieldState.ABSENT if text is None else FieldState.VALUE
    return FieldReading(name=name, ordinal=ordinal, state=state, text=text, tokens=tokens)


def by_place(*readings):
    return {(one.name, one.ordinal): one for one in readings}


def agreement(first, *others):
    looks = compared([first], [by_place(*other) for other in others], SLIP)
    return [look.agreement for look in looks[first.name, first.ordinal]]


@pytest.mark.parametrize(
    ("first", "other", "agrees"),
    [
        (said("total", "12.00"), said("total", "12.00"), Agreement.SAME),
        (said("total", "12.00"), said("total", "12,00"), Agreement.VALUE),
        (said("total", "12.00"), said("total", "17.00"), Agreement.OTHER),
        (said("total", "12.00"), said("total", None), Agreement.OTHER),
        (said("total", None), said("total", "12.00"), Agreement.OTHER),
        (said("total", None), said("total", None), Agreement.SAME),
        (said("payee", "Foo"), said("payee", "foo"), Agreement.VALUE),
        (said("total", "x"), said("total", "y"), Agreement.OTHER),
        (
            said("total", "12.00", state=FieldState.UNREADABLE),
            said("total", "12.00", state=FieldState.UNREADABLE),
            Agreement.OTHER,
        ),
    ],
    ids=str,
)
def test_a_look_says_the_same_the_value_or_something_else(first, other, agrees):
    assert agreement(first, [other]) == [agrees]


def test_a_look_that_lacks_the_field_says_something_else():
    assert agreement(said("total", "12.00"), []) == [Agreement.OTHER]


def test_rows_are_counted_and_fields_that_stand_once_are_not():
    """A look that lacks the total has the same rows, and says the same of them."""
    rows = [said("items.amount", "1.00"), said("items.amount", "2.00", ordinal=1)]
    looks = compared([said("total", "3.00"), *rows], [by_place(*rows)], SLIP)

    assert looks["total", 0][0].agreement is Agreement.OTHER
    assert looks["items.amount", 1][0].agreement is Agreement.SAME


def test_each_look_speaks_for_itself_and_tells_its_least_sure_token():
    first = said("total", "12.00")
    others = (said("total", "12.00", logprobs=(-0.1, -0.7)), said("total", "1.00", logprobs=()))
    looks = compared([first], [by_place(one) for one in others], SLIP)["total", 0]

    assert [look.weakest for look in looks] == [-0.7, None]
    assert [look.text for look in looks] == ["12.00", "1.00"]


def test_tokens_that_are_no_numbers_tell_nothing():
    first = said("total", "12.00")
    other = said("total", "12.00", logprobs=(-0.1, math.nan))
    assert compared([first], [by_place(other)], SLIP)["total", 0][0].weakest is None


def test_a_look_with_another_number_of_rows_doubts_every_row():
    """A row too many or too few moves the others, and nobody knows which one it is."""
    rows = [said("items.amount", f"{n}.00", ordinal=n) for n in range(2)]
    more = [*rows, said("items.amount", "9.00", ordinal=2)]

    assert agreement(rows[0], rows) == [Agreement.OTHER]  # the first reading had one row alone
    same, other = compared(rows, [by_place(*rows)], SLIP), compared(rows, [by_place(*more)], SLIP)
    assert {look.agreement for looks in same.values() for look in looks} == {Agreement.SAME}
    assert {look.agreement for looks in other.values() for look in looks} == {Agreement.OTHER}


def test_a_forced_look_tells_how_probable_the_first_reading_is():
    """It agrees with nothing, since it read nothing; of a value its opening counts too."""
    first = said("total", "12.00")
    other = said("total", "12.00", logprobs=(-0.1, -0.7))
    opened = replace(other, opening=Opening(taken=-0.9, other=None))

    [look] = held([first], [by_place(other)])["total", 0]
    assert (look.agreement, look.forced, look.text) == (Agreement.HELD, True, "12.00")
    assert (look.weakest, look.joint) == (-0.7, pytest.approx(-0.8))
    [look] = held([first], [by_place(opened)])["total", 0]
    assert (look.weakest, look.joint) == (-0.9, pytest.approx(-1.7))
    [look] = held([said("total", None)], [by_place(opened)])["total", 0]
    assert look.weakest == -0.7


def test_a_forced_look_without_numbers_tells_nothing():
    first = said("total", "12.00")
    others = [by_place(said("total", "12.00", logprobs=p)) for p in ((), (-0.1, math.nan))]
    looks = held([first], [*others, {}])["total", 0]
    assert [(look.weakest, look.joint) for look in looks] == [(None, None)] * 3
