"""One answer held against the truth."""

from dataclasses import replace
from uuid import UUID

import pytest

from extractors.documents.slip import Slip
from extractors.normalise import normalise
from extractors.types import FieldState
from worker.evaluation.figures import figures, reliability, risk, signals, table
from worker.evaluation.judging import Judged, groups, judge
from worker.evaluation.truths import Spelling, Truth
from worker.reporting import FieldRow
from worker.tables.results import Outcome

ID = UUID(int=7)


def row(field: str, text: str | None, *, ordinal: int = 0, accepted: bool = True) -> FieldRow:
    """An answer; None: absent."""
    spec = Slip.spec
    value = None if text is None else normalise(text, spec.field(field), spec)
    return FieldRow(
        document_id=ID,
        filename=None,
        field=field,
        ordinal=ordinal,
        page=1,
        kind=spec.field(field).kind.value,
        state=FieldState.ABSENT if text is None else FieldState.VALUE,
        text=text,
        value=value.value if value else None,
        currency=value.currency if value else None,
        score=0.9,
        method="weakest-token/2",
        threshold=0.7,
        certificate="uncertified",
        decision=Outcome.ACCEPTED if accepted else Outcome.REVIEW,
        reason="value",
        message="",
        read_text=text,
        decided_by=None,
    )


def judged(
    rows: list[FieldRow],
    values: dict[tuple[str, int], str | None],
    *,
    lists: frozenset[str] = frozenset(),
    spelling: Spelling = Spelling.PRINTED,
) -> dict[tuple[str, int], bool]:
    truth = Truth(values=values, lists=lists, spelling=spelling)
    found = judge(ID, rows, truth, Slip.spec, band="fair")
    return {(one.path, one.ordinal): one.right for one in found}


@pytest.mark.parametrize(
    ("read", "true", "right"),
    [
        ("12.50", "12.50", True),
        ("1,234.50", "1234.50", True),  # another spelling of the same value
        ("12.50", "12.60", False),
        (None, None, True),
        (None, "12.50", False),
        ("12.50", None, False),
    ],
)
def test_right_is_what_would_be_stored(read: str | None, true: str | None, right: bool) -> None:
    """The same characters, the same value, or that there is none."""
    assert judged([row("total", read)], {("total", 0): true}) == {("total", 0): right}


@pytest.mark.parametrize("true", [None, "12.50", "x"])
@pytest.mark.parametrize("text", [None, "12.50"])
@pytest.mark.parametrize("spelling", list(Spelling))
def test_what_could_not_be_read_is_right_of_nothing(
    true: str | None, text: str | None, spelling: Spelling
) -> None:
    """Also where the document has none, and where the damaged text happens to be the true one."""
    unreadable = replace(row("total", text), state=FieldState.UNREADABLE)
    assert judged([unreadable], {("total", 0): true}, spelling=spelling) == {("total", 0): False}


def test_the_same_amount_of_another_money_is_wrong() -> None:
    """What is accepted without a currency may be of any."""
    read = replace(row("total", "EUR 12.50"), text="EUR  12.50")
    assert judged([read], {("total", 0): "$12.50"}) == {("total", 0): False}
    assert judged([read], {("total", 0): "12.50 EUR"}) == {("total", 0): True}


@pytest.mark.parametrize("accepted", [True, False])
def test_an_answer_goes_with_its_score_and_with_what_became_of_it(accepted: bool) -> None:
    """One that was not read at all has neither, and is wrong."""
    truth = Truth(values={("total", 0): "1.00", ("number", 0): "7"}, lists=frozenset())
    found = {
        one.path: (one.score, one.accepted, one.right)
        for one in judge(ID, [row("total", "1.00", accepted=accepted)], truth, Slip.spec, band="x")
    }
    assert found == {"total": (0.9, accepted, True), "number": (None, False, False)}


def test_a_list_that_a_document_does_not_have_is_right_as_an_absence_alone() -> None:
    """A row beside it is one too many; of a list that nobody labelled nothing is."""
    nothing: dict[tuple[str, int], str | None] = {("items", 0): None}
    lists = frozenset({"items"})
    assert judged([row("items", None)], nothing, lists=lists) == {("items", 0): True}
    assert judged([row("items.amount", "2.00")], nothing, lists=lists) == {
        ("items.amount", 0): False
    }
    assert judged([row("items.amount", "2.00")], {("total", 0): None}) == {}


def test_what_nobody_labelled_is_not_judged() -> None:
    """It may be right."""
    assert judged([row("payee", "Foo"), row("total", "1.00")], {("total", 0): "1.00"}) == {
        ("total", 0): True
    }


def test_what_was_not_read_is_wrong() -> None:
    """Also where the whole document could not be."""
    assert judged([], {("total", 0): "1.00"}) == {("total", 0): False}
    assert judged([], {("number", 0): None}) == {}


def test_a_row_too_many_and_one_too_few_are_wrong() -> None:
    """Of a list whose rows are labelled."""
    lists = frozenset({"items"})
    one = row("items.amount", "2.00")
    two = row("items.amount", "3.00", ordinal=1)
    assert judged([one, two], {("items.amount", 0): "2.00"}, lists=lists) == {
        ("items.amount", 0): True,
        ("items.amount", 1): False,
    }
    wanted: dict[tuple[str, int], str | None] = {
        ("items.amount", 0): "2.00",
        ("items.amount", 1): "3.00",
    }
    assert judged([one], wanted, lists=lists) == {
        ("items.amount", 0): True,
        ("items.amount", 1): False,
    }


@pytest.mark.parametrize(
    ("field", "read", "true", "right"),
    [
        ("total", "1,234.50", "1234.5", True),
        ("total", "1,234.50", "1234.51", False),
        ("date", "14/04/2026", "2026-04-14", True),
        ("date", "14/04/2026", "2026-04-15", False),
        ("payee", "Foo, Ltd.", "FOO LTD", True),
        ("payee", "Foo Ltd", "Bar Ltd", False),
    ],
)
def test_what_xml_says_is_compared_as_values(field: str, read: str, true: str, right: bool) -> None:
    """It has its own spelling."""
    found = judged([row(field, read)], {(field, 0): true}, spelling=Spelling.PLAIN)
    assert found == {(field, 0): right}


def some(count: int, *, wrong: int = 0, accepted: bool = True, band: str = "fair") -> list[Judged]:
    return [
        Judged(
            document_id=UUID(int=number),
            path="total",
            ordinal=0,
            right=number >= wrong,
            score=number / count,
            accepted=accepted,
            band=band,
            family="money",
        )
        for number in range(count)
    ]


def test_figures_bound_what_is_accepted_and_wrong() -> None:
    """With no error 299 say at most one in a hundred."""
    none = figures(some(299), "all")
    assert (none.answers, none.right, none.accepted, none.accepted_wrong) == (299, 299, 299, 0)
    assert none.wrong_at_most == pytest.approx(0.00997, abs=1e-4)
    assert none.auroc is None  # without an error no score can know one

    few = figures(some(100, wrong=10), "all")
    assert few.auroc is not None
    assert few.auroc[0] == 1.0
    assert few.auroc[1] <= few.auroc[0] <= few.auroc[2]
    assert few.coverage is not None
    assert few.coverage[0] == pytest.approx(0.9, abs=0.011)


def test_where_nothing_is_accepted_there_is_no_bound() -> None:
    """It would be of nothing."""
    assert figures(some(30, accepted=False), "all").wrong_at_most is None


@pytest.mark.parametrize(("scored", "says"), [(19, False), (20, True)])
def test_scores_are_measured_from_twenty_answers_on(scored: int, says: bool) -> None:
    """Answers without a score are none of them, and count among the answers all the same."""
    bare = [replace(one, score=None) for one in some(5)]
    found = figures(some(scored, wrong=3) + bare, "all")

    assert found.answers == scored + 5
    assert [one is not None for one in (found.auroc, found.ece, found.coverage)] == [says] * 3


def test_scores_of_answers_that_are_all_wrong_are_not_measured() -> None:
    """As those of answers that are all right: there is nothing to tell apart."""
    assert figures(some(30, wrong=30), "all").auroc is None
    assert figures(some(30), "all").auroc is None


def test_each_field_has_a_line_and_all_of_them_the_first() -> None:
    """The worst first, and those that are as bad in the order of their names."""
    parts = {"a": 3, "b": 6, "c": 3, "total": 0}
    each = [
        replace(one, path=path) for path, wrong in parts.items() for one in some(30, wrong=wrong)
    ]
    assert [one.name for one in table(each)] == ["all", "b", "a", "c", "total"]


def test_documents_that_read_alike_and_families_are_told_apart() -> None:
    """The mix flatters."""
    both = some(3, band="poor") + [replace(one, family="rest") for one in some(2, band="clear")]
    assert {name: len(rows) for name, rows in groups(both).items()} == {
        "documents that read clear": 2,
        "documents that read poor": 3,
        "fields: money": 3,
        "fields: rest": 2,
    }


def test_the_family_of_a_field_is_the_promise_that_it_has() -> None:
    """Amounts apart from the rest."""
    rows = [row("total", "12.50"), row("payee", "Foo Ltd")]
    values = {("total", 0): "12.50", ("payee", 0): "Foo Ltd"}
    truth = Truth(values=values, lists=frozenset())
    found = judge(ID, rows, truth, Slip.spec, band="fair")
    assert {one.path: one.family for one in found} == {"total": "money", "payee": "rest"}


def test_each_score_is_held_against_the_same_answers() -> None:
    """Those that all could score; the one that knows most comes first, whatever its name."""
    judged = some(100, wrong=10)
    blind = {one.place: 0.5 for one in judged}
    knows = {one.place: 1.0 if one.right else 0.1 for one in judged}
    fewer = {place: score for place, score in knows.items() if place[0].int != 99}
    found = signals(judged, {"a blind one": blind, "one that knows": knows})
    assert [one.name for one in found] == ["one that knows", "a blind one"]
    assert [one.answers for one in found] == [100, 100]
    assert found[0].auroc is not None
    assert found[1].auroc is not None
    assert (found[0].auroc[0], found[1].auroc[0]) == (1.0, 0.5)
    assert [one.answers for one in signals(judged, {"a": blind, "b": fewer})] == [99, 99]


def test_without_a_score_or_an_error_no_score_is_told() -> None:
    """It would be of nothing."""
    judged = some(100)
    assert signals(judged, {}) == []
    assert signals(judged, {"a": {one.place: 0.5 for one in judged}}) == []


@pytest.mark.parametrize("count", [0, 1, 50])
def test_pictures_are_whole_svg_however_little_there_is(count: int) -> None:
    """A browser opens them."""
    import xml.etree.ElementTree as ET

    for drawing in (reliability(some(count, wrong=count // 5)), risk(some(count))):
        assert ET.fromstring(drawing).tag.endswith("svg")
