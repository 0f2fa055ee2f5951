"""What every witness must be, now and later; and the words they speak in."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.evidence.grounding import ground
from extractors.evidence.witnesses import (
    AGREES,
    DENIES,
    WITNESSES,
    DocumentEvidence,
    Testimony,
    hear,
    witness,
    witnesses,
)
from extractors.normalise import normalise
from extractors.page.text import PageText
from extractors.types import FieldState
from tests.evidence.making import PAPER, absent, document_of, page_of, said, some_evidence
from tests.evidence.test_line_items import INVOICE, PAGE, ROWS, evidence

names = pytest.mark.parametrize("name", sorted(witnesses()))
WORDS = (*PAGE, "IBAN GB82 WEST 1234 5698 7654 32", "Date 2026-04-03")
TEXT = PageText(page_of(*WORDS))


def read(one, text):
    """The reading with another text, its value and its places as grounding finds them."""
    field = INVOICE.field(one.name)
    value = normalise(text, field, INVOICE)
    grounding = ground(text, TEXT, field, INVOICE, value=value)
    return replace(one, text=text, value=value, grounding=grounding)


def the_truth():
    """What a perfect reader says of the invoice."""
    more = {
        "number": "A-17",
        "seller": "Foo Ltd",
        "iban": "GB82 WEST 1234 5698 7654 32",
        "date": "2026-04-03",
    }
    found = evidence(ROWS, words=WORDS)
    return [*found, *(read(said("x", name=name), text) for name, text in more.items())]


TRUTH = the_truth()


def slipped(readings, at, size):
    """The readings with one of them wrong: an amount by a sum that no other slip makes up for."""
    wrong, kind = readings[at], INVOICE.field(readings[at].name).kind
    if kind in (Kind.AMOUNT, Kind.NUMBER):
        text = str(Decimal(wrong.text) + size)
    else:
        text = f"{'9' * (size // 1000)}{wrong.text[1:]}"
    return [*readings[:at], read(wrong, text), *readings[at + 1 :]]


def heard(function, readings):
    """What one witness says, by the field that it speaks of."""
    document = document_of(INVOICE, readings, pages={1: page_of(*WORDS)})
    return {(one.of.name, one.of.ordinal): one.says for one in function(document)}


@names
def test_a_witness_is_silent_on_an_empty_document(name):
    """Where nothing was read and no page was left out, nothing can be said."""
    for spec in (PAPER, INVOICE):
        assert list(WITNESSES[name](DocumentEvidence(type=spec, candidates=()))) == []
        assert list(WITNESSES[name](document_of(spec, [], pages={1}))) == []


@names
@given(some_evidence())
def test_a_witness_speaks_of_candidates_of_the_document_alone(name, evidence):
    """Whatever was read; and it says why it denies."""
    document = document_of(PAPER, evidence, pages={1, 2, 3, 4})
    for one in WITNESSES[name](document):
        assert one.of in document.candidates
        assert one.says is not DENIES or (one.because and one.message)


@names
@given(some_evidence())
def test_a_witness_is_a_function_of_the_evidence(name, evidence):
    """Asked twice, it says the same."""
    one, other = (document_of(PAPER, evidence, pages={1, 2, 3, 4}) for _ in range(2))
    assert list(WITNESSES[name](one)) == list(WITNESSES[name](other))


@names
@given(
    st.integers(0, len(TRUTH) - 1), st.integers(0, len(TRUTH) - 1), st.sampled_from((3000, 5000))
)
def test_a_planted_slip_never_turns_a_denial_into_an_agreement(name, first, second, size):
    """One more error never makes a witness take back what it says against another."""
    one_slip = slipped(TRUTH, first, 1000)
    two_slips = slipped(one_slip, second, size) if first != second else one_slip
    before, after = (heard(WITNESSES[name], each) for each in (one_slip, two_slips))

    assert [of for of, says in before.items() if says is DENIES and after.get(of) is AGREES] == []


@names
def test_no_witness_denies_the_truth(name):
    """What the page says, read as it stands."""
    assert DENIES not in heard(WITNESSES[name], TRUTH).values()


@pytest.mark.parametrize("at", range(len(TRUTH)), ids=lambda at: TRUTH[at].name)
def test_some_witness_denies_every_single_slip(at):
    """On a page with words, a value that it does not say."""
    document = document_of(INVOICE, slipped(TRUTH, at, 1000), pages={1: page_of(*WORDS)})
    denied = {one.of.name.partition(".")[0] for one in hear(document) if one.says is DENIES}

    assert TRUTH[at].name.partition(".")[0] in denied


def test_a_name_is_taken_once():
    """What is stored must stay explainable: a changed rule gets a new version."""
    with pytest.raises(ValueError, match="next version"):
        witness("on-page/1")(lambda document: iter(()))


def test_a_denial_without_a_reason_gets_the_name_of_its_witness(monkeypatch):
    """So that every denial has a code for SQL and words for people."""

    def gap(document: DocumentEvidence) -> Iterator[Testimony]:
        yield Testimony(of=document.candidates[0], says=DENIES)

    monkeypatch.setitem(WITNESSES, "net-tax-total/1", gap)
    (one,) = hear(document_of(PAPER, [absent()], pages={1}))

    assert (one.witness, one.because) == ("net-tax-total/1", "net_tax_total")
    assert one.message == "net tax total does not agree"


def test_a_documents_evidence_is_asked_by_field_and_row():
    """What a witness needs to know, in one word each."""
    document = document_of(INVOICE, [*TRUTH, absent("buyer")], pages={1: page_of(*WORDS)})

    assert document.amount("total").amount == Decimal("87.60")
    assert document.amount("seller") is None
    assert document.value("seller").text == "Foo Ltd"
    assert document.absent("buyer").state is FieldState.ABSENT
    assert document.absent("total") is document.value("buyer") is None
    assert document.list_of("lines").pages == (1,)
    rows = document.rows("lines")
    assert [row.value("lines.amount").text for row in rows] == [amount for *_, amount in ROWS]
    assert {row.page for row in rows} == {1}


def test_a_field_with_two_values_has_no_one_value():
    """A witness that needs one stays silent, and others speak of each."""
    document = document_of(INVOICE, [said("5.00"), said("6.00", page=2)], pages={1: (), 2: ()})

    assert document.value("total") is document.amount("total") is None
    assert [one.text for one in document.values("total")] == ["5.00", "6.00"]
