"""Each answer held against what its document truly says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from extractors.decision.certificates import family_of
from extractors.documents.spec import DocumentType, FieldSpec
from extractors.evidence.einvoice_xml import says_the_same
from extractors.normalise import Value, normalise
from extractors.types import FieldState
from worker.evaluation.truths import Key, Spelling, Truth
from worker.reporting import FieldRow
from worker.tables.results import Outcome

ALL = "all"
Place = tuple[UUID, str, int]  # document, path of the field, its row


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One field that the document has, or that was read of it."""

    document_id: UUID
    path: str
    ordinal: int
    right: bool
    score: float | None  # None: there is none, as of a row that was not read
    accepted: bool  # without a person
    band: str  # of the document, by its mean score
    family: str  # of the field: "money", "rest"

    @property
    def place(self) -> Place:
        """Which answer of which document it is."""
        return self.document_id, self.path, self.ordinal


def judge(
    document_id: UUID,
    rows: Sequence[FieldRow],
    truth: Truth,
    spec: DocumentType,
    *,
    band: str,
) -> Iterator[Judged]:
    """What was read, held against the truth; fields that nobody labelled are left out.

    rows: of the document's answer; none where it could not be read
    """
    read: dict[Key, FieldRow] = {(row.field, row.ordinal): row for row in rows}
    for key in sorted(truth.values.keys() | {key for key in read if _is_labelled(key, truth)}):
        row, true = read.get(key), truth.values.get(key)
        if row is None and true is None:
            continue
        yield Judged(
            document_id=document_id,
            path=key[0],
            ordinal=key[1],
            right=row is not None and _is_right(row, true, truth, spec),
            score=None if row is None else row.score,
            accepted=row is not None and row.decision is Outcome.ACCEPTED,
            band=band,
            family=family_of(spec.field(key[0])),
        )


def _is_labelled(key: Key, truth: Truth) -> bool:
    """Of a list whose rows are labelled, a further row is one too many."""
    path = key[0]
    return path.partition(".")[0] in truth.lists


def _is_right(row: FieldRow, true: str | None, truth: Truth, spec: DocumentType) -> bool:
    if true is None or row.state is not FieldState.VALUE or row.text is None:
        return true is None and row.state is FieldState.ABSENT
    field = spec.field(row.field)
    if truth.spelling is Spelling.PLAIN:
        return says_the_same(field, true, text=row.text, value=row.value)
    if row.text == true:
        return True
    return _value(row, field).agrees_with(normalise(true, field, spec))


def _value(row: FieldRow, field: FieldSpec) -> Value:
    return Value(kind=field.kind, value=row.value, currency=row.currency)


def groups(judged: Sequence[Judged]) -> Mapping[str, list[Judged]]:
    """The same, by how well their documents read, and by family."""
    found: dict[str, list[Judged]] = {}
    for one in judged:
        for name in (f"documents that read {one.band}", f"fields: {one.family}"):
            found.setdefault(name, []).append(one)
    return dict(sorted(found.items()))
