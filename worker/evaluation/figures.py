"""Figures of judged answers: shares with exact bounds, and how well scores know them; pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import Any

import numpy as np

from extractors.decision.bounds import upper_bound
from extractors.decision.measures import auroc, coverage, ece, interval
from worker.evaluation.judging import ALL, Judged, Place

COVERED = 0.01  # of the error at which coverage is told
FEWEST = 20  # scored answers, below which measures of scores say nothing
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one field, or of all."""

    name: str
    answers: int
    right: int
    accepted: int  # without a person
    accepted_wrong: int
    wrong_at_most: float | None  # share of the accepted, 95 %; None: none was accepted
    auroc: tuple[float, float, float] | None  # with its interval of 95 %, by document
    ece: tuple[float, float, float] | None
    coverage: tuple[float, float, float] | None  # at one error in a hundred


def figures(judged: Sequence[Judged], name: str) -> Figures:
    """What can be said of these."""
    accepted = [one for one in judged if one.accepted]
    wrong = sum(not one.right for one in accepted)
    measured = _of_scores(judged)
    return Figures(
        name=name,
        answers=len(judged),
        right=sum(one.right for one in judged),
        accepted=len(accepted),
        accepted_wrong=wrong,
        wrong_at_most=upper_bound(wrong, len(accepted)) if accepted else None,
        auroc=measured.get("auroc"),
        ece=measured.get("ece"),
        coverage=measured.get("coverage"),
    )


def table(judged: Sequence[Judged]) -> list[Figures]:
    """All, and each field by itself, the worst first: by the share of right answers."""
    paths = sorted({one.path for one in judged})
    each = [figures([one for one in judged if one.path == path], path) for path in paths]
    return [figures(judged, ALL), *sorted(each, key=lambda one: one.right / one.answers)]


def signals(judged: Sequence[Judged], scores: Mapping[str, Mapping[Place, float]]) -> list[Figures]:
    """What each score knows of the same answers: those that every one of them could score; the
    best first.  What a score has that another lacks is what its signals add.

    scores: by method and place
    """
    known = [one for one in judged if all(one.place in of for of in scores.values())]
    found = [
        figures([replace(one, score=of[one.place]) for one in known], method)
        for method, of in scores.items()
    ]
    told = [one for one in found if one.coverage is not None]
    return sorted(told, key=lambda one: one.coverage or (), reverse=True)


def _of_scores(judged: Sequence[Judged]) -> Mapping[str, tuple[float, float, float]]:
    known = [one for one in judged if one.score is not None]
    right = np.array([one.right for one in known])
    if len(known) < FEWEST or right.all() or not right.any():
        return {}
    scores = np.array([float(one.score or 0.0) for one in known])
    numbers = {one.document_id: at for at, one in enumerate(known)}
    of = np.array([numbers[one.document_id] for one in known])

    def with_interval(measure: Any) -> tuple[float, float, float]:
        return (measure(scores, right), *interval(measure, scores, right, of))

    return {
        "auroc": with_interval(auroc),
        "ece": with_interval(ece),
        "coverage": with_interval(lambda s, r: coverage(s, r, COVERED)),
    }


def as_json(found: Mapping[str, Sequence[Figures]]) -> dict[str, list[dict[str, Any]]]:
    """The figures for programs, by group."""
    return {group: [asdict(one) for one in rows] for group, rows in found.items()}


def reliability(judged: Sequence[Judged]) -> str:
    """What scores say against what is true, in bins of equal size, as SVG."""
    known = sorted((one.score, one.right) for one in judged if one.score is not None)
    points = []
    for part in np.array_split(np.arange(len(known)), min(BINS, max(len(known), 1))):
        if len(part):
            some = [known[at] for at in part]
            points.append(
                (sum(s for s, _ in some) / len(some), sum(r for _, r in some) / len(some))
            )
    dots = "".join(f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="4"/>' for x, y in points)
    diagonal = f'<path class="even" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>'
    return _drawing("Reliability", "score", "share right", diagonal + dots)


def risk(judged: Sequence[Judged]) -> str:
    """The error among what is accepted, against how much is accepted, as SVG."""
    known = sorted(
        ((one.score, one.right) for one in judged if one.score is not None), reverse=True
    )
    wrong, points = 0, []
    for count, (_, right) in enumerate(known, 1):
        wrong += not right
        points.append((count / len(known), wrong / count))
    top = max((y for _, y in points), default=0.0) or 1.0
    line = " ".join(f"{_x(x):.1f},{_y(y / top):.1f}" for x, y in points)
    label = f"wrong among them (top: {100 * top:.1f} %)"
    return _drawing(
        "Risk against coverage", "share accepted", label, f'<polyline points="{line}"/>'
    )


SIZE, EDGE = 360, 50


def _x(share: float) -> float:
    return EDGE + share * (SIZE - 2 * EDGE)


def _y(share: float) -> float:
    return SIZE - EDGE - share * (SIZE - 2 * EDGE)


def _drawing(title: str, across: str, up: str, inner: str) -> str:
    middle, low = SIZE / 2, SIZE - 15
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img">'
        f"<title>{escape(title)}</title>"
        "<style>text{font:12px sans-serif}path,polyline,rect{fill:none;stroke:#888}"
        "polyline{stroke:#0a5}circle{fill:#0a5}.even{stroke-dasharray:4}</style>"
        f'<rect x="{EDGE}" y="{EDGE}" width="{SIZE - 2 * EDGE}" height="{SIZE - 2 * EDGE}"/>'
        f'<text x="{middle}" y="25" text-anchor="middle">{escape(title)}</text>'
        f'<text x="{middle}" y="{low}" text-anchor="middle">{escape(across)}, 0 to 1</text>'
        f'<text x="15" y="{middle}" transform="rotate(-90 15 {middle})"'
        f' text-anchor="middle">{escape(up)}</text>{inner}</svg>\n'
    )
