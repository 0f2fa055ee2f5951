"""Where a page says a value: the words of its text layer that spell it, and what it says instead when none do."""

from dataclasses import dataclass
from enum import StrEnum

from extractors.types import Box


class Agreement(StrEnum):
    """How a page's words agree with a value."""

    EXACT = "exact"  # the same characters, but for the spaces between words
    NORMALISED = "normalised"  # the same after case, width, hyphens at line ends, or as a value of its kind
    NONE = "none"  # the page has words, and the value is not among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """What a page's words say about one value."""

    agreement: Agreement
    places: tuple[tuple[Box, ...], ...] = ()  # every occurrence, in reading order; one box a line
    nearest: str | None = None  # when nothing agrees: what the page says that is most like it
    source: str = "text-layer"

    @property
    def found(self) -> bool:
        return self.agreement is not Agreement.NONE
