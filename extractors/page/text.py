"""A page's words, laid out for searching: reading order, lines, gaps, and every character's word.

Words come in the order of the text layer, which follows columns well but scatters table rows on
some producers; so a second order, line by line across the page, is there for what the first one
does not show.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from extractors.page.labelled import Label, labels_of
from extractors.page.layout import lines_of, text_of
from extractors.page.parties import Block, blocks_of
from extractors.page.spoken import spoken_lines
from extractors.types import Box, Word

# a word -> the characters that count, each with its place in the word
Fold = Callable[[str], list[tuple[str, int]]]

TEXT_LAYER = "text-layer"  # the page's own words, as a source of evidence
GAP = 0.6  # of the line's height: a wider space parts two columns, not two halves of a number
TEXT_GAP = 1.5  # the same for words of a text, which may be spread over its line
BOX = 2.0  # of the characters' height: the widest box of a form that takes one character
FEWEST_BOXES = 5  # in a row
LEADING = 1.5  # of the line's height: a wider space parts two texts, not two lines of one


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of consecutive words: from ``start`` in word ``first`` to before ``end`` in word
    ``last``.
    """

    first: int
    last: int
    start: int
    end: int


class Layout:
    """One order of a page's words."""

    def __init__(self, words: Sequence[Word], *, upside_down: bool = False) -> None:
        self.words = tuple(words)
        self.upside_down = upside_down
        self._spelled: dict[Fold, tuple[str, list[tuple[int, int]]]] = {}
        self._stretches: dict[int, list[tuple[int, int, str]]] = {}
        self._by_digits: dict[int, Mapping[str, list[tuple[int, int]]]] = {}

    def spelled(self, fold: Fold) -> tuple[str, list[tuple[int, int]]]:
        """All counting characters in one string, and each one's (word, place in the word)."""
        if fold not in self._spelled:
            marks = [(c, i, at) for i, word in enumerate(self.words) for c, at in fold(word.text)]
            self._spelled[fold] = "".join(c for c, _, _ in marks), [(i, at) for _, i, at in marks]
        return self._spelled[fold]

    def find(self, needle: str, fold: Fold) -> Iterator[Span]:
        """Every place where the folded ``needle`` is spelled, words' borders not yet looked at."""
        haystack, places = self.spelled(fold)
        at = haystack.find(needle) if needle else -1
        while at >= 0:
            (first, start), (last, end) = places[at], places[at + len(needle) - 1]
            yield Span(first, last, start, end + 1)
            at = haystack.find(needle, at + 1)

    def tight(self, i: int) -> bool:
        """Word ``i`` and the next one stand side by side, a normal space apart."""
        return 0 <= i < len(self._tight) and self._tight[i]

    @cached_property
    def _tight(self) -> tuple[bool, ...]:
        return tuple(self.beside(i, GAP) for i in range(len(self.words) - 1))

    @cached_property
    def _digits(self) -> tuple[str, ...]:
        return tuple(digits_of(word.text) for word in self.words)

    def stretches(self, longest: int) -> list[tuple[int, int, str]]:
        """Runs of up to ``longest`` words side by side that have digits: first word, last word,
        and the digits in ASCII.  Made once a page, whatever is looked for.
        """
        if longest not in self._stretches:
            found = self._stretches[longest] = []
            for first in range(len(self.words)):
                digits = ""
                for last in range(first, min(first + longest, len(self.words))):
                    if last > first and not self._tight[last - 1]:
                        break
                    digits += self._digits[last]
                    if digits:
                        found.append((first, last, digits))
        return self._stretches[longest]

    def stretches_of(self, longest: int) -> Mapping[str, list[tuple[int, int]]]:
        """The same runs by their digits, without zeros at either end."""
        if longest not in self._by_digits:
            found: dict[str, list[tuple[int, int]]] = defaultdict(list)
            for first, last, digits in self.stretches(longest):
                found[digits.strip("0")].append((first, last))
            self._by_digits[longest] = found
        return self._by_digits[longest]

    def beside(self, i: int, gap: float) -> bool:
        """Word ``i`` and the next one stand on one line, upright or turned, no further apart than
        ``gap`` of its height.
        """
        a, b = self.words[i].box, self.words[i + 1].box
        if is_turned(self.words[i]) or is_turned(self.words[i + 1]):
            a, b = _upright(a), _upright(b)
            if b.x0 < a.x0:  # it runs upwards
                a, b = b, a
        elif self.upside_down:
            a, b = b, a
        return _same_line(a, b) and -0.5 * _height(a) <= b.x0 - a.x1 <= gap * max(
            _height(a), _height(b)
        )

    def together(self, span: Span, *, loose: bool) -> bool:
        """The span's words belong together: side by side, or on in the next line of their cell.

        loose: a text may be spread out, begin within its line and stand centred; a number or a code
        that goes on does so where it began.
        """
        begin = span.first
        for i in range(span.first, span.last):
            if self.beside(i, TEXT_GAP if loose else GAP):
                continue
            if not self._next_line(i, begin, loose=loose):
                return False
            begin = i + 1
        return True

    def in_boxes(self, span: Span) -> bool:
        """The span's words stand one character a box, as forms ask for, and fill the whole row of
        boxes.  A box may be skipped where the form parts groups of digits.
        """
        last = len(self.words) - 1
        row = range(span.first, span.last + 1)
        if len(row) < FEWEST_BOXES or any(len(self.words[i].text) != 1 for i in row):
            return False
        steps = [self._step(i) for i in row[:-1]]
        pitch = min(steps)
        if not 0 < pitch <= BOX * _height(self.words[span.first].box):
            return False
        around = [i for i in (span.first - 1, span.last) if 0 <= i < last]
        return all(_is_step(step, pitch) for step in steps) and not any(
            len(self.words[i].text) == len(self.words[i + 1].text) == 1
            and _is_step(self._step(i), pitch)
            for i in around
        )

    def _step(self, i: int) -> float:
        """From the middle of word ``i`` to that of the next one on its line; 0 where it stands
        elsewhere.
        """
        a, b = self.words[i].box, self.words[i + 1].box
        return (b.x0 + b.x1 - a.x0 - a.x1) / 2 if _same_line(a, b) else 0.0

    def _next_line(self, i: int, begin: int, *, loose: bool) -> bool:
        """Word ``i + 1`` begins the next line of the cell that word ``begin`` stands in."""
        a, b, first = self.words[i].box, self.words[i + 1].box, self.words[begin].box
        height = max(_height(a), _height(b))
        if not -0.5 * height <= b.y0 - a.y1 <= LEADING * height or b.x0 > a.x1:
            return False
        return loose or abs(b.x0 - first.x0) <= 0.6 * height

    def text(self, first: int, last: int) -> str:
        return text_of(self.words[first : last + 1])

    def boxes(self, span: Span) -> tuple[Box, ...]:
        """One box a line; a word that is matched in part gives that part of its width."""
        lines: list[Box] = []
        for i in range(span.first, span.last + 1):
            box, length = self.words[i].box, max(len(self.words[i].text), 1)
            left = span.start / length if i == span.first else 0.0
            right = span.end / length if i == span.last else 1.0
            width = box.width
            part = Box(box.x0 + left * width, box.y0, box.x0 + min(right, 1.0) * width, box.y1)
            if lines and _same_line(lines[-1], part) and part.x0 >= lines[-1].x0:
                lines[-1] = Box.around((lines[-1], part))
            else:
                lines.append(part)
        return tuple(lines)


class PageText:
    """The words of one page; build it once a page and ask it for every field."""

    def __init__(
        self, words: Sequence[Word], *, source: str = TEXT_LAYER, upside_down: bool = False
    ) -> None:
        self.source = source
        self.upside_down = upside_down  # the print stands on its head, and the words are in order
        self.words = tuple(
            Word(unicodedata.normalize("NFC", w.text), w.box) for w in words if w.text.strip()
        )

    @cached_property
    def as_given(self) -> Layout:
        return Layout(self.words, upside_down=self.upside_down)

    @cached_property
    def line_by_line(self) -> Layout:
        return Layout(_by_lines(self.words))

    @cached_property
    def turned(self) -> bool:
        """Most words run up or down the page, or stand on their head."""
        if self.upside_down:
            return True
        longer = [word for word in self.words if len(word.text) > 2]
        return 2 * sum(map(is_turned, longer)) > len(longer)

    @cached_property
    def lines(self) -> list[list[tuple[Word, ...]]]:
        """The words as lines from top to bottom, each parted into its cells; none on a page that
        is turned.
        """
        return [] if self.turned else lines_of(self.words)

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The labels that business papers share, and what follows each; none in lines that speak
        to a reader.
        """
        return tuple(label for label in labels_of(self.lines) if not self._is_spoken(label.boxes))

    @cached_property
    def spoken(self) -> tuple[Box, ...]:
        """The lines that speak to a reader or a program."""
        return spoken_lines(self.lines)

    def _is_spoken(self, boxes: Sequence[Box]) -> bool:
        first = boxes[0]
        return any(
            box.y0 <= first.y0 and first.y1 <= box.y1 and box.x0 <= first.x0 <= box.x1
            for box in self.spoken
        )

    @cached_property
    def parties(self) -> tuple[Block, ...]:
        """The blocks under "Bill to" and the like."""
        return blocks_of(self.lines)

    @property
    def layouts(self) -> Iterator[Layout]:
        """The orders to search, the likelier first; the second is not built until it is asked
        for.
        """
        yield self.as_given
        if not self.upside_down:  # from its other end no line makes sense
            yield self.line_by_line


def _is_step(step: float, pitch: float) -> bool:
    """One box on, or two."""
    return any(abs(step - n * pitch) <= 0.15 * pitch for n in (1, 2))


def nearest(needle: str, layout: Layout, fold: Fold) -> str | None:
    """The words most like ``needle`` by edit distance, or None when less than two thirds of it is
    alike.
    """
    haystack, places = layout.spelled(fold)
    if not needle or not haystack:
        return None
    distance, end = _best_end(needle, haystack)
    if distance * 3 > len(needle):
        return None
    # The same search backwards from that end finds where the likeness begins.
    window = haystack[max(0, end + 1 - 2 * len(needle)) : end + 1]
    _, back = _best_end(needle[::-1], window[::-1])
    start = end - back
    return layout.text(places[start][0], places[end][0])


def _best_end(needle: str, haystack: str) -> tuple[int, int]:
    """Smallest edit distance of ``needle`` to any part of ``haystack``, and where that part ends.

    Myers' bit-parallel search: one step of integer arithmetic a character of the page, whatever the
    needle's length.
    """
    positions: dict[str, int] = {}
    for i, c in enumerate(needle):
        positions[c] = positions.get(c, 0) | 1 << i
    full, top = (1 << len(needle)) - 1, 1 << (len(needle) - 1)
    up, down, score = full, 0, len(needle)
    best, best_end = score, 0
    for at, c in enumerate(haystack):
        match = positions.get(c, 0)
        diagonal = ((((match & up) + up) ^ up) | match | down) & full
        rise, fall = (down | ~(diagonal | up)) & full, up & diagonal
        score += bool(rise & top) - bool(fall & top)
        rise, fall = (rise << 1) & full, (fall << 1) & full
        up, down = (fall | ~(diagonal | rise)) & full, rise & diagonal
        if score < best:
            best, best_end = score, at
    return best, best_end


_SPACES = re.compile(r"\s")


def exact(text: str) -> list[tuple[str, int]]:
    """Every character but spaces."""
    return [(c, at) for at, c in enumerate(text) if not _SPACES.match(c)]


def is_turned(word: Word) -> bool:
    """A word that runs up or down the page: its box is higher than it is wide.

    Of one or two letters nobody can tell: their boxes are as high as that in any narrow print.
    """
    return len(word.text) > 2 and word.box.height > 1.3 * word.box.width


def _upright(box: Box) -> Box:
    return Box(box.y0, box.x0, box.y1, box.x1)


def _height(box: Box) -> float:
    return max(box.height, 0.1)


def digits_of(text: str) -> str:
    """The decimal digits of a text, of whatever script, in ASCII."""
    return "".join(str(unicodedata.decimal(c)) for c in text if unicodedata.category(c) == "Nd")


def _same_line(a: Box, b: Box) -> bool:
    overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
    return overlap >= 0.5 * min(_height(a), _height(b))


def _by_lines(words: Sequence[Word]) -> list[Word]:
    """Words line by line from the top, from left to right within a line."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (w.box.y0 + w.box.y1, w.box.x0)):
        if lines and _same_line(lines[-1][0].box, word.box):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [word for line in lines for word in sorted(line, key=lambda w: w.box.x0)]
