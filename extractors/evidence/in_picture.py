"""A witness: a look at the picture, at the places that the text layer alone speaks for.

A text layer can lie: it may be invisible and differ from what is shown, its font's table may be
wrong, or something white may lie over it.  So an amount, a date or an identifier that is found in
the layer is cut from the page's picture there and read by an OCR engine.  What the XML of an
e-invoice says too is not looked at, and text is not either: a slip of the engine would be doubted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from extractors.documents.spec import Kind
from extractors.evidence.einvoice_xml import einvoice_xml
from extractors.evidence.gather import Candidate, PageEvidence
from extractors.evidence.grounding import ground
from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness
from extractors.page.text import TEXT_LAYER, PageText
from extractors.types import Box, FieldState, Word

WITNESS = "in-picture/1"
IN_PICTURE, NOT_IN_PICTURE, NOT_LOOKED_AT = "in_picture", "not_in_picture", "not_looked_at"
LOOKED_AT = frozenset({Kind.AMOUNT, Kind.DATE, Kind.IDENTIFIER})
MARGINS = ((0.3, 0.1), (0.6, 0.25))  # heights along and across the line that is cut, at each look
MOST_PLACES = 3  # of one value: each of them may be what the reader saw
LONGEST_SAID = 100

Place = tuple[int, Box]  # page, and one line on it
Seen = Mapping[Place, str]  # what the picture shows there


def places(document: DocumentEvidence, seen: Seen) -> dict[int, tuple[Box, ...]]:
    """Where to look next, by page: first at one place of each value, then at the others of those
    that the picture does not show.  Nothing when all has been looked at.

    seen: what the looks before have shown
    """
    wanted: dict[Place, None] = {}
    for one in _resting_on_the_layer(document):
        for said in _in_layer(one):
            found = _places(said)
            if not _looked_at(said, seen):
                wanted.update(dict.fromkeys((said.page, box) for box in found[0]))
            elif not _shown(document, one, said, seen):
                wanted.update(dict.fromkeys((said.page, box) for place in found for box in place))
    return {
        page: tuple(box for at, box in wanted if at == page)
        for page in dict.fromkeys(page for page, _ in wanted)
    }


def widened(box: Box, look: int) -> Box:
    """What is cut: a little more than the words, and at the second look some more.

    Words that run up or down the page get more above than beside.
    """
    along, across = (share * min(box.height, box.width) for share in MARGINS[look])
    x, y = (across, along) if box.height > box.width else (along, across)
    return Box(box.x0 - x, box.y0 - y, box.x1 + x, box.y1 + y)


@witness(WITNESS)
def in_picture(document: DocumentEvidence) -> Iterator[Testimony]:
    """What the picture shows where the layer says a value; a place that nobody looked at is
    doubted only where the type demands the look.
    """
    for one in _resting_on_the_layer(document):
        looks = [said for said in _in_layer(one) if _looked_at(said, document.seen)]
        shown = next((s for s in looks if _shown(document, one, s, document.seen)), None)
        if shown is not None:
            yield Testimony(
                of=one,
                says=AGREES,
                because=IN_PICTURE,
                page=shown.page,
                boxes=_places(shown)[0],
            )
        elif looks:
            boxes = _places(looks[0])[0]
            said = " ".join(document.seen[looks[0].page, box] for box in boxes).strip()
            yield Testimony(
                of=one,
                says=DENIES,
                because=NOT_IN_PICTURE,
                message=f"the picture shows {said[:LONGEST_SAID] or 'nothing'} where the file's own"
                " text says this",
                page=looks[0].page,
                boxes=boxes,
            )
        elif document.type.look_required:
            yield Testimony(
                of=one,
                says=DENIES,
                because=NOT_LOOKED_AT,
                message="only the file's own text says this, and nobody looked at the picture",
            )


def look_of(kind: Kind, testimony: Sequence[Testimony]) -> str | None:
    """What a look at the picture said of an answer that the text layer speaks for: the code of this
    witness, ``not_looked_at`` where nobody looked, None where no look was needed.
    """
    code = next((one.because for one in testimony if one.witness == WITNESS), None)
    if code is not None or kind not in LOOKED_AT:
        return code
    if any(one.witness == "einvoice-xml/1" and one.says is AGREES for one in testimony):
        return None
    layer = any(
        one.witness == "on-page/1" and one.details.get("source") == TEXT_LAYER for one in testimony
    )
    return NOT_LOOKED_AT if layer else None


def _resting_on_the_layer(document: DocumentEvidence) -> Iterator[Candidate]:
    """Values of these kinds that the layer says, and nothing that is independent of it."""
    told = {one.of.key for one in einvoice_xml(document) if one.says is AGREES}
    for one in document.candidates:
        if (
            one.state is FieldState.VALUE
            and document.type.field(one.name).kind in LOOKED_AT
            and one.key not in told
            and _in_layer(one)
        ):
            yield one


def _in_layer(one: Candidate) -> list[PageEvidence]:
    """The readings whose value is found in a text layer."""
    return [
        said
        for said in one.said
        if said.grounding is not None
        and said.grounding.source == TEXT_LAYER
        and said.grounding.places
    ]


def _places(said: PageEvidence) -> tuple[tuple[Box, ...], ...]:
    found = said.grounding.places[:MOST_PLACES] if said.grounding is not None else ()
    return tuple(_as_lines(place) for place in found)


def _as_lines(place: tuple[Box, ...]) -> tuple[Box, ...]:
    """One box a line of print too where it runs up or down the page, word over word."""
    one = Box.around(place)
    thick = max(box.width for box in place)
    return (one,) if one.height > one.width and one.width < 1.5 * thick < one.height else place


def _looked_at(said: PageEvidence, seen: Seen) -> bool:
    return all((said.page, box) in seen for box in _places(said)[0])


def _shown(document: DocumentEvidence, one: Candidate, said: PageEvidence, seen: Seen) -> bool:
    """Whether the picture shows the value at one of its places."""
    field = document.type.field(one.name)
    for place in _places(said):
        texts = [seen.get((said.page, box), "") for box in place]
        if said.text is None or not any(texts):
            continue
        found = ground(said.text, _page(texts), field, document.type, value=said.value)
        if found is not None and found.found:
            return True
    return False


def _page(texts: Sequence[str]) -> PageText:
    """What was seen in the lines of a place, as a page of its own."""
    lines = [line for text in texts for line in text.splitlines()]
    words = [
        Word(word, Box(10.0 * at, 20.0 * row, 10.0 * at + 8.0, 20.0 * row + 10.0))
        for row, line in enumerate(lines)
        for at, word in enumerate(line.split())
    ]
    return PageText(words)


def with_looks(document: DocumentEvidence, seen: Seen) -> DocumentEvidence:
    """The document with what the picture shows."""
    return replace(document, seen=seen)
