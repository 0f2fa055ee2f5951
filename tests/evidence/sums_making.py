"""Invoices in a few lines, judged by every witness, for the tests of sums and conventions."""

from collections.abc import Mapping, Sequence
from typing import Any

from extractors.documents import BUILT_IN
from extractors.documents.types import DocumentType
from tests.benchmarks.judging import Paper, Verdict
from tests.evidence.making import page_of

INVOICE = BUILT_IN["invoice"]
HEADER = {"seller": "Foo Ltd", "number": "A-17", "date": "2026-03-04"}
ROWS = (("Paper", "2", "4.50", "9.00"), ("Toner", "1", "61.00", "61.00"))
MEMBERS = ("description", "quantity", "unit_price", "amount")


def rows(*given: Sequence[str | None]) -> list[dict[str, str | None]]:
    return [dict(zip(MEMBERS, row, strict=True)) for row in given]


def judged(
    *lines: str, spec: DocumentType = INVOICE, **answer: Any
) -> dict[tuple[str, int], Verdict]:
    """What becomes of an answer about one page; without lines the page is a scan."""
    paper = Paper(spec, {1: page_of(*lines) if lines else ()})
    return paper.judge({1: {**HEADER, **answer}} if spec is INVOICE else {1: answer})


def doubts(verdicts: Mapping[tuple[str, int], Verdict], name: str, ordinal: int = 0) -> set[str]:
    return set(verdicts[name, ordinal].doubts)


def of_list(verdicts: Mapping[tuple[str, int], Verdict]) -> set[str]:
    """Every doubt about a cell of the list."""
    return {code for (name, _), v in verdicts.items() if "." in name for code in v.doubts}


def denials(verdicts: Mapping[tuple[str, int], Verdict]) -> set[str]:
    """The witnesses that deny anything, but for what a page's words do not say."""
    return {w for v in verdicts.values() for w in v.denied_by} - {"on-page/1"}
