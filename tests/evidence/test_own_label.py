"""What stands under labels, and what is offered."""

from dataclasses import replace

import pytest

from extractors.evidence.witnesses import AGREES, DENIES, OFFERS
from extractors.page.layout import lines_of
from extractors.page.paying import dated
from tests.benchmarks.judging import Paper
from tests.evidence.making import page_of
from tests.evidence.words import INVOICE, PAGE, ROWS, TRUTH, denied, heard_of, offered

HEADERS = tuple(TRUTH)


def test_nothing_is_denied_where_all_is_read_as_it_stands():
    """No witness of words doubts the truth."""
    assert denied(heard_of()) == {}


@pytest.mark.parametrize(
    "lines",
    [
        ("Rechnung (380) Nr. 4711 vom 04.05.2026", "Zahlbar bis 03.06.2026, 2% Skonto bis 14.05."),
        ("Facture N° 4711", "Date de facture : 04.05.2026", "Date d'échéance : 03.06.2026"),
        ("Factuurnummer: 4711", "Factuurdatum: 04.05.2026", "Vervaldatum: 03.06.2026"),
        ("Rechnungs-Nr.   Rechnungsdatum   Fällig", "4711            04.05.2026       03.06.2026"),
        ("Invoice No.4711", "Invoice date:04.05.2026", "Payment due by 3 June 2026"),
    ],
)  # fmt: skip
def test_phrases_of_many_languages_offer_number_date_and_due_date(lines):
    """Also with a discount's day beside the due date, and with labels over their values."""
    spec = replace(INVOICE, day_first=True)
    nothing = dict.fromkeys(TRUTH)
    found = offered(heard_of(lines, (), spec=spec, **nothing))

    assert found["number"] == "4711"
    assert found["date"] == "04.05.2026"
    assert found["due_date"] in ("03.06.2026", "3 June 2026")


@pytest.mark.parametrize("name", ["number", "date", "due_date", "net", "total"])
def test_another_value_than_the_one_under_the_label_is_denied(name):
    """Every value of another field and of no field; the one under the label is offered."""
    others = {TRUTH[other] for other in HEADERS if other != name} | {"B-5530", "42.00"}
    for wrong in others:
        heard = heard_of(**{name: wrong})
        assert (name, 0) in denied(heard), wrong
        if name != "total":
            assert offered(heard)[name] == TRUTH[name]


@pytest.mark.parametrize("name", [name for name in HEADERS if name != "seller"])
def test_an_absence_beside_a_labelled_value_is_denied_and_the_value_offered(name):
    """Of a party's block, a currency and an account too."""
    heard = heard_of(**{name: None})

    assert (name, 0) in denied(heard)
    assert TRUTH[name] in offered(heard)[name]


def test_what_could_not_be_read_is_offered_and_not_denied():
    """At least eight of an invoice's eleven fields, without any model."""
    heard = heard_of(unreadable=HEADERS)

    assert denied(heard) == {}
    assert len(offered(heard).keys() & set(HEADERS)) >= 8


@pytest.mark.parametrize(
    "line",
    ["Due date: on receipt", "VAT: not charged to businesses abroad", "Terms: Net 30",
     "Please state the IBAN of your account", "Total weight 12.00 kg"],
)  # fmt: skip
def test_labels_without_a_value_of_their_kind_say_nothing(line):
    """There is nothing to look at."""
    page = ("Harbour Paper Ltd", "Invoice number: HP-2091", line)
    nothing = dict.fromkeys(TRUTH) | {"seller": "Harbour Paper Ltd", "number": "HP-2091"}

    assert denied(heard_of(page, (), **nothing)) == {}


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("Zahlbar innerhalb 30 Tagen netto bis 04.07.2018, 3% Skonto bis 15.06.2018",
         ["due_date", "other_date"]),
        ("Zahlbar bis 04.07.2018 ohne Abzug", ["due_date"]),
        ("Bei Zahlung bis 15.06.2018 2% Skonto, bis 04.07.2018 netto", ["other_date", "due_date"]),
        ("Escompte de 2% avant le 15.06.2018, payable le 04.07.2018", ["other_date", "due_date"]),
        ("Bestellung vom 04.07.2018", []),
    ],
)  # fmt: skip
def test_a_due_date_is_told_from_the_day_of_a_cash_discount(line, days):
    """Clause by clause."""
    (words,) = lines_of(page_of(line))
    assert [name for name, _, _ in dated(words)] == days


def test_rows_are_no_business_of_labels():
    """An amount of a row may stand under a head that is a label elsewhere."""
    assert not [key for key in denied(heard_of(PAGE, ROWS)) if key[0].startswith("lines.")]


@pytest.mark.parametrize(("elsewhere", "codes"), [("", {"others_label"}), ("2026-06-03", set())])
def test_a_value_that_stands_elsewhere_too_is_not_another_labels_alone(elsewhere, codes):
    """It may be the field's own day, and the other label repeats it."""
    page = (f"Harbour Paper Ltd     {elsewhere}", "Due date:  2026-06-03")
    nothing = dict.fromkeys(TRUTH) | {"seller": "Harbour Paper Ltd", "date": "2026-06-03"}

    found = denied(heard_of(page, (), **nothing))
    assert found.get(("date", 0), set()) & {"others_label"} == codes


def test_two_values_under_one_label_on_two_pages_deny_no_third():
    """Nobody knows which of them it is; one value that both pages say denies it."""
    words = "Harbour Paper Ltd", "Invoice date:  2026-05-04"
    nothing = dict.fromkeys(TRUTH)
    for second, codes in (("2026-05-04", {"label_differs"}), ("2026-05-06", set())):
        paper = Paper(INVOICE, {1: page_of(*words), 2: page_of(f"Invoice date:  {second}")})
        read = {1: nothing | {"date": "2026-05-05"}, 2: nothing}

        assert set(paper.judge(read)["date", 0].doubts) & {"label_differs"} == codes


@pytest.mark.parametrize(("page", "codes"), [(1, {"others_label"}), (2, set())])
def test_a_value_stands_under_another_label_on_its_own_page_alone(page, codes):
    """At the same place of another page, without a label, it may be the field's own."""
    words = {1: page_of("Due date:  2026-06-03"), 2: page_of("Harbour    2026-06-03")}
    paper = Paper(INVOICE, words)
    nothing = dict.fromkeys(TRUTH)
    read = dict.fromkeys(words, nothing) | {page: nothing | {"date": "2026-06-03"}}

    assert set(paper.judge(read)["date", 0].doubts) & {"others_label"} == codes


@pytest.mark.parametrize(
    ("printed", "read", "says"),
    [
        ("05 158 004", "05 158 004", AGREES),
        ("4711", "RE 4711", AGREES),
        ("4711", "4711 RE", AGREES),
        ("158", "05 158 004", DENIES),
    ],
)
def test_a_labelled_identifier_may_begin_or_end_the_one_that_was_read(printed, read, says):
    """A label tells the first of its words; what stands in the midst of another is another."""
    page = ("Harbour Paper Ltd", f"Invoice number:  {printed}")
    nothing = dict.fromkeys(TRUTH) | {"seller": "Harbour Paper Ltd", "number": read}

    told = {one.says for one in heard_of(page, (), **nothing)
            if one.of.name == "number" and one.witness == "own-label/1"}  # fmt: skip
    assert told == {says}


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("86.40", "86.40"),
        ("1 086.40", "1 086.40"),
        ("1 001 086.40", "1 001 086.40"),
        ("1 086.40 GBP", "1 086.40 GBP"),
        ("1 001 086.40 GBP", "1 001 086.40"),
    ],
)
def test_a_labelled_amount_has_three_words_at_most(printed, told):
    """A fourth one is no part of it."""
    page = ("Harbour Paper Ltd", f"Total:  {printed}")
    nothing = dict.fromkeys(TRUTH) | {"seller": "Harbour Paper Ltd"}

    assert offered(heard_of(page, (), **nothing))["total"] == told


NOBODY = dict.fromkeys(TRUTH)
# of each field two phrases of its surest labels, and one of the next tier where there is one
TIERS = {
    "date": ("Invoice date", "Date of invoice", "Date of issue"),
    "net": ("Net total", "Total excl VAT", "Subtotal"),
    "tax": ("Total tax", "VAT amount", "VAT"),
    "total": ("Grand total", "Total incl VAT", "Total"),
}
VALUES = {
    name: ("2026-05-04", "2026-05-06", "2026-05-08")
    if name == "date"
    else ("86.40", "72.00", "14.40")
    for name in TIERS
}


def told(name, lines, read):
    """What the witness of labels says of the field, read like this."""
    page = ("Harbour Paper Ltd", *(f"{label}:  {value}" for label, value in lines))
    return {
        (one.says, one.offers)
        for one in heard_of(page, (), **{**NOBODY, "seller": "Harbour Paper Ltd", name: read})
        if one.of.name == name and one.witness == "own-label/1"
    }


@pytest.mark.parametrize("name", TIERS)
def test_the_surest_label_that_has_a_value_is_the_one_that_counts(name):
    """A surer one denies what stands under a less sure one; the other way round nothing is said."""
    (sure, _, less), (one, other, _) = TIERS[name], VALUES[name]
    lines = [(less, other), (sure, one)]

    assert told(name, lines, one) == {(AGREES, None)}
    assert told(name, lines, other) == {(DENIES, one)}
    assert told(name, lines, None) == {(DENIES, one)}


@pytest.mark.parametrize("name", TIERS)
def test_two_values_under_the_surest_labels_leave_nothing_to_the_less_sure_ones(name):
    """Nobody knows which of them it is: neither is denied, and no third is offered."""
    (sure, too, less), (one, other, third) = TIERS[name], VALUES[name]
    lines = [(sure, one), (too, other), (less, third)]

    for read in (one, other, third, None):
        assert not {says for says, _ in told(name, lines, read)} & {DENIES, OFFERS}, read


@pytest.mark.parametrize("name", TIERS)
@pytest.mark.parametrize("tier", [0, 1])
def test_a_label_that_may_mean_something_else_denies_no_other_value(name, tier):
    """A subtotal may be of some rows, and "VAT" may head a rate: an absence is denied all the
    same.
    """
    labels, (one, other, _) = TIERS[name], VALUES[name]
    lines = [(labels[2 * tier], one)]
    soft = tier == 1 and name in ("net", "tax")

    assert told(name, lines, other) == (set() if soft else {(DENIES, one)})
    assert told(name, lines, None) == {(DENIES, one)}
    assert told(name, lines, one) == {(AGREES, None)}
