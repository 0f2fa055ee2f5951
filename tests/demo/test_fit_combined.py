"""Fitting the combined score."""

import math
from dataclasses import replace

import numpy as np
import pytest

from extractors.decision.combined import probability
from extractors.decision.features import FEATURES, Taken, Way, features_of, names_of
from extractors.decision.field_evidence import FieldEvidence
from extractors.demo.fit_combined import UNKNOWN, examples, fitted, prior_of, weights_of, write
from extractors.demo.three_readings import Row
from extractors.reading.looks import Agreement, Look
from extractors.types import FieldState, Opening, TokenTrace

RNG = np.random.default_rng(7)


def drawn(n, weights, start):
    x = RNG.normal(size=(n, len(weights)))
    return x, (RNG.random(n) < 1 / (1 + np.exp(-(start + x @ weights)))).astype(float)


def test_a_logistic_formula_is_found_again():
    x, y = drawn(20_000, np.array([1.5, 0.0, 0.7]), 2.0)
    found = fitted(x, y, [Way.UP, Way.UP, Way.EITHER])
    assert found == pytest.approx([2.0, 1.5, 0.0, 0.7], abs=0.1)


def test_a_weight_never_has_the_wrong_sign_and_the_others_do_their_best():
    """What the data would turn round counts nothing."""
    x, y = drawn(5_000, np.array([-1.5, 1.5, -0.7]), 1.0)
    start, first, second, third = fitted(x, y, [Way.UP, Way.DOWN, Way.EITHER])
    assert (first, second) == (0.0, 0.0)
    assert third < -0.3
    assert start > 0.3


def test_a_feature_that_never_changes_counts_nothing():
    x, y = drawn(500, np.array([1.0]), 0.0)
    constant = np.hstack([x, np.ones((len(x), 1))])
    assert fitted(constant, y, [Way.UP, Way.UP])[2] == 0.0


def a_row(n, *, right):
    """Right readings are surer, and repeated by their looks."""
    doubt = RNG.uniform(1e-4, 0.05) if right else RNG.uniform(0.05, 0.6)
    agreement = Agreement.SAME if RNG.random() < (0.95 if right else 0.1) else Agreement.OTHER
    evidence = FieldEvidence(
        state=FieldState.VALUE,
        tokens=(TokenTrace(token_id=1, text=b"1", logprob=math.log1p(-doubt)),),
        ends=False,
        opening=Opening(taken=math.log1p(-doubt * RNG.random()), other=None),
        fingerprint="f" * 16,
        decode_mode="json",
        looks=tuple(
            Look(agreement=one, text="x", weakest=math.log1p(-doubt))
            for one in (agreement, Agreement.SAME if right else Agreement.OTHER)
        )
        + (
            Look(
                agreement=Agreement.HELD,
                text="x",
                weakest=math.log1p(-doubt),
                joint=2 * math.log1p(-doubt),
            ),
        )
        * 2,
    )
    return Row(
        document=n,
        level=0,
        path="total",
        absent=False,
        text="1.00",
        truth="1.00" if right else "7.00",
        rows_truly=False,
        evidence=evidence,
    )


ROWS = [a_row(n, right=n % 5 > 0) for n in range(400)]


def test_each_look_is_the_only_one_once():
    found = list(examples(ROWS[:1], Taken.ONE))
    free, forced = ROWS[0].evidence.looks[:2], ROWS[0].evidence.looks[2:]
    assert [one.looks for one, _ in found] == [(look,) for look in free]
    assert [one.looks for one, _ in examples(ROWS[:1], Taken.NONE)] == [None]
    [(two, _)] = examples(ROWS[:1], Taken.TWO)
    assert two.looks == free
    assert [one.looks for one, _ in examples(ROWS[:1], Taken.ONE_FORCED)] == [
        (look,) for look in forced
    ]
    [(two, _)] = examples(ROWS[:1], Taken.TWO_FORCED)
    assert two.looks == forced


def test_the_mean_score_is_the_share_of_right_readings():
    """Also of readings whose opening nobody told."""
    for taken in Taken:
        known = list(examples(ROWS, taken))
        weights = weights_of(known, taken)
        for hide in (False, True):
            numbers = [features_of(replace(e, opening=None) if hide else e) for e, _ in known]
            mean = np.mean([probability(one, weights) for one in numbers])
            assert mean == pytest.approx(0.8, abs=0.01)


def test_rows_that_score_zero_anyway_teach_nothing():
    """A token next to impossible is excluded by rule, right or wrong."""
    impossible = replace(
        ROWS[1].evidence, tokens=(TokenTrace(token_id=1, text=b"1", logprob=math.log(0.001)),)
    )
    known = list(examples(ROWS, Taken.NONE))
    assert weights_of([*known, *[(impossible, True)] * 50], Taken.NONE) == weights_of(
        known, Taken.NONE
    )


def test_a_prior_says_whose_it_is_and_what_it_was_fitted_on_and_can_be_read_back(tmp_path):
    prior = prior_of(ROWS, documents=400, seed=3)
    write([prior], tmp_path / "priors.json")

    assert (prior.fingerprint, prior.decode_mode) == ("f" * 16, "json")
    assert prior.fitted_on == {
        "split": "calibration", "seed": 3, "documents": 400, "rows": 400, "wrong": 80
    }  # fmt: skip
    for taken in Taken:
        assert set(prior.weights[taken].of) == set(names_of(taken))
        for name, weight in prior.weights[taken].of.items():
            assert weight * FEATURES[name].way.value >= 0
        assert prior.weights[taken].of[UNKNOWN] <= 0.0
