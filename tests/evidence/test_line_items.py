"""Is a list whole: by the lines of the page, and by the sums that it prints."""

import inspect
from dataclasses import replace
from decimal import Decimal

import pytest

from extractors.decision.decide import Outcome, decide_all
from extractors.decision.policy import policy_of
from extractors.documents import BUILT_IN
from extractors.documents.spec import Kind
from extractors.errors import BrokenDocumentType
from extractors.evidence.grounding import ground
from extractors.evidence.line_items import MOST_ROWS, line_items
from extractors.evidence.list_sums import list_sums
from extractors.evidence.witnesses import AGREES, DENIES
from extractors.normalise import normalise
from extractors.page.text import PageText
from extractors.reading import prompts
from extractors.types import FieldState
from tests.evidence.making import Said, absent, answers, document_of, ids, page_of, said

INVOICE = BUILT_IN["invoice"]
ROWS = [
    ("2  Paper A4", "4.50", "9.00"),
    ("1  Toner black", "61.00", "61.00"),
    ("10  Envelopes", "0.30", "3.00"),
]
PAGE = (
    "Foo Ltd                                  Invoice A-17",
    "Qty  Article            Price            Amount",
    "2    Paper A4           4.50               9.00",
    "1    Toner black        61.00             61.00",
    "10   Envelopes          0.30               3.00",
    "Net                                       73.00",
    "VAT 20%                                   14.60",
    "Total                                     87.60",
)


def evidence(rows, *, page=1, words=PAGE, net="73.00", total="87.60"):
    """What a sure model says of a page, with what the page's words say of it."""
    text = PageText(page_of(*words))
    found = []
    for ordinal, (description, price, amount) in enumerate(rows):
        quantity, _, name = description.partition("  ")
        found += [
            _said(text, f"lines.{member}", printed, page, ordinal)
            for member, printed in (
                ("description", name),
                ("quantity", quantity),
                ("unit_price", price),
                ("amount", amount),
            )
        ]
    if not rows:
        found.append(absent("lines", page=page))
    return [
        *found,
        *(
            _said(text, name, printed, page, 0)
            for name, printed in (("net", net), ("total", total))
            if printed
        ),
    ]


def _said(text, name, printed, page, ordinal):
    field = INVOICE.field(name)
    return Said(
        id=said("1").id,
        page=page,
        name=name,
        ordinal=ordinal,
        state=FieldState.VALUE,
        text=printed,
        score=0.99,
        value=normalise(printed, field, INVOICE),
        grounding=ground(printed, text, field, INVOICE),
    )


def problem_of(rows, words=PAGE, **sums):
    return _problem(evidence(rows, words=words, **sums), {1: page_of(*words)})


def _problem(given, pages):
    """What the two witnesses say is wrong with the list, and whether they say that it is whole."""
    document = document_of(INVOICE, given, pages=pages)
    heard = [*list_sums(document), *line_items(document)]
    assert all(one.of.name == "lines" for one in heard)
    problems = [one.details["problem"] for one in heard if one.says is DENIES]
    proven = not problems and any(one.says is AGREES for one in heard)
    return next(iter(problems), None), proven


def test_a_list_whose_rows_add_up_to_a_printed_sum_is_proven_whole():
    """Every line of the page is a row, and they sum to the net amount."""
    assert problem_of(ROWS) == (None, True)


@pytest.mark.parametrize("missing", range(3))
def test_a_row_that_nobody_read_shows_in_the_sum(missing):
    """First, middle or last."""
    rows = [row for at, row in enumerate(ROWS) if at != missing]

    assert problem_of(rows) == ("sums_differ", False)


@pytest.mark.parametrize("missing", range(3))
def test_a_row_that_nobody_read_shows_on_the_page_without_any_sum(missing):
    """The line begins where the others begin, and has an amount where the others have theirs."""
    rows = [row for at, row in enumerate(ROWS) if at != missing]

    assert problem_of(rows, words=PAGE[:-3], net=None, total=None) == ("row_not_read", False)


@pytest.mark.parametrize("printed", ["6.O0", "about six", "6,00.0.0"])
def test_a_list_with_an_amount_that_does_not_parse_is_not_proven(printed):
    """The other rows may make a printed sum all the same: nobody knows what this one adds."""
    others = f"{sum(Decimal(row[2]) for row in ROWS):.2f}"
    row = ("1  Stapler", "6.00", printed)

    assert problem_of((*ROWS, row), words=(), net=others, total=None) == (None, False)
    assert problem_of(ROWS, words=(), net=others, total=None) == (None, True)


def test_sums_and_what_is_carried_over_are_no_rows():
    """They stand in the same column and begin in the same place."""
    words = (*PAGE[:5], "Carried forward                           73.00")

    assert problem_of(ROWS, words=words, net=None, total=None) == (None, False)


@pytest.mark.parametrize("words", ["", "Thus far", "1-3  Akkumuliert"])
def test_a_running_sum_is_no_row_though_no_word_says_so(words):
    """Its amount says what it is, under the rows and on top of the next page."""
    running, pencils = f"{words:42}73.00", "5    Pencils            1.00               5.00"
    first, overleaf = (*PAGE[:5], running), (running, "", pencils)
    read = evidence(ROWS, words=first, net=None, total=None)
    more = evidence([("5  Pencils", "1.00", "5.00")], page=2, words=overleaf, net=None, total=None)

    assert problem_of(ROWS, words=first, net=None, total=None) == (None, False)
    assert _problem([*read, *more], {1: page_of(*first), 2: page_of(*overleaf)}) == (None, False)


@pytest.mark.parametrize(("label", "proven"), [("Subtotal", True), ("Tax base 20%", False)])
def test_a_list_is_proven_before_a_discount_by_its_own_sum_alone(label, proven):
    """The discount explains what the net lacks; only the list's own sum says that no row does."""
    foot = f"{label:42}73.00", f"{'Discount':42}-10.00", f"{'Net':42}63.00"

    assert problem_of(ROWS, words=(*PAGE[:5], *foot), net="63.00", total=None) == (None, proven)


def test_another_amount_in_the_place_of_a_running_sum_is_a_row():
    """The control of the test above."""
    words = (*PAGE[:5], f"{'Thus far':42}74.00")

    assert problem_of(ROWS, words=words, net=None, total=None) == ("row_not_read", False)


def test_what_stands_behind_the_sum_like_a_row_is_none():
    """A list ends at its sum."""
    deposit = "1    Deposit            5.00               5.00"

    assert problem_of(ROWS, words=(*PAGE[:6], deposit), total=None) == (None, True)
    words = (*PAGE[:5], deposit)  # the control: without a sum before it, it is a row
    assert problem_of(ROWS, words=words, net=None, total=None) == ("row_not_read", False)


def test_other_text_far_beneath_a_list_is_no_row():
    """A footer with a figure in it does not make a list incomplete."""
    words = (*PAGE[:5], "", "", "", "", "", "", "99   Bank code           x                 99.99")

    assert problem_of(ROWS, words=words, net=None, total=None) == (None, False)


def test_a_page_of_rows_after_the_last_row_read_is_not_overlooked():
    """A list that goes on overleaf, where the model saw none."""
    first, second = (
        PAGE[:5],
        (
            "5    Pencils            1.00               5.00",
            "2    Rulers             2.00               4.00",
        ),
    )
    given = [
        *evidence(ROWS, words=first, net=None, total=None),
        *evidence([], page=2, words=second, net=None, total=None),
    ]

    assert _problem(given, {1: page_of(*first), 2: page_of(*second)}) == ("row_not_read", False)


def test_a_scan_says_nothing_and_its_sums_speak():
    """No words, no lines: the printed sum alone tells that a row is missing."""
    assert _problem(evidence(ROWS[:2]), {1: ()}) == ("sums_differ", False)
    assert _problem(evidence(ROWS), {1: ()}) == (None, True)


def test_as_many_rows_as_an_answer_may_have_may_have_been_more():
    """The grammar closes such a list, not the model."""
    rows = [("1  Screw", "1.00", "1.00")] * MOST_ROWS

    assert inspect.signature(prompts.answer_schema).parameters["max_rows"].default == MOST_ROWS
    assert problem_of(rows, words=(), net="200.00", total=None) == ("row_limit", False)


def test_as_many_rows_on_several_pages_are_no_limit():
    """An answer speaks of one page; each of them was over before."""
    rows = [("1  Screw", "1.00", "1.00")] * (MOST_ROWS - 1)
    given = [
        *evidence(rows, words=(), net="398.00", total=None),
        *evidence(rows, page=2, words=(), net=None, total=None),
    ]

    assert _problem(given, {1: (), 2: ()}) == (None, True)


def test_no_row_of_a_list_that_is_not_whole_is_accepted():
    """However sure the model is of each of them."""
    given = evidence(ROWS[:2])
    rows = answers(INVOICE, given, pages={1: page_of(*PAGE)})
    decisions = decide_all(rows, INVOICE, policy_of(INVOICE, accept_at=0.7), in_domain=True)

    of_list = [
        decision
        for row, decision in zip(rows, decisions, strict=True)
        if row.name.startswith("lines.")
    ]
    assert {(d.outcome, d.reason.code) for d in of_list} == {(Outcome.REVIEW, "list_incomplete")}
    assert {decision.reason.details["problem"] for decision in of_list} == {"row_not_read"}


def test_a_list_that_a_sum_proves_whole_needs_no_further_pages():
    """Pages left out cannot hold a row of it."""
    given = evidence(ROWS)
    rows = answers(INVOICE, given, pages={1: page_of(*PAGE)}, left_out={2})
    decisions = decide_all(rows, INVOICE, policy_of(INVOICE, accept_at=0.7), in_domain=True)

    assert {
        d.outcome for row, d in zip(rows, decisions, strict=True) if row.name.startswith("lines.")
    } == {Outcome.ACCEPTED}


def test_a_sum_must_name_an_amount_of_a_list():
    """A misspelt column is said when the type is loaded."""
    from extractors.documents import spec as field
    from extractors.documents.spec import DocumentModel

    with pytest.raises(BrokenDocumentType, match="lines"):

        class Wrong(DocumentModel, name="wrong", title="wrong"):
            total: str | None = field.amount("the total", sums="lines.amount")


def test_an_answer_that_was_cut_names_its_page_on_every_field():
    """What was said before the cut is not taken for proven either."""
    whole, cut = said("5.00", page=1), said("5.00", page=2)
    rows = answers(INVOICE, [whole, replace(cut, cut=True)], pages={1, 2})

    (total,) = [row for row in rows if row.name == "total"]
    assert (total.cut_pages, total.agreeing) == ((2,), ids(cut))
    assert Kind.AMOUNT is INVOICE.field("total").kind


def test_an_answer_about_a_list_that_was_cut_on_one_page_taints_every_cell_of_every_page():
    """The cells of the first page too: what comes after them is not known."""
    first, second = evidence(ROWS[:1]), evidence(ROWS[1:2], page=2)
    at = next(i for i, each in enumerate(second) if each.name == "lines.amount")
    second[at] = replace(second[at], cut=True)
    rows = answers(INVOICE, [*first, *second], pages={1, 2})

    cells = [row for row in rows if row.name.startswith("lines.")]
    assert {row.ordinal for row in cells} == {0, 1}
    assert {row.cut_pages for row in cells} == {(2,)}
    assert {row.cut_pages for row in rows if row.name in ("net", "total")} == {()}


def test_pages_that_disagree_about_a_total_do_not_put_the_list_in_doubt():
    """The rows add up to one of the two; the total is in doubt, and not the rows."""
    other = _said(PageText(()), "total", "99.00", 2, 0)

    assert _problem([*evidence(ROWS), other], {1: page_of(*PAGE), 2: ()}) == (None, True)
