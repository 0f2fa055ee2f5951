"""Opinion becomes a decision: the document's answer, what of it is accepted, and what waits for a
person.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from extractors.decision.certificates import all_right, band_of
from extractors.decision.choose import Chosen, Scores, choose
from extractors.decision.decide import Beside, Decision, decide_all
from extractors.decision.policy import RULES, policy_of
from extractors.decision.scores import COMBINED
from extractors.decision.watching import below
from extractors.documents import DocumentType
from extractors.evidence.in_picture import look_of
from worker import store
from worker.audits import certificates, watch
from worker.audits import draw as audit_draw
from worker.audits import store as audit_store
from worker.audits.types import Covered
from worker.db import Tx
from worker.fits import store as fits
from worker.pipeline import doubts
from worker.pipeline.attempt import attempt
from worker.pipeline.further_looks import further_looks
from worker.pipeline.routing import Uses, routed
from worker.review import carry, history
from worker.review import store as review_store
from worker.runtime import Runtime
from worker.store.types import Claim, NewResult
from worker.tables.documents import Status
from worker.tables.results import Outcome


def run(document: UUID | Claim, rt: Runtime) -> None:
    """Choose the document's answer among its candidates, and route every field of it."""
    with attempt(rt, document, at=Status.SCORED, stage="route") as claim:
        if claim is None:
            return
        spec = rt.pinned_type(claim.document_type, claim.type_version)
        policy = policy_of(spec, accept_at=rt.accept_at, name=rt.policy, audit_rate=rt.audit_rate)
        with rt.transaction() as tx:
            fields = store.evidence.evidence_of(tx, claim.document_id, tokens=False)
            gathered = store.candidates.gathered(tx, claim.document_id, spec, fields)
            scores = store.evidence.scores_of(tx, claim.document_id, RULES[rt.policy].method)
            combined = {
                method: store.evidence.scores_of(tx, claim.document_id, method)
                for method in (*fits.in_force(tx, claim.document_type), COMBINED)
            }
            looks = (
                further_looks(store.evidence.looks_of(tx, claim.document_id), fields, spec)
                if RULES[rt.policy].looks
                else {}
            )
            left_out = store.pages.left_out_pages(tx, claim.document_id)
            earlier = carry.earlier_answer(tx, claim.document_id) if claim.generation > 1 else []
            models = {one.field_id: one.fingerprint for one in fields}
            lots = audit_draw.lots(
                tx, models, audit_first=RULES[rt.policy].audit_first, plants=rt.audit_planted
            )

        choosing = partial(
            choose,
            spec,
            gathered.candidates,
            gathered.testimony,
            left_out=left_out,
            unjudged=[number for number, rank in left_out.items() if rank is None],
        )
        chosen = choosing(scores)
        with rt.transaction() as tx:
            covered = _covered(tx, claim, chosen, scores, combined, rt)
            standing = certificates.standing(tx, covered)
        beside = {
            one.field_id: Beside(
                opening=None if one.reading.opening is None else one.reading.opening.taken,
                # only what was read again can agree
                looks=tuple(look for look in looks.get(one.field_id, ()) if not look.forced),
            )
            for one in fields
        }
        found = routed(
            chosen,
            choosing(covered.scores) if standing else chosen,
            covered,
            standing,
            policy,
            spec,
            Uses(of_rows=rt.certificates, of_documents=rt.document_certificates),
            lambda rows, by: decide_all(
                rows, spec, by, in_domain=gathered.in_domain, beside=beside
            ),
        )
        chosen, decisions = found.rows, found.decisions
        results = [
            _result(at, row, decision, spec)
            for at, (row, decision) in enumerate(zip(chosen, decisions, strict=True))
        ]
        whole = (
            audit_draw.draw_whole(
                claim,
                results,
                lots,
                covered,
                rate=rt.audit_documents,
                certificate=found.certificate,
            )
            if found.by_scores
            else None
        )
        drawn = audit_draw.draw(
            claim, results, decisions, spec, policy, by=lots, covered=covered, whole=whole
        )
        results = audit_draw.provisional(results, drawn, lots)
        if earlier:
            results = carry.carried_over(results, earlier, known=partial(_has, spec))

        with rt.transaction() as tx:
            store.results.save_results(tx, claim, results)
            audit_store.save_draws(tx, drawn)
            if whole is not None:
                audit_store.save_whole(tx, claim, whole)
            watch.keep(tx, claim, covered)
            watch.after_document(tx, covered, standing)
            waiting = review_store.open_review(tx, claim)
            seen = history.keep_carried(tx, results)
            store.documents.finish(
                tx,
                claim,
                to=(Status.IN_REVIEW if waiting else Status.REVIEWED if seen else Status.ACCEPTED),
            )
            if waiting:
                doubts.of_answer(tx, claim, spec, results, rt)


def _covered(
    tx: Tx,
    claim: Claim,
    chosen: Sequence[Chosen],
    scores: Scores,
    combined: Mapping[str, Scores],
    rt: Runtime,
) -> Covered:
    """What a certificate of this document rests on: the first combined score that every reading
    has which has a score at all, else the policy's own.

    combined: by method, the best first
    """
    known = [one for one, score in scores.items() if score is not None]
    whole = (
        (method, by_reading)
        for method, by_reading in combined.items()
        if known and all(by_reading.get(one) is not None for one in known)
    )
    method, best = next(whole, (RULES[rt.policy].method, scores))
    of_rows = [
        score
        for row in chosen
        if row.evidence_id and (score := best.get(row.evidence_id)) is not None
    ]
    looks = {"looks": rt.looks, "kind": rt.look_kind.value, "below": rt.look_below}
    return Covered(
        document_type=claim.document_type,
        conditions=certificates.conditions(tx, claim.document_id, looks=looks),
        method=method,
        scores=best,
        band=band_of(of_rows),
        weakest=min(of_rows, default=None),
        below=below(of_rows) if of_rows else None,
        all_right=all_right(_of_all(chosen, best)),
    )


def _of_all(chosen: Sequence[Chosen], scores: Scores) -> list[float | None]:
    """The scores of all that a document says: its rows, and that a page has no rows of a list."""
    of_rows = [scores.get(row.evidence_id) if row.evidence_id else None for row in chosen]
    empty = {row.name.partition(".")[0]: row.empty_pages for row in chosen}
    return [*of_rows, *(scores.get(one) for pages in empty.values() for one in pages)]


def _has(spec: DocumentType, name: str) -> bool:
    return name in spec.paths() or any(name == field.name for field in spec.fields)


def _result(position: int, row: Chosen, decision: Decision, spec: DocumentType) -> NewResult:
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
        details=_details(row, decision, spec),
    )


def _details(row: Chosen, decision: Decision, spec: DocumentType) -> Mapping[str, object]:
    return {
        "message": decision.reason.message,
        "picture": look_of(spec.field(row.name).kind, row.testimony),
        "doubts": [
            {"code": doubt.code, "message": doubt.message, **doubt.details}
            for doubt in decision.doubts
        ],
        "agreeing": [str(id) for id in row.agreeing],
        "conflicting": [str(id) for id in row.conflicting],
    }
