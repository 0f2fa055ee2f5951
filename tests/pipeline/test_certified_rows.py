"""Which rows of a document its certificates cover, where two scores see it differently."""

from extractors.decision.certificates import Family
from extractors.decision.choose import Chosen
from extractors.decision.policy import Certified, policy_of
from extractors.documents.slip import Slip
from extractors.types import FieldState
from worker.pipeline.stages.route import _certified

POLICY = policy_of(Slip.spec, accept_at=0.7)
HOLDING = {Family.REST: Certified(certificate="c", method="combined/1", threshold=0.9)}


def row(name: str, text: str, score: float) -> Chosen:
    return Chosen(name=name, state=FieldState.VALUE, text=text, score=score)


def test_covered_rows_take_the_certificates_score_and_the_others_keep_their_own() -> None:
    """A requirement and its score are of one method."""
    chosen = (row("number", "A-1", 0.6), row("total", "1.00", 0.8))
    scored = (row("number", "A-1", 0.95), row("total", "1.00", 0.4))

    rows, policy = _certified(chosen, scored, POLICY, Slip.spec, HOLDING)

    assert [one.score for one in rows] == [0.95, 0.8]
    assert policy.of("number").method == "combined/1"
    assert policy.of("total") == POLICY.of("total")


def test_where_the_scores_choose_other_answers_nothing_is_covered() -> None:
    """The certificate speaks of the answer that its own score chooses."""
    chosen = (row("number", "A-1", 0.6), row("total", "1.00", 0.8))
    scored = (row("number", "A-7", 0.95), row("total", "1.00", 0.4))

    assert _certified(chosen, scored, POLICY, Slip.spec, HOLDING) == (chosen, POLICY)
