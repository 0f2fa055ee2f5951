"""Labels on a page: which words name a field, and which value stands beside or below them."""

import re
from collections.abc import Callable, Mapping, Sequence

from extractors.documents.spec import FieldSpec, Kind
from extractors.page.layout import LABEL_WORDS, Cell, PageCells, terms
from extractors.page.lexicon import ALSO

_NAMED = 2.0  # the weight of a word of the field's own name


FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an and any are as at be been by each for from has have how if in into is it its kind"
        " many much must no not of on one or other own page per shown that the their them this to"
        " was were what when where which who whom whose will with without",
    )
)


# a part of a spelled date may stand alone
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}\.?|(19|20)\d\d")


_AMOUNT = re.compile(r"[^\w\s]{0,2}\d{1,3}(?:[.,'’\u202f\u00a0]?\d{3})*[.,]\d{2}[^\w\s]{0,2}")


_NUMBER = re.compile(r"[^\w\s]?\d[\d.,]*%?")


_CURRENCY = re.compile(r".*[€$£¥].*|[A-Z]{3}")


_CODE = re.compile(r"(?=.*\d)[\w./#-]{3,}")


# the other kinds may be anything
SHAPES: dict[Kind, Callable[[str], bool]] = {
    Kind.DATE: lambda text: _DATE.fullmatch(text.strip(",;")) is not None,
    Kind.AMOUNT: lambda text: _AMOUNT.fullmatch(text) is not None,
    Kind.NUMBER: lambda text: _NUMBER.fullmatch(text) is not None,
    Kind.CURRENCY: lambda text: _CURRENCY.fullmatch(text) is not None,
    Kind.IDENTIFIER: lambda text: _CODE.fullmatch(text.strip(".,;:")) is not None,
}


def shaped(kind: Kind, text: str) -> bool:
    """Whether a word could be, or be part of, a value of this kind by its mere look."""
    return SHAPES.get(kind, _anything)(text)


def label_weights(field: FieldSpec) -> dict[str, float]:
    """The field's words and their weights: those of its name, those of its description, and what
    else labels say for them.
    """
    described = [term for term in terms(field.description) if term not in FILLERS]
    named = [term for term in terms(field.name.replace("_", " ")) if term not in FILLERS]
    also = [
        term
        for word in (*described, *named)
        for other in ALSO.get(word, ())
        for term in terms(other)
    ]
    return dict.fromkeys(also, 0.7) | dict.fromkeys(described, 1.0) | dict.fromkeys(named, _NAMED)


def label_match(
    cell: Cell, opening: Sequence[tuple[str, ...]], field: FieldSpec, asked: Mapping[str, float]
) -> float:
    """The weight of the field's words at the cell's beginning, less what stands among them; 0 where
    no value follows.
    """
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
    """How well the page's best label with a value says that it is this field's, 0 to 1, whatever
    other pages say.
    """
    asked = label_weights(field)
    best = max(
        (label_match(cell, opening, field, asked) for cell, opening in page.openings), default=0.0
    )
    return min(1.0, best / _NAMED)


def labelled_value(field: FieldSpec, page: PageCells) -> tuple[str, float] | None:
    """The first word of the field's shape after its best label, and that label's weight; None where
    no label has one.
    """
    asked = label_weights(field)
    best, found = 0.0, None
    for cell, opening in page.openings:
        weight = label_match(cell, opening, field, asked)
        if weight > best:
            values = (*cell.words[1:], *cell.right[:4], *cell.beneath[:4])
            value = next(
                (
                    word.text
                    for word in values
                    if shaped(field.kind, word.text) and any(c.isdigit() for c in word.text)
                ),
                None,
            )
            best, found = (weight, value) if value is not None else (best, found)
    return None if found is None else (found, best)


def _has_value(cell: Cell, at: int, field: FieldSpec) -> bool:
    """Whether something of the field's shape follows the word ``at`` of the cell, at once, in the
    next cell or beneath.
    """
    if field.kind is Kind.GROUP:
        return bool(cell.beneath)
    shape = SHAPES.get(field.kind, _anything)
    after = cell.words[at + 1 :]
    if after:
        near = after[:3] if shape is not _anything else after
        return any(shape(word.text) for word in near) and (
            shape is not _anything or len(cell.words) <= LABEL_WORDS or _colon(cell, at)
        )
    return any(shape(word.text) for word in (*cell.right[:4], *cell.beneath[:4]))


def _anything(text: str) -> bool:
    return any(c.isalnum() for c in text)


def _colon(cell: Cell, at: int) -> bool:
    return cell.words[at].text.endswith(":")
