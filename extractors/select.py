"""Which pages of a long document are worth a model's time, judged by their words alone.

Every field ranks the pages by itself: by how rare those of its words are that the page shows, and by how well some label on it is
made of them, beside or above something that has the shape of a value.  Then the fields name their pages in turns, so that one
that stands alone on the page before last is not outvoted by many that stand together on the first.
"""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from extractors.cells import LABEL_WORDS, Cell, PageCells, terms
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.label_words import ALSO
from extractors.types import Word

K1, B = 1.2, 0.5  # BM25: how soon a word repeated counts no more; how much a long page must say to count as a short one
LABEL = 3.0  # what a label with its value weighs against the same words anywhere on the page
_NAMED = 2.0  # the weight of a word of the field's own name
FEW = 5  # a page of fewer words says nothing of itself: a scan with a stamp or a page number on it
SHAPE = 0.3  # what values of the right shape weigh without a label: pages in a language that the field is not described in

FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an and any are as at be been by each for from has have how if in into is it its kind many much must no not of on one or other"
        " own page per shown that the their them this to was were what when where which who whom whose will with without",
    )
)
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}\.?|(19|20)\d\d")  # a part of a spelled date may stand alone
_AMOUNT = re.compile(r"[^\w\s]{0,2}\d{1,3}(?:[.,'’\u202f\u00a0]?\d{3})*[.,]\d{2}[^\w\s]{0,2}")
_NUMBER = re.compile(r"[^\w\s]?\d[\d.,]*%?")
_CURRENCY = re.compile(r".*[€$£¥].*|[A-Z]{3}")
_CODE = re.compile(r"(?=.*\d)[\w./#-]{3,}")

_SHAPES: dict[Kind, Callable[[str], bool]] = {
    Kind.DATE: lambda text: _DATE.fullmatch(text.strip(",;")) is not None,
    Kind.AMOUNT: lambda text: _AMOUNT.fullmatch(text) is not None,
    Kind.NUMBER: lambda text: _NUMBER.fullmatch(text) is not None,
    Kind.CURRENCY: lambda text: _CURRENCY.fullmatch(text) is not None,
    Kind.IDENTIFIER: lambda text: _CODE.fullmatch(text.strip(".,;:")) is not None,
}  # the other kinds may be anything


def shaped(kind: Kind, text: str) -> bool:
    """Whether a word could be, or be part of, a value of this kind by its mere look."""
    return _SHAPES.get(kind, _anything)(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What becomes of every page; all numbers are 1-based and rising."""

    kept: tuple[int, ...]  # worth the model; those without words among them
    wordless: tuple[int, ...]  # scans and pictures: they cannot be judged, so they are kept, on top of the number asked for
    left_out: tuple[int, ...]  # whatever they hold is not read: to be written down, so that nothing is dropped in silence
    ranks: Mapping[int, int]  # 1 is the most promising; empty when there was no choice to make; pages without words have none


def select(pages: Sequence[Sequence[Word]], spec: DocumentType, keep: int, *, keep_wordless: int | None = None) -> Selection:
    """The ``keep`` most promising pages, and every page that has hardly a word.

    pages:         each page's words, in the pages' order
    keep_wordless: the first so many pages that have hardly a word, instead of all; the others are left out without a rank
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
        ranks={number: rank for rank, number in enumerate(ranked, start=1)} if len(worded) > keep else {},
    )


def _says_little(words: Sequence[Word]) -> bool:
    return sum(any(c.isalnum() for c in word.text) for word in words) < FEW


def scores_of(pages: Sequence[Sequence[Word]], spec: DocumentType) -> dict[str, list[float]]:
    """How promising each page is for each field: 0 means that nothing on it speaks for the field."""
    seen = [PageCells(words) for words in pages]
    counts = [Counter(term for terms_of in page.terms for term in terms_of) for page in seen]
    return {field.name: _field_scores(field, seen, counts) for field in spec.fields}


def _field_scores(field: FieldSpec, pages: Sequence[PageCells], counts: Sequence[Counter[str]]) -> list[float]:
    """A group is as promising as its members together, its own label among them."""
    asked = label_weights(field)
    scores = [a + b for a, b in zip(_bm25(asked, counts), _labelled(field, asked, pages), strict=True)]
    for member in field.members:
        scores = [a + b for a, b in zip(scores, _field_scores(member, pages, counts), strict=True)]
    if field.kind not in _SHAPES:
        return scores
    shaped = [sum(_SHAPES[field.kind](word.text) for word in page.words) for page in pages]
    rare = SHAPE * _rarity(sum(n > 0 for n in shaped), len(pages))
    return [score + rare * n / (n + K1) for score, n in zip(scores, shaped, strict=True)]


def label_weights(field: FieldSpec) -> dict[str, float]:
    """The field's words and their weights: those of its name, those of its description, and what else labels say for them."""
    described = [term for term in terms(field.description) if term not in FILLERS]
    named = [term for term in terms(field.name.replace("_", " ")) if term not in FILLERS]
    also = [term for word in (*described, *named) for other in ALSO.get(word, ()) for term in terms(other)]
    return dict.fromkeys(also, 0.7) | dict.fromkeys(described, 1.0) | dict.fromkeys(named, _NAMED)


def _rarity(having: int, pages: int) -> float:
    """What it tells when ``having`` of the pages have something: BM25's inverse document frequency."""
    return math.log(1 + (pages - having + 0.5) / (having + 0.5))


def _bm25(asked: Mapping[str, float], counts: Sequence[Counter[str]]) -> list[float]:
    worth = {term: weight * _rarity(sum(term in page for page in counts), len(counts)) for term, weight in asked.items()}
    lengths = [page.total() for page in counts]
    mean = max(1.0, sum(lengths) / len(lengths))
    return [
        sum(w * page[term] * (K1 + 1) / (page[term] + K1 * (1 - B + B * length / mean)) for term, w in worth.items() if term in page)
        for page, length in zip(counts, lengths, strict=True)
    ]


def _labelled(field: FieldSpec, asked: Mapping[str, float], pages: Sequence[PageCells]) -> list[float]:
    """How good each page's best label is, times how rare so good a one is among the pages."""
    best = [max((_label(cell, opening, field, asked) for cell, opening in page.openings), default=0.0) for page in pages]
    ranked = sorted(best, reverse=True)
    return [LABEL * label * _rarity(bisect_right(ranked, -label, key=lambda one: -one), len(pages)) if label > 0 else 0.0 for label in best]


def _label(cell: Cell, opening: Sequence[tuple[str, ...]], field: FieldSpec, asked: Mapping[str, float]) -> float:
    """The weight of the field's words at the cell's beginning, less what stands among them; 0 where no value follows."""
    found: dict[str, float] = {}
    others = 0
    best = 0.0
    for at, parts in enumerate(opening):
        hits = [term for term in parts if term in asked]
        others += not hits and any(term not in FILLERS for term in parts)
        if hits:
            found.update((term, asked[term]) for term in hits)
            weight = sum(found.values()) * len(found) / (len(found) + others)
            if weight > best and _has_value(cell, at, field):
                best = weight
    return best


def label_strength(field: FieldSpec, page: PageCells) -> float:
    """How well the page's best label with a value says that it is this field's, 0 to 1, whatever other pages say."""
    asked = label_weights(field)
    best = max((_label(cell, opening, field, asked) for cell, opening in page.openings), default=0.0)
    return min(1.0, best / _NAMED)


def labelled_value(field: FieldSpec, page: PageCells) -> tuple[str, float] | None:
    """The first word of the field's shape after its best label, and that label's weight; None where no label has one."""
    asked = label_weights(field)
    best, found = 0.0, None
    for cell, opening in page.openings:
        weight = _label(cell, opening, field, asked)
        if weight > best:
            values = (*cell.words[1:], *cell.right[:4], *cell.beneath[:4])
            value = next((word.text for word in values if shaped(field.kind, word.text) and any(c.isdigit() for c in word.text)), None)
            best, found = (weight, value) if value is not None else (best, found)
    return None if found is None else (found, best)


def _has_value(cell: Cell, at: int, field: FieldSpec) -> bool:
    """Whether something of the field's shape follows the word ``at`` of the cell, at once, in the next cell or beneath."""
    if field.kind is Kind.GROUP:
        return bool(cell.beneath)
    shape = _SHAPES.get(field.kind, _anything)
    after = cell.words[at + 1 :]
    if after:
        near = after[:3] if shape is not _anything else after
        return any(shape(word.text) for word in near) and (shape is not _anything or len(cell.words) <= LABEL_WORDS or _colon(cell, at))
    return any(shape(word.text) for word in (*cell.right[:4], *cell.beneath[:4]))


def _anything(text: str) -> bool:
    return any(c.isalnum() for c in text)


def _colon(cell: Cell, at: int) -> bool:
    return cell.words[at].text.endswith(":")


def _in_turns(scores: Mapping[str, Sequence[float]]) -> list[int]:
    """Places of the pages, the best first: every field's best one, then every field's second, the clearest of each turn first.

    All fields together have a turn too, for the page on which many stand and none is clear.
    """
    clear = [_standing_out(of) for of in scores.values()]
    together = [math.fsum(max(0.0, value) for value in of) for of in zip(*clear, strict=True)]
    clear.append(_standing_out(together))
    orders = [sorted(range(len(of)), key=lambda at, of=of: (-of[at], at)) for of in clear]  # type: ignore[misc]
    turns = [
        sorted(((of[at], together[at], at) for of, at in zip(clear, turn, strict=True)), reverse=True) for turn in zip(*orders, strict=True)
    ]
    named = dict.fromkeys(at for turn in turns for clearness, _, at in turn if clearness > 0)
    rest = sorted(range(len(together)), key=lambda at: -together[at])
    return list(dict.fromkeys((*named, *rest)))


def _standing_out(scores: Sequence[float]) -> list[float]:
    """How far above the field's mean each page stands, in standard deviations: comparable between fields of few words and of many."""
    mean = math.fsum(scores) / len(scores)
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    return [(score - mean) / spread if spread > 0 else 0.0 for score in scores]
