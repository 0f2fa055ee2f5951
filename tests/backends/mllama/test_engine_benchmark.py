"""The benchmark itself: every way does the work it says, and the counts behind the roofline are the
architecture's.
"""

import pytest

from tests.benchmarks import engine, roofline


def test_every_way_writes_as_many_tokens_with_fewer_and_fewer_forwards():
    """150 for the article's way; the fed skeleton saves 47 of them; fields mode needs a prompt, a
    skeleton and a token's length.
    """
    loaded = engine.random_model(engine.TOY)
    found = engine.compare(loaded, engine.TOY, prompt_tokens=12, pages=1, pages_a=1, repeats=1)
    forwards = {way: cost.forwards for way, cost in found.items()}
    assert forwards["A"] == forwards["B"] == engine.JSON_TOKENS
    assert forwards["J"] == 1 + engine.FIELDS * engine.VALUE_TOKENS
    assert forwards["D"] == 1 + engine.VALUE_TOKENS
    assert all(cost.cpu_s > 0 for cost in found.values())


def test_evidence_is_a_thousand_times_smaller_than_scores():
    """At the vocabulary of the comparison; at Llama's own it is six thousand times."""
    scores, evidence = engine.evidence_bytes(engine.NOTED)
    assert scores / evidence >= 1000
    scores, evidence = engine.evidence_bytes(engine.LLAMA_11B)
    assert scores / evidence >= 6000


def test_the_roofline_counts_llamas_own_numbers():
    """9.18 billion weights a step, 210 MB of vision keys a page and 131 kB of a token's own, in
    bfloat16.
    """
    llama = engine.LLAMA_11B
    assert roofline.weights_read(llama) == pytest.approx(9.18e9, rel=0.01)
    assert 2 * roofline.seen_numbers(llama) == pytest.approx(210e6, rel=0.01)
    own = roofline.own_numbers(llama, 301) - roofline.own_numbers(llama, 300)
    assert 2 * own == pytest.approx(131e3, rel=0.01)
    assert roofline.vision_flops(llama) == pytest.approx(19.9e12, rel=0.02)
