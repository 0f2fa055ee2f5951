"""A witness: is a list whole?  A row that nobody read still shows on the page, as a line like the
others.

Pure. The rows' own amounts tell where their column stands; a further line that begins like the rows
and has an amount in that column is a row that is missing, unless it is a sum. That the rows add up
is ``list_sums.py``'s business, which speaks on a scan too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import accumulate, pairwise
from statistics import median

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Row, Testimony, witness
from extractors.normalise import normalise
from extractors.page.labels import shaped
from extractors.page.layout import lines_of, terms
from extractors.page.lexicon import SUMMING
from extractors.types import Box, Word

MOST_ROWS = 200  # of one page: what the grammar lets a list have; as many may have been more
LIST_INCOMPLETE = "list_incomplete"
LIST_PROBLEMS = {
    "row_not_read": "the page shows a line of this list that was not read",
    "row_limit": f"the list has {MOST_ROWS} rows on one page, the most that an answer may have",
}
REACH = 3.0  # line spacings between two rows of one list, at most


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a page: where it stands, and its words."""

    top: float
    bottom: float
    words: tuple[Word, ...]

    def holds(self, box: Box) -> bool:
        return self.top <= (box.y0 + box.y1) / 2 <= self.bottom


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a list's rows begin, and where their amounts end."""

    kind: Kind
    starts: tuple[float, float]
    lefts: tuple[float, ...]
    rights: tuple[float, ...]
    height: float
    spacing: float

    def amount_in(self, line: _Line) -> Word | None:
        """The word of this line that stands in the column of amounts; None where the line does not
        look like a row.
        """
        if not self.starts[0] - self.height <= line.words[0].box.x0 <= self.starts[1] + self.height:
            return None
        return next(
            (
                word
                for word in line.words[1:]
                if shaped(self.kind, word.text) and self._aligned(word.box)
            ),
            None,
        )

    def _aligned(self, box: Box) -> bool:
        near = 0.5 * self.height
        return any(abs(box.x1 - x) <= near for x in self.rights) or any(
            abs(box.x0 - x) <= near for x in self.lefts
        )


@witness("line-items/1")
def line_items(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every list that was read: it lacks a row, or may lack one."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        whole = document.list_of(group.name)
        problem = _problem(group, document) if whole is not None else None
        if whole is not None and problem is not None:
            yield Testimony(
                of=whole,
                says=DENIES,
                because=LIST_INCOMPLETE,
                message=LIST_PROBLEMS[problem],
                details={"problem": problem},
            )


def _problem(group: FieldSpec, document: DocumentEvidence) -> str | None:
    """What is wrong with the list."""
    rows = document.rows(group.name)
    if max(Counter(row.page for row in rows).values(), default=0) >= MOST_ROWS:
        return "row_limit"
    return "row_not_read" if any(_rows_missed(group, document)) else None


def _amount(candidate: Candidate | None) -> Decimal | None:
    return candidate.amount if candidate is not None else None


# ---- by the lines of the pages


def _rows_missed(group: FieldSpec, document: DocumentEvidence) -> Iterator[_Line]:
    """Lines that look like rows of the list and are none of those that were read."""
    anchor = next(
        (
            m
            for kind in (Kind.AMOUNT, Kind.NUMBER)
            for m in reversed(group.members)
            if m.kind is kind
        ),
        None,
    )
    if anchor is None:
        return
    rows, path = document.rows(group.name), f"{group.name}.{anchor.name}"
    lines = {
        number: [_line(cells) for cells in lines_of(text.words)]
        for number, text in document.pages.items()
        if text.words
    }
    taken = {
        number: _taken(of, [row for row in rows if row.page == number], path)
        for number, of in lines.items()
    }
    column = _column(anchor.kind, lines, taken)
    if column is None:
        return
    others = {one.amount for one in document.candidates if one.group is None} - {None}
    amounts = [amount for row in rows if (amount := _amount(row.value(path))) is not None]
    sums = others | set(accumulate(amounts))  # totals, and what is carried over from page to page
    first = min(number for number, found in taken.items() if found)
    for number in sorted(number for number in lines if number >= first):
        yield from _missed_on(lines[number], taken[number], column, sums, anchor, document.type)


def _line(cells: Sequence[Sequence[Word]]) -> _Line:
    words = tuple(word for cell in cells for word in cell)
    return _Line(min(word.box.y0 for word in words), max(word.box.y1 for word in words), words)


def _taken(lines: Sequence[_Line], rows: Sequence[Row], anchor: str) -> dict[int, Box]:
    """Which lines the rows of one page were read from, and the box of each one's amount; rows stand
    in their order.
    """
    taken: dict[int, Box] = {}
    at = 0
    for row in rows:
        places = list(_boxes(row, anchor))
        beside = [box for path in row.cells if path != anchor for box in _boxes(row, path)]
        fitting = [
            (n, box) for n, line in enumerate(lines) if n >= at for box in places if line.holds(box)
        ]
        best = next(
            ((n, box) for n, box in fitting if any(lines[n].holds(other) for other in beside)),
            fitting[0] if fitting else None,
        )
        if best is not None:
            taken[best[0]] = best[1]
            at = best[0] + 1
    return taken


def _boxes(row: Row, path: str) -> Iterator[Box]:
    """Where the words of the row's page show the value of this cell."""
    cell = row.value(path)
    for said in cell.said[:1] if cell is not None else ():
        if said.grounding is not None:
            yield from (place[-1] for place in said.grounding.places if place)


def _column(
    kind: Kind, lines: Mapping[int, Sequence[_Line]], taken: Mapping[int, Mapping[int, Box]]
) -> _Column | None:
    """Where the list stands, by the rows that were read from lines; None where none was."""
    read = [(lines[number][at], box) for number, of in taken.items() for at, box in of.items()]
    if not read:
        return None
    height = median(box.y1 - box.y0 for _, box in read)
    steps = [
        lines[number][b].top - lines[number][a].top
        for number, of in taken.items()
        for a, b in pairwise(sorted(of))
    ]
    starts = [line.words[0].box.x0 for line, _ in read]
    return _Column(
        kind=kind,
        starts=(min(starts), max(starts)),
        lefts=tuple(box.x0 for _, box in read),
        rights=tuple(box.x1 for _, box in read),
        height=height,
        spacing=max(median(steps) if steps else 0.0, 1.2 * height),
    )


def _missed_on(
    lines: Sequence[_Line],
    taken: Mapping[int, Box],
    column: _Column,
    sums: set[Decimal | None],
    anchor: FieldSpec,
    spec: DocumentType,
) -> Iterator[_Line]:
    """Of one page: lines between, above and beneath the rows, as far as they follow each other; on
    a page without rows, from its top.
    """
    last = max(taken, default=None)
    edge: float | None = None  # where the list ends so far
    for at, line in enumerate(lines):
        if at in taken:
            edge = line.top
            continue
        word = column.amount_in(line)
        past = last is not None and at > last
        if word is None or (past and edge is not None and line.top - edge > REACH * column.spacing):
            continue
        if _sums_up(line, word, sums, anchor, spec):
            if past:
                return  # behind its sum a list is over
            continue
        before = (
            last is not None
            and edge is None
            and lines[min(taken)].top - line.top > REACH * column.spacing
        )
        if not before:
            edge = line.top
            yield line


def _sums_up(
    line: _Line, amount: Word, sums: set[Decimal | None], anchor: FieldSpec, spec: DocumentType
) -> bool:
    """The line says that it is a sum, or shows an amount that is one."""
    opening = [term for word in line.words[:3] for term in terms(word.text)]
    value = normalise(amount.text, anchor, spec).value
    try:
        return any(term in SUMMING for term in opening) or (
            isinstance(value, str) and Decimal(value) in sums
        )
    except InvalidOperation:
        return False
