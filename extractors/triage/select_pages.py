"""Which pages of a long document are worth a model's time, judged by their words alone.

Every field ranks the pages by itself: by how rare those of its words are that the page shows, and
by how well some label on it is made of them, beside or above something that has the shape of a
value. Then the fields name their pages in turns, so that one that stands alone on the page before
last is not outvoted by many that stand together on the first.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.page.labels import SHAPES, label_match, label_weights
from extractors.page.layout import PageCells
from extractors.types import Word

# BM25: how soon a word repeated counts no more; how much a long page must say to count as a short
# one
K1, B = (1.2, 0.5)
LABEL = 3.0  # what a label with its value weighs against the same words anywhere on the page
FEW = 5  # a page of fewer words says nothing of itself: a scan with a stamp or a page number on it
# what values of the right shape weigh without a label: pages in a language that the field is not
# described in
SHAPE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What becomes of every page; all numbers are 1-based and rising."""

    kept: tuple[int, ...]  # worth the model; those without words among them
    # scans and pictures: they cannot be judged, so they are kept, on top of the number asked for
    wordless: tuple[int, ...]
    # whatever they hold is not read: to be written down, so that nothing is dropped in silence
    left_out: tuple[int, ...]
    # 1 is the most promising; empty when there was no choice to make; pages without words have none
    ranks: Mapping[int, int]


def select(
    pages: Sequence[Sequence[Word]],
    spec: DocumentType,
    keep: int,
    *,
    keep_wordless: int | None = None,
) -> Selection:
    """The ``keep`` most promising pages, and every page that has hardly a word.

    pages:         each page's words, in the pages' order
    keep_wordless: the first so many pages that have hardly a word, instead of all; the others are
                   left out without a rank
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}, and at least one page must be")
    wordless = [number for number, words in enumerate(pages, start=1) if _says_little(words)]
    worded = [number for number, words in enumerate(pages, start=1) if not _says_little(words)]
    ranked = worded
    if len(worded) > keep:
        scores = scores_of([pages[number - 1] for number in worded], spec)
        ranked = [worded[at] for at in _in_turns(scores)]
    kept = {*ranked[:keep], *wordless[:keep_wordless]}
    return Selection(
        kept=tuple(sorted(kept)),
        wordless=tuple(wordless),
        left_out=tuple(number for number in range(1, len(pages) + 1) if number not in kept),
        ranks=(
            {number: rank for rank, number in enumerate(ranked, start=1)}
            if len(worded) > keep
            else {}
        ),
    )


def _says_little(words: Sequence[Word]) -> bool:
    return sum(any(c.isalnum() for c in word.text) for word in words) < FEW


def scores_of(pages: Sequence[Sequence[Word]], spec: DocumentType) -> dict[str, list[float]]:
    """How promising each page is for each field: 0 means that nothing on it speaks for the
    field.
    """
    seen = [PageCells(words) for words in pages]
    counts = [Counter(term for terms_of in page.terms for term in terms_of) for page in seen]
    return {field.name: _field_scores(field, seen, counts) for field in spec.fields}


def _field_scores(
    field: FieldSpec, pages: Sequence[PageCells], counts: Sequence[Counter[str]]
) -> list[float]:
    """A group is as promising as its members together, its own label among them."""
    asked = label_weights(field)
    scores = [
        a + b for a, b in zip(_bm25(asked, counts), _labelled(field, asked, pages), strict=True)
    ]
    for member in field.members:
        scores = [a + b for a, b in zip(scores, _field_scores(member, pages, counts), strict=True)]
    if field.kind not in SHAPES:
        return scores
    shaped = [sum(SHAPES[field.kind](word.text) for word in page.words) for page in pages]
    rare = SHAPE * _rarity(sum(n > 0 for n in shaped), len(pages))
    return [score + rare * n / (n + K1) for score, n in zip(scores, shaped, strict=True)]


def _rarity(having: int, pages: int) -> float:
    """What it tells when ``having`` of the pages have something: BM25's inverse document
    frequency.
    """
    return math.log(1 + (pages - having + 0.5) / (having + 0.5))


def _bm25(asked: Mapping[str, float], counts: Sequence[Counter[str]]) -> list[float]:
    worth = {
        term: weight * _rarity(sum(term in page for page in counts), len(counts))
        for term, weight in asked.items()
    }
    lengths = [page.total() for page in counts]
    mean = max(1.0, sum(lengths) / len(lengths))
    return [
        sum(
            w * page[term] * (K1 + 1) / (page[term] + K1 * (1 - B + B * length / mean))
            for term, w in worth.items()
            if term in page
        )
        for page, length in zip(counts, lengths, strict=True)
    ]


def _labelled(
    field: FieldSpec, asked: Mapping[str, float], pages: Sequence[PageCells]
) -> list[float]:
    """How good each page's best label is, times how rare so good a one is among the pages."""
    best = [
        max(
            (label_match(cell, opening, field, asked) for cell, opening in page.openings),
            default=0.0,
        )
        for page in pages
    ]
    ranked = sorted(best, reverse=True)
    return [
        (
            LABEL * label * _rarity(bisect_right(ranked, -label, key=lambda one: -one), len(pages))
            if label > 0
            else 0.0
        )
        for label in best
    ]


def _in_turns(scores: Mapping[str, Sequence[float]]) -> list[int]:
    """Places of the pages, the best first: every field's best one, then every field's second, the
    clearest of each turn first.

    All fields together have a turn too, for the page on which many stand and none is clear.
    """
    clear = [_standing_out(of) for of in scores.values()]
    together = [math.fsum(max(0.0, value) for value in of) for of in zip(*clear, strict=True)]
    clear.append(_standing_out(together))
    orders = [sorted(range(len(of)), key=lambda at, of=of: (-of[at], at)) for of in clear]  # type: ignore[misc]
    turns = [
        sorted(
            ((of[at], together[at], at) for of, at in zip(clear, turn, strict=True)), reverse=True
        )
        for turn in zip(*orders, strict=True)
    ]
    named = dict.fromkeys(at for turn in turns for clearness, _, at in turn if clearness > 0)
    rest = sorted(range(len(together)), key=lambda at: -together[at])
    return list(dict.fromkeys((*named, *rest)))


def _standing_out(scores: Sequence[float]) -> list[float]:
    """How far above the field's mean each page stands, in standard deviations: comparable between
    fields of few words and of many.
    """
    mean = math.fsum(scores) / len(scores)
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    return [(score - mean) / spread if spread > 0 else 0.0 for score in scores]
