"""A JSON reader that knows where every value stands in the bytes, and that says what it could not
read.

The standard library's gives neither offsets nor anything at all about text that is cut short,
repeats a key or breaks off. Here damage is recorded on the value it touches, and whatever was read
before it is kept.
"""

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum

MAX_DEPTH = 8  # an answer has 3 levels; a model that stutters brackets must not exhaust the stack

_SPACE = re.compile(rb"[ \t\r\n]*")
_PLAIN = re.compile(rb'[^"\\]*')
_WORD = re.compile(rb'[^\s,\[\]{}":]+')
_NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CUT_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{0,3})?\Z")
# lone halves of surrogate pairs, and NUL: no database text holds them
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Kind(StrEnum):
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    OBJECT = "object"
    ARRAY = "array"
    BROKEN = "broken"  # none of the above


@dataclass(slots=True)
class Node:
    """One value. ``start``..``end`` are byte offsets: of a string its content without the quotes,
    of all else the whole of it.
    """

    kind: Kind
    start: int
    end: int
    # a string's content, a number or boolean as written; None for the other kinds
    text: str | None = None
    problem: str | None = None  # "truncated", "unparsable", "repeated_answer"
    # of an object, repeated keys included
    entries: list[tuple[str, "Node"]] = field(default_factory=list)
    items: list["Node"] = field(default_factory=list)  # of an array


def read(data: bytes, *, ends_open: bool = False) -> Node | None:
    """The first object in ``data``; None when there is none.

    ends_open: the object may end after a value without its closing brace, and a number may end with
               the data.
    """
    start = data.find(b"{")
    if start < 0:
        return None
    reader = _Reader(data, start, ends_open)
    node = reader.value(0)
    if b"{" in data[reader.at :] and node.problem is None:
        node.problem = "repeated_answer"  # nobody can say which one is meant
    return node


class _Reader:
    def __init__(self, data: bytes, at: int, ends_open: bool) -> None:
        self.data = data
        self.at = at
        self.ends_open = ends_open
        self.fault: str | None = None  # set once: reading stops everywhere

    def value(self, depth: int) -> Node:
        self._skip_space()
        head = self.data[self.at : self.at + 1]
        if depth > MAX_DEPTH:
            return self._broken(self.at, "unparsable")
        if head == b'"':
            return self._string()
        if head == b"{":
            return self._object(depth)
        if head == b"[":
            return self._array(depth)
        return self._word()

    def _object(self, depth: int) -> Node:
        node = Node(Kind.OBJECT, self.at, self.at)
        self.at += 1
        while not self._stopped() and not self._closed(b"}", first=not node.entries):
            key = self._key()
            if key is None:
                # what was read before may hold a quote that was not escaped
                if node.entries and self.fault == "unparsable":
                    node.entries[-1][1].problem = self.fault
                break
            node.entries.append((key, self._followed(self.value(depth + 1), b"}")))
        node = self._ended(node)
        if (
            depth == 0
            and self.ends_open
            and node.problem == "truncated"
            and node.entries
            and node.entries[-1][1].problem is None
        ):
            node.problem = None
        return node

    def _array(self, depth: int) -> Node:
        node = Node(Kind.ARRAY, self.at, self.at)
        self.at += 1
        while not self._stopped() and not self._closed(b"]", first=not node.items):
            node.items.append(self._followed(self.value(depth + 1), b"]"))
        return self._ended(node)

    def _key(self) -> str | None:
        """A key and its colon; None when there is no such thing here."""
        if self.data[self.at : self.at + 1] != b'"':
            self._fail()
            return None
        key = self._string()
        if not self._stopped() and not self._take(b":"):
            self._fail()
        return None if self._stopped() else key.text or ""

    def _stopped(self) -> bool:
        return self.fault is not None

    def _closed(self, closer: bytes, *, first: bool) -> bool:
        """Step over the closer, or over the comma before the next entry; true when there is no next
        entry.
        """
        if self._take(closer):
            return True
        if not first and not self._take(b","):
            self._fail()
        self._skip_space()
        if self.at >= len(self.data):
            self._fail()
        return self._stopped()

    def _followed(self, node: Node, closer: bytes) -> Node:
        """A value that is followed by anything but a comma or its container's end is damaged: its
        text may go on there.
        """
        self._skip_space()
        following = self.data[self.at : self.at + 1]
        if self.fault is None and following and following not in (b",", closer):
            node.problem = self._fail()
        return node

    def _ended(self, node: Node) -> Node:
        node.end = self.at
        node.problem = self.fault
        return node

    def _string(self) -> Node:
        start = self.at + 1
        self.at = start
        while True:
            self.at = _matched_end(_PLAIN, self.data, self.at)
            stop = self.data[self.at : self.at + 1]
            if stop == b'"':
                break
            if not stop or self.at + 1 >= len(self.data):  # the end, or a backslash before it
                self.at = len(self.data)
                text = _readable(_CUT_ESCAPE.sub("", self.data[start:].decode("utf-8", "ignore")))
                return Node(Kind.STRING, start, self.at, text, self._fail())
            self.at += 2
        raw = self.data[start : self.at]
        self.at += 1
        text, whole = _unescaped(raw)
        return Node(Kind.STRING, start, self.at - 1, text, None if whole else "unparsable")

    def _word(self) -> Node:
        start = self.at
        self.at = _matched_end(_WORD, self.data, start)
        word = self.data[start : self.at]
        kind = _word_kind(word)
        at_end = self.at >= len(self.data)
        if at_end and (kind is Kind.BROKEN or (kind is Kind.NUMBER and not self.ends_open)):
            return self._broken(start, "truncated")
        if kind is Kind.BROKEN:
            return self._broken(start, "unparsable")
        return Node(kind, start, self.at, None if kind is Kind.NULL else word.decode())

    def _broken(self, start: int, problem: str | None = None) -> Node:
        self.fault = problem or self._fail()
        text = self.data[start : self.at].decode("utf-8", "replace")
        return Node(Kind.BROKEN, start, self.at, text or None, self.fault)

    def _fail(self) -> str:
        """Nothing can be read from here on: because the data ends, or because it makes no sense."""
        if self.fault is None:
            self.fault = "truncated" if self.at >= len(self.data) else "unparsable"
        return self.fault

    def _take(self, byte: bytes) -> bool:
        self._skip_space()
        taken = self.data[self.at : self.at + 1] == byte
        self.at += taken
        return taken

    def _skip_space(self) -> None:
        self.at = _matched_end(_SPACE, self.data, self.at)


def _matched_end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    match = pattern.match(data, at)
    return match.end() if match else at


def _word_kind(word: bytes) -> Kind:
    if word in (b"true", b"false"):
        return Kind.BOOLEAN
    if word == b"null":
        return Kind.NULL
    return Kind.NUMBER if _NUMBER.fullmatch(word) else Kind.BROKEN


def _unescaped(raw: bytes) -> tuple[str, bool]:
    """A string's content, and whether it is exactly what the bytes say."""
    try:
        text = json.loads(b'"' + raw + b'"')
    except ValueError:  # an unknown escape, a raw control character, bytes that are no UTF-8
        return _readable(raw.decode("utf-8", "replace")), False
    return _UNSTORABLE.sub("\ufffd", text), not _UNSTORABLE.search(text)


def _readable(damaged: str) -> str:
    """The best a person can be shown of a string that is cut or misspelled."""
    try:
        damaged = json.loads(f'"{damaged}"', strict=False)
    except ValueError:
        pass
    return _UNSTORABLE.sub("\ufffd", damaged)
