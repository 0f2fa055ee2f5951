"""The candidates of a document's fields, and what the witnesses say of each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, func, select

from extractors.documents.spec import DocumentType
from extractors.evidence.gather import Candidate, PageEvidence
from extractors.evidence.grounding import Agreement, Grounding
from extractors.evidence.witnesses import Testimony
from extractors.normalise import PROBLEMS, Value
from extractors.page.text import TEXT_LAYER
from extractors.types import StopReason
from worker.db import Tx
from worker.store.bulk import given, insert_many, table_of
from worker.store.codec import box_out, boxes_in, storable, storable_json
from worker.store.documents import hold
from worker.store.types import Claim, Gathered, StoredField
from worker.tables.evidence import CandidateRow, WitnessRow

INSERT_CANDIDATES = insert_many(
    table_of(CandidateRow), [column.name for column in CandidateRow.__table__.columns]
)
INSERT_WITNESSES = insert_many(
    table_of(WitnessRow),
    [column.name for column in WitnessRow.__table__.columns if column.name != "id"],
)


def save(
    tx: Tx,
    held: Claim,
    candidates: Sequence[Candidate],
    testimony: Sequence[Testimony],
) -> None:
    """What was gathered and heard; rows that are there already stay, so that a second run changes
    nothing.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    generation = held.generation
    ids = {one.key: _id(held.document_id, generation, one) for one in candidates}
    rows = [_candidate_row(ids[one.key], held, generation, one) for one in candidates]
    if rows:
        tx.session.execute(INSERT_CANDIDATES, given(rows))
    said: dict[tuple[UUID, str], int] = defaultdict(int)
    heard = []
    for one in testimony:
        of = ids[one.of.key]
        heard.append(_witness_row(of, said[of, one.witness], one))
        said[of, one.witness] += 1
    if heard:
        tx.session.execute(INSERT_WITNESSES, given(heard))


def _id(document_id: UUID, generation: int, one: Candidate) -> UUID:
    """The same for the same place, so that a second run meets the first one's rows."""
    return uuid5(document_id, f"{generation}/{one.name}/{one.ordinal}/{one.number}")


def _candidate_row(id: UUID, held: Claim, generation: int, one: Candidate) -> dict[str, Any]:
    return {
        "id": str(id),
        "document_id": str(held.document_id),
        "generation": generation,
        "name": one.name,
        "ordinal": one.ordinal,
        "number": one.number,
        "state": one.state,
        "text": storable(one.text) if one.text is not None else None,
        "value": storable_json(one.value.value) if one.value else None,
        "currency": one.value.currency if one.value else None,
        "problem": one.problem,
        "field_ids": [str(e.id) for e in one.said],
        "pages": list(one.pages),
    }


def _witness_row(candidate_id: UUID, number: int, one: Testimony) -> dict[str, Any]:
    return {
        "candidate_id": str(candidate_id),
        "witness": one.witness,
        "number": number,
        "says": one.says,
        "code": one.because,
        "message": storable(one.message) if one.message is not None else None,
        "details": storable_json(one.details),
        "page": one.page,
        "boxes": [box_out(box) for box in one.boxes] or None,
        "offers": storable(one.offers) if one.offers is not None else None,
    }


def gathered(
    tx: Tx, document_id: UUID, spec: DocumentType, fields: Sequence[StoredField]
) -> Gathered:
    """The document's candidates as they were stored last, and all that was said of them.

    fields: what the pages say, with or without tokens
    """
    c, w = CandidateRow, WitnessRow
    newest = select(func.max(c.generation)).where(c.document_id == document_id).scalar_subquery()
    said = {field.field_id: field for field in fields}
    order = {path: at for at, path in enumerate(_paths(spec))}
    rows = tx.session.execute(
        select(c.__table__, *(column.label(f"w_{column.name}") for column in w.__table__.columns))
        .join(w, w.candidate_id == c.id, isouter=True)
        .where(c.document_id == document_id, c.generation == newest)
        .order_by(w.witness, w.number)
    ).all()
    known = sorted(
        (row for row in rows if row.name in order),
        key=lambda row: (row.name.partition(".")[0], row.ordinal, order[row.name], row.number),
    )
    candidates: dict[UUID, Candidate] = {}
    testimony = []
    for row in known:
        if row.id not in candidates:
            candidates[row.id] = _candidate(row, said, spec)
        if row.w_id is not None:
            testimony.append(_testimony(row, candidates[row.id]))
    return Gathered(
        candidates=tuple(candidates.values()),
        testimony=tuple(testimony),
        in_domain=bool(fields) and all(field.in_domain for field in fields),
    )


def _paths(spec: DocumentType) -> list[str]:
    return [*(field.name for field in spec.fields), *(p for p in spec.paths() if "." in p)]


def _candidate(row: Row[Any], said: Mapping[UUID, StoredField], spec: DocumentType) -> Candidate:
    readings = tuple(_page_evidence(said[id], spec) for id in row.field_ids if id in said)
    shown = next((e for e in readings if e.text == row.text), None)
    return Candidate(
        name=row.name,
        ordinal=row.ordinal,
        number=row.number,
        state=row.state,
        text=row.text,
        value=shown.value if shown else None,
        problem=row.problem,
        pages=tuple(row.pages),
        said=readings,
    )


def _page_evidence(field: StoredField, spec: DocumentType) -> PageEvidence:
    reading = field.reading
    return PageEvidence(
        id=field.field_id,
        page=field.page,
        name=reading.name,
        ordinal=reading.ordinal,
        state=reading.state,
        text=reading.text,
        value=value_of(field, spec),
        grounding=_grounding(field),
        problem=reading.problem,
        cut=reading.stop_reason is StopReason.LENGTH,
    )


def value_of(field: StoredField, spec: DocumentType) -> Value | None:
    """The value that was stored for a reading of a field; None where nothing was made of it."""
    problem = field.value_problem
    if field.value is None and problem is None:
        return None
    return Value(
        kind=spec.field(field.reading.name).kind,
        value=field.value,
        currency=field.currency,
        problem=problem,
        message=None if problem is None else PROBLEMS.get(problem, problem),
    )


def _grounding(field: StoredField) -> Grounding | None:
    if field.agreement is None:
        return None
    agreement = Agreement(field.agreement)
    found = agreement is not Agreement.NONE and field.boxes
    return Grounding(
        agreement=agreement,
        places=(field.boxes,) if found else (),
        source=field.box_source or TEXT_LAYER,
    )


def _testimony(row: Row[Any], of: Candidate) -> Testimony:
    return Testimony(
        of=of,
        says=row.w_says,
        because=row.w_code,
        message=row.w_message,
        details=row.w_details,
        page=row.w_page,
        boxes=boxes_in(row.w_boxes),
        offers=row.w_offers,
        witness=row.w_witness,
    )
