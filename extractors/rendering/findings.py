"""What rendering found out about a file and its pages, besides pixels and words.

The PDF library draws what it can and complains of the rest; the picture looks whole.  Its
complaints are the only sign that half a page is missing, so each becomes a finding with a code,
a severity and a sentence for people.  A finding never quotes the document.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for what is read from the page."""

    NOTE = "note"  # people are told; nothing is doubted
    REPAIRED = "repaired"  # what is there is right; that something is absent proves nothing
    LOST = "lost"  # something is missing on the picture: everything on the page is doubted


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; ``page`` is 1-based, None for the file as a whole."""

    code: str  # a key of CODES
    page: int | None = None

    @property
    def severity(self) -> Severity:
        return CODES[self.code][0] if self.code in CODES else Severity.LOST

    @property
    def message(self) -> str:
        """A sentence for people."""
        return CODES[self.code][1] if self.code in CODES else "Something on the page was not drawn."


CODES: Mapping[str, tuple[Severity, str]] = {
    "attachment": (Severity.NOTE, "Other files are attached to this one; they were not read."),
    "page_size_made_up": (Severity.NOTE, "The page names no size; a usual one was taken."),
    "text_layer_partial": (
        Severity.NOTE,
        "The page is a picture with a little text: that text was not taken for the page's words.",
    ),
    "file_repaired": (Severity.REPAIRED, "The file was damaged and had to be repaired."),
    "file_cut_short": (Severity.LOST, "The file or a part of it ends early."),
    "part_missing": (Severity.LOST, "A part of the page is missing in the file."),
    "content_damaged": (Severity.LOST, "A part of the page is damaged and was not drawn."),
    "picture_damaged": (Severity.LOST, "A picture on the page is damaged."),
    "crop_box_unusable": (
        Severity.LOST,
        "The page's visible area is empty: what other programs show may be missing here.",
    ),
    "form_value_not_drawn": (
        Severity.LOST,
        "A form field holds a value that the page does not show.",
    ),
    "perhaps_turned": (
        Severity.LOST,
        "The page may lie on its side or on its head: it cannot be read well in any direction.",
    ),
    "not_drawn": (Severity.LOST, "Something on the page was not drawn."),
}

# In this order: the first that fits names the complaint.  What fits none counts as lost.
_COMPLAINTS: tuple[tuple[re.Pattern[str], str | None], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"^\.\.\. repeated", None),  # says how often the line before came
        (r"xref|startxref|trailer|repair|garbage bytes|'endobj'|version marker", "file_repaired"),
        (r"premature end|end of (file|data)|unexpected eof|truncated", "file_cut_short"),
        (r"jpe?g|jpx|jbig2|png|tiff|ccitt|image", "picture_damaged"),
        (r"cannot (load|find)|missing (object|resource)|no xobject|not a stream", "part_missing"),
        (r"non-page object|page tree load failed", "part_missing"),
        (r"hex string|string not terminated|object out of range", "file_repaired"),
        (r"syntax error|zlib|ran out of|ignoring|encountered|read error", "content_damaged"),
    )
)


def of_warnings(lines: Iterable[str], *, page: int | None) -> tuple[Finding, ...]:
    """The findings that the library's complaints amount to, each once."""
    found: dict[str, None] = {}
    for line in lines:
        code = next((code for pattern, code in _COMPLAINTS if pattern.search(line)), "not_drawn")
        if code is not None:
            found[code] = None
    return tuple(Finding(code, page) for code in found)
