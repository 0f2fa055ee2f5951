"""One currency of amounts that belong together, and of the sign that the page explains."""

from dataclasses import replace

import pytest

from extractors.documents.spec import Kind
from extractors.evidence.one_currency import one_currency
from tests.evidence.making import a_field, a_type, document_of, page_of, said

NET, TAX = a_field(Kind.AMOUNT, "net"), a_field(Kind.AMOUNT, "tax")
TOTAL = a_field(Kind.AMOUNT, "total", sums=("net", "tax"))
ALONE = a_field(Kind.AMOUNT, "total")
CURRENCY = a_field(Kind.CURRENCY, "currency")
OTHER = a_field(Kind.CURRENCY, "other_currency")
NOTE = a_field(Kind.TEXT, "note")


def heard(fields, *lines, **texts):
    kinds = {field.name: field.kind for field in fields}
    readings = [said(text, name=name, kind=kinds[name]) for name, text in texts.items()]
    document = document_of(a_type(*fields), readings, pages={1: page_of(*lines)})
    return list(one_currency(document))


def denied(found, code="currencies_differ"):
    assert {each.because for each in found} <= {code}
    return {each.of.name for each in found}


SUM = (NET, TAX, TOTAL)


@pytest.mark.parametrize(
    ("fields", "texts", "names"),
    [
        # the one that stands alone is denied; two of a kind are right
        (SUM, {"net": "EUR 1.00", "tax": "EUR 2.00", "total": "USD 3.00"}, {"total"}),
        (SUM, {"net": "EUR 1.00", "tax": "USD 2.00", "total": "3.00"}, {"net", "tax"}),
        (SUM, {"net": "EUR 1.00", "tax": "USD 2.00", "total": "GBP 3.00"}, {"net", "tax", "total"}),
        (SUM, {"net": "EUR 1.00", "tax": "EUR 2.00", "total": "EUR 3.00"}, set()),
        # the one currency field is that of the sum; of two nobody knows which
        ((*SUM, CURRENCY), {"net": "EUR 1.00", "currency": "USD"}, {"net", "currency"}),
        ((*SUM, CURRENCY, OTHER), {"net": "EUR 1.00", "currency": "USD"}, set()),
        # without a sum the one amount and the one currency belong together; two amounts do not
        ((ALONE, CURRENCY), {"total": "EUR 1.00", "currency": "USD"}, {"total", "currency"}),
        ((ALONE, CURRENCY, NOTE), {"total": "EUR 1.00", "currency": "USD"}, {"total", "currency"}),
        ((NET, ALONE, CURRENCY), {"total": "EUR 1.00", "net": "USD 1.00"}, set()),
        ((NET, ALONE), {"total": "EUR 1.00", "net": "USD 1.00"}, set()),
        # an amount that no sum ties is not asked where another one has its parts
        ((*SUM, a_field(Kind.AMOUNT, "paid")), {"net": "EUR 1.00", "paid": "USD 1.00"}, set()),
    ],
)
def test_amounts_that_belong_together_name_one_currency(fields, texts, names):
    """The majority is right; where there is none, all are denied."""
    assert denied(heard(fields, **texts)) == names


def test_a_denied_currency_is_told_what_the_others_say():
    """For the person who looks, all of them in one order."""
    found = heard(SUM, net="EUR 1.00", tax="USD 2.00", total="GBP 3.00")

    assert [each.message for each in found] == [
        "this says EUR, and what belongs to it says GBP, USD",
        "this says USD, and what belongs to it says EUR, GBP",
        "this says GBP, and what belongs to it says EUR, USD",
    ]


@pytest.mark.parametrize("broken", ["value", "problem"])
def test_what_has_no_usable_value_names_no_currency(broken):
    """It is not compared, and denies no other."""
    net = said("EUR 1.00", name="net")
    tax = said("USD 2.00", name="tax")
    changed = None if broken == "value" else replace(tax.value, problem="ambiguous_amount")

    document = document_of(a_type(*SUM), [net, replace(tax, value=changed)], pages={1})

    assert not list(one_currency(document))


@pytest.mark.parametrize(
    ("line", "text", "named"),
    [
        ("All prices in CAD", "$1.00", "CAD"),
        ("All prices (CAD).", "$1.00", "CAD"),
        ("All prices in CAD or AUD", "$1.00", None),
        ("All prices in CAD, not USD", "$1.00", None),
        ("All prices in EUR", "$1.00", None),
        ("All prices in CAD", "USD 1.00", None),
        ("All prices in CAD", "1.00", None),
    ],
)
def test_a_sign_that_several_currencies_share_is_denied_where_the_page_names_another(
    line, text, named
):
    """One other, and nowhere the one that was taken; a code needs no explanation."""
    found = heard((ALONE,), line, total=text)

    assert [each.details["named"] for each in found] == ([named] if named else [])
    assert {each.message for each in found} <= {f"taken for USD, and the page names {named}"}


def test_the_named_currency_is_offered_for_the_currency_and_not_for_an_amount():
    """Only there it is an answer."""
    found = heard((ALONE, CURRENCY), "All prices in CAD", total="$1.00", currency="$")

    assert {each.of.name: each.offers for each in found} == {"total": None, "currency": "CAD"}


def test_a_currency_by_its_code_is_not_denied_beside_a_sign():
    """The code says what the sign means."""
    found = heard((ALONE, CURRENCY), "All prices in CAD", total="$1.00", currency="usd")

    assert denied(found, "currency_named") == {"total"}


def test_a_row_in_another_currency_than_the_sum_is_denied_and_one_without_is_not():
    """A cell that is not there, or names none, says nothing."""
    items = a_field(Kind.GROUP, "items", members=(a_field(Kind.AMOUNT, "amount"), NOTE))
    spec = a_type(items, a_field(Kind.AMOUNT, "total", sums=("items.amount",)))
    cells = [("USD 1.00", 0), ("EUR 1.00", 1), ("1.00", 2)]
    readings = [
        said("EUR 3.00"),
        *(said(text, name="items.amount", ordinal=at) for text, at in cells),
        said("nothing", name="items.note", ordinal=3, kind=Kind.TEXT),
    ]

    found = list(one_currency(document_of(spec, readings, pages={1})))

    assert [(each.of.name, each.of.ordinal) for each in found] == [("items.amount", 0)]
