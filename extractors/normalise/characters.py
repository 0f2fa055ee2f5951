"""Characters: what is invisible goes, what only looks different becomes one."""

import re
import unicodedata

from extractors.normalise.value import Unclear

# Marks that change nothing on paper. Zero-width joiners stay: Persian and Indic words need them.
_INVISIBLE = dict.fromkeys(
    map(
        ord,
        "\u200b\u200e\u200f\u061c\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad\ufe0e\ufe0f",
    )
)
# Overrides and embeddings can show digits in another order than they are stored: no parser may
# look through them.
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
        "\uff05": "%",
        "\u066a": "%",
        "\uff08": "(",
        "\uff09": ")",
        "\uff1a": ":",
    }
)
_ACCENTS = re.compile("[\u0300-\u036f]")
# No date, amount or identifier is longer; what is, is refused before any pattern looks at it.
MAX_PARSED = 120

_LIGATURES = str.maketrans(
    {
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
    }
)

# Lines through and slashes over characters, and how programs write struck-out text.
_STRUCK = re.compile(
    "[\u0334-\u0338\u20d2\u20d3\u20e5\u20e6\u20ea\u20eb]|~~[^~]+~~|</?(?:s|del|strike)>",
    re.IGNORECASE,
)
# A word that is parted by the end of a line.
_PARTED = re.compile("(?<=\\w)(\u00ad|[-\u2010])[^\\S\n]*\n\\s*(?=(\\w+))")
# What may follow a hyphen that stands for the rest of a word: "Hals-, Nasen- und Ohrenarzt".
_AND_OR = frozenset("und oder bzw sowie and or et ou y e o ed en of och eller og ja i oraz".split())


def tidy(text: str) -> str:
    """Printable text: NFC, single spaces, no invisible marks, words that a line's end parts joined.

    Raises Unclear for what cannot be stored or shown (control characters, lone surrogates, the
    replacement character), and for what is struck out.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\n" in text:
        text = _PARTED.sub(_rejoined, text)
    plain_ascii = text.isascii()
    if not plain_ascii:
        text = text.translate(_INVISIBLE).translate(_LIGATURES)
    text = " ".join(text.split())
    if plain_ascii:
        if not text.isprintable():
            raise Unclear("unprintable")
        if ("~~" in text or "<" in text) and _STRUCK.search(text):
            raise Unclear("struck_out")
    else:
        if any(unicodedata.category(c) in ("Cc", "Cs") or c == "\ufffd" for c in text):
            raise Unclear("unprintable")
        if _STRUCK.search(text):
            raise Unclear("struck_out")
        text = _REORDERING.sub("", text)
    if not text:
        raise Unclear("empty")
    return text


def parts_capitals(text: str) -> bool:
    """Whether a line's end parts capitals: nobody can say then whose the hyphen is."""
    return "\n" in text and any(
        match[1] != "\u00ad" and len(match[2]) > 1 and match[2].isupper()
        for match in _PARTED.finditer(text)
        if text[max(match.start() - 2, 0) : match.start()].isupper()
    )


def _rejoined(match: re.Match[str]) -> str:
    """What stays of a hyphen at the end of a line: nothing within a word, itself within a name."""
    mark, following = match[1], match[2]
    if mark == "\u00ad":
        return ""
    if following in _AND_OR:
        return "- "
    return "" if following[0].islower() else "-"


def plain(text: str, problem: str) -> str:
    """``tidy`` text with one spelling for digits, hyphens and apostrophes, for numbers and dates.

    Raises Unclear(problem) for what is too long, mixes digits of two scripts, or is stored in
    another order than it is shown.
    """
    tidied = tidy(text)
    if len(tidied) > MAX_PARSED or _REORDERING.search(text):
        raise Unclear(problem)
    if tidied.isascii():
        return tidied.translate(_LOOKALIKES) if "`" in tidied else tidied
    scripts = {ord(c) - unicodedata.decimal(c) for c in tidied if unicodedata.category(c) == "Nd"}
    if len(scripts) > 1:
        raise Unclear(problem)
    digits = {
        ord(c): str(unicodedata.decimal(c)) for c in tidied if unicodedata.category(c) == "Nd"
    }
    return tidied.translate(digits).translate(_LOOKALIKES)


_ALIKE = str.maketrans({"\u0131": "i", **dict.fromkeys("\u2018\u2019\u02bb\u02bc\u02b9`", "'")})


def folded(text: str) -> str:
    """For looking words up: case, width, accents and a closing dot do not count.

    The vowel signs of Indic scripts do count; the Turkish letters i without and with a dot are one,
    and so are all apostrophes.
    """
    folded = text.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded).casefold()
        folded = _ACCENTS.sub("", folded).translate(_ALIKE)
    return folded.strip(" .")


# Letters of Greek that look like Latin ones; the others stand in Latin words as they are ("10 kΩ").
_GREEK_LOOKALIKES = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυικχ"
_MIXED = re.compile(
    rf"[A-Za-z\u00c0-\u024f][^\W_]*[\u0400-\u052f{_GREEK_LOOKALIKES}]"
    rf"|[\u0400-\u052f{_GREEK_LOOKALIKES}][^\W_]*[A-Za-z\u00c0-\u024f]"
)


def mixes_scripts(text: str) -> bool:
    """Whether a word holds letters of two scripts that look alike, as misreading leaves them."""
    return not text.isascii() and _MIXED.search(text) is not None
