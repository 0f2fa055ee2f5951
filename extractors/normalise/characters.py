"""Characters: what is invisible goes, what only looks different becomes one."""

import re
import unicodedata

from extractors.normalise.value import Unclear

# Marks that change nothing on paper. Zero-width joiners stay: Persian and Indic words need them.
_INVISIBLE = dict.fromkeys(
    map(ord, "\u200b\u200e\u200f\u061c\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad")
)
# Overrides and embeddings can show digits in another order than they are stored: no parser may look
# through them.
_REORDERING = re.compile("[\u202a-\u202e]")
_LOOKALIKES = str.maketrans(
    {
        # hyphens and minus signs; dashes are told apart by who needs them
        **dict.fromkeys("\u2010\u2011\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2019\u02bc\u2018\u00b4`", "'"),  # Swiss thousands
        "\uff0c": ",",
        "\uff0e": ".",
        "\uff0f": "/",
        "\u2044": "/",
        "\u2215": "/",
    }
)
_ACCENTS = re.compile("[\u0300-\u036f]")
# no date, amount or identifier is longer; what is, is refused before any pattern looks at it
MAX_PARSED = 120


def tidy(text: str) -> str:
    """Printable text: NFC, single spaces, no invisible marks.

    Raises Unclear for what cannot be stored or shown: control characters, lone surrogates, the
    replacement character.
    """
    text = " ".join(unicodedata.normalize("NFC", text).translate(_INVISIBLE).split())
    if any(unicodedata.category(c) in ("Cc", "Cs") or c == "\ufffd" for c in text):
        raise Unclear("unprintable")
    text = _REORDERING.sub("", text)
    if not text:
        raise Unclear("empty")
    return text


def plain(text: str, problem: str) -> str:
    """``tidy`` text with one spelling for digits, hyphens and apostrophes, for parsers of numbers
    and dates.

    Raises Unclear(problem) for what is too long, mixes digits of two scripts, or is stored in
    another order than it is shown.
    """
    tidied = tidy(text)
    scripts = {ord(c) - unicodedata.decimal(c) for c in tidied if unicodedata.category(c) == "Nd"}
    if len(tidied) > MAX_PARSED or len(scripts) > 1 or _REORDERING.search(text):
        raise Unclear(problem)
    digits = {
        ord(c): str(unicodedata.decimal(c)) for c in tidied if unicodedata.category(c) == "Nd"
    }
    return tidied.translate(digits).translate(_LOOKALIKES)


def folded(text: str) -> str:
    """For looking words up: case, width, accents and a closing dot do not count; the vowel signs of
    Indic scripts do.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _ACCENTS.sub("", decomposed).strip(" .")
