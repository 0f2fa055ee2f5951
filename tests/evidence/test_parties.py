"""Names in the blocks of sellers and buyers, and names that stand behind what is no name."""

from dataclasses import replace

import pytest

from extractors.documents.spec import Kind
from extractors.evidence.grounding import ground
from extractors.evidence.parties import parties
from extractors.evidence.witnesses import DENIES, OFFERS
from extractors.page.text import PageText
from tests.evidence.making import a_field, a_type, absent, document_of, page_of, said, unreadable

SELLER = a_field(name="seller", einvoice="seller")
BUYER = a_field(name="buyer", einvoice="buyer")
NOTE = a_field(name="note")
SPEC = a_type(SELLER, BUYER, NOTE)


def heard(*readings, spec=SPEC, **pages):
    """What is said of readings of these pages: ``p1`` and ``p2`` are their lines."""
    words = {int(key[1:]): page_of(*lines) for key, lines in pages.items()}
    shown = []
    for one in readings:
        place = ground(one.text or "", PageText(words[one.page]), spec.field(one.name), spec)
        shown.append(replace(one, grounding=place))
    heard = parties(document_of(spec, shown, pages=words))
    return [each for each in heard if each.of.name in {one.name for one in readings}]


def name(of, text="Foo Ltd", page=1, kind=Kind.TEXT):
    return said(text, name=of, page=page, kind=kind)


BILLED = ("Bill to", "Foo Ltd", "12 Quay Street")
SOLD = ("Seller", "Foo Ltd", "12 Quay Street")
SHIPPED = ("Ship to", "Foo Ltd", "12 Quay Street")
GAP = ("", "", "", "")


@pytest.mark.parametrize(
    ("of", "lines", "under"),
    [
        ("seller", BILLED, "Bill to"),
        ("buyer", SOLD, "Seller"),
        ("seller", SOLD, None),
        ("buyer", BILLED, None),
        ("seller", SHIPPED, None),
        ("note", BILLED, None),
        # also elsewhere on the page: still in the other one's block alone
        ("seller", ("Foo Ltd", *GAP, *BILLED), "Bill to"),
        # in both blocks: nobody knows
        ("seller", (*SOLD, *GAP, *BILLED), None),
    ],
)
def test_a_name_in_the_other_partys_block_alone_is_denied(of, lines, under):
    """A seller under "Bill to" is the buyer."""
    found = heard(name(of), p1=lines)

    assert [(each.says, each.because, each.message, each.page) for each in found] == (
        [(DENIES, "other_party", f"stands under {under}", 1)] if under else []
    )


def test_a_name_that_stands_in_its_own_block_on_another_page_is_not_denied():
    """Each page is asked for its own words."""
    readings = [name("seller"), name("seller", page=2)]

    assert not heard(*readings, p1=BILLED, p2=SOLD)
    assert heard(name("seller"), p1=BILLED, p2=("nothing",))


def test_a_name_beside_the_other_partys_block_is_not_denied():
    """On the same page elsewhere, or at the same place of another page."""
    assert not heard(name("seller"), p1=("Foo Ltd", *GAP, "Bill to", "Bar Inc"))
    assert not heard(name("seller"), p1=("x", "Foo Ltd"), p2=("Bill to", "Bar Inc"))


def test_a_party_that_is_no_text_is_not_asked():
    """A number of a customer is no name."""
    seller = a_field(Kind.IDENTIFIER, "seller", einvoice="seller")

    assert not heard(name("seller", kind=Kind.IDENTIFIER), spec=a_type(seller), p1=BILLED)


@pytest.mark.parametrize(
    ("reading", "says"), [(absent("buyer"), DENIES), (unreadable("buyer"), OFFERS)]
)
def test_a_party_that_was_not_read_is_offered_the_name_in_its_block(reading, says):
    """An absence is denied; of what could not be read nothing can be denied."""
    (found,) = heard(reading, p1=BILLED)

    assert (found.says, found.because, found.offers, found.page) == (
        says, "party_named", "Foo Ltd", 1
    )  # fmt: skip
    assert found.message == "under Bill to the page says Foo Ltd"


@pytest.mark.parametrize(
    ("first", "second", "page"),
    [
        (BILLED, BILLED, 1),
        (BILLED, ("Bill to", "Bar Inc"), None),
        (("Bill to", "12 Quay Street"), BILLED, 2),
        (("Bill to", "12 Quay Street"), ("nothing",), None),
        (SOLD, SHIPPED, None),
    ],
)
def test_a_missing_party_is_named_where_all_blocks_with_a_name_have_the_same(first, second, page):
    """The first page that says it is shown; a block without a name says nothing."""
    readings = [absent("buyer"), absent("buyer", page=2)]

    found = heard(*readings, p1=first, p2=second)

    assert [(each.page, each.offers) for each in found] == ([(page, "Foo Ltd")] if page else [])


@pytest.mark.parametrize(
    ("lines", "label"),
    [
        (("Currency  Foo Ltd",), "Currency"),
        (("Currency:  Foo Ltd",), "Currency"),
        (("Currency: Foo Ltd",), "Currency"),
        (("Invoice date: Foo Ltd",), "Invoice date"),
        (
            (
                "INVOICE",
                "Hello          Phone          Foo Ltd",
            ),
            "Phone",
        ),
        (("Phone          Hello          Foo Ltd",), None),
        (("Company  Foo Ltd",), None),
        (("Foo Ltd  Phone",), None),
        (("Phone", "Foo Ltd"), None),
        (("Phone", "          Foo Ltd"), None),
        # the nearest words stand in the name's own cell
        (("Currency          Hello: Foo Ltd",), None),
        # one place that is behind no such label is enough
        (("Phone  Foo Ltd", "Foo Ltd"), None),
        (("Foo Ltd", "Phone  Foo Ltd"), None),
        (("Phone  Foo Ltd", "Currency  Foo Ltd"), "Currency"),
    ],
)
def test_a_name_that_stands_behind_what_is_no_name_is_denied(lines, label):
    """At every place where the page prints it."""
    found = heard(name("seller"), p1=lines)

    assert [(each.because, each.message) for each in found] == (
        [("other_party", f"stands under {label}, which is no name")] if label else []
    )


def test_the_first_place_of_a_name_behind_such_a_label_is_shown():
    """On the page where it was read first."""
    lines = ("Phone  Foo Ltd", "Currency  Foo Ltd")
    (found,) = heard(name("seller", page=2), p1=("x",), p2=lines)

    assert found.page == 2
    assert {(box.x0, box.y0) for box in found.boxes} == {
        (word.box.x0, word.box.y0) for word in page_of(*lines)[1:2]
    }


def test_a_name_that_no_page_shows_is_not_denied():
    """Nobody knows where it stands."""
    assert not heard(name("seller", "Bar Inc"), p1=(*BILLED, *GAP, "Phone  Foo Ltd"))
