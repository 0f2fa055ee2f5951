"""Opinion becomes a decision: the document's answer, what of it is accepted, and what waits for a
person.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from extractors.decision.decide import Decision, decide_all
from extractors.decision.scores import DEFAULT
from extractors.documents import DocumentType
from extractors.documents.spec import Kind
from extractors.evidence.grounding import ground
from extractors.evidence.left_out_pages import contradicted
from extractors.evidence.line_items import checked
from extractors.evidence.merge import Evidence, Merged, merge
from extractors.normalise import normalise
from extractors.page.text import PageText
from extractors.types import StopReason
from worker import store
from worker.pipeline.attempt import attempt
from worker.review import store as review_store
from worker.runtime import Runtime
from worker.store.types import FoundAt, NewResult, StoredField
from worker.tables.documents import Status
from worker.tables.results import Outcome


def run(document_id: UUID, rt: Runtime) -> None:
    """Merge the pages' evidence into one answer and route every field of it."""
    with attempt(rt, document_id, at=Status.SCORED, stage="route") as claim:
        if claim is None:
            return
        spec = rt.pinned_type(claim.document_type, claim.type_version)
        with rt.transaction() as tx:
            fields = store.evidence.evidence_of(tx, document_id)
            scores = store.evidence.scores_of(tx, document_id, DEFAULT)
            texts = store.evidence.page_texts(tx, document_id)
            left_out = store.pages.left_out_pages(tx, document_id)

        evidence = [
            _evidence(field, spec, scores.get(field.field_id), texts[field.page])
            for field in fields
            if _known(field, spec)
        ]
        unjudged = [number for number, rank in left_out.items() if rank is None]
        rows = merge(
            spec,
            evidence,
            pages=texts.keys() - left_out.keys(),
            left_out=left_out,
            unjudged=unjudged,
        )
        in_domain = bool(fields) and all(field.in_domain for field in fields)
        rows = checked(
            rows,
            spec,
            {number: text.words for number, text in texts.items() if number not in left_out},
        )
        rows = contradicted(rows, spec, {number: texts[number].words for number in left_out})
        decisions = decide_all(
            rows, spec, accept_at=rt.accept_at, method=DEFAULT, in_domain=in_domain
        )
        results = [
            _result(at, row, decision, spec)
            for at, (row, decision) in enumerate(zip(rows, decisions, strict=True))
        ]

        with rt.transaction() as tx:
            store.evidence.save_grounding(tx, claim, _found(evidence, fields))
            store.results.save_results(tx, claim, results)
            waiting = review_store.open_review(tx, claim)
            store.documents.finish(tx, claim, to=Status.IN_REVIEW if waiting else Status.ACCEPTED)


def _known(field: StoredField, spec: DocumentType) -> bool:
    """The field is one of the document type's; an invented one stays in the evidence and gets no
    further.
    """
    return field.reading.name in spec.paths() or any(
        field.reading.name == f.name for f in spec.fields
    )


def _evidence(
    field: StoredField, spec: DocumentType, score: float | None, page: PageText
) -> Evidence:
    reading = field.reading
    spelled = spec.field(reading.name)
    # what is said about a whole group has no value of its own
    text = None if spelled.kind is Kind.GROUP else reading.text
    return Evidence(
        id=field.field_id,
        page=field.page,
        name=reading.name,
        ordinal=reading.ordinal,
        state=reading.state,
        text=reading.text,
        score=score,
        value=None if text is None else normalise(text, spelled, spec),
        grounding=None if text is None else ground(text, page, spelled, spec),
        problem=reading.problem,
        cut=reading.stop_reason is StopReason.LENGTH,
    )


def _found(evidence: Sequence[Evidence], fields: Sequence[StoredField]) -> list[FoundAt]:
    """Where the page's words say each value; where they do not say it, the place that the model
    looked at stays.
    """
    looked = {field.field_id: field for field in fields}
    found = []
    for each in evidence:
        if each.grounding is None:
            continue
        before = looked[each.id]
        boxes, source = (
            (each.grounding.places[0], each.grounding.source)
            if each.grounding.places
            else (before.boxes, before.box_source)
        )
        agreement = each.grounding.agreement.value
        found.append(
            FoundAt(
                field_id=each.id,
                boxes=boxes,
                source=source or each.grounding.source,
                agreement=agreement,
            )
        )
    return found


def _result(position: int, row: Merged, decision: Decision, spec: DocumentType) -> NewResult:
    return NewResult(
        name=row.name,
        ordinal=row.ordinal,
        position=position,
        kind=spec.field(row.name).kind.value,
        state=row.state,
        text=row.text,
        value=row.value.value if row.value else None,
        currency=row.value.currency if row.value else None,
        field_id=row.evidence_id,
        page=row.page,
        score=decision.score,
        method=decision.method,
        threshold=decision.threshold,
        certificate=decision.certificate,
        decision=Outcome(decision.outcome.value),
        reason=decision.reason.code,
        details=_details(row, decision),
    )


def _details(row: Merged, decision: Decision) -> Mapping[str, object]:
    return {
        "words": decision.reason.words,
        "doubts": [
            {"code": doubt.code, "words": doubt.words, **doubt.details} for doubt in decision.doubts
        ],
        "agreeing": [str(id) for id in row.agreeing],
        "conflicting": [str(id) for id in row.conflicting],
    }
