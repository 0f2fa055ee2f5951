"""Where the page's words say a value: all of it, in whatever spelling, and never as a piece of
something else.
"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.evidence.grounding import Agreement, ground
from extractors.page.text import PageText, exact, nearest
from extractors.types import Box, Word
from tests.evidence.making import CHAR_PT, LINE_PT, a_field, a_type, page_of


def grounded(text, kind, *lines, locale="en_US", day_first=False, **options):
    return ground(
        text,
        PageText(page_of(*lines)),
        a_field(kind, **options),
        a_type(locale=locale, day_first=day_first),
    )


FOUND = [  # text, kind, page, agreement
    ("ACME GmbH", Kind.TEXT, "from ACME GmbH, Berlin", Agreement.EXACT),
    ("ACME GmbH", Kind.TEXT, "from Acme GMBH", Agreement.NORMALISED),
    ("ACME GmbH", Kind.TEXT, "(ACME GmbH)", Agreement.EXACT),
    ("O'Neill & Sons", Kind.TEXT, "O’Neill & Sons", Agreement.NORMALISED),
    ("finance", Kind.TEXT, "our ﬁnance", Agreement.NORMALISED),
    ("Straße 7", Kind.TEXT, "STRASSE 7", Agreement.NORMALISED),
    ("12 High St, London", Kind.TEXT, "12 High St London", Agreement.NORMALISED),
    ("INV-12345", Kind.IDENTIFIER, "Invoice: INV-12345.", Agreement.EXACT),
    ("12345", Kind.IDENTIFIER, "No.12345", Agreement.EXACT),
    ("12345", Kind.IDENTIFIER, "#12345", Agreement.EXACT),
    ("INV-12345", Kind.IDENTIFIER, "INV\u201112345", Agreement.NORMALISED),
    (
        "DE89370400440532013000",
        Kind.IDENTIFIER,
        "IBAN DE89 3704 0044 0532 0130 00",
        Agreement.EXACT,
    ),
    ("1,204.50", Kind.AMOUNT, "Total 1,204.50", Agreement.EXACT),
    ("1,204.50", Kind.AMOUNT, "Total EUR 1.204,50", Agreement.NORMALISED),
    ("1,204.50", Kind.AMOUNT, "Total:€1,204.50*", Agreement.NORMALISED),
    ("EUR 1,204.50", Kind.AMOUNT, "Total  1,204.50  EUR", Agreement.NORMALISED),
    ("1204.50", Kind.AMOUNT, "Total 1 204,50 paid", Agreement.NORMALISED),
    ("-5.00", Kind.AMOUNT, "credit (5.00)", Agreement.NORMALISED),
    ("2026-04-03", Kind.DATE, "Berlin, 3 April 2026", Agreement.NORMALISED),
    ("2026-04-03", Kind.DATE, "Date:03-Apr-2026", Agreement.NORMALISED),
    ("3 April 2026", Kind.DATE, "Friday, 3 April 2026 10:00", Agreement.EXACT),
    ("04/03/2026", Kind.DATE, "(04/03/2026)", Agreement.EXACT),
    ("3", Kind.NUMBER, "3 pcs", Agreement.EXACT),
    ("€", Kind.CURRENCY, "€1,204.50", Agreement.EXACT),
    ("EUR", Kind.CURRENCY, "12.00EUR", Agreement.EXACT),
    ("4711", Kind.IDENTIFIER, "see 4711. Then", Agreement.EXACT),
    ("4711", Kind.TEXT, "see 4711.", Agreement.EXACT),
    ("Cash", Kind.CHOICE, "paid in cash", Agreement.NORMALISED),
]
NOT_FOUND = [  # text, kind, page, what the page says instead
    ("ACME GmbH", Kind.TEXT, "ACME GmbHaus", "ACME GmbHaus"),
    ("ACME Ltd", Kind.TEXT, "Nobody at all", None),
    ("12345", Kind.IDENTIFIER, "INV-12345", "INV-12345"),
    ("12345", Kind.IDENTIFIER, "12345-6", "12345-6"),
    ("12345", Kind.IDENTIFIER, "123456", "123456"),
    ("ab12", Kind.IDENTIFIER, "AB12", None),
    ("4711", Kind.IDENTIFIER, "4711.A", "4711.A"),
    ("4711", Kind.IDENTIFIER, "4711.pdf", "4711.pdf"),
    ("4711", Kind.TEXT, "4711.A", "4711.A"),
    ("4711", Kind.TEXT, "4711.pdf", "4711.pdf"),
    ("204.50", Kind.AMOUNT, "1,204.50", "1,204.50"),
    ("345.00", Kind.AMOUNT, "12 345.00", "345.00"),
    ("5.00", Kind.AMOUNT, "-5.00", "-5.00"),
    ("5.00", Kind.AMOUNT, "- 5.00", "5.00"),
    ("5.00", Kind.AMOUNT, "(5.00)", "(5.00)"),
    ("5.00", Kind.AMOUNT, "5.00-", "5.00-"),
    ("5.00", Kind.AMOUNT, "5.00 -", "5.00"),
    ("$5.00", Kind.AMOUNT, "€ 5.00", "5.00"),
    ("1,204.60", Kind.AMOUNT, "Total 1,204.50", "1,204.50"),
    ("04/03/2026", Kind.DATE, "04/03/2025", "04/03/2025"),
    ("2026-04-03", Kind.DATE, "4 March 2026", None),
    ("EUR", Kind.CURRENCY, "EUROPE", "EUROPE"),
]


@pytest.mark.parametrize(("text", "kind", "line", "agreement"), FOUND)
def test_what_the_page_says_is_found(text, kind, line, agreement):
    """In the printed spelling, or in another that means the same."""
    got = grounded(text, kind, line, choices=("cash",))

    assert got is not None
    assert (got.agreement, len(got.places), got.nearest, got.source) == (
        agreement,
        1,
        None,
        "text-layer",
    )


@pytest.mark.parametrize(("text", "kind", "line", "said"), NOT_FOUND)
def test_a_piece_of_something_else_is_not_the_value(text, kind, line, said):
    """Part of a longer number, name or code, the other sign, another currency; the likeliest
    reading is shown.
    """
    got = grounded(text, kind, line)

    assert got is not None
    assert (got.agreement, got.found, got.nearest) == (Agreement.NONE, False, said)


def test_a_page_without_words_says_nothing():
    """A scan neither confirms nor contradicts."""
    assert ground("5.00", PageText([]), a_field(Kind.AMOUNT), a_type()) is None
    assert (
        ground("5.00", PageText([Word(" ", Box(0, 0, 1, 1))]), a_field(Kind.AMOUNT), a_type())
        is None
    )


@pytest.mark.parametrize("kind", [Kind.BOOLEAN, Kind.CHOICE])
def test_a_tick_or_a_choice_that_is_not_spelled_out_is_not_contradicted(kind):
    """Boxes are ticked without words."""
    assert grounded("yes", kind, "nothing of the kind", choices=("yes",)) is None


def test_the_box_encloses_exactly_the_characters_of_the_value():
    """A label that is glued to it stays outside."""
    got = grounded("5.00", Kind.AMOUNT, "Sum Total:5.00*")

    start = 50 + CHAR_PT * len("Sum Total:")
    assert got.places == ((Box(start, 50, start + CHAR_PT * 4, 50 + LINE_PT),),)


def test_a_value_over_two_lines_has_a_box_for_each():
    """Also where a hyphen breaks a word."""
    got = grounded(
        "Donaudampfschifffahrts Gesellschaft",
        Kind.TEXT,
        "der Donaudampfschiff-",
        "fahrts Gesellschaft mbH",
    )

    assert got.agreement is Agreement.NORMALISED
    assert [round(box.y0) for box in got.places[0]] == [50, 68]


def test_every_occurrence_is_named_in_reading_order():
    """The total stands in the head and in the foot."""
    got = grounded("5.00", Kind.AMOUNT, "Total 5.00", "net 4.00", "to pay 5.00")

    assert [place[0].y0 for place in got.places] == [50, 50 + 3 * LINE_PT]


def test_exact_occurrences_are_preferred_to_those_in_another_spelling():
    """What the model copied is what it looked at."""
    got = grounded("2026-04-03", Kind.DATE, "3 April 2026", "2026-04-03")

    assert (got.agreement, [place[0].y0 for place in got.places]) == (
        Agreement.EXACT,
        [50 + 1.5 * LINE_PT],
    )


def test_columns_are_not_read_as_one_number():
    """3 pieces, 204.50 each, are not 3204.50."""
    assert not grounded("3 204.50", Kind.AMOUNT, "3          204.50").found
    assert grounded("204.50", Kind.AMOUNT, "3          204.50").found
    assert grounded("3 204.50", Kind.AMOUNT, "3 204.50").found


def test_words_that_the_file_scatters_are_found_line_by_line():
    """Some producers write a table column by column."""
    words = page_of("ACME   Berlin", "GmbH   Mitte")
    scattered = [words[0], words[2], words[1], words[3]]

    got = ground("ACME Berlin", PageText(scattered), a_field(), a_type())

    assert got.found


def test_the_documents_locale_and_order_decide_what_the_words_mean():
    """The same page under two document types."""
    assert grounded("12345", Kind.AMOUNT, "12.345", locale="de_DE").found
    assert not grounded("12345", Kind.AMOUNT, "12.345", locale="en_US").found
    assert grounded("2026-04-03", Kind.DATE, "03/04/2026", day_first=True).found
    assert not grounded("2026-04-03", Kind.DATE, "03/04/2026", day_first=False).found


def test_a_value_that_does_not_parse_is_still_looked_for_by_its_characters():
    """People see where it stands."""
    assert grounded("5.O0", Kind.AMOUNT, "Total 5.O0").agreement is Agreement.EXACT


WORDS = st.lists(st.text(alphabet="abc", min_size=1, max_size=3), min_size=1, max_size=12)


@given(WORDS, st.data())
def test_any_run_of_whole_words_is_found_and_its_box_encloses_them(words, data):
    """Whatever the page says is on the page; each box spans a run of words that spells it."""
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    page = page_of(" ".join(words))
    sought = "".join(words[first : last + 1])
    runs = [
        (i, j)
        for i in range(len(words))
        for j in range(i, len(words))
        if "".join(words[i : j + 1]) == sought
    ]

    got = ground(" ".join(words[first : last + 1]), PageText(page), a_field(), a_type())

    assert got.agreement is Agreement.EXACT
    assert {(p[0].x0, p[0].x1) for p in got.places} <= {
        (page[i].box.x0, page[j].box.x1) for i, j in runs
    }


@given(st.decimals(0, 10**7, places=2), st.decimals(0, 10**7, places=2))
def test_another_amount_is_never_found(printed, other):
    """Not as a part, not as a neighbour."""
    line = f"Total {printed:,.2f} net 7 pcs"

    assert grounded(f"{printed:.2f}", Kind.AMOUNT, line).found
    assert grounded(f"{other:.2f}", Kind.AMOUNT, line).found == (printed == other)


@given(
    st.text(max_size=30),
    st.lists(st.text(max_size=12), max_size=8),
    st.sampled_from(sorted(set(Kind) - {Kind.GROUP})),
)
def test_no_text_and_no_page_breaks_the_search(text, words, kind):
    """Hostile text layers hold anything."""
    page = PageText(
        [Word(word, Box(10.0 * i, 0, 10.0 * i + 8, 10)) for i, word in enumerate(words)]
    )

    got = ground(text, page, a_field(kind, choices=("a",)), a_type())

    assert got is None or got.found == bool(got.places)


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, c in enumerate(a):
        row = [i + 1] + [min(row[j] + (c != d), row[j + 1] + 1) for j, d in enumerate(b)]
        for j in range(1, len(row)):
            row[j] = min(row[j], row[j - 1] + 1)
    return row[-1]


@given(
    st.text(alphabet="abc", min_size=4, max_size=10),
    st.text(alphabet="abc", min_size=1, max_size=25),
)
def test_the_nearest_words_are_as_near_as_any_part_of_the_page(needle, page):
    """Checked against every part of the page by the textbook's edit distance."""
    best = min(
        distance(needle, page[i:j]) for i in range(len(page)) for j in range(i + 1, len(page) + 1)
    )

    got = nearest(needle, PageText(page_of(page)).as_given, exact)

    assert (got is not None) == (best * 3 <= len(needle))


def test_a_full_page_is_searched_in_milliseconds():
    """3,000 words, a value that is not there: the slowest case."""
    lines = [" ".join(f"word{i * 10 + j} {i},{j}00.50" for j in range(10)) for i in range(150)]
    page = PageText(page_of(*lines))
    field, spec = a_field(Kind.AMOUNT), a_type()

    def seconds() -> float:
        started = time.perf_counter()
        ground("999,999.99", page, field, spec)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(3)) < 0.25


@pytest.mark.parametrize("words", [("4,", "2019"), ("13", "Aug"), ("is", "it")])
def test_short_words_of_narrow_print_are_upright(words):
    """Of two letters, a box is higher than it is wide, and nothing runs up the page."""
    first, second = (len(word) * 4.5 for word in words)
    layout = PageText(
        [
            Word(words[0], Box(50, 50, 50 + first, 66)),
            Word(words[1], Box(53 + first, 50, 53 + first + second, 66)),
        ]
    ).as_given

    assert layout.beside(0, 1.0)


@pytest.mark.parametrize("words", [("Total", "12.50"), ("13", "August")])
def test_words_that_run_down_the_page_are_beside_each_other(words):
    """One of the two may be too short to tell."""
    first, second = (len(word) * 6.0 for word in words)
    layout = PageText(
        [
            Word(words[0], Box(50, 50, 62, 50 + first)),
            Word(words[1], Box(50, 53 + first, 62, 53 + first + second)),
        ]
    ).as_given

    assert layout.beside(0, 1.0)


BOX_PT = 14.0  # of a form that takes one character a box


def boxed(digits, *, skipping=(), pitch=BOX_PT):
    """Words of one character, each in its box; ``skipping``: an empty box before these."""
    words, at = [], 0.0
    for n, digit in enumerate(digits):
        at += pitch * (2 if n in skipping else 1)
        words.append(Word(digit, Box(at, 20, at + 5, 30)))
    return words


def in_boxes(text, words):
    grounding = ground(text, PageText(words), a_field(Kind.IDENTIFIER), a_type())
    assert grounding is not None
    return grounding.agreement


def test_a_code_in_the_boxes_of_a_form_is_found():
    """One digit a box, with a gap between its groups."""
    assert in_boxes("236642878", boxed("236642878", skipping={3, 5})) is Agreement.EXACT
    assert in_boxes("2 3 6 6 4 2 8 7 8", boxed("236642878")) is Agreement.EXACT


@pytest.mark.parametrize("text", ["36642878", "23664287", "366428"])
def test_a_part_of_a_code_in_boxes_is_not_the_code(text):
    assert in_boxes(text, boxed("236642878")) is Agreement.NONE


def test_a_code_cut_at_its_end_is_not_the_code_with_a_label_before_it_either():
    """The box after the last one tells, and the word before the first is no box."""
    words = [Word("SSN", Box(-40, 20, -20, 30)), *boxed("236642878")]
    assert in_boxes("23664287", words) is Agreement.NONE
    assert in_boxes("236642878", words) is Agreement.EXACT


def test_single_digits_far_apart_are_no_code():
    """The columns of a table, and few of them, are no boxes."""
    assert in_boxes("236642", boxed("236642", pitch=60.0)) is Agreement.NONE
    assert in_boxes("2366", boxed("2366")) is Agreement.NONE
