"""Which of the amounts that make each other are denied, and what is offered for them."""

from decimal import Decimal

import pytest

from extractors.documents.spec import Kind
from extractors.evidence.printed_sums import Printed, explained
from extractors.evidence.totals import totals
from extractors.evidence.witnesses import AGREES, DENIES
from extractors.page.sum_lines import Does, SumLine
from extractors.types import Box
from tests.evidence.making import a_field, a_type, absent, document_of, said

LINES = a_field(Kind.GROUP, "lines", members=(a_field(Kind.AMOUNT, "amount"), a_field(name="note")))
SPEC = a_type(
    a_field(Kind.AMOUNT, "net", sums=("lines.amount",)),
    a_field(Kind.AMOUNT, "tax"),
    a_field(Kind.AMOUNT, "total", sums=("net", "tax", "lines.amount")),
    LINES,
)


def heard(lines=(), **amounts):
    """What is said of the amounts of a scan; None is an absence, and a row without an amount."""
    readings = [
        absent(name) if text is None else said(text, name=name) for name, text in amounts.items()
    ]
    for at, text in enumerate(lines):
        name, kind = ("lines.note", Kind.TEXT) if text is None else ("lines.amount", Kind.AMOUNT)
        readings.append(said(text or "gift", name=name, kind=kind, ordinal=at))
    return list(totals(document_of(SPEC, readings, pages={1})))


def denied(found):
    return {each.of.name for each in found if each.says is DENIES}


ALL = {"net", "tax", "total"}


@pytest.mark.parametrize(
    ("net", "tax", "total", "lines", "names"),
    [
        ("70", "15", "84", (), ALL),
        # the rows are the net: it is right, and one of the others is wrong
        ("70", "15", "84", ("9", "61"), {"tax", "total"}),
        # the rows are what the net would have to be
        ("75", "14", "84", ("9", "61"), {"net"}),
        # the rows are what the tax would have to be, which is no sum of them
        ("10", "20", "80", ("9", "61"), ALL),
        # the rows are the tax
        ("10", "70", "90", ("9", "61"), ALL),
        # two of the amounts are what the rows make: nobody knows which of them
        ("70", "14", "70", ("9", "61"), ALL),
        # the rows are the total: net and tax are asked
        ("60", "14", "70", ("9", "61"), {"net", "tax"}),
        # a row without an amount: nobody knows what the rows make
        ("70", "15", "84", ("9", "61", None), ALL),
        ("70", "15", "84", (None,), ALL),
        # rows that make something else
        ("70", "15", "84", ("9", "50"), ALL),
    ],
)
def test_of_amounts_that_do_not_make_each_other_those_are_denied_that_the_rows_do_not_prove(
    net, tax, total, lines, names
):
    """A list proves the sums of its rows and nothing else."""
    found = heard(lines, net=net, tax=tax, total=total)

    assert denied(found) == names
    assert {each.message for each in found} == {
        f"{Decimal(net)} + {Decimal(tax)} is not {Decimal(total)}"
    }


def test_each_denied_amount_is_offered_what_would_fit():
    """On a scan nothing speaks against it."""
    found = heard(net="70.00", tax="15.00", total="84.00")

    assert {each.of.name: each.offers for each in found} == {
        "net": "69.00",
        "tax": "14.00",
        "total": "85.00",
    }


@pytest.mark.parametrize(
    ("total", "denies"),
    [("84.0050", False), ("83.9950", False), ("84.0051", True), ("83.9949", True)],
)
def test_half_a_cent_is_no_difference(total, denies):
    """Amounts are rounded to cents."""
    found = heard(net="70.00", tax="14.00", total=total)

    assert {each.says for each in found} == {DENIES if denies else AGREES}


@pytest.mark.parametrize(
    ("total", "tax", "denies"),
    [
        ("CHF 84.00", "14.02", False),
        ("CHF 84.00", "13.98", False),
        ("CHF 84.00", "14.0249", False),
        ("CHF 84.00", "14.0250", True),
        ("CHF 84.00", "14.03", True),
        ("CHF 84.02", "14.04", True),
        ("EUR 84.00", "14.02", True),
        ("84.00", "14.02", True),
    ],
)
def test_francs_are_rounded_to_five_hundredths_and_nothing_else_is(total, tax, denies):
    """By less than half of them, and to a whole number of them."""
    assert bool(denied(heard(net="70.00", tax=tax, total=total))) == denies


@pytest.mark.parametrize(
    ("amounts", "offers"),
    [
        ({"net": "70.00", "total": "84.00", "tax": None}, "14.00"),
        ({"net": "70.00", "tax": "14.00", "total": None}, "84.00"),
        ({"net": "5.00", "tax": "0.00", "total": None}, "5.00"),
        ({"net": "0.00", "tax": "5.00", "total": None}, "5.00"),
        # of less than one, with either sign
        ({"net": "1.00", "total": "1.50", "tax": None}, "0.50"),
        ({"net": "0.40", "total": "0.60", "tax": None}, "0.20"),
        ({"net": "-1.00", "total": "-1.50", "tax": None}, "-0.50"),
        ({"net": "-0.40", "total": "-0.60", "tax": None}, "-0.20"),
        # the largest gives the sign
        ({"tax": "-1.00", "total": "10.00", "net": None}, "11.00"),
        ({"net": "10.00", "tax": "-1.00", "total": None}, "9.00"),
        # a tax has the sign of what is taxed
        ({"net": "12.00", "total": "10.00", "tax": None}, None),
        ({"net": "-12.00", "total": "-10.00", "tax": None}, None),
        # nothing is left over
        ({"net": "5.00", "total": "5.00", "tax": None}, None),
        ({"net": None, "tax": "0.00", "total": "5.00"}, None),
        ({"net": "0.00", "total": "0.00", "tax": None}, None),
        ({"net": "0.00", "tax": "0.00", "total": None}, None),
        # two that are missing
        ({"net": "5.00", "tax": None, "total": None}, None),
    ],
)
def test_an_absence_is_denied_where_the_other_two_leave_something_for_it(amounts, offers):
    """And what they leave is offered."""
    found = heard(**amounts)

    assert [each.offers for each in found] == ([offers] if offers else [])
    assert {each.because for each in found} <= {"sum_gap"}


def test_what_was_not_read_at_all_is_no_absence():
    """Nobody said that it is not there."""
    assert not heard(net="70.00", total="84.00")


def printed(does, amount):
    line = SumLine(label=("x",), does=does, text="", box=Box(0, 0, 1, 1), top=0)
    return Printed(1, line, Decimal(amount))


LESS, MORE, ROUNDED = Does.REDUCES, Does.RAISES, Does.ROUNDS


@pytest.mark.parametrize(
    ("short", "whole", "lines", "does"),
    [
        ("-10", "84", [(LESS, "10")], True),
        ("-10", "84", [(LESS, "-10")], True),
        ("10", "84", [(LESS, "10")], False),
        ("10", "84", [(MORE, "10")], True),
        ("-10", "84", [(MORE, "10")], False),
        # a credit note has all signs the other way round
        ("10", "-84", [(LESS, "10")], True),
        ("-10", "-84", [(LESS, "10")], False),
        ("-10", "-84", [(MORE, "10")], True),
        ("-0.10", "0.50", [(LESS, "0.10")], True),
        ("0.10", "-0.50", [(LESS, "0.10")], True),
        ("-10", "0", [(LESS, "10")], True),
        # a rounding has either sign and is less than one
        ("0.02", "84", [(ROUNDED, "0.02")], True),
        ("-0.02", "84", [(ROUNDED, "0.02")], True),
        ("0.04", "84", [(ROUNDED, "0.02")], False),
        ("0.99", "84", [(ROUNDED, "0.99")], True),
        ("1", "84", [(ROUNDED, "1")], False),
        ("1.50", "84", [(ROUNDED, "1.50")], False),
        ("0.10", "84", [(None, "0.10")], False),
        ("0.10", "84", [(Does.SUMS_ROWS, "0.10")], False),
        # together, and one said twice once
        ("-7", "84", [(LESS, "10"), (MORE, "3")], True),
        ("-20", "84", [(LESS, "10"), (LESS, "10")], False),
        ("10", "84", [(MORE, "0"), (MORE, "10")], True),
        ("0", "84", [], False),
        ("0", "84", [(LESS, "10")], False),
    ],
)
def test_what_is_missing_is_explained_by_what_is_printed(short, whole, lines, does):
    """Discounts take away, charges add; other labelled amounts explain nothing."""
    lines = [printed(*each) for each in lines]

    assert explained(Decimal(short), Decimal(whole), lines) == does


@pytest.mark.parametrize(("number", "does"), [(8, True), (9, False)])
def test_no_more_than_eight_adjustments_are_tried_together(number, does):
    """The last of nine is not looked at; with it the number of combinations would double."""
    lines = [printed(MORE, str(2**at)) for at in range(number)]

    assert explained(Decimal(2 ** (number - 1)), Decimal(84), lines) == does
