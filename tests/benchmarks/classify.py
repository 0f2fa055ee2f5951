"""Is a document that comes without a type taken for the right one, is it sure of it as often as it
says, and is it ever sure and wrong?

Papers generated here (near misses of no type among them, by other dice than those that the weights
were fitted on), papers set like invoices under every other title, generated slips, and the corpus's
invoices, e-invoices, receipts and forms, by their text layers. A tax form is of no type: it must
not be made to fit. ``python -m tests.benchmarks.classify --fit`` prints the weights of
``extractors.triage.classify``, fitted anew.
"""

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf

from extractors.demo.slips import slips
from extractors.documents import BUILT_IN
from extractors.page.layout import PageCells, lines_of
from extractors.triage.classify import SURE, Guess, classify, fits_of
from extractors.triage.split import parts_of, sure
from extractors.types import Box, Word
from tests.benchmarks.papers import TEXT, papers
from tests.benchmarks.rivals import Titled, all_names, drawn, own_types

PAPERS, SLIPS = 3000, 500
# the corpus's words for them
KINDS = {"invoice": "invoice", "invoice_form": "invoice", "receipt": "receipt", "tax_form": None}
BINS = ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 1.01))
Pages = list[list[Word]]


@dataclass(frozen=True, slots=True)
class Case:
    """One document, what it is, and what it was taken for."""

    group: str
    kind: str | None
    guess: Guess

    @property
    def right(self) -> bool:
        return self.guess.document_type == self.kind


def run(n: int = PAPERS) -> list[dict[str, Any]]:
    """The measurements of this benchmark."""
    cases = [
        Case(group, kind, classify(pages, BUILT_IN))
        for group, kind, pages in (*_papers(n, "try"), *_slips(min(SLIPS, n), 2), *_corpus())
    ]
    rows = [
        row
        for group in dict.fromkeys(case.group for case in cases)
        for row in _group(group, [c for c in cases if c.group == group])
    ]
    rows += _calibration([case for case in cases if case.guess.confidence is not None])
    rows += _rivals("papers under every title", list(all_names()) if n == PAPERS else [])
    rows += _rivals("papers set by dice", list(drawn(n, "try")))
    rows += _bundles(n // 3)
    rows += _continued(n // 3)
    wrong = sum(case.guess.sure and not case.right for case in cases)
    rows.append(_row(f"wrong and accepted, of {len(cases)}", wrong, "documents", 0.0, wrong == 0))
    return rows


def _row(
    metric: str, value: float, unit: str, goal: float | None = None, holds: bool = True
) -> dict[str, Any]:
    return {"metric": metric, "value": float(value), "unit": unit, "goal": goal, "holds": holds}


def _group(name: str, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Of a group: how many of those that have a type are likeliest to be it, how many are sure, and
    how many of these are wrong.
    """
    typed = [case for case in cases if case.kind is not None and case.guess.confidence is not None]
    if typed:
        yield _row(
            f"{name}: likeliest type is right, of {len(typed)} with words",
            sum(c.right for c in typed) / len(typed),
            "share",
        )
    yield _row(
        f"{name}: sure, of {len(cases)}", sum(c.guess.sure for c in cases) / len(cases), "share"
    )
    wrong = sum(c.guess.sure and not c.right for c in cases)
    yield _row(f"{name}: sure and wrong", wrong, "documents", 0.0, wrong == 0)


def _calibration(cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """In each range of the confidence: how sure, on the mean, and how often right; a paper of no
    type is never right.
    """
    gaps = []
    for low, high in BINS:
        inside = [
            case
            for case in cases
            if case.guess.confidence is not None and low <= case.guess.confidence < high
        ]
        if not inside:
            continue
        mean = sum(case.guess.confidence or 0.0 for case in inside) / len(inside)
        right = sum(case.right for case in inside) / len(inside)
        gaps.append(abs(mean - right) * len(inside))
        yield _row(
            f"confidence {low:.1f}-{min(high, 1.0):.1f}, mean {mean:.2f} of {len(inside)}: right",
            right,
            "share",
        )
    yield _row("confidence against rightness, mean gap", sum(gaps) / len(cases), "share")


def _rivals(name: str, papers: Sequence[Titled]) -> Iterator[dict[str, Any]]:
    """Papers that differ from an invoice in their title alone: how many are surely an invoice, of
    those that are one and of those that are none; and whether more types make it less.
    """
    known = own_types()
    several, others = {**BUILT_IN, **known}, [paper for paper in papers if not paper.invoice]
    wrong = sum(classify([paper.words], BUILT_IN).sure for paper in others)
    yield _row(f"{name}: sure and wrong, of {len(others)}", wrong, "documents", 0.0, wrong == 0)
    for layout in dict.fromkeys(paper.layout for paper in papers):
        invoices = [p.words for p in papers if p.invoice and p.layout == layout]
        guesses = [classify([words], BUILT_IN) for words in invoices]
        share = sum(g.sure and g.document_type == "invoice" for g in guesses) / len(guesses)
        yield _row(
            f"{name}, {layout}: invoices sure, of {len(guesses)}",
            share,
            "share",
            0.65,
            share >= 0.65,
        )
        less = sum(
            (classify([words], several).confidence or 0.0) < (guess.confidence or 0.0)
            for words, guess in zip(invoices, guesses, strict=True)
        )
        yield _row(
            f"{name}, {layout}: less sure by {len(known)} more types",
            less,
            "documents",
            0.0,
            less == 0,
        )


def _bundles(n: int) -> list[dict[str, Any]]:
    """Files of one to three generated papers of a page each: how many are parted, left to people,
    and wrongly decided by themselves.
    """
    deck, rng = list(papers(5 * n, "bundles")), random.Random("bundles")
    outcomes: Counter[tuple[str, bool]] = Counter()
    several = 0
    for _ in range(n):
        drawn = rng.sample(deck, rng.choice((1, 2, 2, 3)))
        several += len(drawn) > 1
        parts = parts_of([paper.words for paper in drawn], BUILT_IN)
        right = [(p.first, p.last, p.guess.document_type) for p in parts] == [
            (at, at, d.kind) for at, d in enumerate(drawn, start=1)
        ]
        outcomes[
            ("sure" if sure(parts) else "asked") if len(drawn) > 1 else "one",
            right or not sure(parts),
        ] += 1
    wrong = sum(count for (_, right), count in outcomes.items() if not right)
    return [
        _row(
            f"bundles parted without a person, of {several}",
            outcomes["sure", True] / several,
            "share",
        ),
        _row(
            f"bundles and single papers wrongly parted or joined, of {n}",
            wrong,
            "files",
            0.0,
            wrong == 0,
        ),
    ]


def _continued(n: int) -> Iterator[dict[str, Any]]:
    """Papers that are sure on one page, set on two: how many are still taken as one without a
    person, by what the second page is.
    """
    rng = random.Random("continued")
    known = [
        paper.words
        for paper in papers(n, "continued")
        if paper.kind and sure(parts_of([paper.words], BUILT_IN))
    ]
    outcomes: Counter[str] = Counter()
    for words in known:
        for name, pages in _on_two_pages(words, rng).items():
            parts = parts_of(pages, BUILT_IN)
            outcomes[name] += len(parts) == 1 and sure(parts)
    for name, count in outcomes.items():
        yield _row(
            f"papers on two pages taken as one, {name}, of {len(known)}",
            count / len(known),
            "share",
        )


def _on_two_pages(words: Sequence[Word], rng: random.Random) -> dict[str, Pages]:
    """The paper parted at a line of its lower half, with and without page numbers; and the whole of
    it before a page of text.
    """
    lines = [[word for cell in line for word in cell] for line in lines_of(words)]
    at = rng.randint(len(lines) // 2, len(lines) - 1)
    first, rest = ([word for line in part for word in line] for part in (lines[:at], lines[at:]))
    foot = [_said(f"Page {k} of 2", 800.0) for k in (1, 2)]
    text = [
        word
        for row, line in enumerate(rng.sample(TEXT, 4))
        for word in _said(line, 40.0 + 14.0 * row)
    ]
    return {
        "the second counted": [[*first, *foot[0]], [*rest, *foot[1]]],
        "the second not counted": [first, rest],
        "the second running text": [list(words), text],
    }


def _said(line: str, y: float) -> list[Word]:
    words, x = [], 50.0
    for text in line.split():
        words.append(Word(text, Box(x, y, x + 5.0 * len(text), y + 10.0)))
        x += 5.0 * len(text) + 3.0
    return words


def _papers(n: int, seed: str) -> Iterator[tuple[str, str | None, Pages]]:
    for paper in papers(n, seed):
        yield "generated papers", paper.kind, [list(paper.words)]


def _slips(n: int, seed: int) -> Iterator[tuple[str, str | None, Pages]]:
    for slip in slips(n, seed, levels=(0,), no_slip=0.2):
        yield "generated slips", "slip" if slip.is_slip else None, _words(slip.pdf)


def _corpus() -> Iterator[tuple[str, str | None, Pages]]:
    """The labelled documents of the corpus; nothing where there is none."""
    named = os.environ.get("SUREFIELD_CORPUS")
    if not named:
        print("classify: the corpus is left out, SUREFIELD_CORPUS is not set")
        return
    pymupdf.TOOLS.mupdf_display_errors(False)
    for label in map(json.loads, (Path(named) / "truth.jsonl").open(encoding="utf-8")):
        path = Path(named) / label["file"]
        if path.suffix != ".txt":
            yield (
                f"corpus {path.relative_to(named).parts[0]}",
                KINDS[label["doc_type"]],
                _words(path.read_bytes()),
            )


def _words(data: bytes) -> Pages:
    with pymupdf.open(stream=data) as document:
        return [[Word(w[4], Box(*w[:4])) for w in page.get_text("words")] for page in document]


def fitted() -> tuple[tuple[float, ...], float]:
    """Weights and bias by a ridged logistic regression over (paper, type): is it one?

    Newton's method, a few steps.
    """
    measures, truth = [], []
    for _, kind, pages in (*_papers(1500, "fit"), *_slips(250, 1)):
        seen = [PageCells(words) for words in pages if words]
        for name, fit in (fits_of(seen, BUILT_IN) if seen else {}).items():
            measures.append((*astuple(fit), 1.0))
            truth.append(float(name == kind))
    x, y = np.array(measures), np.array(truth)
    ridge = 0.5 * np.diag([1.0] * (x.shape[1] - 1) + [0.0])
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-x @ w))
        w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge, x.T @ (p - y) + ridge @ w)
    return tuple(float(round(each, 1)) for each in w[:-1]), float(round(w[-1], 1))


if __name__ == "__main__":
    print(fitted() if "--fit" in sys.argv else json.dumps(run(), indent=1), f"sure from {SURE}")
