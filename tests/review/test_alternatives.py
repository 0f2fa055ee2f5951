"""Doubtful characters and other readings, from the tokens' own evidence."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents import find
from extractors.types import Alternative, AttentionPatch, Box, TokenTrace
from worker.review.alternatives import choices, model_says
from worker.review.context import WeightedPatch, attention_patches
from worker.review.token_marks import decoded, runs_of, spelling_of

SLIP = find("slip")


def token(text: str | bytes, p: float = 0.99, **others: float) -> TokenTrace:
    """A token of this probability, with the others that stood at its place."""
    spelt = text if isinstance(text, bytes) else text.encode()
    tops = [
        Alternative(0, spelt, math.log(p)),
        *(Alternative(n, o.encode(), math.log(q)) for n, (o, q) in enumerate(others.items(), 1)),
    ]
    return TokenTrace(token_id=0, text=spelt, logprob=math.log(p), top=tuple(tops))


def tokens_of(*parts: TokenTrace) -> tuple[TokenTrace, ...]:
    return parts


@given(
    text=st.text(min_size=1),
    cuts=st.lists(st.integers(0, 200)),
    quoted=st.booleans(),
    ascii_only=st.booleans(),
)
def test_every_text_is_found_again_however_it_is_cut_into_tokens(text, cuts, quoted, ascii_only):
    """Quotes, escapes, halves of characters: the characters' bytes spell the text."""
    text = text.encode("utf-8", "replace").decode()
    data = json.dumps(text, ensure_ascii=ascii_only).encode()
    data = data if quoted else data[1:]
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    tokens = [token(data[a:b]) for a, b in pairwise(edges)]

    spelled = spelling_of(tokens, text)

    assert spelled is not None
    assert "".join(run.text for run in runs_of(tokens, text)) == text
    assert decoded(spelled.data, spelled.start)[0] == text


@given(st.binary(max_size=40), st.text(max_size=10))
def test_bytes_that_do_not_spell_the_text_mark_nothing(data, text):
    """Rather no mark than one at the wrong character."""
    runs = runs_of([token(data)] if data else [], text)
    assert "".join(run.text for run in runs) == text


def test_the_least_certain_token_over_a_character_marks_it():
    """Two tokens share a character: the worse one counts."""
    half = "é".encode()
    runs = runs_of([token('"a'), token(half[:1], 0.4), token(half[1:], 0.95), token('b"')], "aéb")
    assert [(run.text, run.level) for run in runs] == [("a", "sure"), ("é", "weak"), ("b", "sure")]


def test_a_number_without_quotes_is_found_too():
    """Models leave quotes out."""
    runs = runs_of([token(" 12"), token(".5", 0.6), token(",")], "12.5")
    assert [(run.text, run.level) for run in runs] == [("12", "sure"), (".5", "doubtful")]


def test_of_a_long_text_only_the_beginning_is_marked():
    """Nobody looks for single characters beyond; nothing of the text is lost."""
    runs = runs_of(
        [token('"'), token("a", 0.4), token("b" * 50), token('"')], "a" + "b" * 50, most=10
    )
    assert [(len(run.text), run.level) for run in runs] == [(1, "weak"), (9, "sure"), (41, "sure")]


def test_alternatives_exchange_doubtful_tokens_alone_and_together():
    """The likeliest first."""
    parts = tokens_of(
        token('"1'),
        token("8", 0.5, **{"3": 0.4}),
        token("."),
        token("5", 0.6, **{"6": 0.3}),
        token('"'),
    )
    said = dict(model_says("18.5", parts))
    assert list(said) == ["13.5", "18.6", "13.6"]
    assert said["13.5"] == pytest.approx(0.4 * 0.6)


def test_a_value_that_might_go_on_is_offered_longer_and_shorter():
    """The ending token is evidence too; a quote within ends the text."""
    parts = tokens_of(token('"12'), token("5", 0.5, **{'"': 0.4}), token('"', 0.6, **{'0"': 0.3}))
    assert {"12", "1250"} <= {text for text, _ in model_says("125", parts)}


def test_only_what_the_kind_understands_and_what_means_something_else_gets_a_key():
    """1,284.50 and 1284.50 are the same amount; 1,28x.50 is none."""
    others = {"x": 0.3, "6": 0.2}
    parts = tokens_of(token('"1,28'), token("4", 0.4, **others), token('.50"'))
    details = {"doubts": [{"nearest": "1284.50"}, {"others": ["1,234.50", "no amount"]}]}
    found = choices("1,284.50", parts, details, SLIP.field("total"), SLIP)
    assert [(each.text, each.source) for each in found] == [
        ("1,234.50", "another page"),
        ("1,286.50", "model 0.20"),
    ]


def test_a_reading_without_its_currency_is_no_other_reading():
    """A correction that names none keeps the one that is known."""
    details = {"doubts": [{"nearest": "1284.50"}, {"others": ["1,234.50", "1,284.50 USD"]}]}
    found = choices("1,284.50 EUR", (), details, SLIP.field("total"), SLIP)
    assert [each.text for each in found] == ["1,234.50", "1,284.50 USD"]


def test_there_are_never_more_than_five():
    """Keys 1 to 5."""
    digits = {str(n): 0.05 for n in range(9)}
    parts = tokens_of(token('"'), token("9", 0.3, **digits), token("9", 0.3, **digits), token('"'))
    assert len(choices("99", parts, {}, SLIP.field("total"), SLIP)) == 5


SPELT, LOGPROB = st.binary(max_size=6), st.floats(-20, 0)
ANY_TOKEN = st.builds(
    lambda text, logprob, others: TokenTrace(
        token_id=0,
        text=text,
        logprob=logprob,
        top=tuple(Alternative(0, other, likely) for other, likely in others),
    ),
    SPELT,
    LOGPROB,
    st.lists(st.tuples(SPELT, LOGPROB), max_size=5),
)


@given(st.lists(ANY_TOKEN, max_size=8))
def test_no_evidence_breaks_the_page(tokens):
    """Whatever a model's tokens are, there is an answer."""
    for text in ("12.50", "ü", ""):
        runs_of(tokens, text)
        for field in ("total", "payee", "date"):
            assert len(choices(text or None, tokens, {}, SLIP.field(field), SLIP)) <= 5


def test_the_patches_that_a_value_was_read_from_are_a_map_of_how_warm_each_is():
    """The one that most of the attention went to is the warmest; what was not looked for is
    nowhere.
    """
    warm, mild = Box(0, 0, 10, 10), Box(10, 0, 20, 10)
    looks = (
        (AttentionPatch(warm, 0.5), AttentionPatch(mild, 0.25)),
        (AttentionPatch(mild, 0.25),),
        (AttentionPatch(warm, 0.5),),
        (),
    )
    tokens = [TokenTrace(token_id=0, text=b"x", logprob=0.0, patches=patches) for patches in looks]
    assert attention_patches(tokens) == (WeightedPatch(warm, 1.0), WeightedPatch(mild, 0.5))
    assert attention_patches([]) == ()
