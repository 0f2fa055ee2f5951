"""What a value must fulfil to be accepted: one requirement a field of a document type."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from extractors.decision.certificates import Family, family_of
from extractors.decision.scores import DEFAULT
from extractors.documents.spec import DocumentType, FieldSpec

UNCERTIFIED = "uncertified"  # the threshold is a plain setting, and nobody measured what it lets by
PROVISIONAL = "provisional"  # one of a model's first accepted rows: a person looks at each of them


class PolicyName(StrEnum):
    """The policies that can be chosen."""

    PLAIN = "plain"  # one look, and the least sure token against a threshold, as the article does
    CAREFUL = "careful"  # three readings of each page that say the same, all of them sure


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a policy asks for."""

    method: str  # "weakest-token/1"
    least: float  # the lowest threshold, whatever a setting or a type says
    looks: int  # further looks at each page, which must read the same
    sure_look: float  # the least probability of a look's least sure token
    opening: float  # the least probability of the token where a value and null part ways
    # of a model's accepted rows so many are audited, all of the first ones: 299 without an error
    # say, with 95 % confidence, that at most 1 % are wrong (0.99^299 < 0.05)
    audit_first: int


RULES: Mapping[PolicyName, Rule] = {
    PolicyName.PLAIN: Rule(
        method=DEFAULT, least=0.0, looks=0, sure_look=0.0, opening=0.0, audit_first=0
    ),
    PolicyName.CAREFUL: Rule(
        method=DEFAULT, least=0.9, looks=2, sure_look=0.8, opening=0.99, audit_first=299
    ),
}


class CertificateUse(StrEnum):
    """What certificates are to a policy."""

    OPTIONAL = "optional"  # where none holds, the policy's own rule decides
    REQUIRED = "required"  # where none holds, a person does


class Closed(StrEnum):
    """Why nothing is accepted, whatever its score."""

    UNCERTIFIED = "uncertified"  # a certificate is required, and none holds here
    DRIFT = "drift"  # audits confirmed that a promise is broken
    # nobody would touch the document, a certificate of whole ones is required, and none covers it
    DOCUMENT = "document_uncertified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """How a value is measured, and from which score on it may be accepted."""

    method: str  # "weakest-token/1"
    threshold: float  # the lowest score that is accepted
    looks: int = 0  # further looks at the page that must read the same
    sure_look: float = 0.0  # the least probability of a look's least sure token
    opening: float = 0.0  # the least probability of the token where a value and null part ways
    certificate: str = UNCERTIFIED  # the proof behind the threshold
    audit_rate: float = 0.0  # the probability that a person looks at it whatever becomes of it
    closed: Closed | None = None  # why nothing is accepted; None: its score decides


@dataclass(frozen=True, slots=True)
class Policy:
    """The requirements of one document type."""

    requirements: Mapping[str, Requirement]  # by path: "total", "items", "items.amount"

    def of(self, path: str) -> Requirement:
        """What a value at ``total`` or ``items.amount`` must fulfil.

        Raises KeyError when the type has no such field.
        """
        return self.requirements[path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A threshold that was tested, for documents like this one."""

    certificate: str  # its id
    method: str
    threshold: float


def certified(
    policy: Policy, spec: DocumentType, certificates: Mapping[Family, Certified]
) -> Policy:
    """The policy with tested thresholds in place of its rules, where there are any."""

    def requirement(path: str, plain: Requirement) -> Requirement:
        found = certificates.get(family_of(spec.field(path)))
        if found is None:
            return plain
        return Requirement(
            method=found.method,
            threshold=found.threshold,
            certificate=found.certificate,
            audit_rate=plain.audit_rate,
        )

    return Policy({path: requirement(path, one) for path, one in policy.requirements.items()})


def certified_whole(policy: Policy, certificate: Certified) -> Policy:
    """The policy of a document whose score reaches the threshold of a certificate of whole ones: no
    row of it scores below that, since the document's score is the product of its rows'.
    """
    return Policy(
        {
            path: Requirement(
                method=certificate.method,
                threshold=certificate.threshold,
                certificate=certificate.certificate,
                audit_rate=plain.audit_rate,
            )
            for path, plain in policy.requirements.items()
        }
    )


def closed_whole(policy: Policy) -> Policy:
    """The policy with a person for every row: a document that nobody touches must be certified."""
    return Policy(
        {path: replace(one, closed=Closed.DOCUMENT) for path, one in policy.requirements.items()}
    )


def closed(policy: Policy, use: CertificateUse, *, drifts: bool) -> Policy:
    """The policy with what people decide from now on: everything where a promise is known to be
    broken, and what no certificate covers where one is required.
    """

    def why(one: Requirement) -> Closed | None:
        if drifts:
            return Closed.DRIFT
        uncertified = one.certificate == UNCERTIFIED
        return Closed.UNCERTIFIED if uncertified and use is CertificateUse.REQUIRED else None

    return Policy(
        {path: replace(one, closed=why(one)) for path, one in policy.requirements.items()}
    )


def policy_of(
    spec: DocumentType,
    *,
    accept_at: float,
    name: PolicyName = PolicyName.PLAIN,
    audit_rate: float = 0.0,
) -> Policy:
    """One method for all fields, and each field's own threshold before the global one; neither lies
    below what the policy asks for.
    """
    rule = RULES[name]

    def requirement(field: FieldSpec) -> Requirement:
        wanted = accept_at if field.accept_at is None else field.accept_at
        return Requirement(
            method=rule.method,
            # in this order: what is no number must stay none
            threshold=max(wanted, rule.least),
            looks=rule.looks,
            sure_look=rule.sure_look,
            opening=rule.opening,
            audit_rate=audit_rate,
        )

    plain = {field.name: requirement(field) for field in spec.fields}
    cells = {path: requirement(spec.field(path)) for path in spec.paths()}
    return Policy(plain | cells)
