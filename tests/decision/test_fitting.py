"""Weights that an installation's own labels make, and what they must never become."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decision.combined import Level, Prior, Weights, bundled, combined
from extractors.decision.features import FEATURES, Taken, names_of
from extractors.decision.field_evidence import FieldEvidence
from extractors.decision.fitting import (
    LEAST_DRAWN,
    LEAST_LABELS,
    Label,
    OtherModel,
    crossed,
    digest_of,
    refit,
)
from extractors.reading.looks import Agreement, Look
from extractors.types import FieldState, Opening, TokenTrace

KEY, PRIOR = next(iter(bundled().items()))
STATES = (FieldState.VALUE, FieldState.VALUE, FieldState.VALUE, FieldState.ABSENT)


def an_evidence(rng: np.random.Generator, *, looks: int = 0, doubt: float = 0.5) -> FieldEvidence:
    weakest = math.log1p(-doubt * float(rng.random()) ** 3)
    agreement = Agreement.SAME if rng.random() < 0.8 else Agreement.OTHER
    return FieldEvidence(
        state=STATES[rng.integers(4)],
        tokens=(TokenTrace(token_id=1, text=b"1", logprob=weakest),) * 2,
        ends=True,
        opening=Opening(taken=weakest / 2, other=None),
        fingerprint=KEY[0],
        decode_mode=KEY[1],
        looks=(Look(agreement=agreement, text="1", weakest=weakest),) * looks or None,
    )


def labels_by(
    weights: Weights, n: int, *, seed: int = 1, looks: int = 0, drawn: bool = False
) -> list[Label]:
    """Labels as they would be if these weights told the truth; ten rows a document."""
    rng = np.random.default_rng(seed)
    truth = {KEY: PRIOR.model_copy(update={"weights": dict.fromkeys(Taken, weights)})}
    found = []
    for at in range(n):
        evidence = an_evidence(rng, looks=looks)
        right = bool(rng.random() < (combined(evidence, truth) or 0.0))
        found.append(Label(evidence=evidence, right=right, document=str(at // 10), drawn=drawn))
    return found


def error(prior: Prior | None, labels: Sequence[Label], weights: Weights) -> float:
    """How far scores are from what the weights say, on average."""
    assert prior is not None
    truth = {KEY: PRIOR.model_copy(update={"weights": dict.fromkeys(Taken, weights)})}
    pairs = [(combined(x.evidence, {KEY: prior}), combined(x.evidence, truth)) for x in labels]
    return float(np.mean([abs((one or 0.0) - (other or 0.0)) for one, other in pairs]))


OWN = Weights(
    start=-1.0, of={"sure_weakest": 0.6, "sure_joint": 0.5, "absent": 2.0, "opening_unknown": -0.1}
)


def test_without_labels_the_prior_comes_out() -> None:
    """Also of looks that no label has."""
    assert refit(PRIOR, []) is PRIOR
    fit = refit(PRIOR, labels_by(OWN, 50))
    assert fit is not None
    others = set(Taken) - {Taken.NONE}
    assert all(fit.weights[one] == PRIOR.weights[one] for one in others)
    assert fit.weights[Taken.NONE] != PRIOR.weights[Taken.NONE]


def test_labels_that_say_what_the_prior_says_leave_it_where_it_is() -> None:
    labels = labels_by(PRIOR.weights[Taken.NONE], 3_000)
    assert error(refit(PRIOR, labels), labels, PRIOR.weights[Taken.NONE]) < 0.01


def test_more_labels_go_further_from_the_prior_to_the_truth() -> None:
    """A prior is worth 1,500 labels: with as many of them half of the way is gone."""
    test = labels_by(OWN, 500, seed=99)
    before = error(PRIOR, test, OWN)
    left = [error(refit(PRIOR, labels_by(OWN, n)), test, OWN) / before for n in (150, 1_500, 9_000)]

    assert left[0] > left[1] > left[2]
    assert 0.7 < left[0] < 1.0
    assert 0.3 < left[1] < 0.7
    assert left[2] < 0.25


def test_a_prior_that_is_worth_nothing_counts_nothing() -> None:
    test = labels_by(OWN, 500, seed=99)
    assert error(refit(PRIOR, labels_by(OWN, 9_000), worth=0.0), test, OWN) < 0.02


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    looks=st.integers(0, 2),
    n=st.integers(1, 300),
    turn=st.sampled_from(["doubt is right", "chance", "all right", "all wrong"]),
)
def test_whatever_people_said_doubt_never_raises_the_score(
    seed: int, looks: int, n: int, turn: str
) -> None:
    """Labels that would turn a sign round make it nothing."""
    rng = np.random.default_rng(seed)
    labels = []
    for at in range(n):
        evidence = an_evidence(rng, looks=looks, doubt=0.9)
        sure = evidence.tokens[0].logprob > math.log(0.8)
        right = {
            "doubt is right": not sure, "chance": rng.random() < 0.5,
            "all right": True, "all wrong": False,
        }[turn]  # fmt: skip
        labels.append(Label(evidence=evidence, right=bool(right), document=str(at)))
    fit = refit(PRIOR, labels)

    assert fit is not None
    for taken, weights in fit.weights.items():
        assert set(weights.of) == set(names_of(taken))
        assert all(one * FEATURES[name].way.value >= 0 for name, one in weights.of.items())
    for one in labels[:20]:
        less = tuple(replace(t, logprob=t.logprob - 0.3) for t in one.evidence.tokens)
        surer, doubtful = (
            combined(evidence, {KEY: fit})
            for evidence in (one.evidence, replace(one.evidence, tokens=less))
        )
        assert surer is not None
        assert doubtful is not None
        assert 0.0 <= doubtful <= surer <= 1.0


def test_labels_of_another_model_are_refused() -> None:
    labels = labels_by(OWN, 20)
    other = replace(labels[0], evidence=replace(labels[0].evidence, fingerprint="f" * 16))
    with pytest.raises(OtherModel, match="ffff") as caught:
        refit(PRIOR, [*labels, other])
    assert caught.value.code == "other_model"
    with pytest.raises(OtherModel):
        refit(None, [*labels, other])
    mode = replace(labels[0], evidence=replace(labels[0].evidence, decode_mode="fields"))
    with pytest.raises(OtherModel):
        refit(PRIOR, [mode])


def test_weights_are_of_the_labels_model_and_speak_of_no_other() -> None:
    labels = labels_by(OWN, 30)
    fit = refit(PRIOR, labels)
    assert fit is not None
    assert (fit.fingerprint, fit.decode_mode) == KEY
    other = replace(labels[0].evidence, fingerprint="f" * 16)
    assert combined(other, {KEY: fit}) is None


def test_without_a_prior_it_takes_enough_labels_and_errors() -> None:
    """Looks that too few labels have get no weights, and readings with them no score."""
    labels = labels_by(OWN, LEAST_LABELS)
    seldom = labels_by(PRIOR.weights[Taken.ONE], 50, looks=1)
    assert refit(None, []) is None
    assert refit(None, labels[:-10]) is None
    assert refit(None, [replace(one, right=True) for one in labels]) is None
    fit = refit(None, [*labels, *seldom])

    assert fit is not None
    assert set(fit.weights) == {Taken.NONE}
    assert error(fit, labels, OWN) < 0.1
    assert combined(labels[0].evidence, {KEY: fit}) is not None
    assert combined(seldom[0].evidence, {KEY: fit}) is None


def test_a_level_of_ones_own_takes_1000_drawn_rows_with_50_errors() -> None:
    """Else the prior's stays, or there is none."""
    labels = labels_by(OWN, LEAST_DRAWN + 100, drawn=True)
    few = [replace(one, drawn=at < LEAST_DRAWN - 1) for at, one in enumerate(labels)]
    right = [replace(one, right=one.right or at % 100 > 0) for at, one in enumerate(labels)]

    def level(prior: Prior | None, labels: Sequence[Label]) -> Level | None:
        fit = refit(prior, labels)
        assert fit is not None
        return fit.weights[Taken.NONE].level

    assert level(PRIOR, labels) not in (PRIOR.weights[Taken.NONE].level, None)
    assert level(None, labels) is not None
    assert level(PRIOR, few) == PRIOR.weights[Taken.NONE].level
    assert level(None, few) is None
    assert level(PRIOR, right) == PRIOR.weights[Taken.NONE].level


def test_a_level_sets_the_mean_to_the_share_of_right_drawn_rows() -> None:
    """Reviewed rows, which are mostly doubtful, say nothing of it."""
    labels = labels_by(OWN, 3_000, drawn=True)
    reviewed = [replace(one, right=False, drawn=False) for one in labels[::3]]
    fit = refit(PRIOR, [*labels, *reviewed])
    assert fit is not None
    mean = np.mean([combined(one.evidence, {KEY: fit}) for one in labels])
    assert mean == pytest.approx(np.mean([one.right for one in labels]), abs=0.02)


def test_what_scores_nothing_or_zero_anyway_teaches_nothing() -> None:
    labels = labels_by(OWN, 100)
    impossible = (TokenTrace(token_id=1, text=b"1", logprob=-9.0),) * 2
    odd = [
        replace(one, evidence=replace(one.evidence, **change))
        for one in labels
        for change in (
            {"tokens": impossible},
            {"state": FieldState.UNREADABLE},
            {"tokens": ()},
        )
    ]
    with_odd, without = refit(PRIOR, [*labels, *odd]), refit(PRIOR, labels)
    assert with_odd is not None
    assert without is not None
    assert with_odd.weights == without.weights


def test_a_score_for_comparison_comes_from_weights_without_its_document() -> None:
    """Turning round what one document says never changes its own scores."""
    labels = labels_by(OWN, 400)
    mine = [at for at, one in enumerate(labels) if one.document == "7"]
    turned = [replace(one, right=not one.right) if one.document == "7" else one for one in labels]
    before, after = crossed(PRIOR, labels), crossed(PRIOR, turned)
    assert [before[at] for at in mine] == [after[at] for at in mine]
    assert before != after
    assert None not in before


def test_the_digest_tells_weights_apart_and_says_nothing_of_where_they_come_from() -> None:
    labels = labels_by(OWN, 100)
    one, same, other = (
        refit(PRIOR, labels, fitted_on={"who": "ada"}),
        refit(PRIOR, labels, fitted_on={"who": "bob"}),
        refit(PRIOR, labels[:-30]),
    )
    assert one is not None
    assert same is not None
    assert other is not None
    assert digest_of(one) == digest_of(same) != digest_of(other)
    assert one.fitted_on["labels"] == 100
    assert Prior.model_validate_json(one.model_dump_json()) == one
