"""What the combined score looks at, and what it must never do."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from extractors.backends.mllama.checkpoint import dtype_of, fingerprint_of
from extractors.decision.combined import (
    BUNDLED,
    Level,
    Weights,
    bundled,
    combined,
    probability,
    read_priors,
)
from extractors.decision.features import (
    FEATURES,
    LEAST_ERROR,
    Taken,
    Way,
    features_of,
    is_excluded,
    names_of,
    sureness,
    taken_of,
)
from extractors.decision.field_evidence import FieldEvidence
from extractors.reading.looks import Agreement, Look
from extractors.types import Alternative, FieldState, Opening, TokenTrace

logprobs = st.floats(-4.0, 0.0)  # of tokens that are possible
READ = (Agreement.SAME, Agreement.VALUE, Agreement.OTHER)  # what a free look can say
looks = st.builds(
    lambda agreement, weakest, text: Look(agreement=agreement, weakest=weakest, text=text),
    st.sampled_from(READ),
    st.none() | logprobs,
    st.sampled_from([None, "12.00"]),
)
forced_looks = st.builds(
    lambda weakest, more: Look(
        agreement=Agreement.HELD, text=None, weakest=weakest, joint=weakest - more
    ),
    logprobs,
    st.floats(0.0, 2.0),
)
evidences = st.builds(
    lambda prior, values, ends, state, opening, seen: FieldEvidence(
        state=state,
        tokens=tuple(TokenTrace(token_id=1, text=b"1", logprob=one) for one in values),
        ends=ends,
        opening=None if opening is None else Opening(taken=opening, other=None),
        fingerprint=prior[0],
        decode_mode=prior[1],
        looks=seen,
    ),
    st.sampled_from(sorted(bundled())),
    st.lists(logprobs, min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from([FieldState.VALUE, FieldState.ABSENT]),
    st.none() | logprobs,
    st.none()
    | st.lists(looks, min_size=1, max_size=2).map(tuple)
    | st.lists(forced_looks, min_size=1, max_size=2).map(tuple),
)


def score(evidence):
    return combined(evidence, bundled())


def a_reading(*values, ends=False, **changes):
    fingerprint, decode_mode = min(bundled())
    tokens = tuple(TokenTrace(token_id=1, text=b"1", logprob=one) for one in values)
    plain = FieldEvidence(
        state=FieldState.VALUE,
        tokens=tokens,
        ends=ends,
        fingerprint=fingerprint,
        decode_mode=decode_mode,
    )
    return replace(plain, **changes)


def a_look(agreement, weakest=-0.01, text="12.00"):
    return Look(agreement=agreement, text=text, weakest=weakest)


NOTHING = a_look(Agreement.OTHER, None, None)


@given(evidences, st.data())
def test_a_look_that_agrees_never_lowers_the_score(evidence, data):
    """Neither by the value nor by the characters, whatever else it says."""
    seen = tuple(look for look in evidence.looks or () if not look.forced)
    seen = seen or (a_look(Agreement.OTHER),)
    at = data.draw(st.integers(0, len(seen) - 1))

    def saying(agreement, text):
        changed = replace(seen[at], agreement=agreement, text=text)
        return score(replace(evidence, looks=(*seen[:at], changed, *seen[at + 1 :])))

    found = [
        saying(Agreement.OTHER, data.draw(st.sampled_from([None, "17.00"]))),
        saying(Agreement.VALUE, "12,00"),
        saying(Agreement.SAME, "12.00"),
    ]
    assert found == sorted(found)


@given(evidences, st.floats(0.0, 5.0), st.data())
def test_a_doubtful_look_or_opening_never_raises_the_score(evidence, doubt, data):
    before = score(evidence)
    if evidence.looks:
        at = data.draw(st.integers(0, len(evidence.looks) - 1))
        look = evidence.looks[at]
        worse = replace(
            look,
            weakest=None if look.weakest is None else look.weakest - doubt,
            joint=None if look.joint is None else look.joint - doubt,
        )
        seen = (*evidence.looks[:at], worse, *evidence.looks[at + 1 :])
        assert score(replace(evidence, looks=seen)) <= before
    if evidence.opening is not None:
        worse = Opening(taken=evidence.opening.taken - doubt, other=None)
        assert score(replace(evidence, opening=worse)) <= before


@given(evidences)
def test_every_number_stays_in_its_range(evidence):
    """The ranges of the table are the ranges that the docs tell."""
    found = features_of(evidence)
    assert set(found) == set(names_of(taken_of(evidence)))
    for name, number in found.items():
        least, most = {
            "0 or 1": (0, 1), "0 to 2": (0, 2), "0 to 16.1": (0, 16.12), "0 to 32.2": (0, 32.24)
        }[FEATURES[name].range]  # fmt: skip
        assert least <= number <= most, name


def test_no_look_and_a_look_that_found_nothing_are_two_things():
    """Without a look there is no number about looks, and other weights hold."""
    plain = a_reading(-0.01)
    missed = replace(plain, looks=(NOTHING,))
    repeated = replace(plain, looks=(a_look(Agreement.SAME),))

    assert "looks_nothing" not in features_of(plain)
    assert features_of(missed)["looks_nothing"] == 1.0
    assert taken_of(plain) is Taken.NONE
    assert taken_of(missed) is Taken.ONE
    assert score(missed) < score(plain) < score(repeated)


def test_a_look_that_found_something_else_did_not_find_nothing():
    other = a_reading(-0.01, looks=(a_look(Agreement.OTHER, text="17.00"), NOTHING))
    assert features_of(other)["looks_nothing"] == 1.0
    again = a_reading(-0.01, looks=(a_look(Agreement.SAME, text=None),), state=FieldState.ABSENT)
    assert features_of(again)["looks_nothing"] == 0.0  # of an absence: the same again


def test_an_opening_that_nobody_told_is_no_sure_opening():
    """It counts neither as sure nor as doubtful: a number of its own says that it is not known."""
    told = a_reading(-0.01, opening=Opening(taken=-1e-7, other=None))
    hidden = a_reading(-0.01, opening=None)

    assert features_of(told)["opening_unknown"] == 0.0
    assert features_of(hidden)["opening_unknown"] == 1.0
    assert score(hidden) < score(told)
    absent = replace(hidden, state=FieldState.ABSENT)
    assert features_of(absent)["opening_unknown"] == 0.0


def test_an_opening_counts_for_a_value_and_not_for_an_absence():
    doubtful = Opening(taken=math.log(0.3), other=None)
    value = a_reading(-0.01, opening=doubtful)
    absent = replace(value, state=FieldState.ABSENT)

    assert features_of(value)["sure_weakest"] == pytest.approx(-math.log(0.7))
    assert features_of(absent)["sure_weakest"] == pytest.approx(sureness(-0.01))


@pytest.mark.parametrize(
    ("probability", "excluded"), [(0.0099, True), (0.0101, False), (0.0, True), (1.0, False)]
)
def test_a_value_token_that_is_next_to_impossible_gives_zero(probability, excluded):
    logprob = math.log(probability) if probability else -math.inf
    found = score(a_reading(-0.001, logprob, looks=(a_look(Agreement.SAME),) * 2))
    assert (found == 0.0) is excluded


def test_a_token_that_a_grammar_chose_against_the_model_gives_zero():
    """However probable it was: the model wanted to say something else."""

    def chosen(logprob, best):
        token = TokenTrace(
            token_id=1, text=b"1", logprob=logprob, top=(Alternative(2, b"2", best),)
        )
        return a_reading(tokens=(token,))

    assert score(chosen(math.log(0.4), math.log(0.5))) == 0.0
    assert score(chosen(math.log(0.4), math.log(0.4))) > 0.0
    assert score(chosen(math.log(0.4), math.log(0.3))) > 0.0


def test_the_token_that_only_ends_a_value_may_be_unlikely():
    """The value is known; its end is doubted, and not excluded."""
    tokens = (-0.001, math.log(0.001))
    assert is_excluded(a_reading(*tokens))
    assert not is_excluded(a_reading(*tokens, ends=True))
    assert 0.0 < score(a_reading(*tokens, ends=True)) < score(a_reading(-0.001))


def test_another_model_or_mode_has_no_score():
    """Weights speak of the readings that they were fitted on, and of no others."""
    known = a_reading(-0.001)
    assert score(known) is not None
    assert score(replace(known, fingerprint="0" * 16)) is None
    assert score(replace(known, fingerprint=None)) is None
    assert score(replace(known, decode_mode="other")) is None


def test_what_could_not_be_read_or_is_no_number_has_no_score():
    assert score(a_reading(-0.001, state=FieldState.UNREADABLE)) is None
    assert score(a_reading(-0.001, opening=Opening(taken=math.nan, other=None))) is None
    assert score(a_reading()) is None


def test_sureness_is_the_log_of_the_chance_of_an_error():
    assert sureness(math.log(0.9)) == pytest.approx(-math.log(0.1))
    assert sureness(0.0) == sureness(1e-8) == -math.log(LEAST_ERROR)
    assert sureness(-math.inf) == 0.0


def test_forced_looks_count_only_where_none_is_free():
    """They have weights of their own, and say nothing about agreement."""
    belief = Look(agreement=Agreement.HELD, text="12.00", weakest=-0.2, joint=-0.3)
    one, two = (a_reading(-0.01, looks=(belief,) * n) for n in (1, 2))
    free = a_reading(-0.01, looks=(a_look(Agreement.SAME),))
    mixed = replace(free, looks=(*free.looks, belief))

    assert (taken_of(one), taken_of(two)) == (Taken.ONE_FORCED, Taken.TWO_FORCED)
    assert features_of(two)["forced_sure_weakest"] == pytest.approx(2 * sureness(-0.2))
    assert features_of(two)["forced_sure_joint"] == pytest.approx(2 * sureness(-0.3))
    assert "looks_same" not in features_of(one)
    assert features_of(mixed) == features_of(free)
    silent = replace(belief, weakest=None, joint=None)
    assert score(replace(one, looks=(silent,))) < score(one)


def test_looks_after_the_second_count_nothing():
    two = a_reading(-0.01, looks=(a_look(Agreement.SAME),) * 2)
    more = replace(two, looks=(*two.looks, NOTHING))
    assert features_of(more) == features_of(two)


def test_the_bundled_weights_are_of_the_bundled_model():
    """A model that is trained again needs weights that are fitted again."""
    weights = Path(__file__).parents[2] / "extractors/demo/weights"
    fingerprint = fingerprint_of(weights, dtype_of("float32", None))
    assert sorted(bundled()) == [(fingerprint, "json")]


@pytest.fixture
def spoiled(tmp_path):
    """The bundled file with one thing changed."""

    def write(change):
        said = json.loads(BUNDLED.read_text("utf-8"))
        change(said["priors"][0])
        path = tmp_path / "priors.json"
        path.write_text(json.dumps(said), "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("name", "taken"),
    [(n, t) for t in Taken for n in names_of(t) if FEATURES[n].way is not Way.EITHER],
)
def test_weights_of_the_wrong_sign_are_refused(spoiled, name, taken):
    """Doubt would raise the score, or agreement lower it."""

    def turn(prior):
        prior["weights"][taken]["of"][name] = -0.1 * FEATURES[name].way.value

    with pytest.raises(ValidationError, match="wrong sign"):
        read_priors(spoiled(turn))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda prior: prior["weights"].pop("one look"), "missing"),
        (lambda prior: prior["weights"]["no look"]["of"].pop("absent"), "must be of"),
        (lambda prior: prior["weights"]["no look"]["of"].update(looks_same=1.0), "must be of"),
        (lambda prior: prior["weights"]["no look"].update(start=math.inf), "finite"),
        (lambda prior: prior.pop("fingerprint"), "required"),
        (lambda prior: prior.update(code="x"), "not permitted"),
    ],
)
def test_weights_that_are_not_whole_are_refused(spoiled, change, says):
    with pytest.raises(ValidationError, match=says):
        read_priors(spoiled(change))


@given(st.floats(-12.0, 12.0), st.floats(-12.0, 12.0))
def test_a_level_never_changes_the_order(one: float, other: float) -> None:
    """It sets how much a score says, and not which of two is surer."""
    level = Level(up=1.6, down=0.7, shift=0.9)
    low, high = sorted((one, other))

    assert level.of(low) <= level.of(high) + 1e-12


def test_a_level_of_ones_leaves_the_score_as_it_is() -> None:
    """ln p - ln(1 - p) are its log-odds."""
    plain = Level(up=1.0, down=1.0, shift=0.0)

    assert [plain.of(odds) for odds in (-700.0, -3.0, 0.0, 2.5, 700.0)] == pytest.approx(
        [-700.0, -3.0, 0.0, 2.5, 700.0]
    )


@pytest.mark.parametrize("part", ["up", "down"])
def test_a_level_that_would_turn_the_order_is_refused(part: str) -> None:
    """A doubtful reading would score above a sure one."""
    with pytest.raises(ValidationError):
        Level(**{"up": 1.0, "down": 1.0, "shift": 0.0, part: -0.1})


def test_the_weights_that_ship_have_a_level() -> None:
    """Without one the surest scores said a fifth of their true error."""
    for prior in bundled().values():
        assert all(weights.level is not None for weights in prior.weights.values())


@pytest.mark.parametrize("odds", [-30.0, -1.0, -0.5, 0.0, 0.5, 1.0, 30.0])
def test_a_probability_is_the_logistic_function_of_its_odds_at_its_level(odds):
    """On both sides of 0, and moved by the level where there is one."""
    plain = Weights(start=odds, of={})
    moved = Weights(start=odds - 1, of={}, level=Level(up=1.0, down=1.0, shift=1.0))

    for weights in (plain, moved):
        assert probability({}, weights) == pytest.approx(1 / (1 + math.exp(-odds)))


def test_the_priors_that_ship_are_read_from_their_file():
    """Weights for whatever looks were taken are a whole file."""
    assert read_priors(BUNDLED) == bundled()
