"""One decimal sign, one order of dates, one currency a document; and dates that can be."""

from dataclasses import replace
from datetime import date as Date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents import BUILT_IN
from extractors.documents.checks import check
from extractors.documents.spec import Kind
from extractors.errors import BrokenDocumentType
from extractors.evidence.conventions import (
    Conventions,
    conventions,
    decimal_of,
    one_convention,
)
from extractors.evidence.plausible_dates import plausible_dates
from extractors.normalise import normalise
from extractors.types import FieldState
from tests.benchmarks.judging import Paper
from tests.evidence.making import a_field, a_type, document_of, page_of, said
from tests.evidence.sums_making import HEADER, INVOICE, denials, doubts, judged, rows


@pytest.mark.parametrize(
    ("body", "sign"),
    [
        ("12,50", ","),
        ("1.234,50", ","),
        ("1 234,5", ","),
        ("1'234.50", "."),
        ("3,3333", ","),
        ("1.234.567", ","),
        ("0,125", ","),
        ("09,000", None),
        ("1,500", None),
        ("1.500", None),
        ("1500", None),
        ("1 500", None),
        ("1'23", None),
        ("1 234 567", None),
        ("0,500", ","),
        ("123,456", None),
        ("1234,567", ","),
        ("1.2345.678", None),
        ("1234.567.890", ","),
        ("1.234.56", None),
        ("1.23.456", None),
        ("1,234.567", "."),
        ("1,234'567,890", None),
    ],
)
def test_a_number_proves_a_decimal_sign_where_it_can_have_no_other(body, sign):
    """Three digits behind one sign leave it open."""
    assert decimal_of(body) == sign


@given(st.decimals("1000", "999999", places=2), st.sampled_from([",", "."]))
def test_what_one_amount_proves_settles_the_others(amount, sign):
    """The type's locale does not matter then."""
    group = {",": ".", ".": ","}[sign]
    printed = f"{amount:,.2f}".translate(str.maketrans({",": group, ".": sign}))
    for locale in ("en_US", "de_DE"):
        spec = conventions([(Kind.AMOUNT, printed)], []).of(a_type(locale=locale))
        value = normalise(f"1{group}500", a_field(Kind.NUMBER), spec)

        assert value.value == "1500"


@pytest.mark.parametrize(
    ("day", "proves"),
    [
        ("13/12/2026", {True}),
        ("12/13/2026", {False}),
        ("13/11/2026", {True}),
        ("11/13/2026", {False}),
        ("12/12/2026", set()),
        ("11/12/2026", set()),
        ("12/11/2026", set()),
        ("13/13/2026", set()),
        ("31/12/2026", {True}),
        ("12/31/2026", {False}),
        ("32/12/2026", set()),
        ("12/32/2026", set()),
        ("13/1/2026", {True}),
        ("1/13/2026", {False}),
        ("13/0/2026", set()),
        ("0/13/2026", set()),
        ("13.11.26", {True}),
    ],
)
def test_a_date_proves_its_order_where_one_number_is_no_month_and_both_can_be_days(day, proves):
    """A month is 1 to 12, a day 1 to 31."""
    assert conventions([(Kind.DATE, day)], []).day_first == proves


@pytest.mark.parametrize(
    ("word", "proves"),
    [
        ("13/1/2026", {True}),
        ("x:13/12/2026", {True}),
        ("xx:13/12/2026", set()),
        ("13/12/2026.", set()),
        ("13/12/26", set()),
    ],
)
def test_a_word_of_a_page_proves_an_order_if_it_is_little_more_than_a_date(word, proves):
    """A long one is a reference, and a short date may be a time or a version."""
    assert conventions([], [page_of(word)]).day_first == proves


@pytest.mark.parametrize(
    ("said_", "words", "amounts", "numbers"),
    [
        ([(Kind.AMOUNT, "1,50")], "2.50", {","}, set()),
        ([(Kind.NUMBER, "1,50")], "2.50", set(), {","}),
        ([], "2.50", {"."}, set()),
        ([], "2.5", set(), set()),
        ([], "2.50)", set(), set()),
        ([(Kind.DATE, "1,50"), (Kind.TEXT, "13/12/2026")], "1500", set(), set()),
        ([(Kind.AMOUNT, "1,50 of 2.50")], "1500", set(), set()),
    ],
)
def test_the_pages_prove_a_decimal_sign_only_where_no_field_does(said_, words, amounts, numbers):
    """Amounts of other words have cents and end there; a text with two numbers proves nothing."""
    found = conventions(said_, [page_of(words)])

    assert (found.amounts, found.numbers, found.day_first) == (amounts, numbers, frozenset())


@pytest.mark.parametrize(
    ("given", "decimal", "day_first"),
    [
        (Conventions(), ".", False),
        (Conventions(amounts=frozenset(",")), ",", True),
        (Conventions(numbers=frozenset(",")), ",", True),
        (Conventions(amounts=frozenset("."), numbers=frozenset(",")), ".", False),
        (Conventions(amounts=frozenset(",.")), ".", False),
        (Conventions(amounts=frozenset(","), day_first=frozenset({False})), ",", False),
        (Conventions(day_first=frozenset({True})), ".", True),
        (Conventions(day_first=frozenset({True, False})), ".", False),
    ],
)
def test_what_is_proven_in_one_way_alone_settles_the_type(given, decimal, day_first):
    """Amounts go before other numbers; a decimal comma goes with the day first."""
    spec = given.of(replace(a_type(), decimal="."))

    assert (spec.decimal, spec.day_first) == (decimal, day_first)


DAY, AMOUNT, NUMBER, NOTE = (
    a_field(Kind.DATE, "day"),
    a_field(Kind.AMOUNT, "amount"),
    a_field(Kind.NUMBER, "number"),
    a_field(Kind.TEXT, "note"),
)
BOTH_ORDERS, BOTH_SIGNS = page_of("13/12/2026  12/13/2026"), page_of("2.50  2,50")


@pytest.mark.parametrize(
    ("field", "text", "page", "because"),
    [
        (DAY, "03/04/2026", BOTH_ORDERS, ["date_orders_differ"]),
        (DAY, "3 April 2026", BOTH_ORDERS, []),
        (DAY, "03/04/2026", BOTH_SIGNS, []),
        (NOTE, "03/04/2026", BOTH_ORDERS, []),
        (AMOUNT, "1,500", BOTH_SIGNS, ["decimal_signs_differ"]),
        (NUMBER, "1.500", BOTH_SIGNS, ["decimal_signs_differ"]),
        (AMOUNT, "1500", BOTH_SIGNS, []),
        (AMOUNT, "1'500", BOTH_SIGNS, []),
        (AMOUNT, "1.500,000", BOTH_SIGNS, []),
        (AMOUNT, "1,500 of 2,500", BOTH_SIGNS, []),
        (AMOUNT, "1,500", page_of("2,50  3,50"), []),
        (NOTE, "1,500", BOTH_SIGNS, []),
    ],
)
def test_where_a_document_writes_in_two_ways_what_can_be_read_in_both_is_denied(
    field, text, page, because
):
    """What is open is denied, and no other kind of value."""
    one = replace(said(text, name=field.name, kind=Kind.TEXT), value=None)
    spec = a_type(DAY, AMOUNT, NUMBER, NOTE)

    found = list(one_convention(document_of(spec, [one], pages={1: page})))

    assert [each.because for each in found] == because


@pytest.mark.parametrize("text", [None, ""])
def test_what_has_no_text_is_in_no_convention(text):
    """An absence, a value without words: there is nothing to deny."""
    one = replace(said("1,500", name="amount"), text=text)
    gone = replace(said("03/04/2026", name="day", kind=Kind.DATE), state=FieldState.UNREADABLE)
    pages = {1: [*BOTH_ORDERS, *BOTH_SIGNS]}

    assert not list(one_convention(document_of(a_type(DAY, AMOUNT), [one, gone], pages=pages)))


def test_a_date_without_a_second_reading_settles_the_other():
    """There is no month 30, so the other date's day stands first too."""
    found = judged(date="03/04/2026", due_date="30/04/2026")

    assert found["date", 0].value.value == "2026-04-03"
    assert not doubts(found, "date") | doubts(found, "due_date")


def test_a_year_of_two_digits_proves_the_order_too():
    """Where it was read as a date."""
    found = judged(date="03/04/26", due_date="30/04/26")

    assert found["date", 0].value.value == "2026-04-03"


def test_the_pages_words_settle_a_date_too():
    """A date that no field asks for."""
    found = judged("Date 03/04/2026", "Returns until 28/05/2026", date="03/04/2026")

    assert found["date", 0].value.value == "2026-04-03"


def test_a_decimal_comma_means_day_first():
    """Nobody who writes one sets the month first; the built-in type is American."""
    row = ("A", "1", "12,50", "12,50")
    found = judged(date="05.03.2026", net="12,50", tax="2,50", total="15,00", lines=rows(row))

    assert found["date", 0].value.value == "2026-03-05"
    assert not denials(found)


def test_dates_in_two_orders_are_all_denied():
    """One of the two is misread, and nobody knows which way the rest reads."""
    found = judged(date="13/04/2026", due_date="05/25/2026")

    assert "date_orders_differ" in doubts(found, "date") & doubts(found, "due_date")


def test_numbers_in_two_spellings_leave_the_open_ones_in_doubt():
    """The others mean one thing however they are read."""
    found = judged(net="1.200,00", tax="1.50", lines=rows(("A", "1,500", None, None)))

    assert "decimal_signs_differ" in doubts(found, "lines.quantity")
    assert "decimal_signs_differ" not in doubts(found, "net")


def test_a_document_that_proves_nothing_is_read_as_its_type_says():
    """All of its texts could be read either way."""
    given = [(Kind.DATE, "03/04/2026"), (Kind.NUMBER, "1,500"), (Kind.TEXT, "12,50")]

    assert conventions(given, [page_of("03/04/2026 1,500")]).of(INVOICE) == INVOICE


# ---- one currency


def test_amounts_of_one_sum_have_one_currency():
    """The odd one out is denied; of two, both."""
    found = judged(net="€ 70.00", tax="€ 14.00", total="$ 84.00")
    assert "currencies_differ" in doubts(found, "total")
    assert not doubts(found, "net")

    both = judged(currency="$", total="€ 84.00")
    assert "currencies_differ" in doubts(both, "total") & doubts(both, "currency")


def test_a_row_has_the_currency_of_the_sum_that_it_makes():
    """The rows of an invoice are not added up across currencies."""
    found = judged(total="€ 9.00", lines=rows(("A", "1", "9.00", "$ 9.00")))

    assert "currencies_differ" in doubts(found, "lines.amount")


def test_a_page_that_names_the_dollar_denies_another_one():
    """The sign is taken for the American dollar, and the page says AUD."""
    page = ("Foo Ltd  A-17  2026-03-04", "All amounts in AUD", "Total $220.00")

    assert "currency_named" in doubts(judged(*page, total="$220.00"), "total")
    assert not doubts(judged(*page[::2], total="$220.00"), "total")


def test_a_second_page_names_the_dollar_too():
    """Terms of payment stand overleaf; where both codes stand, nobody is denied."""
    first = ("Foo Ltd  A-17  2026-03-04", "Total $220.00")
    for overleaf, codes in (("Payable in AUD", {"currency_named"}), ("AUD or USD", set())):
        paper = Paper(INVOICE, {1: page_of(*first), 2: page_of(overleaf)})
        read = {1: HEADER | {"total": "$220.00"}, 2: dict.fromkeys(HEADER)}

        assert doubts(paper.judge(read), "total") & {"currency_named"} == codes


# ---- dates that can be


@pytest.mark.parametrize("day", ["2062-03-04", "1900-01-01", "1970-01-01"])
def test_no_invoice_comes_from_far_away_in_time(day):
    """Digits exchanged, or a date that programs write when they have none."""
    field = INVOICE.field("date")
    one = replace(said(day, name="date", kind=Kind.DATE), value=normalise(day, field, INVOICE))
    document = replace(document_of(INVOICE, [one], pages=[1]), received=Date(2026, 11, 27))

    assert [each.because for each in plausible_dates(document)] == ["implausible_date"]


def test_a_date_without_declared_years_may_be_any():
    """People are older than invoices."""
    spec = a_type(a_field(Kind.DATE, name="born"))
    one = replace(said("1900-01-01", name="born", kind=Kind.DATE))
    document = replace(document_of(spec, [one], pages=[1]), received=Date(2026, 11, 27))

    assert list(plausible_dates(document)) == []


def test_a_paper_may_be_paid_shortly_before_it_is_written():
    """Where its words show both days; a year before, or on a scan, one of them is misread."""
    page = ("Foo Ltd  A-17", "Date 2026-03-04", "Due 2026-02-20", "Due 2025-03-04")

    assert "dates_out_of_order" not in doubts(judged(*page, due_date="2026-02-20"), "due_date")
    assert "dates_out_of_order" in doubts(judged(*page, due_date="2025-03-04"), "due_date")
    assert "dates_out_of_order" in doubts(judged(due_date="2026-02-20"), "due_date")


def test_a_day_that_one_page_shows_excuses_none_that_a_scan_has():
    """Both must stand in words; the second page has none."""
    for second, codes in ((page_of("Due 2026-02-20"), set()), ((), {"dates_out_of_order"})):
        paper = Paper(INVOICE, {1: page_of("Foo Ltd  A-17", "Date 2026-03-04"), 2: second})
        read = {1: HEADER, 2: dict.fromkeys(HEADER) | {"due_date": "2026-02-20"}}

        assert doubts(paper.judge(read), "due_date") & {"dates_out_of_order"} == codes


@pytest.mark.parametrize(
    ("name", "first", "last"), [("date", 1976, 2028), ("due_date", 1976, 2036)]
)
def test_a_date_lies_in_the_years_that_its_field_declares(name, first, last):
    """Both ends belong to them."""
    field = INVOICE.field(name)
    for year, codes in (
        (first - 1, ["implausible_date"]), (first, []), (last, []), (last + 1, ["implausible_date"])
    ):  # fmt: skip
        day = f"{year}-03-04"
        one = replace(said(day, name=name, kind=Kind.DATE), value=normalise(day, field, INVOICE))
        document = replace(document_of(INVOICE, [one], pages=[1]), received=Date(2026, 11, 27))

        assert [each.because for each in plausible_dates(document)] == codes, year


def test_of_two_days_in_the_wrong_order_both_are_denied():
    """Nobody knows which of them was misread."""
    found = judged(due_date="2026-02-20")

    for name in ("date", "due_date"):
        assert "dates_out_of_order" in doubts(found, name)


# ---- the same value


@pytest.mark.parametrize(
    "said_",
    [
        {"buyer": "FOO LTD."},
        {"seller": "A-17"},
        {"number": "2026-03-04"},
        {"net": "70.00", "tax": "70.00", "total": "140.00"},
    ],
)
def test_one_value_for_two_fields_is_denied_where_the_type_says_so(said_):
    """Names, numbers and amounts, whatever their spelling."""
    codes = {code for v in judged(**said_).values() for code in v.doubts}

    assert "same_value" in codes


def test_two_amounts_of_nothing_are_not_the_same_value():
    """A paper over nothing has no tax either."""
    found = judged(net="0.00", tax="0.00", total="0.00")

    assert "same_value" not in {code for v in found.values() for code in v.doubts}


def test_due_on_the_day_of_issue_and_no_tax_are_nothing_special():
    """The type declares neither of them distinct."""
    found = judged(due_date="2026-03-04", net="70.00", tax="0.00", total="70.00")

    assert not denials(found) - {"empty-list/1"}


def test_fields_that_print_the_same_again_must_agree():
    """A total on the slip at the page's foot."""
    spec = a_type(a_field(Kind.AMOUNT, name="total"), a_field(Kind.AMOUNT, name="again"))
    spec = replace(spec, fields=(spec.fields[0], replace(spec.fields[1], equals=("total",))))

    assert not denials(judged(spec=spec, total="84.00", again="$84.00"))
    assert "not_equal" in doubts(judged(spec=spec, total="84.00", again="48.00"), "total")


# ---- declared in the type


@pytest.mark.parametrize(
    "options",
    [
        {"sums": ("net",)},
        {"sums": ("net", "seller")},
        {"product": ("quantity", "unit_price")},
        {"distinct": ("nobody",)},
        {"equals": ("seller",)},
        {"after": "date"},
        {"years": (5, 1)},
    ],
)
def test_a_declaration_that_names_nothing_to_compare_is_refused(options):
    """As soon as the type is declared."""
    fields = tuple(
        replace(f, **options) if f.name == "total" else f for f in BUILT_IN["invoice"].fields
    )
    with pytest.raises(BrokenDocumentType):
        check(replace(INVOICE, fields=fields))


def test_a_decimal_sign_is_a_dot_or_a_comma():
    """Anything else is refused."""
    with pytest.raises(BrokenDocumentType):
        check(replace(INVOICE, decimal=";"))
    check(replace(INVOICE, decimal=","))
