"""What rerankers are worth.

Page selection by words alone and with the tests' tiny cross-encoder behind it: recall against the
time it takes.  Whether relevance tells right values from wrong ones: ``relevances`` beside this.

The long documents are those of the selection's benchmark; the cross-encoder was trained on pages
made otherwise. The time of a large cross-encoder is this one's times the ratio of their sizes, so
the pairs that it would be asked are told too.
"""

import time
from collections.abc import Callable, Sequence

from extractors.rerankers import Pair, Relevance
from extractors.rerankers.cross_encoder.reranker import CrossEncoder
from extractors.triage.rerank_pages import RefinedSelect
from extractors.triage.select_pages import Selection, select
from tests.benchmarks import relevances
from tests.benchmarks.selection import GOAL, SHARE, document, kept_of
from tests.rerankers.conftest import FOLDER

DOCUMENTS = 200
Choose = Callable[..., Selection]


class Counted(CrossEncoder):
    """Remembers how many pairs it was asked."""

    pairs = 0

    def relevance(self, pairs: Sequence[Pair]) -> list[Relevance]:
        self.pairs += len(pairs)
        return super().relevance(pairs)


def run(documents: int = DOCUMENTS) -> list[dict[str, object]]:
    """For documents whose pages with fields hold three at least, and for those on which one may
    stand alone.
    """
    reranker = Counted(str(FOLDER), device="cpu")
    reranker.relevance([("loaded", "before anything is timed")])
    rows: list[dict[str, object]] = []
    ways: tuple[tuple[str, Choose], ...] = (
        ("words alone", select),
        ("cross-encoder", RefinedSelect(reranker)),
    )
    sets: tuple[tuple[int, str, float | None], ...] = (
        (3, "", GOAL),
        (1, ", fields that may stand alone", None),
    )
    for way, choose in ways:
        for fewest, what, goal in sets:
            recall, milliseconds = _measured(choose, documents, fewest)
            metric = f"recall at {SHARE:.0%} of pages, {way}{what}"
            rows.append(
                {
                    "metric": metric,
                    "value": recall,
                    "unit": "share",
                    "goal": goal,
                    "holds": goal is None or recall >= goal,
                }
            )
            rows.append(
                {
                    "metric": f"choosing, a page, {way}{what}",
                    "value": milliseconds,
                    "unit": "ms",
                    "goal": None,
                    "holds": True,
                }
            )
    rows.append(
        {
            "metric": "pairs judged, a document",
            "value": reranker.pairs / (2 * documents),
            "unit": "pairs",
            "goal": None,
            "holds": True,
        }
    )
    rows.append(
        {
            "metric": "documents",
            "value": float(documents),
            "unit": "documents",
            "goal": None,
            "holds": True,
        }
    )
    return rows + relevances.run()


def _measured(choose: Choose, documents: int, fewest: int) -> tuple[float, float]:
    """Share of the fields' pages that are kept, and milliseconds a page."""
    hits: list[bool] = []
    seconds, pages = 0.0, 0
    for seed in range(documents):
        one = document(seed, fewest=fewest)
        began = time.perf_counter()
        kept = set(choose(one.pages, one.spec, kept_of(one)).kept)
        seconds += time.perf_counter() - began
        pages += len(one.pages)
        hits += [number in kept for numbers in one.truth.values() for number in numbers]
    return sum(hits) / len(hits), seconds / pages * 1e3
