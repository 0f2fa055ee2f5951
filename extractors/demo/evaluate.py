"""How often a model is right on generated slips, level of damage by level, and how well each
confidence method knows it.

The truth is known as printed, so right means: the same characters. That the stored value is the
same although a character is not, as with another decimal sign, is counted beside it. Slips of the
split "test" are never trained or calibrated on.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from extractors.backends import Backend
from extractors.decision import measures
from extractors.decision.field_evidence import FieldEvidence
from extractors.decision.scores import DEFAULT, METHODS, score
from extractors.demo.damage import LEVELS
from extractors.demo.slips import Slip as Document
from extractors.demo.slips import slips
from extractors.documents.slip import Slip
from extractors.documents.spec import Kind
from extractors.normalise import normalise
from extractors.read import read_pages
from extractors.rendering.pdf import open_file
from extractors.types import FieldReading, FieldState, PageImage, Reading

ACCEPT_AT = 0.7
BATCH = 8

Key = tuple[str, int]  # path and ordinal


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One value that the page has, or that the model says it has."""

    level: int
    # of the measurement, from 1: another backend's measurement of the same slips counts them alike
    page: int
    path: str
    ordinal: int
    right: bool
    meant: bool  # right, or of the same normalised value
    scores: Mapping[str, float | None]  # empty when the model gave no value
    on_slip: bool

    @property
    def accepted(self) -> bool:
        """Whether its score alone would let it through."""
        return (self.scores.get(DEFAULT) or 0.0) >= ACCEPT_AT


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """One field: does the page lack it, and does the model say so?"""

    level: int
    truly: bool
    said: bool


@dataclass(slots=True)
class Measurement:
    """Everything that was seen; the figures are computed from it."""

    values: list[Judged] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    # level, and whether a page that is no slip gave nothing to accept
    clean_pages: list[tuple[int, bool]] = field(default_factory=list)
    documents: int = 0
    pages: int = 0
    seconds: float = 0.0  # of reading alone


def evaluate(
    backend: Backend,
    *,
    per_level: int = 100,
    levels: Sequence[int] = LEVELS,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measurement:
    """Read ``per_level`` unseen documents at each level, in batches of eight pages."""
    found = Measurement()
    for level in levels:
        for batch in _batches(slips(per_level, seed, split="test", levels=(level,)), backend):
            began = time.perf_counter()
            readings = read_pages([page for page, _, _ in batch], Slip.spec, backend)
            found.seconds += time.perf_counter() - began
            for reading, (_, truth, document) in zip(readings, batch, strict=True):
                _judge(found, reading, truth, document)
        found.documents += per_level
        progress(found.documents, per_level * len(levels))
    return found


Work = tuple[PageImage, Mapping[str, Any], Document]


def _batches(documents: Iterator[Document], backend: Backend) -> Iterator[list[Work]]:
    batch: list[Work] = []
    for document in documents:
        with open_file(document.pdf, max_pages=10, max_pixels=50_000_000) as file:
            pages = [file.page(n + 1).image(backend.canvas) for n in range(file.page_count)]
        batch += [
            (page, truth, document) for page, truth in zip(pages, document.truth, strict=True)
        ]
        while len(batch) >= BATCH:
            yield batch[:BATCH]
            batch = batch[BATCH:]
    if batch:
        yield batch


def wanted(truth: Mapping[str, Any]) -> dict[Key, str | None]:
    """Every value that a page should give, by path and ordinal; an empty group is absent as a
    whole.
    """
    found: dict[Key, str | None] = {}
    for spec in Slip.spec.fields:
        if spec.kind is not Kind.GROUP:
            found[spec.name, 0] = truth.get(spec.name)
        elif not truth.get(spec.name):
            found[spec.name, 0] = None
        else:
            found |= {
                (f"{spec.name}.{key}", i): text
                for i, row in enumerate(truth[spec.name])
                for key, text in row.items()
            }
    return found


def _judge(
    found: Measurement, reading: Reading, truth: Mapping[str, Any], document: Document
) -> None:
    expected = wanted(truth)
    given: dict[Key, FieldReading] = {(one.name, one.ordinal): one for one in reading.fields}
    found.pages += 1
    accepted = 0
    for key in sorted(
        expected.keys() | {key for key, one in given.items() if one.state is FieldState.VALUE}
    ):
        right_text, one = expected.get(key), given.get(key)
        value = one is not None and one.state is FieldState.VALUE
        if right_text is None and not value:
            continue
        evidence = FieldEvidence.of(one, reading) if one is not None and value else None
        scores = {name: score(evidence, name) for name in METHODS} if evidence else {}
        right = one is not None and value and one.text == right_text
        judged = Judged(
            level=document.level,
            page=found.pages,
            path=key[0],
            ordinal=key[1],
            right=right,
            meant=right
            or (
                one is not None
                and value
                and right_text is not None
                and _same_value(key[0], one.text, right_text)
            ),
            scores=scores,
            on_slip=document.is_slip,
        )
        accepted += judged.accepted
        found.values.append(judged)
    for spec in Slip.spec.fields:
        truly = not truth.get(spec.name)
        said = any(
            one.state is FieldState.ABSENT for key, one in given.items() if key[0] == spec.name
        )
        found.absences.append(Absence(level=document.level, truly=truly, said=said))
    if not document.is_slip:
        found.clean_pages.append((document.level, accepted == 0))


def _same_value(path: str, text: str | None, truth: str) -> bool:
    field = Slip.spec.field(path)
    return text is not None and normalise(text, field, Slip.spec).agrees_with(
        normalise(truth, field, Slip.spec)
    )


def as_json(found: Measurement) -> dict[str, Any]:
    """The figures, for programs; None where there is nothing to divide by."""
    return {
        "levels": {
            str(level): _level(found, level)
            for level in sorted({one.level for one in found.absences})
        },
        "auroc": {
            name: auroc([(one.scores.get(name), one.right) for one in found.values if one.scores])
            for name in METHODS
        },
        "seconds_per_page": round(found.seconds / found.pages, 4) if found.pages else None,
        "documents": found.documents,
    }


def _level(found: Measurement, level: int) -> dict[str, Any]:
    values = [one for one in found.values if one.level == level and one.on_slip]
    absences = [one for one in found.absences if one.level == level]
    paths = [path for path in Slip.spec.paths() if any(one.path == path for one in values)]
    return {
        "value_accuracy": _share(one.right for one in values),
        "normalised_accuracy": _share(one.meant for one in values),
        "by_field": {
            path: _share(one.right for one in values if one.path == path) for path in paths
        },
        "absent_precision": _share(one.truly for one in absences if one.said),
        "absent_recall": _share(one.said for one in absences if one.truly),
        "no_slip_clean": _share(clean for at, clean in found.clean_pages if at == level),
        "values": len(values),
        # by the score alone; the page's text also votes
        "accepted": _share(one.accepted for one in values),
        "accepted_wrong": _share(not one.right for one in values if one.accepted),
    }


def _share(holds: Iterator[bool]) -> float | None:
    all_of = list(holds)
    return round(sum(all_of) / len(all_of), 4) if all_of else None


def auroc(scored: Sequence[tuple[float | None, bool]]) -> float | None:
    """Chance that a right value scores above a wrong one; ties count half, and no score at all is
    the lowest.
    """
    scores = np.array([-1.0 if value is None else value for value, _ in scored], float)
    found = measures.auroc(scores, np.array([right for _, right in scored], bool))
    return None if math.isnan(found) else round(found, 4)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two readings of the same slips: values that only one of them has right."""

    only_first: int
    only_second: int

    def as_json(self) -> dict[str, float]:
        """For programs."""
        return {
            "only_first": self.only_first,
            "only_second": self.only_second,
            "p_value": round(self.p_value, 6),
        }

    @property
    def p_value(self) -> float:
        """Chance of a split at least so uneven if both read equally well: the exact McNemar test,
        two-sided.
        """
        apart = self.only_first + self.only_second
        tail = sum(math.comb(apart, k) for k in range(min(self.only_first, self.only_second) + 1))
        return min(1.0, 2 * tail / (1 << apart))


def compare(first: Measurement, second: Measurement) -> Compared:
    """Value by value; one that the page does not have is right where it was not invented.

    Both have read the same pages.

    Values of one page are not quite independent of each other, so the test's p-value is a little
    too small.
    """
    assert first.pages == second.pages, "both have read the same pages"
    a, b = (
        {(one.level, one.page, one.path, one.ordinal): one.right for one in found.values}
        for found in (first, second)
    )
    pairs = [(a.get(key, True), b.get(key, True)) for key in a.keys() | b.keys()]
    return Compared(pairs.count((True, False)), pairs.count((False, True)))
