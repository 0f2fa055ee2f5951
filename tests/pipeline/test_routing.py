"""By which promise a document is decided, where two scores see it differently."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from extractors.decision.certificates import Band, Family, all_right
from extractors.decision.choose import Chosen
from extractors.decision.decide import Decision, Outcome, decide_all
from extractors.decision.policy import UNCERTIFIED, CertificateUse, Policy, PolicyName, policy_of
from extractors.documents.slip import Slip
from extractors.normalise import normalise
from extractors.types import FieldState
from worker.audits.tables import PlanState
from worker.audits.types import Covered, Standing
from worker.pipeline.routing import Routed, Uses, routed

OPTIONAL, REQUIRED = CertificateUse.OPTIONAL, CertificateUse.REQUIRED
POLICY = policy_of(Slip.spec, accept_at=0.7)
STRICT = policy_of(Slip.spec, accept_at=0.9995)
CAREFUL = policy_of(Slip.spec, accept_at=0.7, name=PolicyName.CAREFUL)  # without any look: nothing
SURE = (0.99, 0.98)


def rows(*scores: float | None, number: str = "A-17") -> tuple[Chosen, ...]:
    """A number and a total with these scores."""
    texts = ("number", number), ("total", "12.50")
    return tuple(
        Chosen(
            name=name,
            state=FieldState.VALUE,
            text=text,
            value=normalise(text, Slip.spec.field(name), Slip.spec),
            score=score,
            evidence_id=UUID(int=at),
        )
        for at, ((name, text), score) in enumerate(zip(texts, scores, strict=True))
    )


def covered(scored: Sequence[Chosen]) -> Covered:
    return Covered(
        document_type="slip",
        conditions="c",
        method="combined/1",
        scores={},
        band=Band.CLEAR,
        weakest=None,
        below=None,
        all_right=all_right([one.score for one in scored]),
    )


def a_certificate(
    family: Family,
    threshold: float = 0.9,
    *,
    state: PlanState = PlanState.CERTIFIED,
    band: Band = Band.CLEAR,
    is_valid: bool = True,
) -> Standing:
    return Standing(
        certificate_id=UUID(int=list(Family).index(family)),
        family=family,
        band=band,
        state=state,
        method="combined/1",
        threshold=threshold,
        is_valid=is_valid,
        window_documents=None,
        window_doubtful=None,
        window_at_least=None,
        watched_since=datetime(2026, 1, 1, tzinfo=UTC),
    )


WHOLE = a_certificate(Family.DOCUMENTS)


def decide(chosen: Sequence[Chosen], by: Policy) -> tuple[Decision, ...]:
    return decide_all(chosen, Slip.spec, by, in_domain=True)


def route(
    chosen: tuple[Chosen, ...],
    scored: tuple[Chosen, ...],
    *standing: Standing,
    policy: Policy = POLICY,
    of_rows: CertificateUse = OPTIONAL,
    of_documents: CertificateUse = OPTIONAL,
) -> Routed:
    uses = Uses(of_rows=of_rows, of_documents=of_documents)
    return routed(chosen, scored, covered(scored), standing, policy, Slip.spec, uses, decide)


def said(found: Routed) -> list[tuple[str, str]]:
    return [(one.outcome.value, one.certificate) for one in found.decisions]


def test_covered_rows_take_the_certificates_score_and_the_others_keep_their_own() -> None:
    """A requirement and its score are of one method."""
    found = route(rows(0.6, 0.8), rows(0.95, 0.4), a_certificate(Family.REST))

    assert [one.score for one in found.rows] == [0.95, 0.8]
    assert [one.method for one in found.decisions] == ["combined/1", POLICY.of("total").method]


@pytest.mark.parametrize("family", list(Family))
def test_where_the_scores_choose_other_answers_nothing_is_covered(family: Family) -> None:
    """The certificate speaks of the answer that its own score chooses."""
    chosen = rows(0.8, 0.8)
    found = route(chosen, rows(*SURE, number="A-77"), a_certificate(family))

    assert found.rows == chosen
    assert found.decisions == decide(chosen, POLICY)


@pytest.mark.parametrize("policy", [POLICY, STRICT, CAREFUL])
def test_a_document_that_reaches_its_threshold_is_accepted_whole_whatever_the_policy_asks(
    policy: Policy,
) -> None:
    """Every row names the certificate, and so does the document."""
    found = route(rows(0.1, 0.1), rows(*SURE), WHOLE, policy=policy)

    mine = str(WHOLE.certificate_id)
    assert said(found) == [("accepted", mine)] * 2
    assert found.certificate == mine


def test_it_is_the_document_that_reaches_the_threshold_and_not_each_row() -> None:
    """Two rows of 0.94 are a document of 0.88."""
    found = route(rows(0.94, 0.94), rows(0.94, 0.94), WHOLE)

    assert found.certificate == UNCERTIFIED
    assert said(found) == [("accepted", UNCERTIFIED)] * 2


@pytest.mark.parametrize(
    "standing",
    [
        a_certificate(Family.DOCUMENTS, state=PlanState.SUSPENDED),
        a_certificate(Family.DOCUMENTS, is_valid=False),
        a_certificate(Family.DOCUMENTS, band=Band.FAIR),
        a_certificate(Family.DOCUMENTS, threshold=0.98),
    ],
)
def test_a_certificate_that_does_not_hold_here_accepts_no_document(standing: Standing) -> None:
    """Suspended, over, of other pages, or too strict."""
    assert route(rows(*SURE), rows(*SURE), standing).certificate == UNCERTIFIED


def test_where_audits_confirmed_that_a_promise_is_broken_people_decide_whole_documents_too() -> (
    None
):
    """Whichever promise it was."""
    broken = a_certificate(Family.MONEY, state=PlanState.BROKEN)
    found = route(rows(*SURE), rows(*SURE), WHOLE, broken)

    assert {one.reason.code for one in found.decisions} == {"drift"}


def test_what_more_than_scores_stands_against_is_never_accepted_whole() -> None:
    """The proofs of a row stay what they are."""
    chosen = rows(*SURE)
    doubtful = (chosen[0], Chosen(name="total", state=FieldState.ABSENT, score=0.999))
    found = route(doubtful, doubtful, WHOLE)

    assert not found.by_scores
    assert found.certificate == UNCERTIFIED
    assert found.decisions[1].reason.code == "required_absent"


def test_a_row_without_a_score_keeps_a_document_from_being_drawn_or_accepted_whole() -> None:
    """Nobody knows how probable it is that all of it is right."""
    found = route(rows(0.99, None), rows(0.99, None), WHOLE)

    assert not found.by_scores
    assert found.certificate == UNCERTIFIED


@pytest.mark.parametrize("policy", [POLICY, STRICT, CAREFUL])
@pytest.mark.parametrize("standing", [(), (WHOLE,), (a_certificate(Family.REST),)])
def test_no_certificate_moves_which_documents_are_drawn(
    policy: Policy, standing: tuple[Standing, ...]
) -> None:
    """They are a sample of the same documents before it held and after."""
    assert route(rows(0.2, 0.9), rows(*SURE), *standing, policy=policy).by_scores


def test_where_one_is_required_a_document_that_nobody_would_touch_goes_to_people() -> None:
    """All of it; one that a person looks at anyway is decided as ever."""
    alone = route(rows(*SURE), rows(*SURE), of_documents=REQUIRED)
    assert {one.reason.code for one in alone.decisions} == {"document_uncertified"}
    assert alone.by_scores

    touched = route(rows(0.3, 0.99), rows(0.3, 0.99), of_documents=REQUIRED)
    assert [one.outcome for one in touched.decisions] == [Outcome.REVIEW, Outcome.ACCEPTED]
    certified = route(rows(*SURE), rows(*SURE), WHOLE, of_documents=REQUIRED)
    assert certified.certificate == str(WHOLE.certificate_id)


def test_a_certificate_of_whole_documents_is_enough_where_rows_must_be_certified() -> None:
    """Its rows are covered by it."""
    found = route(rows(*SURE), rows(*SURE), WHOLE, of_rows=REQUIRED)
    assert said(found) == [("accepted", str(WHOLE.certificate_id))] * 2

    without = route(rows(*SURE), rows(*SURE), of_rows=REQUIRED)
    assert {one.reason.code for one in without.decisions} == {"uncertified"}
