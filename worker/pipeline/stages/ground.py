"""Readings become evidence: what they mean, where the page says it, and what witnesses say of it.

All of it is stored before anything is scored.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from uuid import UUID

import structlog

from extractors.documents import DocumentType
from extractors.documents.spec import Kind
from extractors.errors import SurefieldError
from extractors.evidence.conventions import conventions
from extractors.evidence.gather import PageEvidence, gather
from extractors.evidence.grounding import Grounding, ground
from extractors.evidence.relevance import relevances
from extractors.evidence.witnesses import DocumentEvidence, hear
from extractors.normalise import Value, normalise
from extractors.page.text import PageText
from extractors.types import StopReason
from worker import store
from worker.pipeline.attempt import attempt
from worker.pipeline.looks import looked_at
from worker.runtime import Runtime
from worker.store.types import Claim, Measured, StoredField
from worker.tables.documents import Status

log = structlog.get_logger()


def run(taken: UUID | Claim, rt: Runtime) -> None:
    """Gather the candidates of every field of one document, and hear every witness about them."""
    with attempt(rt, taken, at=Status.EXTRACTED, stage="ground") as claim:
        if claim is None:
            return
        spec = rt.pinned_type(claim.document_type, claim.type_version)
        with rt.transaction() as tx:
            fields = store.evidence.evidence_of(tx, claim.document_id, tokens=False)
            pages = store.evidence.pages_of(tx, claim.document_id)
            findings = store.rendering.findings_of(tx, claim.document_id)
            einvoice = store.rendering.einvoice_of(tx, claim.document_id)

        texts = {page.number: page.text for page in pages}
        read = {page.number: page.text for page in pages if not page.left_out}
        left_out = {page.number: page.text for page in pages if page.left_out}
        known = [field for field in fields if _known(field, spec)]
        spec = _as_written(spec, known, read)
        evidence = _evidence(known, texts, spec)
        candidates = gather(spec, evidence, pages=read)
        document = DocumentEvidence(
            type=spec,
            candidates=candidates,
            pages=read,
            left_out=left_out,
            findings=findings,
            einvoice=einvoice,
            received=claim.received,
        )
        testimony = hear(looked_at(document, pages, rt))
        logits, reranker = _relevance(evidence, texts, rt)
        # as gathered: the cells of a list have found their rows
        placed = [said for one in candidates for said in one.said]
        measured = _measured(placed, fields, logits, reranker)

        with rt.transaction() as tx:
            store.documents.finish(tx, claim, to=Status.GROUNDED)
            store.evidence.save_measured(tx, claim, measured)
            store.candidates.save(tx, claim, candidates, testimony)


def _known(field: StoredField, spec: DocumentType) -> bool:
    """The field is one of the document type's; an invented one stays in the evidence and gets no
    further.
    """
    name = field.reading.name
    return name in spec.paths() or any(name == one.name for one in spec.fields)


def _as_written(
    spec: DocumentType, fields: Sequence[StoredField], pages: Mapping[int, PageText]
) -> DocumentType:
    """The type with the decimal sign and the order of dates that the document proves."""
    readings = [field.reading for field in fields]
    said = [(spec.field(one.name).kind, one.text) for one in readings if one.text is not None]
    return conventions(said, [page.words for page in pages.values()]).of(spec)


def _evidence(
    fields: Sequence[StoredField], pages: Mapping[int, PageText], spec: DocumentType
) -> list[PageEvidence]:
    """The readings with their values and places: the one time that both are looked for.

    Rows repeat themselves (a price, a quantity): what was found once is not sought again.
    """

    @cache
    def found(name: str, text: str, page: int) -> tuple[Value, Grounding | None]:
        spelled = spec.field(name)
        value = normalise(text, spelled, spec)
        return value, ground(text, pages[page], spelled, spec, value=value)

    evidence = []
    for field in fields:
        name, text = field.reading.name, field.reading.text
        if text is None or spec.field(name).kind is Kind.GROUP:
            # what is said about a whole group has no value of its own
            evidence.append(_with_value(field, None, None))
        else:
            evidence.append(_with_value(field, *found(name, text, field.page)))
    return evidence


def _with_value(
    field: StoredField, value: Value | None, grounding: Grounding | None
) -> PageEvidence:
    reading = field.reading
    return PageEvidence(
        id=field.field_id,
        page=field.page,
        name=reading.name,
        ordinal=reading.ordinal,
        state=reading.state,
        text=reading.text,
        value=value,
        grounding=grounding,
        problem=reading.problem,
        cut=reading.stop_reason is StopReason.LENGTH,
    )


def _relevance(
    evidence: Sequence[PageEvidence], pages: Mapping[int, PageText], rt: Runtime
) -> tuple[dict[UUID, float], str | None]:
    """What a reranker says of each value's line, and its fingerprint.

    One that is away says nothing, and nothing waits for it.
    """
    try:
        reranker = rt.reranker()
        if reranker is None:
            return {}, None
        return relevances(evidence, pages, reranker), reranker.fingerprint
    except SurefieldError as error:
        log.warning("reranker_left_out", code=error.code, words=str(error))
        return {}, None


def _measured(
    evidence: Sequence[PageEvidence],
    fields: Sequence[StoredField],
    logits: Mapping[UUID, float],
    reranker: str | None,
) -> list[Measured]:
    """What is new about each reading; where the page's words do not say a value, the place that the
    model looked at stays.
    """
    before = {field.field_id: field for field in fields}
    found = []
    for one in evidence:
        if one.value is None:
            continue
        grounding, looked = one.grounding, before[one.id]
        places = grounding.places if grounding is not None else ()
        own_source = grounding.source if grounding is not None else None
        found.append(
            Measured(
                field_id=one.id,
                value=one.value,
                boxes=places[0] if places else looked.boxes,
                box_source=own_source if places else looked.box_source or own_source,
                agreement=grounding.agreement.value if grounding is not None else None,
                relevance=logits.get(one.id),
                reranker=reranker if one.id in logits else None,
            )
        )
    return found
