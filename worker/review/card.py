"""One field as a reviewer sees it: what was read, how sure, why it is here, what else it could
be.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from extractors.decision.decide import NOT_IN_DOMAIN
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.witnesses import Says
from extractors.normalise import normalise
from extractors.types import Box, FieldState
from worker.review.alternatives import Choice, choices, meaning_of
from worker.review.context import ItemContext, PageView, Place, Said
from worker.review.heard import Heard
from worker.review.tables import ItemState
from worker.review.token_marks import Run, runs_of
from worker.review.types import Item

LONGEST_MARKED = 2_000  # characters: beyond, nobody looks for single doubtful ones
STATES = {
    FieldState.ABSENT: "not on the document",
    FieldState.UNREADABLE: "nothing usable was read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What the kind's parser and validators say about a text."""

    fits: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What one witness said about the field, and where the page shows it."""

    heard: Heard
    place: str  # JSON for the page viewer; empty: it has no place on a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything that the page shows about one field."""

    item: Item
    filename: str | None
    title: str  # of the document type
    field: FieldSpec
    runs: tuple[Run, ...]
    doubtful_at: int  # the first character of the weakest run: where the cursor goes; -1 for none
    text: str  # to begin a correction with
    meaning: str | None
    problem: str | None  # in words, why the text has no value
    choices: tuple[Choice, ...]
    reasons: tuple[str, ...]  # those that no witness below gives
    witnesses: tuple[Witness, ...]  # contradictions first
    said: tuple[Said, ...]
    view: str  # JSON for the page viewer: image, page size in points, boxes
    image: str  # the address of the page that the field rests on; empty: there is none to show
    page: int | None  # that is shown first
    page_count: int | None
    open: bool

    @property
    def list(self) -> str:
        """The list that the field is, or stands in; empty for a field of its own."""
        name, dot, _ = self.item.field.partition(".")
        return name if dot or self.field.kind is Kind.GROUP else ""

    @property
    def can_accept(self) -> bool:
        return self.item.state is not FieldState.UNREADABLE

    @property
    def nothing(self) -> str:
        """In words, why there is no value."""
        return STATES.get(self.item.state, "")


def card_of(before: ItemContext, spec: DocumentType, *, caution: str | None = None) -> Card:
    """The card of one item.

    caution: what is said of a model that was not made for this type: what it was made for
    """
    item = before.item
    field = spec.field(item.field)
    tokens = before.evidence.tokens if before.evidence else ()
    text = item.text or ""
    runs = runs_of(tokens if _as_read(before) else (), text, most=LONGEST_MARKED)
    has_kind = field.kind is not Kind.GROUP
    value = normalise(text, field, spec) if text and has_kind else None
    return Card(
        item=item,
        filename=before.filename,
        title=spec.title,
        field=field,
        runs=runs,
        doubtful_at=_doubtful_at(runs),
        text=text,
        meaning=(
            meaning_of(replace(value, currency=value.currency or item.currency), text)
            if value
            else None
        ),
        problem=(value.message or value.problem) if value else None,
        choices=(
            choices(item.text, tokens, item.details, field, spec, heard=before.heard)
            if has_kind and len(text) <= LONGEST_MARKED
            else ()
        ),
        reasons=_reasons(item, before.heard, caution),
        witnesses=tuple(Witness(heard=one, place=_seen(one)) for one in before.heard),
        said=before.said,
        view=json.dumps(view := _view(before)),
        image=str(view.get("image", "")),
        page=before.page.number if before.page else None,
        page_count=before.page_count,
        open=item.item_state is ItemState.OPEN,
    )


def feedback(
    text: str, field: FieldSpec, spec: DocumentType, *, known: str | None = None
) -> Feedback:
    """What a text would mean in this field.

    known: the currency that an amount has so far; a text that names none leaves it, one that names
           another replaces it
    """
    if not text.strip():
        return Feedback(fits=False, message="nothing typed yet")
    if field.kind is Kind.GROUP:
        return Feedback(fits=False, message="a list is corrected row by row")
    value = normalise(text, field, spec)
    if value.problem is not None:
        return Feedback(fits=False, message=value.message or value.problem)
    meaning = meaning_of(value, text)
    message = f"means {meaning}" if meaning else f"fits: {field.kind.value}"
    if known and value.currency is None:
        message += f"; the currency stays {known}"
    elif known and value.currency != known:
        message += f", no longer {known}"
    return Feedback(fits=True, message=message)


def _as_read(before: ItemContext) -> bool:
    return before.evidence is not None and before.evidence.text == before.item.text


def _doubtful_at(runs: tuple[Run, ...]) -> int:
    weak = [
        (run.probability or 0.0, sum(len(r.text) for r in runs[:i]))
        for i, run in enumerate(runs)
        if run.level != "sure"
    ]
    return min(weak)[1] if weak else -1


def _reasons(item: Item, heard: Sequence[Heard], caution: str | None) -> tuple[str, ...]:
    messages = [str(item.details.get("message") or item.reason.replace("_", " "))]
    messages += [
        str(doubt["message"]) for doubt in item.details.get("doubts") or () if doubt.get("message")
    ]
    if caution is not None and item.reason == NOT_IN_DOMAIN:  # it stands first
        messages[0] = caution
    told = {one.message for one in heard if one.says is Says.DENIES}
    return tuple(message for message in dict.fromkeys(messages) if message not in told)


def _seen(one: Heard) -> str:
    """Where a witness saw it, as the viewer takes it."""
    if one.page is None or not one.boxes:
        return ""
    return json.dumps({"page": one.page, "boxes": [_corners(box) for box in one.boxes]})


def _view(before: ItemContext) -> dict[str, Any]:
    page = before.page
    if page is None:
        return {}
    same_page = before.evidence is not None and before.evidence.page == page.number
    evidence = before.evidence if same_page else None
    place = (
        Place(
            page=page.number,
            boxes=evidence.boxes,
            source=evidence.box_source,
            attention=evidence.attention,
        )
        if evidence
        else None
    )
    return {
        **page_json(before.item.document_id, page),
        **place_json(place),
        "pages": [page_json(before.item.document_id, each) for each in before.pages],
    }


def place_json(place: Place | None) -> dict[str, Any]:
    """A place as the viewer takes it, in points: firm boxes, or how warm each patch is that the
    model looked at.
    """
    if place is None:
        return {"boxes": [], "source": None, "attention": []}
    return {
        "boxes": [_corners(box) for box in place.boxes],
        "source": place.source,
        "attention": [[*_corners(each.box), round(each.weight, 3)] for each in place.attention],
    }


def _corners(box: Box) -> list[float]:
    return [box.x0, box.y0, box.x1, box.y1]


def page_json(document_id: UUID, page: PageView) -> dict[str, Any]:
    """A page as the viewer takes it; its image's address carries the name of its bytes, so that
    browsers may keep it.
    """
    image = f"/documents/{document_id}/pages/{page.number}.png?v={page.view_sha256[:12]}"
    return {"image": image, "number": page.number, "width": page.width_pt, "height": page.height_pt}
