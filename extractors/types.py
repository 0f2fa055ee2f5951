"""What the stages hand to each other: frozen values that state their units.

Page coordinates are points (1/72 inch), origin at the top left of the page as displayed (rotation
applied), x to the right, y down. Page numbers are 1-based, as a PDF viewer prints them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in points from the top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def centre(self) -> float:
        """Half-way from left to right."""
        return (self.x0 + self.x1) / 2

    @property
    def middle(self) -> float:
        """Half-way from top to bottom."""
        return (self.y0 + self.y1) / 2

    def holds(self, other: "Box", near: float = 0.0) -> bool:
        """The centre of the other box lies in this one, or no more than ``near`` outside."""
        return (
            self.x0 - near <= other.centre <= self.x1 + near
            and self.y0 - near <= other.middle <= self.y1 + near
        )

    @classmethod
    def around(cls, boxes: "Iterable[Box]") -> "Box":
        """The smallest box that has all of them in it; at least one is needed."""
        x0, y0, x1, y1 = zip(*((b.x0, b.y0, b.x1, b.y1) for b in boxes), strict=True)
        return cls(min(x0), min(y0), max(x1), max(y1))


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a page's text layer."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Canvas:
    """The tile canvas of a vision model: what a page is rendered to fit."""

    tile_px: int  # side of one square tile
    max_tiles: int


LLAMA_CANVAS = Canvas(tile_px=560, max_tiles=4)  # Llama 3.2 Vision
# models behind a vLLM server take any shape; 56 patches of 28 px show small print
SERVED_CANVAS = Canvas(tile_px=1568, max_tiles=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageImage:
    """One rendered page, handed from render to extract."""

    number: int  # 1-based
    width_px: int
    height_px: int
    width_pt: float  # of the displayed page
    height_pt: float
    png: bytes  # RGB, 8 bits a channel


class LookKind(StrEnum):
    """How a page that was moved is looked at."""

    FREE = "free"  # it is read again
    FORCED = "forced"  # the first answer is held against it, and nothing is written


class StopReason(StrEnum):
    """Why a generation ended."""

    END = "end"  # the model said so (end of turn, or the closing quote of a field's continuation)
    LENGTH = "length"  # the token budget was spent: whatever came last may be cut short
    GRAMMAR = "grammar"  # the grammar allowed nothing more


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the most likely tokens at a step."""

    token_id: int
    text: bytes  # what the token spells
    logprob: float  # raw: before any processor or grammar mask; natural log


@dataclass(frozen=True, slots=True)
class AttentionPatch:
    """One patch of the page, and how much of the attention went there."""

    box: Box
    share: float  # 0..1 of all cross-attention at this step, the mean over heads and layers


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTrace:
    """One generated token with what the model believed at that step."""

    token_id: int
    text: bytes  # what the token spells; concatenated, a generation's tokens spell its answer
    logprob: float  # raw float32 log-softmax of this token at the output of lm_head; natural log
    top: tuple[Alternative, ...] = ()  # the five most likely tokens, most likely first
    entropy: float = 0.0  # nats, of the raw distribution
    forced: bool = False  # fed by us (a skeleton), not chosen by the model
    # raw log-probabilities, natural, of all tokens together that open a value, and of all that say
    # that there is none; None: not told
    roads: tuple[float, float] | None = None
    patches: tuple[
        AttentionPatch, ...
        # the patches of the page that the model attended to most at this step; none when it was not
        # asked
    ] = ()

    @property
    def attended(self) -> Box | None:
        """The patch that it attended to most; None when it was not asked."""
        return self.patches[0].box if self.patches else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One answer of the model about one page, token by token.

    In ``json`` mode a page has one generation, the whole JSON object. In ``fields`` mode it has one
    for each field: an object with that single key, of which the skeleton tokens (``{"date": ``) are
    ``forced`` and which ends at the value's end.
    """

    tokens: tuple[TokenTrace, ...]
    stop_reason: StopReason

    @property
    def text(self) -> bytes:
        return b"".join(token.text for token in self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswer:
    """Everything a backend says about one page."""

    page: int  # 1-based
    generations: tuple[Generation, ...]
    decode_mode: str  # "json" or "fields"


class FieldState(StrEnum):
    """What the page's answer says about a field.

    Three states that are never mixed with a low score.
    """

    VALUE = "value"
    ABSENT = "absent"  # the model says that the page has no such field
    # truncated, repeated, unparsable or missing in the answer: there is no trustworthy value
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The token at which a value and ``null`` part ways, or a list's first row and its end."""

    taken: float  # raw log-probability of the token that was written; natural log
    # of all tokens together that would have gone the other way; None: not told
    other: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReading:
    """What one page says about one field, as printed, with the tokens that spell it.

    ``tokens`` are the value's tokens in order and, last, the token that ends the value (closing
    quote, comma, brace) when ``ends`` is true. A token that merges the value with its delimiter is
    both; then ``ends`` is false, since it stands among the value tokens already. Skeleton tokens
    are never here.
    """

    name: str  # "total"; a member of a repeated group is "items.amount"
    ordinal: int = 0  # row of a repeated group, 0-based
    state: FieldState
    # as printed; None unless state is VALUE (or a damaged value worth showing to a person)
    text: str | None
    tokens: tuple[TokenTrace, ...] = ()
    ends: bool = True  # the last of ``tokens`` is the ending token, not part of the value
    # None: it was fed, or nobody told
    opening: Opening | None = None
    stop_reason: StopReason = StopReason.END
    # "truncated", "unparsable", "repeated_key", "missing", ...; None when all is well
    problem: str | None = None
    attended: Box | None = (
        # where the model looked while it wrote the value ("cross-attention"); None when it was not
        # asked
        None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One page, read: every field of the document type, with the run that produced it."""

    page: int  # 1-based
    document_type: str
    fields: tuple[FieldReading, ...]
    answer: PageAnswer
    model: str  # name or path of the model, for people
    fingerprint: str  # of weights, dtype and resolution
    prompt_hash: str
    decode_mode: str
    look: int = 0  # of the page: 0 is the first, whose reading becomes the answer
    # nothing was read: the first look's answer was held against this one's picture
    forced: bool = False
    # the model was made for this document type; otherwise nothing it says is accepted unseen
    in_domain: bool
    settings: Mapping[str, object] = field(default_factory=dict)  # decoding parameters, JSON-able
