"""Several documents in one file: where the next one begins.

A page begins a document when it says so: as the first of its pages ("Page 1 of 2"), by a title of
another kind than the pages before, or by the same title with another number under the same label.
Everything else goes on with what came before, and is doubtful unless it shows that it does: it
counts on, repeats the number, begins amid the table of the pages before, or is running text with
nothing that a paper of its own would begin with. What each part is, the words of its own pages say;
only when all of them are sure is a file parted, or taken as one, without a person.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from extractors.documents.spec import DocumentType, Kind
from extractors.page.labels import shaped
from extractors.page.layout import LABEL_WORDS, terms
from extractors.triage.classify import Guess, classify
from extractors.triage.openings import Opening, number_of, opening_of
from extractors.triage.titles import LONGEST_TITLE
from extractors.types import Word

METHOD = "parts/3"
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_VALUE = (Kind.AMOUNT, Kind.IDENTIFIER)
# What is headed so goes with the paper before it: "General terms and conditions".
_APPENDED = frozenset(
    (
        *(
            "condition",
            "term",
            "remark",
            "note",
            "bedingungen",
            "geschaftsbedingungen",
            "agb",
            "hinweise",
            "bemerkungen",
            "voorwaarden",
        ),
        *("condizioni", "condicoe", "condicione"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Pages of a file that are one document, and what it is; page numbers are 1-based and
    inclusive.
    """

    first: int
    last: int
    guess: Guess
    scans: int  # pages of it without words: they may be anything
    # a page of it may belong to another document: nothing shows that it goes on, or it says other
    # than those before
    doubtful: bool


def parts_of(
    pages: Sequence[Sequence[Word]], types: Mapping[str, DocumentType]
) -> tuple[Part, ...]:
    """The documents that the pages are, in order; one for all of them when nothing says that
    another begins.

    pages: each page's words, in the pages' order; a page without words goes on with what came
           before
    """
    openings = [
        opening_of(words, types, at=at, of=len(pages)) for at, words in enumerate(pages, start=1)
    ]
    number_names = frozenset(
        field.name for spec in types.values() if (field := number_of(spec)) is not None
    )
    firsts = list(_firsts(openings))
    ends = [*(first - 1 for first in firsts[1:]), len(pages)]
    return tuple(
        Part(
            first=a,
            last=b,
            guess=classify(pages[a - 1 : b], types),
            scans=sum(not words for words in pages[a - 1 : b]),
            doubtful=_doubtful(openings[a - 1 : b], number_names)
            or (len(firsts) > 1 and _lacks_pages(openings[a - 1 : b])),
        )
        for a, b in zip(firsts, ends, strict=True)
    )


def sure(parts: Sequence[Part]) -> bool:
    """Every part is surely of some type, and surely one document."""
    return all(part.guess.sure and not part.doubtful for part in parts)


def _firsts(openings: Sequence[Opening]) -> Iterator[int]:
    """Numbers of the pages with which a document begins."""
    before = Opening()
    for number, opening in enumerate(openings, start=1):
        if number == 1 or _begins(opening, before):
            yield number
            before = opening
        else:
            before = _together(before, opening)


def _begins(opening: Opening, before: Opening) -> bool:
    """Whether the page says that it is the first of another document.

    One count over two papers is a scanner's or a merger's: it is not believed against another title
    or another number of the paper's own.
    """
    if opening.counted:
        return opening.begins or _contradicts(opening, before)
    if not opening.kinds or not before.kinds:
        return False
    same = opening.kinds & before.kinds
    numbers = before.numbers
    return not same or any(
        kind in numbers and opening.numbers.get(kind, numbers[kind]) != numbers[kind]
        for kind in same
    )


def _contradicts(opening: Opening, before: Opening) -> bool:
    """Whether the page is titled as another kind of paper than those before it, or names another
    number as its paper's own.
    """
    if opening.kinds and before.kinds and opening.kinds.isdisjoint(before.kinds):
        return True
    return any(
        not opening.own_numbers[name] & known
        for name, known in before.own_numbers.items()
        if name in opening.own_numbers
    )


def _doubtful(openings: Sequence[Opening], number_names: frozenset[str]) -> bool:
    """Whether some page may begin another document, though it does not say so; or shows two."""
    if any(opening.twice for opening in openings):
        return True
    before = openings[0]
    for at, opening in enumerate(openings[1:], start=2):
        if not _counts_on(opening, before, at) and not _goes_on(opening, before, number_names):
            return True
        before = _together(before, opening)
    return False


def _together(before: Opening, opening: Opening) -> Opening:
    """What the pages up to this one say: the first value of each label, and the last page's
    count.
    """
    counted = before.place and (before.place[0] + 1, before.place[1])
    return Opening(
        kinds=before.kinds or opening.kinds,
        numbers={**opening.numbers, **before.numbers},
        values={**opening.values, **before.values},
        otherwise=before.otherwise or opening.otherwise,
        own_numbers={**opening.own_numbers, **before.own_numbers},
        place=opening.place or counted,
        lines=(*before.lines, *opening.lines),
    )


def _counts_on(opening: Opening, before: Opening, at: int) -> bool:
    """It is the next of the pages before it, by its own number; or it has no words, and their count
    wants one more.
    """
    if opening.place is None:
        return (
            not opening.lines
            and before.place is not None
            and before.place[1] is not None
            and before.place[0] < before.place[1]
        )
    k, n = opening.place
    return k > 1 and (k == at if before.place is None else before.place == (k - 1, n))


def _goes_on(opening: Opening, before: Opening, number_names: frozenset[str]) -> bool:
    """Whether the page itself shows that it belongs to the pages before, and nothing speaks against
    it.
    """
    if not opening.lines or not before.lines or opening.place is not None:
        return False  # a scan is no witness, and a number of its own would have to be the next one
    if any(before.values.get(name, v) != v for name, v in opening.values.items()):
        return False
    known = {
        *before.numbers.values(),
        *(value for name, value in before.values.items() if name in number_names),
    }
    if any(number in known for number in opening.numbers.values()):
        return True
    if not _of_its_own(before, before.lines):
        return True  # a sheet of text in front
    if opening.kinds or opening.otherwise:
        return False
    if any(opening.values.get(name) in known for name in number_names):
        return True
    if before.place is not None and before.place[0] == before.place[1]:
        return False  # those before it are complete
    said = frozenset(before.lines)
    own = [line for line in opening.lines if line not in said]
    return _amid_a_table(opening.lines, before.lines) or not _of_its_own(opening, own)


def _of_its_own(opening: Opening, lines: Sequence[Sequence[str]]) -> bool:
    """Whether these of its lines hold something that a paper begins with: a title, or anything with
    a label.
    """
    return (
        bool(opening.kinds)
        or opening.otherwise
        or any(map(_labels, lines))
        or (bool(lines) and _headed(lines[0]))
    )


def _lacks_pages(openings: Sequence[Opening]) -> bool:
    """Whether its first page counts itself as a later one, or its last as one before the last."""
    first, last = openings[0], openings[-1]
    return (first.counted and not first.begins) or (last.counted and not last.ends)


def _amid_a_table(lines: Sequence[Sequence[str]], before: Sequence[Sequence[str]]) -> bool:
    """Whether the page begins with a row like those before or like their heads, or with the heads
    of their columns.
    """
    first = next((line for line in lines if line not in before or len(line) > 1), ())
    headed = (
        len(before[-1]) > 1
        and len(first) == len(before[-1])
        and not any(c.isdigit() or c == ":" for cell in before[-1] for c in cell)
    )
    table = headed or any(map(_is_row, before))
    return table and (_is_row(first) or (len(first) > 1 and first in before))


def _is_row(line: Sequence[str]) -> bool:
    return len(line) > 1 and not line[0].endswith(":") and shaped(Kind.AMOUNT, line[-1].split()[-1])


def _headed(line: Sequence[str]) -> bool:
    """Whether the line may be a title, be it one that nobody has thought of."""
    words = line[0].split()
    short = (
        len(line) == 1
        and len(words) <= LONGEST_TITLE
        and line[0][:1].isupper()
        and line[0][-1] not in ".,;"
    )
    return short and _APPENDED.isdisjoint(terms(line[0]))


def _labels(line: Sequence[str]) -> bool:
    """Whether something on the line may be a label with its value, in whatever words; or a date or
    a number stands by itself.
    """
    if len(line) == 1:
        words = line[0].split()
        colons = [at for at, word in enumerate(words[:LABEL_WORDS]) if word.endswith(":")]
        alone = len(words) <= LABEL_WORDS and any(
            _DATE.search(word) or _is_code(word) for word in words
        )
        return alone or (bool(colons) and len(words) <= 2 * LABEL_WORDS)
    return any(
        label.endswith(":") or any(_tells(word) for word in value.split())
        for label, value in pairwise(line)
        if len(label.split()) <= LABEL_WORDS and not any(c.isdigit() for c in label)
    )


def _tells(word: str) -> bool:
    return any(c.isdigit() for c in word) and (
        _DATE.search(word) is not None or any(shaped(kind, word) for kind in _VALUE)
    )


def _is_code(word: str) -> bool:
    return shaped(Kind.IDENTIFIER, word) and any(c.isalpha() for c in word)
