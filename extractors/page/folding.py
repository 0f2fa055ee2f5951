"""Words as labels are compared: letters and digits alone, without case and accents."""

import re
import unicodedata
from functools import lru_cache

_TOKEN = re.compile(r"[^\W_]+")
_SIGNS = str.maketrans({"№": "no ", "°": " ", "º": " ", "#": " no ", "ß": "ss"})


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, folded; "N°", "№" and "#" are words for "number"."""
    plain = text.translate(_SIGNS).casefold()
    if not plain.isascii():
        plain = "".join(
            c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)
        )
    return tuple(_TOKEN.findall(plain))


def squeezed(text: str) -> str:
    """All of a text's words as one."""
    return "".join(tokens(text))
