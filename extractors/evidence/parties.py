"""A witness: does a name stand in its own party's block, or in the other one's?

No label settles who sells and who buys; but a seller that stands under "Bill to" alone is the
buyer, and a buyer who was not found stands there with a name.
"""

from collections.abc import Iterator, Sequence

from extractors.documents.spec import FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import (
    DENIES,
    OFFERS,
    DocumentEvidence,
    Testimony,
    witness,
)
from extractors.page.folding import squeezed
from extractors.page.label_phrases import NAMES, NO_NAMES
from extractors.page.layout import text_of
from extractors.page.parties import Block
from extractors.types import Box, FieldState

OTHER_PARTY, PARTY_NAMED = "other_party", "party_named"
# What a name never stands behind.
_FOREIGN = frozenset(NAMES) | NO_NAMES


@witness("parties/2")
def parties(document: DocumentEvidence) -> Iterator[Testimony]:
    """Sellers and buyers, by the blocks that they stand in."""
    fields = {f.einvoice: f for f in document.type.fields if f.einvoice in ("seller", "buyer")}
    blocks = {number: page.parties for number, page in document.pages.items()}
    for term, field in fields.items():
        if field.kind is Kind.TEXT:
            for candidate in document.of(field.name):
                yield from _heard(document, candidate, field, term or "", blocks)


def _heard(
    document: DocumentEvidence,
    candidate: Candidate,
    field: FieldSpec,
    term: str,
    blocks: dict[int, tuple[Block, ...]],
) -> Iterator[Testimony]:
    own = [(n, b) for n, ones in blocks.items() for b in ones if b.party == term]
    if candidate.state is not FieldState.VALUE:
        named = [(n, b) for n, b in own if b.name]
        if named and len({_text(b) for _, b in named}) == 1:
            yield _missing(candidate, *named[0])
        return
    places = [
        (said.page, place)
        for said in candidate.said
        if said.grounding is not None
        for place in said.grounding.places
    ]
    others = [(n, b) for n, ones in blocks.items() for b in ones if b.party not in (term, "other")]
    theirs = next((each for each in others if _within(places, *each)), None)
    if theirs is not None and not any(_within(places, *each) for each in own):
        page, block = theirs
        yield Testimony(
            of=candidate,
            says=DENIES,
            because=OTHER_PARTY,
            message=f"stands under {block.heading}",
            page=page,
            boxes=tuple(word.box for word in block.name),
        )
    elif places and (label := _foreign(document, candidate)) is not None:
        yield Testimony(
            of=candidate,
            says=DENIES,
            because=OTHER_PARTY,
            message=f"stands under {label}, which is no name",
            page=places[0][0],
            boxes=places[0][1],
        )


def _within(places: Sequence[tuple[int, tuple[Box, ...]]], page: int, block: Block) -> bool:
    return any(number == page and block.holds(place[0]) for number, place in places)


def _missing(candidate: Candidate, page: int, block: Block) -> Testimony:
    absent = candidate.state is FieldState.ABSENT
    return Testimony(
        of=candidate,
        says=DENIES if absent else OFFERS,
        because=PARTY_NAMED,
        message=f"under {block.heading} the page says {_text(block)}",
        page=page,
        boxes=tuple(word.box for word in block.name),
        offers=_text(block),
    )


def _text(block: Block) -> str:
    return text_of(block.name)


def _foreign(document: DocumentEvidence, candidate: Candidate) -> str | None:
    """The label beside every place of the name, if it names what is no name."""
    found: str | None = None
    for said in candidate.said:
        for place in said.grounding.places if said.grounding is not None else ():
            found = _label_before(document, said.page, place)
            if found is None:
                return None
    return found


def _label_before(document: DocumentEvidence, page: int, place: Sequence[Box]) -> str | None:
    box = place[0]
    middle = box.middle
    for line in document.pages[page].lines:
        if not line[0][0].box.y0 <= middle <= line[0][0].box.y1:
            continue
        before = [w for cell in line for w in cell if w.box.x1 <= box.x0 + 1]
        beside = [cell for cell in line if cell[-1].box.x1 <= box.x0 + 1]
        label = beside[-1] if beside and beside[-1][-1] is before[-1] else before
        text = text_of(label)
        if squeezed(text) in _FOREIGN:
            return text.rstrip(" :")
    return None
