"""Evidence and text in the form in which Postgres takes them.

Postgres text and jsonb refuse the NUL character and lone surrogates, and a model or a text layer
may hold both: they are shown as ␀ and �. jsonb refuses NaN and infinities: they are written as
strings. Token bytes survive exactly.
"""

import base64
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from extractors.types import Alternative, AttentionPatch, Box, TokenTrace, Word

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
UNSTORABLE_PROBLEM = "unstorable_characters"


def storable(text: str) -> str:
    """The text with the characters that Postgres refuses made visible."""
    return UNSTORABLE.sub(lambda match: "␀" if match.group() == "\x00" else "�", text)


def is_storable(text: str | None) -> bool:
    return text is None or UNSTORABLE.search(text) is None


def storable_json(value: Any) -> Any:
    """A JSON value with every string storable and every number finite."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_json(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(member) for member in value]
    if isinstance(value, float):
        return _number_out(value)
    if value is None or isinstance(value, bool | int):
        return value
    return storable(str(value))


def tokens_out(tokens: Iterable[TokenTrace]) -> list[Any]:
    """``[id, text, logprob, entropy, forced, [[id, text, logprob], ...]]`` for each token, and
    where it looked.

    Each patch comes behind, as ``[x0, y0, x1, y1, share]``.
    """
    return [
        [
            token.token_id,
            _bytes_out(token.text),
            _number_out(token.logprob),
            _number_out(token.entropy),
            int(token.forced),
            [
                [other.token_id, _bytes_out(other.text), _number_out(other.logprob)]
                for other in token.top
            ],
            *([*box_out(patch.box), round(patch.share, 3)] for patch in token.patches),
        ]
        for token in tokens
    ]


def tokens_in(rows: Sequence[Any]) -> tuple[TokenTrace, ...]:
    """The tokens that ``tokens_out`` wrote."""
    return tuple(
        TokenTrace(
            token_id=token_id,
            text=_bytes_in(text),
            logprob=float(logprob),
            entropy=float(entropy),
            forced=bool(forced),
            top=tuple(
                Alternative(other_id, _bytes_in(other), float(lp)) for other_id, other, lp in top
            ),
            patches=tuple(_patch_in(*patch) for patch in patches),
        )
        for token_id, text, logprob, entropy, forced, top, *patches in rows
    )


def _patch_in(x0: float, y0: float, x1: float, y1: float, share: float = 1.0) -> AttentionPatch:
    """A patch without a share is of the time when only the strongest was kept."""
    return AttentionPatch(Box(x0, y0, x1, y1), share)


def words_out(words: Iterable[Word]) -> list[Any]:
    """``[text, x0, y0, x1, y1]`` for each word; a hundredth of a point is finer than any
    printer.
    """
    return [[storable(word.text), *box_out(word.box)] for word in words]


def words_in(rows: Sequence[Any]) -> tuple[Word, ...]:
    return tuple(Word(text, Box(x0, y0, x1, y1)) for text, x0, y0, x1, y1 in rows)


def box_out(box: Box) -> list[float]:
    # A text layer with broken matrices holds coordinates that are no numbers; jsonb would refuse
    # the whole page for them.
    return [round(x, 2) if math.isfinite(x) else 0.0 for x in (box.x0, box.y0, box.x1, box.y1)]


def boxes_in(rows: Sequence[Any] | None) -> tuple[Box, ...]:
    return tuple(Box(*row) for row in rows or ())


def _bytes_out(text: bytes) -> Any:
    try:
        plain = text.decode()
    except UnicodeDecodeError:
        plain = "\x00"
    return plain if "\x00" not in plain else [base64.b64encode(text).decode()]


def _bytes_in(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else base64.b64decode(text[0])


def _number_out(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)
