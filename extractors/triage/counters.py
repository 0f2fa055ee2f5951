"""A page's own number, and of how many: "Page 1 of 2", "Seite 1/2", "第1页 共2页".

Short words ("p. 1/2") count at the end of a cell, and bare numbers ("1/2") in a cell of their own
at the page's head or foot alone. A page with two counts has its paper's and a scanner's or a
merger's: the one that counts the pages of the whole file is set aside.
"""

import re
from collections.abc import Iterator, Sequence

from extractors.triage.names import folded

Place = tuple[int, int | None]  # k and n of "page k of n"; n is None for "page k"
Lines = Sequence[Sequence[str]]
_EDGE_LINES = 3  # of the page's head and foot

_PAGES = (
    "page pages pg pag pagina seite blatt blad bladzijde blz sheet sida side sivu strona str strana"
    " stranka hoja folha foglio feuille feuillet oldal sayfa страница страници стр стор сторінка"
    " страна σελίδα σελ trang halaman hal puslapis psl lapa lpp lehekülg lk leht stranica stran"
    " faqe orria página pàgina tudalen หน้า หน้าที่ صفحة صفحه الصفحة עמוד דף पृष्ठ"
)
_LEFTWARDS, _OF_LEFTWARDS = "صفحة صفحه الصفحة עמוד דף", "من از מתוך"  # written right to left
_SHORT = "p pp s f fl fls с bl fol"
_OF = (
    "of von van de di da du do sur av af z ze zo od iz из з від от din dari daripada iš no aus out"
    " από του από con trên จาก من از מתוך"
)


def _any(words: str) -> str:
    each = sorted({re.escape(folded(word)) for word in words.split()}, key=len, reverse=True)
    return f"(?:{'|'.join(each)})"


_N = r"(\d{1,3})"
_AMONG = rf"\s*(?:\(?\s*{_any(_OF)}(?!\w)|[/∕⁄|])\s*"  # between the two numbers
_NO = r"\s*[.:]?\s*(?:n°|(?:no|nr|num|number|nummer|numero|n)\b)?\s*[.:#]*\s*"
_EASTERN = _any("ページ 頁 页 쪽 페이지")
_END = r"(?![\d/.-]*\d)"
_COUNTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\w){_any(_PAGES)}{_NO}(?P<k>\d{{1,3}}){_AMONG}(?P<n>\d{{1,3}}){_END}",
        rf"(?<![\w/.-])(?P<k>\d{{1,3}})\.?{_AMONG}(?P<n>\d{{1,3}})\s*\.?\s*{_any(_PAGES)}(?!\w)",
        rf"(?P<n>\d{{1,3}})\s*{_any(_OF_LEFTWARDS)}\s*(?P<k>\d{{1,3}})\s*{_any(_LEFTWARDS)}(?!\w)",
        r"第\s*(?P<k>\d{1,3})\s*[页頁]\D{0,3}[共全]\s*(?P<n>\d{1,3})\s*[页頁]",
        r"[共全]\s*(?P<n>\d{1,3})\s*[页頁]\D{0,3}第?\s*(?P<k>\d{1,3})\s*[页頁]",
        rf"(?<![\d/.])(?P<k>\d{{1,3}})\s*[/∕⁄]\s*(?P<n>\d{{1,3}})\s*{_EASTERN}",
        rf"{_EASTERN}\s*(?P<k>\d{{1,3}})\s*[/∕⁄]\s*(?P<n>\d{{1,3}}){_END}",
        rf"(?P<n>\d{{1,3}})\s*{_EASTERN}\s*中\s*(?P<k>\d{{1,3}})\s*{_EASTERN}",
        rf"(?<!\w){_any(_SHORT)}\s*\.?\s*(?P<k>\d{{1,3}}){_AMONG}(?P<n>\d{{1,3}})\W*$",
    )
)
_BARE = re.compile(rf"\W*(?P<k>\d{{1,3}}){_AMONG}(?P<n>\d{{1,3}})\W*")
_NUMBERED = re.compile(rf"\W*(?:{_any(_PAGES)}{_NO}|{_any(_SHORT)}\s*\.\s*|第)\s*{_N}\W*[页頁]?\W*")


def place_of(lines: Lines, at: int, of: int) -> Place | None:
    """The page's own number among its paper's pages; read as it stands on the page, since a file
    may hold its words in another order.

    lines: its cells, line by line
    at, of: where the page stands in its file, from 1, and how many pages that has
    """
    counts = list(dict.fromkeys(_counts(lines, of)))
    if len(counts) > 1 and (at, of) in counts:
        counts.remove((at, of))  # a stamp over the whole file
    if counts:
        return counts[0]
    numbers = (_NUMBERED.fullmatch(folded(cell)) for line in lines for cell in line)
    return next(((int(found[1]), None) for found in numbers if found), None)


def only_counts(cell: str) -> bool:
    """Whether the cell holds the page's number and nothing else."""
    text = folded(cell)
    return any(
        (found := count.search(text)) is not None
        and not any(c.isalnum() for c in text[: found.start()] + text[found.end() :])
        for count in _COUNTS
    ) or (_NUMBERED.fullmatch(text) is not None)


def _counts(lines: Lines, of: int) -> Iterator[tuple[int, int]]:
    for number, line in enumerate(lines):
        edge = number < _EDGE_LINES or number >= len(lines) - _EDGE_LINES
        text = folded(" ".join(line))
        found = [match for count in _COUNTS for match in count.finditer(text)]
        if not found and edge:
            bare = (_BARE.fullmatch(folded(cell)) for cell in line)
            found = [match for match in bare if match and int(match["n"]) <= of]
        for match in found:
            k, n = int(match["k"]), int(match["n"])
            if 1 <= k <= n:
                yield k, n
