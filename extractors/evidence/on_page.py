"""A witness: do the page's own words say the value?"""

from collections.abc import Iterator

from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness
from extractors.types import FieldState


@witness("on-page/1")
def on_page(document: DocumentEvidence) -> Iterator[Testimony]:
    """The words of a page that says the value show it, with its place; or none of them does.

    A page without words is silent, and so is a tick, which no word spells.
    """
    for candidate in document.candidates:
        if candidate.state is not FieldState.VALUE:
            continue
        found = [(e.page, e.grounding) for e in candidate.said if e.grounding is not None]
        shown = next(((page, g) for page, g in found if g.found), None)
        if shown is not None:
            page, grounding = shown
            yield Testimony(
                of=candidate,
                says=AGREES,
                because="on_page",
                details={"agreement": grounding.agreement.value, "source": grounding.source},
                page=page,
                boxes=grounding.places[0] if grounding.places else (),
            )
        elif found and len(found) == len(candidate.said):
            page, grounding = found[0]
            says = f"says {grounding.nearest}" if grounding.nearest else "does not say this"
            yield Testimony(
                of=candidate,
                says=DENIES,
                because="not_on_page",
                message=f"page text {says}",
                details={"nearest": grounding.nearest},
                page=page,
            )
