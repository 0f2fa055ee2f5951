"""Where a JSON value ends, found while it is being written."""

_OPENERS = frozenset(b"[{")
_CLOSERS = frozenset(b"]}")
_SPACE = frozenset(b" \t\r\n")
_QUOTE, _BACKSLASH, _COMMA = b'",'[0], b"\\"[0], b'",'[1]


class ValueEnd:
    """Feed it a value's bytes as they come; ``ended`` is true from the value's last byte on.

    A bare word ends with itself when it is ``null``, ``true`` or ``false``, and a number with what
    follows it.
    """

    __slots__ = ("_depth", "_escaped", "_in_string", "_word", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._word = b""

    def feed(self, data: bytes) -> bool:
        """Whether the value has ended within ``data`` or before."""
        for byte in data:
            if self.ended:
                break
            self._step(byte)
        return self.ended

    def _step(self, byte: int) -> None:
        if self._in_string:
            self._in_string_step(byte)
        elif byte == _QUOTE:
            self._in_string = True
        elif byte in _OPENERS:
            self._depth += 1
        elif byte in _CLOSERS:
            self._depth -= 1
            self.ended = self._depth <= 0
        elif byte in _SPACE or byte == _COMMA:
            self.ended = self._depth == 0 and bool(self._word)
        elif self._depth == 0:
            self._word += bytes([byte])
            self.ended = self._word in (b"null", b"true", b"false")

    def _in_string_step(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
        elif byte == _BACKSLASH:
            self._escaped = True
        elif byte == _QUOTE:
            self._in_string = False
            self.ended = self._depth == 0
