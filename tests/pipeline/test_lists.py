"""Lists of line items over several pages, through the whole machine: every row, in order, or none
accepted.
"""

import pymupdf
import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from tests.pipeline.conftest import TINY_CANVAS

ARTICLES = ("Paper", "Toner", "Pencils", "Rulers", "Glue", "Staples", "Folders", "Labels", "Tape")
ROWS = [
    {
        "description": name,
        "quantity": str(at),
        "unit_price": f"{at}.50",
        "amount": f"{at * at + at * 0.5:.2f}",
    }
    for at, name in enumerate(ARTICLES, start=1)
]
TOTAL = "307.50"  # of all nine
NOTHING = dict.fromkeys(
    ("seller", "buyer", "number", "date", "due_date", "currency", "net", "tax", "total", "iban")
)
HEAD = {"seller": "Foo Ltd", "number": "A-17", "date": "2026-04-03"}
SAID = {
    1: {**NOTHING, **HEAD, "lines": ROWS[:3]},
    2: {**NOTHING, "lines": ROWS[3:6]},
    3: {**NOTHING, "total": TOTAL, "lines": ROWS[6:]},
}


def a_table(*, total: bool = True, words: bool = True) -> bytes:
    """An invoice of three pages with three rows on each, and the total on the last."""
    document = pymupdf.open()
    for number in (1, 2, 3):
        page = document.new_page(width=420, height=240)
        lines = [("Foo Ltd", "", "A-17", "2026-04-03")] if number == 1 else []
        lines += [
            (r["description"], r["quantity"], r["unit_price"], r["amount"])
            for r in SAID[number]["lines"]
        ]
        lines += [("Total", "", "", TOTAL)] if number == 3 and total else []
        for at, cells in enumerate(lines if words else ()):
            for x, cell in zip((20, 150, 220, 300), cells, strict=True):
                page.insert_text((x, 40 + 20 * at), cell)
    return document.tobytes()


def read(house, content):
    """Hand the invoice in and let it go its way."""
    document = house.submit(content, document_type="invoice")
    house.work()
    return document


def lines_of(house, document):
    """Every row's printed description and amount, and what became of them, in the document's
    order.
    """
    return house.rows(
        "SELECT * FROM results WHERE document_id = :id AND name LIKE 'lines%' ORDER BY position",
        id=document,
    )


def house_saying(make_house, said, **line):
    """A house whose model says this of each page."""
    return make_house(
        backend=ScriptedBackend(
            lambda page, spec: Line(truth=said[page.number], **line), canvas=TINY_CANVAS
        )
    )


def test_a_table_over_three_pages_has_all_its_rows_in_order(make_house):
    """Nine rows, numbered through, each with the page that it stands on; all accepted, since they
    add up to the total.
    """
    house = house_saying(make_house, SAID)
    document = read(house, a_table())

    rows = lines_of(house, document)
    assert [row.text for row in rows if row.name == "lines.description"] == list(ARTICLES)
    assert [row.ordinal for row in rows if row.name == "lines.amount"] == list(range(9))
    assert [row.page for row in rows if row.name == "lines.amount"] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert {row.decision for row in rows} == {"accepted"}


@pytest.mark.parametrize("words", [True, False])
def test_a_budget_that_is_too_small_accepts_nothing(make_house, words):
    """The answers were cut: the reason is the same on every field, also on those that were read
    before the cut.
    """
    house = house_saying(make_house, SAID, cut_after=190)
    document = read(house, a_table(words=words))

    results = house.rows(
        "SELECT decision, reason FROM results WHERE document_id = :id", id=document
    )
    assert {(row.decision, row.reason) for row in results} == {("review", "truncated")}


def test_one_page_that_was_cut_is_enough(make_house):
    """The list goes on behind the cut, and the other pages cannot say how."""
    backend = ScriptedBackend(
        lambda page, spec: Line(
            truth=SAID[page.number], cut_after=250 if page.number == 2 else None
        ),
        canvas=TINY_CANVAS,
    )
    house = make_house(backend=backend)
    document = read(house, a_table())

    assert {(row.decision, row.reason) for row in lines_of(house, document)} == {
        ("review", "truncated")
    }


@pytest.mark.parametrize(
    ("total", "words", "problem"),
    [(True, True, "row_not_read"), (True, False, "sums_differ"), (False, True, "row_not_read")],
    ids=["sum and lines", "a scan: the sum alone", "no sum: the lines alone"],
)
@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_list_that_stops_a_row_early_on_any_page_goes_to_review(
    make_house, total, words, problem, page
):
    """The model was sure of every row that it read; the page says that one is missing."""
    said = {
        number: {**truth, "lines": truth["lines"][:2] if number == page else truth["lines"]}
        for number, truth in SAID.items()
    }
    said[3] = {**said[3], "total": TOTAL if total else None}
    house = house_saying(make_house, said)
    document = read(house, a_table(total=total, words=words))

    rows = lines_of(house, document)
    assert {(row.decision, row.reason) for row in rows} == {("review", "list_incomplete")}
    assert {row.details["doubts"][0]["problem"] for row in rows} == {problem}
    assert len(rows) == 8 * 4
