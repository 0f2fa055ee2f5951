"""What a document proves about itself: its totals, the sums of its lists, and its rows."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.judging import Paper
from tests.evidence.making import page_of
from tests.evidence.sums_making import (
    HEADER,
    INVOICE,
    ROWS,
    denials,
    doubts,
    judged,
    of_list,
    rows,
)

SUMS = {"net": "70.00", "tax": "14.00", "total": "84.00"}
PAGE = (
    "Foo Ltd                                  Invoice A-17  2026-03-04",
    "Description         Qty       Price             Amount",
    "Paper               2         4.50                9.00",
    "Toner               1         61.00              61.00",
)
FOOT = (
    "Net                                              70.00",
    "VAT 20%                                          14.00",
    "Total                                            84.00",
)
money = st.decimals("0.01", "9999.99", places=2)


def said(amount):
    return f"{amount:.2f}"


# ---- totals


def test_net_and_tax_make_the_total():
    """Nothing is doubted where they do, with words and on a scan."""
    assert not denials(judged(*PAGE, *FOOT, **SUMS, lines=rows(*ROWS)))
    assert not denials(judged(**SUMS, lines=rows(*ROWS)))


@pytest.mark.parametrize("name", sorted(SUMS))
@given(st.data())
@settings(max_examples=20)
def test_a_wrong_amount_is_denied_whichever_it_is(name, data):
    """Whatever the amounts, and however small the slip."""
    net, tax, slip = (data.draw(money) for _ in range(3))
    amounts = {"net": net, "tax": tax, "total": net + tax}
    amounts[name] += slip

    found = judged(**{key: said(amount) for key, amount in amounts.items()})

    assert "totals_differ" in doubts(found, name)


@given(money, money)
@settings(max_examples=30)
def test_a_right_total_is_never_denied(net, tax):
    """The witness doubts no amounts that come out, but for two that are equal."""
    found = judged(net=said(net), tax=said(tax), total=said(net + tax))

    assert not doubts(found, "total") - {"same_value"}


def test_the_rows_single_out_the_amount_that_is_wrong():
    """Rows, tax and total agree: only the net is misread, and the list is whole."""
    found = judged(net="75.00", tax="14.00", total="84.00", lines=rows(*ROWS))

    assert doubts(found, "net") == {"totals_differ"}
    assert not doubts(found, "total") | doubts(found, "tax") | of_list(found)


@pytest.mark.parametrize("name", ["net", "tax"])
def test_an_absence_beside_two_amounts_that_differ_is_denied(name):
    """Both on a scan, and where the page prints what is left over."""
    assert doubts(judged(**{**SUMS, name: None}), name) == {"sum_gap"}
    assert "sum_gap" in doubts(judged(*PAGE, *FOOT, **{**SUMS, name: None}), name)


def test_a_total_that_is_absent_beside_a_net_without_tax_is_denied():
    """It is the net once more; only a net or a tax may be left out beside its equal."""
    assert doubts(judged(net="70.00", tax="0.00", total=None), "total") >= {"sum_gap"}


@pytest.mark.parametrize("name", ["net", "tax"])
def test_an_absence_in_a_credit_note_is_denied_too(name):
    """All of its amounts are negative, and so is what they leave."""
    credit = {key: f"-{amount}" for key, amount in SUMS.items()}

    assert doubts(judged(**{**credit, name: None}), name) == {"sum_gap"}


def test_what_the_page_does_not_print_may_be_absent():
    """The tax is named by its rates alone: nowhere is there one amount for it."""
    page = (*PAGE, FOOT[0], "VAT 20%   10.00", "VAT 5%   4.00", FOOT[2])

    assert not doubts(judged(*page, **{**SUMS, "tax": None}), "tax")


def test_a_net_above_its_total_leaves_nothing_for_an_absent_tax():
    """Less than nothing is no tax: something was taken off."""
    assert "sum_gap" not in doubts(judged(net="84.00", total="70.00"), "tax")


def test_equal_amounts_leave_nothing_for_an_absent_tax():
    """Net and total are one: there is none."""
    assert not doubts(judged(net="70.00", total="70.00"), "tax")


@pytest.mark.parametrize(
    ("label", "amount", "total"),
    [
        ("Deposit paid", "-20.00", "64.00"),
        ("Anzahlung", "20.00", "64.00"),
        ("Rounding", "0.02", "84.02"),
        ("Frais de port", "5.00", "89.00"),
        ("Rabatt 10 %", "-7.00", "77.00"),
    ],
)
def test_printed_payments_discounts_and_rounding_explain_a_total(label, amount, total):
    """They stand between tax and total, under their own label."""
    page = (*PAGE, *FOOT[:2], f"{label}    {amount}", f"Total    {total}")

    found = judged(*page, **{**SUMS, "total": total}, lines=rows(*ROWS))

    assert not doubts(found, "total") | doubts(found, "net") | of_list(found)


def test_what_stands_overleaf_explains_a_total_too():
    """The discount is printed on the second page, and the sums on the first."""
    answer = {**HEADER, **SUMS, "total": "77.00"}
    nothing = dict.fromkeys(answer)
    for overleaf, codes in (("Rabatt 10 %    -7.00", set()), ("Thank you", {"totals_differ"})):
        paper = Paper(INVOICE, {1: page_of(*FOOT[:2], "Total    77.00"), 2: page_of(overleaf)})
        assert doubts(paper.judge({1: answer, 2: nothing}), "total") & {"totals_differ"} == codes


# ---- lists


@pytest.mark.parametrize(
    "label", ["Positionssumme", "Subtotal", "Zwischensumme", "Sous-total", "Total HT", "Subtotale"]
)
def test_a_list_may_have_a_sum_of_its_own(label):
    """Under its own label, and before a printed discount."""
    page = (*PAGE, f"{label}    70.00", "Discount    -10.00", "Net    60.00", "Total    60.00")

    assert not of_list(judged(*page, net="60.00", total="60.00", lines=rows(*ROWS)))


@pytest.mark.parametrize("made", [0, 1])
def test_rows_that_make_either_of_two_printed_sums_are_whole(made):
    """The sum is in doubt then, and not the list."""
    sums = ("70.00", "75.00")
    pages = {
        1: page_of(*PAGE, f"Net    {sums[0]}", "Total    70.00"),
        2: page_of(f"Net    {sums[1]}"),
    }
    last = ("Toner", "1", *["61.00" if made == 0 else "66.00"] * 2)
    answers = {
        1: {**HEADER, "net": sums[0], "total": "70.00", "lines": rows(ROWS[0], last)},
        2: {"net": sums[1]},
    }
    assert "list_incomplete" not in of_list(Paper(INVOICE, pages).judge(answers))


def test_an_amount_under_another_label_proves_no_list():
    """A tax base is printed that the rows happen to make."""
    page = (*PAGE, "Base 20%    9.00", "Net    70.00", "Total    70.00")

    found = judged(*page, net="70.00", total="70.00", lines=rows(ROWS[0]))

    assert "list_incomplete" in of_list(found)


def test_a_subtotal_before_further_rows_proves_no_list():
    """Of the rows behind it nobody read any."""
    page = (*PAGE, "Subtotal    70.00", "Ink    1    9.00    9.00", "Total    79.00")

    assert "list_incomplete" in of_list(judged(*page, total="79.00", lines=rows(*ROWS)))


def test_a_row_without_an_amount_hides_no_missing_row():
    """The other rows must make the sum all the same."""
    free = ("Delivery included", None, None, None)

    assert not of_list(judged(**SUMS, lines=rows(*ROWS, free)))
    assert "list_incomplete" in of_list(judged(**SUMS, lines=rows(ROWS[0], free)))


def test_a_discount_without_its_minus_is_denied_alone():
    """The rows come out with it, so they are right."""
    less = ("Less discount", None, None, "4.00")
    found = judged(net="66.00", tax="13.20", total="79.20", lines=rows(*ROWS, less))

    assert doubts(found, "lines.amount", 2) == {"sign_missing"}
    assert not doubts(found, "lines.amount", 0) | doubts(found, "lines.amount", 1)


def test_rows_that_are_each_rounded_add_up_before_rounding():
    """Twice 3 times 3.3349 is 20.01, and each row prints 10.00."""
    found = judged(
        net="20.01",
        total="20.01",
        lines=rows(("A", "3", "3.3349", "10.00"), ("B", "3", "3.3349", "10.00")),
    )

    assert not of_list(found)


def test_rows_whose_products_make_the_sum_and_whose_amounts_do_not_prove_no_list():
    """Rounding explains a cent a row, and not a misread amount."""
    found = judged(
        net="20.01",
        total="20.01",
        lines=rows(("A", "3", "3.3349", "10.00"), ("B", "3", "3.3349", "19.00")),
    )

    assert "list_incomplete" in of_list(found)


def test_rows_that_make_what_is_left_for_the_tax_prove_no_list():
    """Rows make the net: of the total without the tax, never of the total without the net."""
    row = ("Paper", "1", SUMS["tax"], SUMS["tax"])

    assert "list_incomplete" in of_list(judged(**SUMS, lines=rows(row)))


def test_an_empty_list_beside_a_table_is_denied():
    """With its place; and on a scan, where nothing speaks for it."""
    assert "empty_list" in doubts(judged(*PAGE, *FOOT, **SUMS, lines=[]), "lines")
    assert doubts(judged(**SUMS, lines=[]), "lines") == {"empty_list"}


def test_an_empty_list_is_denied_where_one_of_two_pages_is_a_scan():
    """The words of the first hold no row; what the second holds nobody knows."""
    answer = {**HEADER, **SUMS, "lines": []}
    nothing = {**dict.fromkeys(answer), "lines": []}

    for second, codes in ((page_of("Thank you"), set()), ((), {"empty_list"})):
        paper = Paper(INVOICE, {1: page_of(*FOOT), 2: second})
        assert doubts(paper.judge({1: answer, 2: nothing}), "lines") & {"empty_list"} == codes


def test_each_list_of_a_type_is_asked_for_its_rows():
    """The first has its rows, and the second, of another sum, has none."""
    fees = replace(INVOICE.field("lines"), name="fees", einvoice=None)
    fee = replace(INVOICE.field("net"), name="fee", sums="fees.amount", einvoice=None)
    spec = replace(INVOICE, fields=(*INVOICE.fields, fees, fee))
    answer = {**SUMS, "fee": "5.00", "lines": rows(*ROWS), "fees": []}

    found = judged(spec=spec, **{**HEADER, **answer})
    assert "empty_list" in doubts(found, "fees")
    assert "empty_list" not in of_list(found)


def test_an_empty_list_beside_sums_of_nothing_may_be_right():
    """A credit that was used up: zero is made of no rows."""
    nothing = dict.fromkeys(SUMS, "0.00")

    assert "empty_list" not in doubts(judged(**nothing, lines=[]), "lines")
    assert "empty_list" in doubts(judged(**{**nothing, "net": "70.00"}, lines=[]), "lines")


def test_an_empty_list_is_denied_where_the_second_page_has_the_table():
    """The first has the sums."""
    answer = {**HEADER, **SUMS, "lines": []}
    nothing = {**dict.fromkeys(answer), "lines": []}

    for second, codes in ((PAGE, {"empty_list"}), (PAGE[:1], set())):
        paper = Paper(INVOICE, {1: page_of(*FOOT), 2: page_of(*second)})
        assert doubts(paper.judge({1: answer, 2: nothing}), "lines") & {"empty_list"} == codes


LISTLESS = st.permutations(
    [
        "Invoice number:  A-17",
        "Date  2026-03-04    Amount  84.00",
        "For our services in February 2026 as agreed on 12.01.2026 we charge",
        "Bill to:  Bar GmbH, 12 Quay Street, 80331 Munich",
        "Payable within 30 days, 2% discount within 10 days, to account 0012345678",
        "Tel. +49 89 123456    VAT ID DE123456789",
        "Leistung: Beratung im Februar, pauschal",
        "Amount due   Due date   Reference",
    ]
)


@given(LISTLESS, st.sampled_from([("Net", "VAT 20%", "Total"), ("Netto", "MwSt", "Gesamt")]))
@settings(max_examples=40)
def test_a_paper_that_lists_nothing_may_have_no_rows(head, labels):
    """Its text and its sums are no table."""
    foot = [f"{label}    {amount}" for label, amount in zip(labels, SUMS.values(), strict=True)]

    assert not doubts(judged(*head, *foot, **SUMS, lines=[]), "lines")


# ---- rows


@given(
    st.decimals("1", "500", places=0), st.decimals("0.01", "999", places=4), st.sampled_from([2, 4])
)
@settings(max_examples=60)
def test_a_row_with_its_product_is_never_denied(quantity, price, places):
    """However its amount is rounded."""
    shown = round(price, places)
    amount = round(quantity * price, 2)
    found = judged(lines=rows(("A", f"{quantity}", f"{shown}", said(amount))))

    assert "product_differs" not in of_list(found)


@pytest.mark.parametrize(
    "row", [("A", "10", "0.80", "3.00"), ("A", "1", "61.00", "16.00"), ("A", "7", "9.90", "198.00")]
)
def test_a_row_that_is_no_product_is_denied(row):
    """On a scan, and where the page prints something else."""
    assert "product_differs" in of_list(judged(lines=rows(row)))


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("A    10    4.00    -10 %    36.00", ("A", "10", "4.00", "36.00")),
        ("A    10    4.00    less 4.00    36.00", ("A", "10", "4.00", "36.00")),
        ("A    250    8.00 per 100    20.00", ("A", "250", "8.00", "20.00")),
        ("A    2500    8.00 je 1000    20.00", ("A", "2500", "8.00", "20.00")),
        ("A    1    67.22    gross 80.00    80.00", ("A", "1", "67.22", "80.00")),
    ],
)
def test_a_discount_or_a_price_unit_in_the_row_explains_its_amount(line, row):
    """Beside all three of its numbers."""
    found = judged("Foo Ltd    A-17", line, "Thank you", lines=rows(row))

    assert "product_differs" not in of_list(found)


def test_the_last_row_of_a_page_goes_on_wherever_the_next_pages_first_row_stands():
    """Its second line has the discount; a row of another page ends it nowhere."""
    pages = {
        1: page_of("A    10    4.00    36.00", "less 10 %"),
        2: page_of("continued", "B    1    5.00    5.00"),
    }
    read = {1: rows(("A", "10", "4.00", "36.00")), 2: rows(("B", "1", "5.00", "5.00"))}
    nothing = dict.fromkeys(HEADER)

    found = Paper(INVOICE, pages).judge({n: {**nothing, "lines": read[n]} for n in pages})

    assert "product_differs" not in of_list(found)


def test_a_discount_explains_no_number_that_is_not_in_the_row():
    """The quantity was misread."""
    found = judged("A    10    4.00    -10 %    36.00", lines=rows(("A", "8", "4.00", "36.00")))

    assert "product_differs" in of_list(found)


def test_amounts_of_any_size_make_their_sum():
    """Credit notes have all their signs the other way round."""
    found = judged(
        net="-7.67", tax="-1.12", total="-8.79", lines=rows(("A", "-1", "7.67", "-7.67"))
    )

    assert not denials(found)
