"""Where a text begins and ends in its cell, and which words are labels and no values."""

import pytest

from extractors.evidence.whole_text import whole_text
from extractors.evidence.witnesses import DENIES
from tests.evidence.lists import document
from tests.evidence.making import page_of

GOES_ON, LABEL, WHOLE = "text_goes_on", "is_a_label", None


def heard(*lines, **header):
    """Code and what is offered, by field; the message names what the page says."""
    said, words = {}, page_of(*lines)
    for one in whole_text(document({}, {1: words}, **header)):
        assert (one.says, one.page) == (DENIES, 1)
        if one.offers is not None:
            assert one.message == f"the page goes on: {one.offers}"
            assert one.offers == " ".join(word.text for word in words if word.box in one.boxes)
        else:
            label, _, rest = one.message.partition(" is a label")
            assert (label in " ".join(lines), rest[-9:]) == (True, " no value")
        said[one.of.name] = (one.because, one.offers)
    return said


@pytest.mark.parametrize(
    ("line", "read", "code", "whole"),
    [
        ("Foo Ltd", "Foo Ltd", WHOLE, None),
        ("Foo Ltd", "Foo", GOES_ON, "Foo Ltd"),
        ("Foo Bar Big Old Co", "Foo", GOES_ON, "Foo Bar Big Old Co"),
        ("Foo & Sons", "Foo", GOES_ON, "Foo & Sons"),
        ("Foo + Sons", "Foo", GOES_ON, "Foo + Sons"),
        # something parts what follows from it
        ("Foo, Ltd", "Foo", WHOLE, None),
        ("Foo; Ltd", "Foo", WHOLE, None),
        ("(Foo) Ltd", "Foo", WHOLE, None),
        ("Foo| Ltd", "Foo", WHOLE, None),
        ("Foo  Ltd", "Foo", WHOLE, None),
        ("Foo 12", "Foo", WHOLE, None),
        ("Foo - Ltd", "Foo", WHOLE, None),
        ("Foo Ltd, Elm Street", "Foo", GOES_ON, "Foo Ltd,"),
        # a label follows: at once, or within three words of its colon
        ("Foo Invoice date 2026", "Foo", WHOLE, None),
        ("Foo Ltd Tel.: 12", "Foo Ltd", WHOLE, None),
        ("Foo Ltd a Tel: 12", "Foo Ltd", WHOLE, None),
        ("Foo Ltd Big Old Tel.: 12", "Foo", GOES_ON, "Foo Ltd"),
        # a text that begins before
        ("Old Foo", "Foo", GOES_ON, "Old Foo"),
        ("Old. Foo", "Foo", WHOLE, None),
        ("Old  Foo", "Foo", WHOLE, None),
        ("Seller Foo", "Foo", WHOLE, None),
        ("Old Foo Ltd", "Foo Ltd", WHOLE, None),
        ("12 Foo Street", "Foo Street", GOES_ON, "12 Foo Street"),
        ("12  Foo Street", "Foo Street", WHOLE, None),
        ("at 12 Foo Street", "Foo Street", WHOLE, None),
        ("12a Foo Street", "Foo Street", WHOLE, None),
        # labels
        ("Foo: Ltd", "Foo", LABEL, None),
        ("Invoice date", "Invoice date", LABEL, None),
        ("Invoice date - ", "Invoice date", LABEL, None),
        ("Invoice date 2026", "Invoice date", WHOLE, None),
        ("Globale Nummer: 4000", "Globale", LABEL, None),
        ("Globale a b: 4000", "Globale", LABEL, None),
        ("Globale a b c: 4000", "Globale", LABEL, None),
        ("Globale a b c d: 4000", "Globale", GOES_ON, "Globale a"),
        ("Foo Globale Nummer: 4000", "Globale", GOES_ON, "Foo Globale"),
    ],
)
def test_a_text_is_whole_or_its_cell_says_more(line, read, code, whole):
    """Close behind or before, with nothing between that parts two things."""
    found = heard(line, seller=read)
    assert found == ({"seller": (code, whole)} if code else {})


@pytest.mark.parametrize(
    ("number", "code"), [("Number", LABEL), ("Invoice No.", LABEL), ("A-17", WHOLE)]
)
def test_the_name_of_a_code_is_no_code(number, code):
    """Wherever it stands; a code that is followed by words is whole."""
    assert heard(f"{number} of Foo", number=number) == ({"number": (code, None)} if code else {})


def test_only_texts_are_asked_where_they_end():
    """An amount or a date is followed by anything; nothing is said of an absence."""
    lines = ("86.40 Foo", "2026-05-04 Foo")
    assert heard(*lines, total="86.40", date="2026-05-04", seller=None) == {}


def test_what_does_not_stand_on_the_page_is_not_said_to_go_on():
    """Another witness says so."""
    assert heard("Foo Ltd", seller="Bar") == {}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("Foo Ltd", "Foo"), WHOLE),
        (("Foo Ltd", "Foo Inc"), GOES_ON),
        (("Foo:", "Foo Ltd"), LABEL),
        (("Foo Ltd", "Foo:"), GOES_ON),
    ],
)
def test_every_place_must_show_that_it_goes_on(lines, code):
    """The first of them says how."""
    found = heard(*lines, seller="Foo")
    assert {one[0] for one in found.values()} == ({code} if code else set())


@pytest.mark.parametrize(("buyer", "code"), [("Ltd", WHOLE), ("Bar", GOES_ON), (None, GOES_ON)])
def test_a_text_ends_where_another_fields_value_begins(buyer, code):
    """If that stands there, and not elsewhere; nor where it was read from before the text."""
    found = heard("Foo Ltd", "Bar", seller="Foo", buyer=buyer).get("seller")
    assert found == ((code, "Foo Ltd") if code else None)
    behind = heard("Old Foo Ltd", seller="Foo", buyer="Old")["seller"]
    assert behind == (GOES_ON, "Foo Ltd")


def test_a_text_of_two_lines_is_judged_by_its_last():
    """There it goes on, or ends."""
    assert heard("Foo", "Bar Ltd", seller="Foo Bar") == {"seller": (GOES_ON, "Bar Ltd")}
    assert heard("Foo", "Bar", seller="Foo Bar") == {}
