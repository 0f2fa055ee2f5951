"""Bytes and tokens, for every text and every way to cut it."""

import math

from hypothesis import given
from hypothesis import strategies as st

from extractors.backends.vllm.tokens import Step, adds_up, traces
from extractors.types import Alternative

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\ufffd"), max_size=12)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A text's bytes, and the same cut into tokens anywhere, also inside characters."""
    said = draw(texts).encode()
    cuts = (
        sorted(draw(st.sets(st.integers(1, max(1, len(said) - 1)), max_size=8)))
        if len(said) > 1
        else []
    )
    return said, [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True) if b > a]


def told(tokens: list[bytes]) -> list[Step]:
    """The tokens as the server tells them: one that ends inside a character is empty, and who
    completes it speaks for both.
    """
    steps, held = [], b""
    for number, token in enumerate(tokens):
        held += token
        try:
            held.decode()
        except UnicodeDecodeError:
            reported = b""
        else:
            reported, held = held, b""
        logprob = -0.1 * (number + 1)
        steps.append(Step(number, reported, logprob, (Alternative(number, reported, logprob),)))
    return steps


@given(answers())
def test_traces_spell_the_text_however_it_was_cut(answer):
    """No byte is lost or told twice, and no log-probability either."""
    said, tokens = answer

    made = traces(told(tokens), said, top=5, exact=False)

    assert b"".join(trace.text for trace in made) == said
    assert math.isclose(
        math.fsum(t.logprob for t in made), math.fsum(s.logprob for s in told(tokens)), abs_tol=1e-9
    )


@given(answers())
def test_no_byte_looks_surer_than_the_token_that_spelled_it(answer):
    """A trace that speaks for several tokens is at most as likely as each of them."""
    said, tokens = answer
    true_logprobs = [-0.1 * (number + 1) for number, token in enumerate(tokens) for _ in token]

    shown = [
        trace.logprob
        for trace in traces(told(tokens), said, top=5, exact=False)
        for _ in trace.text
    ]

    assert all(a <= b + 1e-9 for a, b in zip(shown, true_logprobs, strict=True))


@given(answers())
def test_with_a_tokenizer_nothing_is_put_together(answer):
    """Tokens whose own bytes are known stay apart, with their own numbers."""
    said, tokens = answer
    steps = [Step(number, token, -1.0, ()) for number, token in enumerate(tokens)]

    assert [trace.text for trace in traces(steps, said, top=5, exact=True)] == tokens


@given(st.lists(st.floats(-30, 0), min_size=1, max_size=6))
def test_entropy_is_no_smaller_than_nothing(logprobs):
    """Whatever is told of a distribution, its entropy is a number that can be stored."""
    total = math.fsum(math.exp(value) for value in logprobs)
    top = tuple(
        Alternative(i, b"x", value - math.log(max(total, 1.0))) for i, value in enumerate(logprobs)
    )

    (trace,) = traces([Step(0, b"x", top[0].logprob, top)], b"x", top=5, exact=False)

    assert 0.0 <= trace.entropy < math.log(8)


def test_an_account_that_does_not_spell_the_answer_gives_no_evidence():
    """Its numbers belong to other characters: nothing is as likely as one of them says."""
    steps = [Step(1, b"<think>", -0.01, ()), Step(2, b"12", -3.5, ())]
    made = traces(steps, b"12", top=5, exact=False)

    assert not adds_up(made)
    assert b"".join(trace.text for trace in made) == b"12"
    assert all(trace.forced for trace in made)
    assert adds_up(traces(steps[1:], b"12", top=5, exact=False))
