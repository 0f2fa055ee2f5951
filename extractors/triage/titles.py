"""What a page calls itself: its titles, told from labels that name another paper.

A title stands by itself: in larger print, or alone on its line. "Invoice number A-17" in the
print of the page is a label; it says that there is an invoice, not that this is one. A title with
a word beside it that nobody knows ("Void invoice") may be the title of something else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractors.documents.spec import Kind
from extractors.page.labels import shaped
from extractors.page.layout import Cell, PageCells, lines_of, text_of
from extractors.page.lexicon import COMPANY_FORMS, HARMLESS
from extractors.triage.names import Names, Title, folded, title_of
from extractors.types import Word

LARGER = 1.2  # times the page's usual height of words
MOST_CELLS = 200  # of a page
LONGEST_TITLE = 6  # words
NAMED = 0.8  # a heading that weighs so much is a title; what weighs less only names a paper
_NEAR = 2  # lines: what is titled twice so near is one paper, in two languages or with its number
_QUALIFIED = 3  # words: "Rejected invoice" is a title in any print; a sentence is none
_NUMBERING = frozenset("no nr number nummer numero num nos".split())
# With one of these, the cell is a label or heads a section: "Invoice date", "Order details".
_LABELLING = frozenset(
    "date datum data fecha total amount to address details detail summary recipient period currency"
    " reference ref id by due adresse empfanger betrag montant importe bedrag value line lines item"
    " items terms information info history".split()
)
# What follows one of these says what the paper is about, not what it is.
_ABOUT = frozenset("for fur pour voor per para from vom dated om".split())


@dataclass(frozen=True, slots=True)
class Heading:
    """A cell that names a kind of paper."""

    names: tuple[Title, ...]
    weight: float  # 1: in larger print; 0.8: alone on its line; less: a label or a mention
    alone: bool  # no unknown word beside the names makes it the title of something else
    line: int
    beside: Title = ()  # the other words of the cell
    number: str | None = None  # the paper's own: beside the title, or under a label that names it


def headings(page: PageCells, names: Names) -> list[Heading]:
    """Every cell that names a kind of paper, from top to bottom."""
    found = []
    cells = iter(page.cells[:MOST_CELLS])
    lines = lines_of(page.words)
    for number, line in enumerate(lines):
        below = lines[number + 1][0][0] if number + 1 < len(lines) else None
        for at, cell in zip(range(len(line)), cells, strict=False):
            large = cell.words[0].box.height >= LARGER * page.height
            if large and below is not None and _is_label(cell):
                large = cell.words[0].box.height >= LARGER * below.box.height
            heading = _read(cell, names, number, large=large, free=_free(at, cell))
            if heading is not None:
                found.append(heading)
    signed = _companies(page)
    return [replace(h, alone=True) if h.beside in signed else h for h in found]


def _companies(page: PageCells) -> set[Title]:
    """The names on the page that end with the form of a company, without it and with it."""
    said = (title_of(text_of(cell.words)) for cell in page.cells[:MOST_CELLS])
    ends = ((words, at) for words in said for at, word in enumerate(words) if word in COMPANY_FORMS)
    return {words[:to] for words, at in ends if at for to in (at, at + 1)}


def _is_label(cell: Cell) -> bool:
    return any(word.text.endswith(":") for word in cell.words)


def own(found: Sequence[Heading], name: str, names: Names) -> float:
    """How plainly one of the headings says that the paper is of this type."""
    return max((_own(heading, name, names) for heading in found), default=0.0)


def rival(found: Sequence[Heading], name: str | None, names: Names) -> float:
    """How plainly the paper is titled as something else; for no type: as nothing declared."""
    return max(
        (
            heading.weight
            for heading in found
            if heading.weight >= NAMED and not _says_only(heading, name, names)
        ),
        default=0.0,
    )


def papers_in(found: Sequence[Heading], names: Names) -> Iterator[str]:
    """The kinds of paper, in English, that the page is titled as and that are no type's; those in
    larger print first.
    """
    for heading in sorted(found, key=lambda heading: -heading.weight):
        if heading.weight >= NAMED:
            yield from (paper for title in heading.names if (paper := names.paper(title)))


def twice(found: Sequence[Heading], names: Names) -> bool:
    """Whether one page is titled twice: two papers may lie on one picture.

    Titles of the same kind on neighbouring lines are one title in two languages. Two numbers under
    labels for one kind's number are two papers too.
    """
    titles = [heading for heading in found if heading.weight >= NAMED]
    if any(
        a.line == b.line or b.line - a.line > _NEAR or not _same(a, b, names)
        for at, a in enumerate(titles)
        for b in titles[at + 1 :]
    ):
        return True
    labels = [heading for heading in found if heading.weight < NAMED]
    return any(len(of) > 1 for of in numbers_of(labels, names).values())


def numbers_of(found: Sequence[Heading], names: Names) -> dict[str, set[str]]:
    """By type: the numbers beside its titles, and under labels that name it: "Invoice number"."""
    said: dict[str, set[str]] = {}
    for heading in found:
        if heading.number is not None:
            for name in names.owners[heading.names[0]]:
                said.setdefault(name, set()).add(heading.number)
    return said


def _own(heading: Heading, name: str, names: Names) -> float:
    if not any(name in names.owners[title] for title in heading.names):
        return 0.0
    if _says_only(heading, name, names):
        return heading.weight
    return min(heading.weight, 0.4)


def _says_only(heading: Heading, name: str | None, names: Names) -> bool:
    """Whether nothing in the cell may mean another paper than one of this type, or of any."""
    return heading.alone and all(
        (name in names.owners[title]) if name is not None else bool(names.owners[title])
        for title in heading.names
    )


def _same(a: Heading, b: Heading, names: Names) -> bool:
    """Whether two headings may be the title of one paper."""
    kinds = [{kind for title in heading.names for kind in names.kinds(title)} for heading in (a, b)]
    return not kinds[0].isdisjoint(kinds[1])


def _read(cell: Cell, names: Names, line: int, *, large: bool, free: bool) -> Heading | None:
    """What the cell names, and how plainly.

    large: it is in larger print than the page, and a label in larger print than what follows
    free: it stands where a title in the print of the page may stand
    """
    spoken, digits = _spoken(cell.words, names)
    if not spoken or len(spoken) > LONGEST_TITLE:
        return None
    named, beside = _parted(spoken, names)
    if not named:
        return _compound_label(cell, spoken, names, line)
    if not _LABELLING.isdisjoint(beside):
        return Heading(named, 0.6 if spoken[0] == named[0][0] else 0.0, True, line)
    numbering = not _NUMBERING.isdisjoint(beside)
    alone = _harmless(beside)
    number = _number(cell) if (numbering or digits) and alone else None
    if large and (digits or not numbering):
        return Heading(named, 1.0, alone, line, tuple(beside), number)
    if numbering or digits or _is_label(cell):
        number = number if numbering else None
        return Heading(named, 0.6 if alone else 0.4, alone, line, number=number)
    qualified = len(spoken) <= _QUALIFIED and any(names.owners[title] for title in named)
    return Heading(named, 0.8 if free and (alone or qualified) else 0.4, alone, line)


def _spoken(words: Sequence[Word], names: Names) -> tuple[list[str], bool]:
    """The cell's words without those that hold digits, and whether there are such.

    Letters that stand apart are one word: "I N V O I C E".
    """
    if len(words) > 3 and all(len(word.text) == 1 and word.text.isalpha() for word in words):
        title = names.spaced.get(folded("".join(word.text for word in words)))
        return (list(title) if title else []), False
    spoken: list[str] = []
    digits = False
    for word in words:
        if any(c.isdigit() for c in word.text):
            digits = True
        else:
            parts = title_of(word.text)
            spoken += [part for part in parts if not (digits and _unknown(part, names))]
    return spoken, digits


def _unknown(part: str, names: Names) -> bool:
    return (part,) not in names.owners and part not in _LABELLING


def _parted(spoken: Sequence[str], names: Names) -> tuple[tuple[Title, ...], list[str]]:
    """The titles among the words, the longest first, and what is left over."""
    named: list[Title] = []
    beside: list[str] = []
    at = 0
    while at < len(spoken):
        title = next(
            (
                found
                for size in range(min(names.longest, len(spoken) - at), 0, -1)
                if (found := tuple(spoken[at : at + size])) in names.owners
            ),
            None,
        )
        if title is None:
            ending = _ending(spoken[at], names)
            named += [(ending,)] if ending else []
            beside.append(spoken[at].removesuffix(ending) if ending else spoken[at])
            at += 1
        else:
            named.append(title)
            at += len(title)
    return tuple(named), beside


def _ending(word: str, names: Names) -> str:
    """The title that ends a compound: "Schlussrechnung"."""
    return next((of for of in names.endings if len(word) > len(of) + 1 and word.endswith(of)), "")


def _harmless(beside: Sequence[str]) -> bool:
    """Whether these words leave the paper what its title says."""
    for word in beside:
        if word in _ABOUT:
            return True
        if word not in HARMLESS and word not in _NUMBERING:
            return False
    return True


def _compound_label(cell: Cell, spoken: Sequence[str], names: Names, line: int) -> Heading | None:
    """ "Rechnungsnummer", "Factuurdatum": a label made of the title and of what numbers or dates
    it.
    """
    title = next((of for of in names.endings if spoken[0].startswith(of)), None)
    rest = spoken[0].removeprefix(title) if title else ""
    if title is None or not any(part in rest for part in ("nummer", "nr", "dat")):
        return None
    number = _number(cell) if "dat" not in rest and len(spoken) == 1 else None
    return Heading(((title,),), 0.6, True, line, number=number)


def _number(cell: Cell) -> str | None:
    """The code in the cell, to the right, or beneath."""
    words = next((of for of in (cell.words[1:], cell.right, cell.beneath) if any(_codes(of))), ())
    return next(_codes(words), None)


def _codes(words: Sequence[Word]) -> Iterator[str]:
    for word in words:
        if shaped(Kind.IDENTIFIER, word.text):
            yield word.text.strip(".,;:").casefold()


def _free(at: int, cell: Cell) -> bool:
    """Whether a cell in the print of the page may be a title: alone on its line, or at its end
    beside a letterhead; with no number or date beneath it, which would make it a label.
    """
    beneath = len(cell.beneath) <= 2 and any(
        shaped(Kind.IDENTIFIER, word.text) for word in cell.beneath[:1]
    )
    return not cell.right and at <= 1 and not beneath
