"""Lists on pages, drawn and read as they are: for the tests of rows."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from extractors.documents import BUILT_IN
from extractors.evidence.gather import PageEvidence
from extractors.evidence.grounding import ground
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Witness
from extractors.normalise import normalise
from extractors.page.text import PageText
from extractors.types import Box, FieldState, Word
from tests.evidence.making import document_of

INVOICE = BUILT_IN["invoice"]
MEMBERS = ("description", "quantity", "unit_price", "amount")
Row = tuple[str | None, str | None, str | None, str | None]


def cell(text: str, right: float, top: float, *, height: float = 10.0) -> list[Word]:
    """Words that end at ``right``."""
    x, words = right - 6.0 * len(text), []
    for part in text.split(" "):
        words.append(Word(part, Box(x, top, x + 6.0 * len(part), top + height)))
        x += 6.0 * (len(part) + 1)
    return words


def line(text: str, left: float, top: float) -> list[Word]:
    """Words that begin at ``left``."""
    return cell(text, left + 6.0 * len(text), top)


def head(top: float) -> list[Word]:
    return [
        *line("Description", 50, top),
        *cell("Qty", 300, top),
        *cell("Price", 400, top),
        *cell("Amount", 500, top),
    ]


def table(rows: Sequence[Row], *, top: float, drop: float = 0.0, step: float = 40.0) -> list[Word]:
    """The rows, each ``step`` beneath the one before and its amount ``drop`` beneath its text."""
    words = []
    for at, (description, quantity, price, amount) in enumerate(rows):
        y = top + at * step
        words += line(description, 50, y) if description else []
        words += cell(quantity, 300, y) if quantity else []
        words += cell(price, 400, y) if price else []
        words += cell(amount, 500, y + drop) if amount else []
    return words


def document(
    read: Mapping[int, Sequence[Row]], pages: Mapping[int, Sequence[Word]], **header: str
) -> DocumentEvidence:
    """The rows as they were read from each page, and the header from the first."""
    texts = {number: PageText(words) for number, words in pages.items()}
    given = [_one(1, name, 0, text, texts) for name, text in header.items()]
    for page, rows in read.items():
        given += [
            _one(page, f"lines.{member}", ordinal, text, texts)
            for ordinal, row in enumerate(rows)
            for member, text in zip(MEMBERS, row, strict=True)
        ]
        if not rows:
            given.append(_one(page, "lines", 0, None, texts))
    return document_of(INVOICE, given, pages=pages)


def _one(
    page: int, name: str, ordinal: int, text: str | None, texts: Mapping[int, PageText]
) -> PageEvidence:
    field = INVOICE.field(name)
    return PageEvidence(
        id=uuid4(),
        page=page,
        name=name,
        ordinal=ordinal,
        state=FieldState.ABSENT if text is None else FieldState.VALUE,
        text=text,
        value=normalise(text, field, INVOICE) if text is not None else None,
        grounding=ground(text, texts[page], field, INVOICE) if text is not None else None,
    )


def denied(witness: Witness, evidence: DocumentEvidence) -> set[tuple[str, int]]:
    """What the witness denies: its codes, and the row (0 for the list as a whole)."""
    return {(one.because or "", one.of.ordinal) for one in witness(evidence) if one.says is DENIES}
