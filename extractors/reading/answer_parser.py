"""A page's answer -> what it says about each field, and which tokens spell it.

Everything is counted in bytes: a token may end in the middle of a character, hold a value's last
digit together with the quote after it, or hold several values' delimiters at once.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, count

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise.numbers import from_json
from extractors.reading import json_offsets
from extractors.reading.json_offsets import Node
from extractors.reading.roads import opening_of
from extractors.types import (
    Box,
    FieldReading,
    FieldState,
    Generation,
    Opening,
    PageAnswer,
    StopReason,
    TokenTrace,
)

MAX_NAME = 100  # characters kept of a key that no document type knows


def fields_of(answer: PageAnswer, spec: DocumentType) -> tuple[FieldReading, ...]:
    """One reading for every path of ``spec``, in its order, and at the end one for each key that it
    does not know.

    A group gives a reading for each member of each row; when it is empty or damaged, one under its
    own name says so.
    """
    if answer.decode_mode == "fields":
        return _numbered(_per_field(answer.generations, spec))
    if len(answer.generations) != 1:
        return tuple(_nothing(field, "missing") for field in spec.fields)
    return _numbered(_whole(answer.generations[0], spec))


def _numbered(readings: Iterable[FieldReading]) -> tuple[FieldReading, ...]:
    """Every name and ordinal once: an invented key may come twice, or be spelled like the path of a
    group's member.
    """
    given = list(readings)
    taken = {
        (reading.name, reading.ordinal) for reading in given if reading.problem != "unknown_key"
    }
    numbered = []
    for reading in given:
        if reading.problem == "unknown_key":
            ordinal = next(n for n in count(reading.ordinal) if (reading.name, n) not in taken)
            reading = replace(reading, ordinal=ordinal)
            taken.add((reading.name, ordinal))
        numbered.append(reading)
    return tuple(numbered)


def _whole(generation: Generation, spec: DocumentType) -> Iterator[FieldReading]:
    """Every field of a generation that is one object."""
    said = _Spelling(generation, spec.locale)
    node = json_offsets.read(said.data)
    yield from _object(said, node, spec.fields)


def _per_field(generations: Sequence[Generation], spec: DocumentType) -> Iterator[FieldReading]:
    """Fields of generations of one key each; the key says which field it is, whatever the order."""
    spellings = [_Spelling(generation, spec.locale) for generation in generations]
    nodes = [
        json_offsets.read(said.data, ends_open=said.stop_reason is not StopReason.LENGTH)
        for said in spellings
    ]
    keys = [node.entries[0][0] if node and node.entries else None for node in nodes]
    unknown: list[FieldReading] = []
    for field in spec.fields:
        matching = [i for i, key in enumerate(keys) if key == field.name]
        if len(matching) != 1:
            yield _nothing(field, "repeated_key" if matching else "missing")
            continue
        said, node = spellings[matching[0]], nodes[matching[0]]
        readings = list(_object(said, node, (field,)))
        yield from (r for r in readings if r.problem != "unknown_key")
        unknown += [r for r in readings if r.problem == "unknown_key"]
    yield from unknown


class _Spelling:
    """A generation's bytes, and which token spells each of them."""

    def __init__(self, generation: Generation, locale: str) -> None:
        self.locale = locale  # how numbers are printed
        self.stop_reason = generation.stop_reason
        self.tokens = generation.tokens
        self.data = generation.text
        # byte offset after each token
        self.ends = list(accumulate(len(token.text) for token in generation.tokens))

    def token_at(self, offset: int) -> int:
        """Index of the token that spells the byte at ``offset``; past the last byte, of the first
        token that spells nothing there.
        """
        return (
            bisect_right(self.ends, offset)
            if offset < len(self.data)
            else bisect_left(self.ends, offset) + 1
        )

    def opening(self, node: Node) -> Opening | None:
        """What was believed where the value begins; of a list, where its first row does."""
        at = node.start
        if node.kind is json_offsets.Kind.STRING:
            at -= 1  # its quote
        elif node.kind is json_offsets.Kind.ARRAY:
            at += 1
        token = self.token_at(at) if 0 <= at < len(self.data) else len(self.tokens)
        return opening_of(self.tokens[token]) if token < len(self.tokens) else None

    def evidence(self, start: int, end: int) -> tuple[tuple[TokenTrace, ...], bool]:
        """Tokens of the value at ``start``..``end`` with the token after it, and whether that one
        is only the ending.
        """
        first = self.token_at(start) if end > start else self.token_at(end)
        last = self.token_at(end - 1) if end > start else first - 1
        ending = self.token_at(end)
        value = [token for token in self.tokens[first : last + 1] if not token.forced]
        if ending > last and ending < len(self.tokens) and not self.tokens[ending].forced:
            return (*value, self.tokens[ending]), True
        return tuple(value), False


def _object(
    said: _Spelling,
    node: Node | None,
    fields: Sequence[FieldSpec],
    prefix: str = "",
    ordinal: int = 0,
) -> Iterator[FieldReading]:
    """Readings of an object's fields; ``prefix`` and ``ordinal`` when it is a row of a group."""
    entries = node.entries if node is not None else []
    times = Counter(key for key, _ in entries)
    last = dict(entries)
    doubled = node is not None and node.problem == "repeated_answer"
    for field in fields:
        if field.name not in last:
            yield _nothing(field, _why_missing(node), prefix, ordinal, said)
            continue
        problem = (
            "repeated_key" if times[field.name] > 1 else ("repeated_answer" if doubled else None)
        )
        yield from _field(said, last[field.name], field, prefix, ordinal, problem)
    known = {field.name for field in fields}
    yield from (
        _unknown(said, key, value, prefix, ordinal) for key, value in entries if key not in known
    )


def _why_missing(node: Node | None) -> str:
    if node is None:
        return "unparsable"
    return node.problem or "missing"


def _field(
    said: _Spelling, node: Node, field: FieldSpec, prefix: str, ordinal: int, problem: str | None
) -> Iterator[FieldReading]:
    if field.kind is Kind.GROUP:
        yield from _group(said, node, field, problem)
    else:
        yield _scalar(said, node, field, prefix, ordinal, problem)


def _group(
    said: _Spelling, node: Node, field: FieldSpec, problem: str | None
) -> Iterator[FieldReading]:
    """A group's rows; and a reading under the group's own name when it is empty, or cannot be
    trusted as a whole.
    """
    problem = problem or node.problem
    if node.kind not in (json_offsets.Kind.ARRAY, json_offsets.Kind.NULL):
        problem = problem or "unparsable"
    if problem is not None:
        yield _reading(said, node, field.name, 0, FieldState.UNREADABLE, problem, text=None)
    elif not node.items:
        yield _reading(said, node, field.name, 0, FieldState.ABSENT, None, text=None)
    for ordinal, row in enumerate(node.items):
        if row.kind is json_offsets.Kind.OBJECT:
            yield from _object(said, row, field.members, field.name + ".", ordinal)
        else:
            yield from (
                _nothing(m, row.problem or "unparsable", field.name + ".", ordinal, said)
                for m in field.members
            )


def _scalar(
    said: _Spelling, node: Node, field: FieldSpec, prefix: str, ordinal: int, problem: str | None
) -> FieldReading:
    name = prefix + field.name
    problem = problem or node.problem
    if node.kind in (json_offsets.Kind.OBJECT, json_offsets.Kind.ARRAY, json_offsets.Kind.BROKEN):
        problem = problem or "unparsable"
    elif node.kind is json_offsets.Kind.STRING and not (node.text or "").strip():
        problem = problem or "empty"
    if problem is not None:
        return _reading(said, node, name, ordinal, FieldState.UNREADABLE, problem, text=node.text)
    state = FieldState.ABSENT if node.kind is json_offsets.Kind.NULL else FieldState.VALUE
    text = node.text
    if node.kind is json_offsets.Kind.NUMBER and field.kind in (Kind.AMOUNT, Kind.NUMBER):
        text = from_json(str(node.text), said.locale)
    return _reading(said, node, name, ordinal, state, None, text=text)


def _reading(
    said: _Spelling,
    node: Node,
    name: str,
    ordinal: int,
    state: FieldState,
    problem: str | None,
    *,
    text: str | None,
) -> FieldReading:
    tokens, ends = said.evidence(node.start, node.end)
    return FieldReading(
        name=name,
        ordinal=ordinal,
        state=state,
        text=text,
        tokens=tokens,
        ends=ends,
        opening=said.opening(node),
        stop_reason=said.stop_reason,
        problem=problem,
        attended=attended(token.attended for token in (tokens[:-1] if ends else tokens))
        if text
        else None,
    )


def _unknown(said: _Spelling, key: str, node: Node, prefix: str, ordinal: int) -> FieldReading:
    name = prefix + key.replace("\x00", "\ufffd")[:MAX_NAME]
    text = (
        node.text
        if node.text is not None
        else said.data[node.start : node.end].decode("utf-8", "replace")
    )
    return _reading(said, node, name, ordinal, FieldState.UNREADABLE, "unknown_key", text=text)


def _nothing(
    field: FieldSpec,
    problem: str,
    prefix: str = "",
    ordinal: int = 0,
    said: _Spelling | None = None,
) -> FieldReading:
    """The answer does not say anything about this field, not even that it is absent."""
    return FieldReading(
        name=prefix + field.name,
        ordinal=ordinal,
        state=FieldState.UNREADABLE,
        text=None,
        ends=False,
        stop_reason=StopReason.END if said is None else said.stop_reason,
        problem=problem,
    )


def attended(patches: Iterable[Box | None]) -> Box | None:
    """The place that a value's tokens were read from: the largest group of patches that lie
    together, strays left out.
    """
    left = [patch for patch in patches if patch is not None]
    largest: list[Box] = []
    while left:
        together, left = [left[0]], left[1:]
        for patch in together:  # grows while it is walked
            near = [other for other in left if _near(patch, other)]
            together += near
            left = [other for other in left if other not in near]
        largest = max(largest, together, key=len)
    return Box.around(largest) if largest else None


def _near(a: Box, b: Box) -> bool:
    """With less than a patch of empty space between them across, or half of one downwards: letters
    of a line, or lines of a value.
    """
    across, down = max(a.x0, b.x0) - min(a.x1, b.x1), max(a.y0, b.y0) - min(a.y1, b.y1)
    return across <= max(a.width, b.width) and down <= 0.5 * max(a.height, b.height)
