"""What a value of a field must fulfil to be accepted."""

from dataclasses import replace

import pytest

from extractors.decision.certificates import Family
from extractors.decision.policy import (
    UNCERTIFIED,
    CertificateUse,
    Certified,
    Closed,
    PolicyName,
    Requirement,
    certified,
    certified_whole,
    closed,
    closed_whole,
    policy_of,
)
from extractors.decision.scores import DEFAULT
from extractors.documents.spec import Kind
from tests.evidence.making import ITEMS, TOTAL, a_field, a_type

STRICT = a_field(Kind.IDENTIFIER, "number", accept_at=0.9)


def test_a_fields_own_threshold_goes_before_the_global_one():
    """Every other field has the global one, by the default method, certified by nobody."""
    policy = policy_of(a_type(TOTAL, STRICT), accept_at=0.7)

    assert policy.of("number").threshold == 0.9
    assert policy.of("total") == Requirement(
        method=DEFAULT, threshold=0.7, certificate=UNCERTIFIED, audit_rate=0.0
    )


def test_lists_and_their_cells_have_requirements_too():
    """A list may be absent, and a cell has a value."""
    policy = policy_of(a_type(ITEMS), accept_at=0.7)

    assert policy.of("items") == policy.of("items.amount")


def test_a_field_that_the_type_does_not_have_has_no_requirement():
    """Rather an error than a threshold that somebody guessed."""
    with pytest.raises(KeyError):
        policy_of(a_type(TOTAL), accept_at=0.7).of("subtotal")


@pytest.mark.parametrize(
    ("accept_at", "own", "threshold"),
    [(0.7, None, 0.9), (0.95, None, 0.95), (0.7, 0.5, 0.9), (0.7, 0.97, 0.97)],
)
def test_the_careful_policy_never_asks_for_less_than_its_own(accept_at, own, threshold):
    """Whatever a setting or a type says; higher thresholds hold."""
    spec = a_type(a_field(Kind.AMOUNT, "total", accept_at=own))
    found = policy_of(spec, accept_at=accept_at, name=PolicyName.CAREFUL).of("total")

    assert (found.threshold, found.looks, found.opening) == (threshold, 2, 0.99)
    assert found.sure_look == 0.8


def test_the_plain_policy_asks_for_one_reading_and_its_threshold():
    found = policy_of(a_type(TOTAL), accept_at=0.7).of("total")
    assert (found.threshold, found.looks, found.opening) == (0.7, 0, 0.0)
    assert found.sure_look == 0.0


CERTIFIED = Certified(certificate="c-17", method="combined/1", threshold=0.93)


@pytest.mark.parametrize("name", list(PolicyName))
def test_a_certificate_stands_in_place_of_the_rules_of_its_own_fields_and_they_are_still_audited(
    name,
):
    """What the policy asks for besides is not asked for any more; other fields keep all of it."""
    spec = a_type(TOTAL, STRICT, ITEMS)
    plain = policy_of(spec, accept_at=0.7, name=name, audit_rate=0.05)
    got = certified(plain, spec, {Family.MONEY: CERTIFIED})

    of_money = Requirement(method="combined/1", threshold=0.93, certificate="c-17", audit_rate=0.05)
    assert got.of("total") == got.of("items.amount") == of_money
    for path in ("number", "items.description"):
        assert got.of(path) == plain.of(path)


@pytest.mark.parametrize(
    ("use", "drifts", "covered", "uncovered"),
    [
        (CertificateUse.OPTIONAL, False, None, None),
        (CertificateUse.REQUIRED, False, None, Closed.UNCERTIFIED),
        (CertificateUse.OPTIONAL, True, Closed.DRIFT, Closed.DRIFT),
        (CertificateUse.REQUIRED, True, Closed.DRIFT, Closed.DRIFT),
    ],
)
def test_a_broken_promise_closes_everything_and_a_required_certificate_what_has_none(
    use, drifts, covered, uncovered
):
    """And nothing else of the requirements changes."""
    spec = a_type(TOTAL, STRICT)
    plain = certified(policy_of(spec, accept_at=0.7), spec, {Family.MONEY: CERTIFIED})
    got = closed(plain, use, drifts=drifts)

    assert (got.of("total").closed, got.of("number").closed) == (covered, uncovered)
    assert replace(got.of("total"), closed=None) == plain.of("total")
    assert replace(got.of("number"), closed=None) == plain.of("number")


@pytest.mark.parametrize("name", list(PolicyName))
def test_a_certificate_of_whole_documents_stands_in_place_of_every_rule(name):
    """Of money, too; and all of it is still audited."""
    spec = a_type(TOTAL, STRICT, ITEMS)
    plain = policy_of(spec, accept_at=0.7, name=name, audit_rate=0.05)
    got = certified_whole(plain, CERTIFIED)

    assert set(got.requirements) == set(plain.requirements)
    assert set(got.requirements.values()) == {
        Requirement(method="combined/1", threshold=0.93, certificate="c-17", audit_rate=0.05)
    }


def test_where_a_document_must_be_certified_every_row_of_it_is_closed():
    """And nothing else of the requirements changes."""
    plain = policy_of(a_type(TOTAL, STRICT), accept_at=0.7)
    got = closed_whole(plain)

    assert {one.closed for one in got.requirements.values()} == {Closed.DOCUMENT}
    assert {
        path: replace(one, closed=None) for path, one in got.requirements.items()
    } == plain.requirements
