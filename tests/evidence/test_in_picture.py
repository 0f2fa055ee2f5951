"""What the picture shows where a text layer says a value."""

from dataclasses import replace

import pytest

from extractors.documents.spec import Kind
from extractors.evidence.grounding import Agreement, Grounding
from extractors.evidence.in_picture import LOOKED_AT, in_picture, look_of, places, widened
from extractors.evidence.witnesses import AGREES, DENIES, Testimony, hear
from extractors.page.text import TEXT_LAYER
from extractors.rendering.einvoice import EInvoice
from extractors.types import Box
from tests.evidence.making import a_field, a_type, document_of, said

TOTAL = a_field(Kind.AMOUNT, "total", einvoice="total")
SPEC = a_type(TOTAL, a_field(Kind.TEXT, "seller"))
HERE, THERE, ELSEWHERE = Box(10, 10, 50, 20), Box(10, 40, 50, 50), Box(10, 70, 50, 80)


def printed(text, *where, source=TEXT_LAYER, **given):
    """A reading that the page's words show at these places."""
    found = tuple((box,) if isinstance(box, Box) else box for box in where)
    grounding = Grounding(agreement=Agreement.EXACT, places=found, source=source)
    return replace(said(text, **given), grounding=grounding)


def a_document(*readings, seen=None, spec=SPEC, **given):
    made = document_of(spec, readings, pages={one.page for one in readings})
    return replace(made, seen=seen or {}, **given)


def heard(document):
    return [(one.says, one.because) for one in in_picture(document)]


def test_a_picture_that_shows_the_value_agrees():
    """In whatever spelling it shows it."""
    for shown in ("1,250.00", "EUR 1,250.00", "1 250.00", "Total: 1,250.00"):
        document = a_document(printed("1,250.00", HERE), seen={(1, HERE): shown})
        assert heard(document) == [(AGREES, "in_picture")], shown


@pytest.mark.parametrize("shown", ["1,260.00", "", "11,250.00", "1,250.05", "-1,250.00"])
def test_a_picture_that_shows_something_else_denies_and_says_what(shown):
    """One digit is enough, and so is nothing at all."""
    document = a_document(printed("1,250.00", HERE), seen={(1, HERE): shown})

    (one,) = in_picture(document)

    assert (one.says, one.because, one.page, one.boxes) == (DENIES, "not_in_picture", 1, (HERE,))
    assert (shown or "nothing") in one.message


def test_one_place_that_shows_it_is_enough():
    """A white box may lie over the other."""
    document = a_document(
        printed("1,250.00", HERE, THERE), seen={(1, HERE): "", (1, THERE): "1,250.00"}
    )

    assert heard(document) == [(AGREES, "in_picture")]


def test_of_two_pages_that_say_it_one_picture_that_shows_it_is_enough():
    """Whichever page it is; and its place is told."""
    for page, other in ((1, 2), (2, 1)):
        readings = (printed("5.00", HERE), printed("5.00", THERE, page=2))
        box, elsewhere = (HERE, THERE) if page == 1 else (THERE, HERE)
        document = a_document(*readings, seen={(page, box): "5.00", (other, elsewhere): "smudge"})

        (one,) = in_picture(document)
        assert (one.says, one.page, one.boxes) == (AGREES, page, (box,))


def test_the_first_look_is_at_one_place_and_the_second_at_the_others_too():
    """And there is no third."""
    document = a_document(printed("1,250.00", HERE, THERE, ELSEWHERE))
    nowhere = {(1, box): "" for box in (HERE, THERE, ELSEWHERE)}

    assert places(document, {}) == {1: (HERE,)}
    assert places(document, {(1, HERE): "1,250.00"}) == {}
    assert places(document, {(1, HERE): "smudge"}) == {1: (HERE, THERE, ELSEWHERE)}
    assert heard(replace(document, seen=nowhere)) == [(DENIES, "not_in_picture")]


def test_two_readings_at_one_place_are_one_look():
    """Equal values of two pages are two."""
    document = a_document(printed("5.00", HERE), printed("5.00", HERE, page=2))

    assert places(document, {}) == {1: (HERE,), 2: (HERE,)}


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.GROUP}))
def test_amounts_dates_and_identifiers_are_looked_at_and_nothing_else(kind):
    """A slip of the engine in a text would be a needless doubt."""
    field = a_field(kind, "x", choices=("A", "B") if kind is Kind.CHOICE else ())
    document = a_document(printed("12", HERE, name="x", kind=Kind.TEXT), spec=a_type(field))

    assert bool(places(document, {})) is (kind in LOOKED_AT)


def test_words_that_an_engine_saw_are_not_looked_at_again():
    """They are the picture's own."""
    document = a_document(printed("5.00", HERE, source="ocr"))

    assert places(document, {}) == {}
    assert heard(document) == []


def test_what_the_xml_says_too_is_not_looked_at():
    """Unless it says something else."""
    reading = printed("5.00", HERE)

    assert places(a_document(reading, einvoice=EInvoice(header={"total": "5"})), {}) == {}
    assert places(a_document(reading, einvoice=EInvoice(header={"total": "6"})), {}) == {1: (HERE,)}


def test_without_a_look_the_witness_is_silent_unless_the_type_demands_one():
    """Then the value is doubted."""
    assert heard(a_document(printed("5.00", HERE))) == []
    strict = replace(SPEC, look_required=True)
    assert heard(a_document(printed("5.00", HERE), spec=strict)) == [(DENIES, "not_looked_at")]
    assert heard(a_document(printed("5.00", HERE), spec=strict, seen={(1, HERE): "5.00"})) == [
        (AGREES, "in_picture")
    ]


def test_a_value_over_two_lines_may_be_seen_in_one_of_them():
    """An engine that is shown a whole line reads on into the next."""
    document = a_document(
        printed("1,250.00", (HERE, THERE)), seen={(1, HERE): "1,250.00", (1, THERE): ""}
    )

    assert heard(document) == [(AGREES, "in_picture")]


def test_a_value_over_two_lines_is_put_together():
    """Each line is a place."""
    document = a_document(
        printed("12 March 2026", (HERE, THERE), name="day", kind=Kind.DATE),
        spec=a_type(a_field(Kind.DATE, "day")),
        seen={(1, HERE): "12 March", (1, THERE): "2026"},
    )

    assert heard(document) == [(AGREES, "in_picture")]


def test_words_that_run_down_the_page_are_one_line():
    """The short one among them says nothing of its direction."""
    down = (Box(100, 10, 112, 20), Box(100, 24, 112, 52), Box(100, 56, 112, 80))
    field = a_field(Kind.DATE, "day")
    document = a_document(
        printed("12 March 2026", down, name="day", kind=Kind.DATE), spec=a_type(field)
    )
    line = Box(100, 10, 112, 80)

    assert places(document, {}) == {1: (line,)}
    assert heard(replace(document, seen={(1, line): "LZ\n12 March 2026"})) == [
        (AGREES, "in_picture")
    ]


def test_more_is_cut_at_the_second_look_and_more_along_the_line_than_across():
    """Whichever way the line runs."""
    for box in (Box(0, 0, 60, 10), Box(0, 0, 10, 60)):
        first, second = widened(box, 0), widened(box, 1)
        assert second.x0 < first.x0 < 0
        assert second.y0 < first.y0 < 0
        assert (first.x0 < first.y0) is (box.width > box.height)


def said_by(witness, says=AGREES, because=None, **details):
    (candidate,) = a_document(printed("5.00", HERE)).of("total")
    return Testimony(of=candidate, says=says, because=because, witness=witness, details=details)


@pytest.mark.parametrize(
    ("kind", "testimony", "code"),
    [
        (Kind.AMOUNT, [said_by("on-page/1", source=TEXT_LAYER)], "not_looked_at"),
        (Kind.TEXT, [said_by("on-page/1", source=TEXT_LAYER)], None),
        (Kind.AMOUNT, [said_by("on-page/1", source="ocr")], None),
        (Kind.AMOUNT, [], None),
        (
            Kind.AMOUNT,
            [said_by("einvoice-xml/1"), said_by("on-page/1", source=TEXT_LAYER)],
            None,
        ),
        (Kind.AMOUNT, [said_by("in-picture/1", because="in_picture")], "in_picture"),
    ],
)
def test_a_result_says_whether_somebody_looked(kind, testimony, code):
    """Where only the layer speaks and nobody looked, it says so."""
    assert look_of(kind, testimony) == code


def test_the_witness_is_heard_with_the_others():
    """By its name."""
    document = a_document(printed("5.00", HERE), seen={(1, HERE): "6.00"})

    assert "in-picture/1" in {one.witness for one in hear(document)}
