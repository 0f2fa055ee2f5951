"""What stands for "nothing there", struck-out text, repetition and mixed alphabets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.normalise import PROBLEMS
from tests.evidence.making import value_of

NOTHING = (
    "N/A", "n / a", "NA", "null", "None", "unknown", "Not specified.", "not_provided", "-", "—",
    "...", "____", "???", "xxxx", "XX-XXX", "<seller name>", "{{total}}", "[illegible]", "(none)",
    "#N/A", "keine Angabe", "non renseigné", "desconocido", "n.v.t.", "нет данных", "不明", "TBD",
)  # fmt: skip
NAMES = (
    "Nullmeier GmbH", "Unknown Horizons Ltd", "NA Trading", "Null & Void Inc.", "N/A Design Studio",
    "X", "3M", "C&A", "Nil Desperandum Ltd", "Walla Walla", "株式会社ABC", "ООО «Ромашка»",
)  # fmt: skip


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.GROUP}))
@pytest.mark.parametrize("text", NOTHING)
def test_a_placeholder_is_no_value_of_any_kind(kind, text):
    """Text, number or date: it says that nothing is there, and a person is told so."""
    got = value_of(text, kind, choices=("cash", "card"))

    assert (got.value, got.problem) == (None, "placeholder")
    assert got.message == PROBLEMS["placeholder"]


@pytest.mark.parametrize("checksum", ["iban", "vat_de", "luhn"])
@pytest.mark.parametrize("text", ["N/A", "null", "____"])
def test_a_placeholder_for_a_checked_number_is_named_as_such(checksum, text):
    """That check digits do not fit would mislead."""
    assert value_of(text, Kind.IDENTIFIER, checksum=checksum).problem == "placeholder"


@pytest.mark.parametrize("text", NAMES)
def test_a_name_that_holds_a_placeholder_is_a_name(text):
    """Only the whole text counts."""
    assert value_of(text, Kind.TEXT).value == text


def test_a_choice_that_is_called_none_is_a_choice():
    """What the type declares goes before what forms usually mean."""
    assert value_of("None", Kind.CHOICE, choices=("none", "some")).value == "none"


@given(
    piece=st.text(alphabet="ABC 0123456789é", min_size=1, max_size=20).filter(str.strip),
    start=st.sampled_from(["", "ACME GmbH, ", "4711 "]),
)
def test_what_repeats_without_end_is_refused_whatever_it_repeats(piece, start):
    """A reader that got stuck is as sure of its stutter as of anything."""
    text = start + piece * 40

    for kind in (Kind.TEXT, Kind.IDENTIFIER):
        assert value_of(text, kind).problem in ("endless_repetition", "placeholder")


@pytest.mark.parametrize(
    "text", ["20260304-0000-4711-9983-000000000012", "Duran Duran", "Baden-Baden, Rue de la Rue 1"]
)
def test_a_long_text_is_no_repetition(text):
    """Names repeat once, and numbers hold zeros."""
    assert value_of(text, Kind.TEXT).value == text


def struck(text: str) -> str:
    return "".join(c + "\u0336" for c in text)


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.GROUP}))
@pytest.mark.parametrize("text", [struck("Yes"), struck("12.00"), "~~cash~~", "<s>2026-03-04</s>"])
def test_what_is_struck_out_is_no_value(kind, text):
    """The stroke takes the value back."""
    assert value_of(text, kind, choices=("cash", "card")).problem == "struck_out"


def test_an_accent_is_no_stroke():
    """Marks over and under letters belong to them."""
    assert value_of("Cafe\u0301 Å ñ ç", Kind.TEXT).value == "Café Å ñ ç"


@pytest.mark.parametrize("text", ["INV\u041e\u041e1", "BAZA\u0410\u0440", "\u0391cme", "АB12"])
def test_two_alphabets_in_a_word_are_misread(text):
    """Letters that look alike are told apart by nobody but the machine."""
    for kind in (Kind.TEXT, Kind.IDENTIFIER):
        assert value_of(text, kind).problem == "mixed_scripts"


@pytest.mark.parametrize("text", ["ООО Ромашка Trading", "5 µm Filter", "10kΩ", "α-Tocopherol"])
def test_words_of_two_alphabets_may_stand_side_by_side(text):
    """Each word is whole, or the letter is a unit's."""
    assert value_of(text, Kind.TEXT).value == text
