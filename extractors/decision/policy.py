"""What a value must fulfil to be accepted: one requirement a field of a document type."""

from collections.abc import Mapping
from dataclasses import dataclass

from extractors.decision.scores import DEFAULT
from extractors.documents.spec import DocumentType, FieldSpec

UNCERTIFIED = "uncertified"  # the threshold is a plain setting, and nobody measured what it lets by


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """How a value is measured, and from which score on it may be accepted."""

    method: str  # "weakest-token/1"
    threshold: float  # the lowest score that is accepted
    certificate: str = UNCERTIFIED  # the proof behind the threshold
    audit_rate: float = 0.0  # share of what is accepted that people look at all the same


@dataclass(frozen=True, slots=True)
class Policy:
    """The requirements of one document type."""

    requirements: Mapping[str, Requirement]  # by path: "total", "items", "items.amount"

    def of(self, path: str) -> Requirement:
        """What a value at ``total`` or ``items.amount`` must fulfil.

        Raises KeyError when the type has no such field.
        """
        return self.requirements[path]


def policy_of(spec: DocumentType, *, accept_at: float, method: str = DEFAULT) -> Policy:
    """The plain policy: one method for all fields, and each field's own threshold before the
    global one.
    """

    def requirement(field: FieldSpec) -> Requirement:
        own = field.accept_at
        return Requirement(method=method, threshold=accept_at if own is None else own)

    plain = {field.name: requirement(field) for field in spec.fields}
    cells = {path: requirement(spec.field(path)) for path in spec.paths()}
    return Policy(plain | cells)
