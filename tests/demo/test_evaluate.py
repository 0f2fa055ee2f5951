"""The measurement counts what it says it counts."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from extractors.decision.scores import METHODS
from extractors.demo.evaluate import Compared, Measurement, as_json, auroc, compare, evaluate
from extractors.demo.figures import draw, risk_by_coverage, show
from extractors.demo.slips import slips
from extractors.documents.slip import Slip
from extractors.documents.spec import DocumentType
from extractors.reading.prompts import json_answer
from extractors.types import Canvas, Generation, PageAnswer, PageImage, StopReason, TokenTrace


class Oracle:
    """A backend that answers from the truth, one byte a token; ``spoil`` may change what it says
    about the n-th page.
    """

    model = "oracle"
    fingerprint = "oracle"
    decode_mode = "json"
    canvas = Canvas(tile_px=182, max_tiles=2)
    batch_pages = 8
    settings: Mapping[str, object] = {}

    def __init__(
        self, truths: Sequence[Mapping[str, Any]], spoil: Any = lambda n, truth: (truth, 0.0)
    ) -> None:
        self.truths, self.spoil, self.asked = truths, spoil, 0

    def in_domain(self, spec: DocumentType) -> bool:
        return True

    def answer(self, pages: Sequence[PageImage], spec: DocumentType) -> list[PageAnswer]:
        said = []
        for page in pages:
            truth, logprob = self.spoil(self.asked, self.truths[self.asked])
            self.asked += 1
            tokens = tuple(
                TokenTrace(token_id=b, text=bytes([b]), logprob=logprob)
                for b in json_answer(spec, truth).encode()
            )
            said.append(
                PageAnswer(
                    page=page.number,
                    generations=(Generation(tokens=tokens, stop_reason=StopReason.END),),
                    decode_mode="json",
                )
            )
        return said


def _truths(n: int, level: int = 0) -> list[Mapping[str, Any]]:
    return [truth for slip in slips(n, 0, split="test", levels=(level,)) for truth in slip.truth]


def test_a_backend_that_knows_the_truth_is_always_right() -> None:
    """Every share is one, every page is counted, and the figures have the documented form."""
    truths = _truths(20)
    figures = as_json(evaluate(Oracle(truths), per_level=20, levels=(0,)))
    level = figures["levels"]["0"]
    assert (level["value_accuracy"], level["absent_precision"], level["absent_recall"]) == (
        1.0,
        1.0,
        1.0,
    )
    assert level["no_slip_clean"] == 1.0
    assert set(level["by_field"]) <= set(Slip.spec.paths())
    assert set(figures["auroc"]) == set(METHODS)
    assert figures["documents"] == 20


def test_a_wrong_character_makes_a_value_wrong() -> None:
    """Exact match as printed: a total with one digit changed counts, and only there."""
    truths = _truths(20)
    backend = Oracle(
        truths,
        lambda n, truth: (
            {**truth, "total": truth["total"] and truth["total"] + "1"},
            -1.0 if truth["total"] else 0.0,
        ),
    )
    level = as_json(evaluate(backend, per_level=20, levels=(0,)))["levels"]["0"]
    assert level["by_field"]["total"] == 0.0
    assert level["by_field"]["date"] == 1.0


def test_another_decimal_sign_is_another_text_and_the_same_value() -> None:
    """Both are counted, each as what it is; another digit is neither."""
    truths = _truths(20)

    def swapped(n: int, truth: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        total = truth["total"]
        return {**truth, "total": total and total.translate(str.maketrans(".,", ",."))}, 0.0

    def wrong(n: int, truth: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        return {
            **truth,
            "total": truth["total"]
            and truth["total"][:-1] + ("1" if truth["total"][-1] != "1" else "2"),
        }, 0.0

    by_sign, by_digit = (
        as_json(evaluate(Oracle(truths, spoil), per_level=20, levels=(0,)))["levels"]["0"]
        for spoil in (swapped, wrong)
    )
    assert by_sign["value_accuracy"] < 1.0
    assert by_sign["normalised_accuracy"] == 1.0
    assert by_digit["normalised_accuracy"] == by_digit["value_accuracy"] < 1.0


def test_inventing_values_on_pages_that_are_no_slip_is_counted() -> None:
    """A value above the threshold on a letter makes the page unclean and is a wrong value; below
    it, the page stays clean.
    """
    truths = _truths(20)
    invented = Oracle(
        truths, lambda n, truth: ({**truth, "payee": truth["payee"] or "Nobody"}, 0.0)
    )
    doubtful = Oracle(
        truths, lambda n, truth: ({**truth, "payee": truth["payee"] or "Nobody"}, -2.0)
    )
    sure, unsure = (
        as_json(evaluate(backend, per_level=20, levels=(0,)))["levels"]["0"]
        for backend in (invented, doubtful)
    )
    assert sure["no_slip_clean"] == 0.0
    assert unsure["no_slip_clean"] == 1.0
    assert sure["absent_recall"] < 1.0


def test_a_method_that_doubts_what_is_wrong_separates_perfectly() -> None:
    """Wrong values with lower probabilities than right ones give an AUROC of one, and the risk
    grows with coverage.
    """
    truths = _truths(30)

    def spoil(n: int, truth: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        return (
            ({**truth, "payee": "Wrong", "date": "x", "number": "y"}, -1.0)
            if n % 3 == 0
            else (truth, -0.01)
        )

    found = evaluate(Oracle(truths, spoil), per_level=30, levels=(0,))
    assert as_json(found)["auroc"]["weakest-token/1"] > 0.8
    risks = [risk for _, risk in risk_by_coverage(found)]
    assert risks[0] == 0.0 < risks[-1]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_auroc_is_the_chance_that_a_right_value_outranks_a_wrong_one(
    scored: list[tuple[float, bool]],
) -> None:
    """The ranked sum equals the plain count over all pairs, ties counting half."""
    pairs = [
        (a > b) + (a == b) / 2 for a, right in scored if right for b, other in scored if not other
    ]
    if pairs:
        assert auroc(scored) == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)
    else:
        assert auroc(scored) is None


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    """Accuracy by level and risk against coverage, in one PNG."""
    found = evaluate(Oracle(_truths(4)), per_level=4, levels=(0,))
    draw(found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_nothing_measured_gives_no_figures() -> None:
    """An empty measurement has None where a figure would need data."""
    assert as_json(Measurement())["seconds_per_page"] is None


def test_decode_modes_are_shown_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """One row a level and mode, so that they are compared where they differ."""
    truths = _truths(4)
    found = {
        mode: evaluate(Oracle(truths), per_level=4, levels=(0,)) for mode in ("json", "fields")
    }
    show(found, Console(width=200))
    said = capsys.readouterr().out
    assert (
        "only json has right: 0; that only fields has right: 0 (exact McNemar test: p = 1.000)"
        in said
    )
    rows = [line for line in said.splitlines() if "100.0%" in line]
    assert ["json" in row for row in rows] == [True, False]
    assert ["fields" in row for row in rows] == [False, True]


def test_what_is_accepted_wrongly_is_counted() -> None:
    """A value that is wrong and sure of itself is in the share that a threshold alone would let
    through; a doubtful one is not.
    """
    truths = _truths(20)

    def spoil(n: int, truth: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        wrong = {**truth, "payee": "Nobody Ltd"} if truth.get("payee") else truth
        return wrong, 0.0 if n % 2 else -3.0

    level = as_json(evaluate(Oracle(truths, spoil), per_level=20, levels=(0,)))["levels"]["0"]
    sure = as_json(evaluate(Oracle(truths), per_level=20, levels=(0,)))["levels"]["0"]
    assert 0 < level["accepted"] < 1
    assert 0 < level["accepted_wrong"] < 1
    assert (sure["accepted"], sure["accepted_wrong"]) == (1.0, 0.0)


def test_two_readings_are_compared_value_by_value() -> None:
    """Only values that one has right and the other wrong count, inventions among them."""
    truths = _truths(20)

    def without_dates(n: int, truth: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        return {**truth, "date": "x" if truth["date"] else None}, 0.0

    def inventing(n: int, truth: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        return {**truth, "number": truth["number"] or "invented"}, 0.0

    right, a, b = (
        evaluate(Oracle(truths, *spoil), per_level=20, levels=(0,))
        for spoil in ((), (without_dates,), (inventing,))
    )
    dates, lacking = (
        sum(t["date"] is not None for t in truths),
        sum(t["number"] is None for t in truths),
    )
    assert compare(right, right) == Compared(0, 0)
    assert compare(right, a) == Compared(dates, 0)
    assert compare(a, b) == Compared(lacking, dates)


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_chance_of_an_uneven_split_is_that_of_a_fair_coin(first: int, second: int) -> None:
    """As the binomial distribution summed by hand says, and one when nothing is apart."""
    n, extreme = first + second, abs(first - second)
    plainly = sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= extreme) / 2**n
    assert Compared(first, second).p_value == pytest.approx(plainly)
