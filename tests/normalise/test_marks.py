"""Ticks and boxes, yes and no in many languages, choices that are spelled another way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from tests.evidence.making import value_of

TICKED = ("☒", "☑", "✓", "✔️", "✅", "[x]", "[✓]", "[ x ]", "(x)", "●", "■", ":selected:")
EMPTY = ("☐", "□", "[ ]", "( )", ":unselected:")


@pytest.mark.parametrize("mark", TICKED)
def test_a_tick_is_yes(mark):
    """Whatever box it stands in."""
    assert value_of(mark, Kind.BOOLEAN).value is True


@pytest.mark.parametrize("mark", EMPTY)
def test_an_empty_box_is_no(mark):
    """Nobody ticked it."""
    assert value_of(mark, Kind.BOOLEAN).value is False


def test_a_circle_is_empty_and_in_east_asia_it_may_be_yes():
    """Forms with round boxes leave it empty; in Japan it is what ticks are elsewhere."""
    assert value_of("○", Kind.BOOLEAN, locale="de_DE").value is False
    assert value_of("○", Kind.BOOLEAN, locale="ja_JP").problem == "not_yes_or_no"
    assert value_of("● はい ○ いいえ", Kind.BOOLEAN, locale="ja_JP").value is True


@pytest.mark.parametrize("text", ["✗", "✘", "❌", "×", "☒ ☐", "☐ Yes", "Yes/No", "☐ Yes ☐ No"])
def test_a_cross_alone_and_a_choice_that_nobody_made_are_open(text):
    """Beside a tick a cross means no; alone it may be either."""
    assert value_of(text, Kind.BOOLEAN).problem == "not_yes_or_no"


@given(
    ticked=st.sampled_from([mark for mark in TICKED if mark != ":selected:"]),
    empty=st.sampled_from(EMPTY[:4]),
    yes=st.booleans(),
    behind=st.booleans(),
)
def test_the_ticked_word_of_two_is_the_answer(ticked, empty, yes, behind):
    """Marks stand before the words or behind them, on the same side."""
    marks = (ticked, empty) if yes else (empty, ticked)
    pairs = zip(marks, ("Yes", "No"), strict=True)
    text = " ".join(f"{word} {mark}" if behind else f"{mark} {word}" for mark, word in pairs)

    assert value_of(text, Kind.BOOLEAN).value is yes


@pytest.mark.parametrize(
    ("yes", "no", "locale"),
    [
        ("हाँ", "नहीं", "hi_IN"),
        ("Evet", "HAYIR", "tr_TR"),
        ("igen", "nem", "hu_HU"),
        ("Ναι", "Όχι", "el_GR"),
        ("예", "아니오", "ko_KR"),
        ("כן", "לא", "he_IL"),
        ("так", "ні", "uk_UA"),
        ("có", "không", "vi_VN"),
        ("ja", "nein", "de-DE"),
    ],
)
def test_words_for_yes_and_no_are_those_of_the_language(yes, no, locale):
    """Small or capital, with a colon behind or not."""
    assert value_of(yes, Kind.BOOLEAN, locale=locale).value is True
    assert value_of(f"{no}:", Kind.BOOLEAN, locale=locale).value is False


@pytest.mark.parametrize(
    ("text", "choices", "value"),
    [
        ("Net 30", ("net30", "net60"), "net30"),
        ("credit card", ("credit_card", "cash"), "credit_card"),
        ("pre-paid", ("prepaid",), "prepaid"),
        ("☒ cash ☐ card", ("cash", "card"), "cash"),
        ("cash [ ] card [x]", ("cash", "card"), "card"),
        ("✓ cash ✗ card", ("cash", "card"), "cash"),
        ("A-", ("A", "A+"), None),
        ("C++", ("C", "C+"), None),
        ("cash / card", ("cash", "card"), None),
        ("☒ cash ☒ card", ("cash", "card"), None),
    ],
)
def test_a_choice_may_be_spelled_another_way_or_ticked(text, choices, value):
    """Spaces and hyphens within words do not count; signs at the end do."""
    assert value_of(text, Kind.CHOICE, choices=choices).value == value
