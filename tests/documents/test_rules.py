"""Every rule that a document type must keep, at its edge: what just fits, what just does not."""

from dataclasses import replace

import pytest

from extractors.documents.checks import check
from extractors.documents.spec import Kind
from extractors.documents.types import RESERVED_NAMES
from extractors.errors import BrokenDocumentType
from extractors.types import LookKind
from tests.evidence.making import a_field, a_type

NET, TAX = a_field(Kind.AMOUNT, "net"), a_field(Kind.AMOUNT, "tax")
DAY, DUE = a_field(Kind.DATE, "day"), a_field(Kind.DATE, "due")
NOTE, COUNT = a_field(Kind.TEXT, "note"), a_field(Kind.NUMBER, "count")
PRICE = a_field(Kind.AMOUNT, "price")
OTHER_LIST = a_field(Kind.GROUP, "fees", members=(a_field(Kind.AMOUNT, "fee"),))


def total(**options):
    return a_field(Kind.AMOUNT, "total", **options)


def row(**options):
    amount = a_field(Kind.AMOUNT, "amount", **options)
    return a_field(Kind.GROUP, "rows", members=(COUNT, PRICE, NOTE, amount))


def day(**options):
    return a_field(Kind.DATE, "due", **options)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        # sums: other amounts, or one of a list's rows; two terms at least
        ((NET, TAX, total(sums=("net", "tax"))), None),
        ((row(), total(sums=("rows.amount",))), None),
        ((NET, total(sums=("net",))), "sums 'net' alone"),
        ((NET, NOTE, total(sums=("net", "note"))), "sums 'note'"),
        ((NET, total(sums=("net", "total"))), "sums 'total'"),
        ((NET, total(sums=("net", "gone"))), "sums 'gone'"),
        ((row(), total(sums=("rows.count",))), "sums 'rows.count'"),
        ((NET, TAX, a_field(Kind.NUMBER, "x", sums=("net", "tax"))), "sums 'net'"),
        # product: two numbers or amounts beside it in the row
        ((row(product=("count", "price")),), None),
        ((row(product=("price", "count")),), None),
        ((row(product=("count",)),), "product of count"),
        ((row(product=("count", "price", "price")),), "product of"),
        ((row(product=("count", "note")),), "product of count, note"),
        ((row(product=("count", "amount")),), "product of count, amount"),
        ((OTHER_LIST, row(product=("count", "fee"))), "product of count, fee"),
        ((NET, TAX, total(product=("net", "tax"))), "product of net, tax"),
        # after: a day after another day
        ((DAY, day(after="day")), None),
        ((NET, day(after="net")), "after names 'net'"),
        ((DAY, total(after="day")), "after names 'day'"),
        ((DAY, day(after="gone")), "after names 'gone'"),
        ((row(), day(after="rows")), "after names 'rows'"),
        # equals: of one kind; distinct: of any, and never a list
        ((NET, total(equals=("net",))), None),
        ((COUNT, total(equals=("count",))), "equals names 'count'"),
        ((COUNT, total(distinct=("count",))), None),
        ((row(), total(distinct=("rows",))), "distinct names 'rows'"),
        ((row(), total(equals=("rows.amount",))), "equals names 'rows.amount'"),
        ((row(equals=("price",)),), "equals names 'price'"),
        ((NET, total(distinct=("net", "total"))), "distinct names 'total'"),
        # years: two, of a date, not negative
        ((day(years=(0, 0)),), None),
        ((day(years=(50, 2)),), None),
        ((day(years=(-1, 2)),), "years is"),
        ((day(years=(2, -1)),), "years is"),
        ((day(years=(2,)),), "years is"),
        ((total(years=(50, 2)),), "years is"),
        # a choice has choices; nothing else needs them
        ((a_field(Kind.CHOICE, "x", choices=("a",)),), None),
        ((a_field(Kind.CHOICE, "x"),), "choice without choices"),
        ((a_field(Kind.IDENTIFIER, "x", checksum="iban"),), None),
        ((a_field(Kind.IDENTIFIER, "x", checksum="nothing"),), "no checksum"),
    ],
)
def test_what_fields_say_of_each_other_must_be_there_and_of_the_right_kind(fields, says):
    """The error names the field, what it names, and what could be."""
    spec = a_type(*fields)
    if says is None:
        check(spec)
        return
    with pytest.raises(BrokenDocumentType, match=says) as error:
        check(spec)
    assert str(error.value).startswith("paper.")


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        ("name", ("paper", "a1", "_x"), ("", "a b", "1a", "a-b", *RESERVED_NAMES)),
        ("max_pages", (None, 1, 9), (0, -1)),
        ("max_pages_read", (None, 1, 9), (0, -1)),
        ("looks", (None, 0, 1, 2), (-1, 3)),
        ("look_kind", (None, LookKind.FREE, LookKind.FORCED), ("other",)),
        ("look_below", (None, 0.0, 0.5, 1.0), (-0.01, 1.01, float("nan"))),
        ("decimal", (None, ".", ","), ("", "'", " ", ".,")),
        ("signs", ((), (("$", "CAD"),)), ((("$", "XXXX"),), ((" ", "CAD"),), (("$", ""),))),
        (
            "locale",
            ("en", "en_US", "zh_Hant", "zh-Hant-TW", "es_419", "EN_us"),
            ("", "xx", "en_QQ", "en_Qqqq", "en_US_", None),
        ),
    ],
)
def test_each_option_of_a_type_has_a_range(option, good, bad):
    """At both of its ends."""
    for value in good:
        check(replace(a_type(NOTE), **{option: value}))
    for value in bad:
        with pytest.raises(BrokenDocumentType):
            check(replace(a_type(NOTE), **{option: value}))


@pytest.mark.parametrize("where", ["field", "member"])
@pytest.mark.parametrize(
    ("accept_at", "usable"),
    [(None, True), (0.0, True), (1.0, True), (-0.01, False), (1.01, False), (float("nan"), False)],
)
def test_a_threshold_lies_between_0_and_1_wherever_it_stands(where, accept_at, usable):
    """Of a field, and of a list's column."""
    spec = a_type(row(accept_at=accept_at) if where == "member" else total(accept_at=accept_at))
    if usable:
        check(spec)
    else:
        with pytest.raises(BrokenDocumentType, match="accept_at is"):
            check(spec)
