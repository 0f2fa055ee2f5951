"""Two fields that never have the same value, and two that always have."""

from dataclasses import replace

import pytest

from extractors.documents.spec import Kind
from extractors.evidence.same_values import same_values
from extractors.evidence.witnesses import AGREES, DENIES
from tests.evidence.making import a_field, a_type, absent, document_of, said


def heard(one, other, kinds=(Kind.AMOUNT, Kind.AMOUNT), **rule):
    """What is said of two fields of which the second has a rule about the first."""
    spec = a_type(a_field(kinds[0], "one"), a_field(kinds[1], "other", **rule))
    readings = [each for each in (one, other) if each is not None]
    return [
        (each.of.name, each.says, each.because, each.message)
        for each in same_values(document_of(spec, readings, pages={1}))
    ]


def one(text, kind=Kind.AMOUNT):
    return said(text, name="one", kind=kind)


def other(text, kind=Kind.AMOUNT):
    return said(text, name="other", kind=kind)


@pytest.mark.parametrize(
    ("kinds", "texts", "same"),
    [
        ((Kind.AMOUNT, Kind.AMOUNT), ("5.00", "5"), True),
        ((Kind.AMOUNT, Kind.NUMBER), ("5.00", "5"), True),
        ((Kind.AMOUNT, Kind.AMOUNT), ("5.00", "5.01"), False),
        ((Kind.AMOUNT, Kind.AMOUNT), ("0.00", "0"), False),
        ((Kind.AMOUNT, Kind.AMOUNT), ("five", "five"), False),
        ((Kind.TEXT, Kind.TEXT), ("Foo Ltd.", "FOO LTD"), True),
        ((Kind.TEXT, Kind.TEXT), ("Foo", "Bar"), False),
        ((Kind.TEXT, Kind.TEXT), ("--", "..."), False),
        ((Kind.TEXT, Kind.AMOUNT), ("5.00", "5.00"), True),
        ((Kind.TEXT, Kind.AMOUNT), ("5", "5.00"), False),
        ((Kind.AMOUNT, Kind.TEXT), ("5.00", "5.00"), True),
        ((Kind.AMOUNT, Kind.TEXT), ("5.00", "5"), False),
    ],
)
def test_two_fields_that_are_declared_distinct_are_denied_where_they_say_the_same(
    kinds, texts, same
):
    """Numbers by what they are, everything else by its letters and digits."""
    found = heard(one(texts[0], kinds[0]), other(texts[1], kinds[1]), kinds, distinct=("one",))

    expected = [("other", DENIES, "same_value"), ("one", DENIES, "same_value")] if same else []
    assert [each[:3] for each in found] == expected


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("5.00", "5"), {AGREES}),
        (("5.00", "5.01"), {DENIES}),
        (("5.00", "5.O1"), set()),
        (("5.O0", "5.01"), set()),
    ],
)
def test_two_fields_that_print_the_same_again_agree_or_deny_each_other(texts, says):
    """One that cannot be read as a number says nothing of the other."""
    found = heard(one(texts[0]), other(texts[1]), equals=("one",))

    assert {each[1] for each in found} == says
    assert {each[0] for each in found} == ({"one", "other"} if says else set())


def test_of_two_that_differ_each_says_what_the_other_has():
    """For the person who looks."""
    found = heard(one("5.00"), other("6.00"), equals=("one",))

    assert {each[0]: each[3] for each in found} == {
        "other": "one says 5.00",
        "one": "other says 6.00",
    }


@pytest.mark.parametrize("rule", ["distinct", "equals"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (None, other("5.00")),
        (one("5.00"), None),
        (absent("one"), other("5.00")),
        (one("5.00"), absent("other")),
        (replace(one("5.00"), value=None), replace(other(""), value=None)),
        (replace(one(""), value=None), other("5.00")),
        (one("5.00"), replace(other("6.00"), value=None)),
        (replace(one("6.00"), value=None), other("5.00")),
        (replace(one("x"), text=None), replace(other("x"), text=None)),
    ],
)
def test_where_one_of_the_two_is_not_known_nothing_is_said(rule, first, second):
    """Neither has a partner to be compared with."""
    assert not heard(first, second, **{rule: ("one",)})


def test_a_field_may_equal_several_and_one_that_is_not_there_hides_no_other():
    """Each pair stands for itself."""
    names = ("one", "gone", "more")
    spec = a_type(
        *(a_field(Kind.AMOUNT, name) for name in names),
        a_field(Kind.AMOUNT, "other", equals=("gone", "one", "more")),
    )
    readings = [one("5.00"), said("6.00", name="more"), other("5.00")]

    found = list(same_values(document_of(spec, readings, pages={1})))

    assert [(each.of.name, each.says) for each in found] == [
        ("other", AGREES),
        ("one", AGREES),
        ("other", DENIES),
        ("more", DENIES),
    ]
