"""The scripted backend is a real backend: what a script says comes out as readings with the
evidence it names.
"""

import hashlib
import json
import math
import time

import pytest

from extractors.backends import Backend, open_backend
from extractors.backends.scripted import Line, ScriptedBackend, answer_of
from extractors.decision import scores
from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from extractors.errors import BackendUnavailable
from extractors.read import read_pages
from extractors.reading.prompts import field_answer, json_answer
from extractors.types import FieldState, StopReason
from tests.backends.mllama import tiny

TRUTH = {
    "payee": 'Zoë "Z" Ünsal',
    "date": None,
    "total": "1,204.50",
    "items": [{"description": "Tea", "amount": "3"}],
}
PAGE = tiny.page(1)


@pytest.mark.parametrize("mode", ["json", "fields"])
def test_it_spells_the_trained_answer(mode):
    """In both decode modes, byte for byte."""
    generations = answer_of(1, Slip.spec, Line(truth=TRUTH), mode).generations
    expected = (
        [json_answer(Slip.spec, TRUTH)]
        if mode == "json"
        else [field_answer(Slip.spec, TRUTH, f.name) for f in Slip.spec.fields]
    )
    assert [g.text.decode() for g in generations] == expected


@pytest.mark.parametrize("mode", ["json", "fields"])
def test_probabilities_come_out_as_scores(mode):
    """By path, and one doubtful token in the middle of a value."""
    line = Line(truth=TRUTH, probability={"payee": 0.8, "items.amount": 0.7}, doubts={"total": 0.4})
    [reading] = read_pages(
        [PAGE], Slip.spec, ScriptedBackend(lambda page, spec: line, decode_mode=mode)
    )
    found = {f.name: scores.score(f) for f in reading.fields}
    assert found == pytest.approx(
        {
            "payee": 0.8,
            "date": 0.99,
            "number": 0.99,
            "total": 0.4,
            "currency": 0.99,
            "items.description": 0.99,
            "items.amount": 0.7,
        }
    )


def test_a_page_is_known_by_its_bytes(tmp_path):
    """The script may be a file; unknown pages have no fields."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps({hashlib.sha256(PAGE.png).hexdigest(): {"total": "7"}}))
    known, unknown = read_pages([PAGE, tiny.page(2)], Slip.spec, ScriptedBackend(script))
    assert {f.text for f in known.fields} == {"7", None}
    assert {f.state for f in unknown.fields} == {FieldState.ABSENT}


def test_an_answer_can_be_cut_short():
    """As a spent budget would cut it."""
    [reading] = read_pages(
        [PAGE], Slip.spec, ScriptedBackend(otherwise=Line(truth=TRUTH, cut_after=20))
    )
    assert reading.answer.generations[0].stop_reason is StopReason.LENGTH
    assert {f.problem for f in reading.fields if f.name != "payee"} == {"truncated"}


def test_an_answer_can_be_nonsense():
    """Any bytes at all."""
    [reading] = read_pages(
        [PAGE], Slip.spec, ScriptedBackend(otherwise=Line(raw=b"\xff I cannot read this"))
    )
    assert reading.answer.generations[0].text == b"\xff I cannot read this"
    assert {f.problem for f in reading.fields} == {"unparsable"}


def test_the_nth_call_can_fail_and_the_next_one_works():
    """As a backend that is gone for a moment."""
    backend = ScriptedBackend(failures={2: BackendUnavailable("gone")})
    assert read_pages([PAGE], Slip.spec, backend)
    with pytest.raises(BackendUnavailable):
        read_pages([PAGE], Slip.spec, backend)
    assert read_pages([PAGE], Slip.spec, backend)
    assert backend.calls == [(1,), (1,), (1,)]


def test_it_can_take_its_time():
    """A delay for each page."""
    backend = ScriptedBackend(delay_s=0.02)
    started = time.monotonic()
    read_pages([PAGE, tiny.page(2)], Slip.spec, backend)
    assert time.monotonic() - started >= 0.04


def test_it_knows_what_it_was_made_for():
    """Named types only, or any."""
    assert ScriptedBackend().in_domain(Invoice.spec)
    assert not ScriptedBackend(document_types=["slip"]).in_domain(Invoice.spec)


def test_it_is_opened_by_name():
    """Through the table, like any other."""
    assert isinstance(open_backend("scripted", batch_pages=3), Backend)


def test_the_same_script_says_the_same_twice():
    """Nothing is drawn at random."""
    first, second = (
        read_pages([PAGE], Slip.spec, ScriptedBackend(otherwise=TRUTH)) for _ in range(2)
    )
    assert first == second


def test_no_pages_are_no_call():
    """An empty batch never reaches the model."""
    backend = ScriptedBackend()
    assert read_pages([], Slip.spec, backend) == []
    assert backend.calls == []


@pytest.mark.parametrize("mode", ["json", "fields"])
def test_an_answer_is_held_against_another_page(mode):
    """Letters that the script would spell there keep its probability, others are unlikely."""
    said = [Line(truth={"total": "12.50"}, probability=0.9), {"total": "17.50"}]
    backend = ScriptedBackend(lambda page, spec: said[page.number - 1], decode_mode=mode)
    one, two = tiny.page(1), tiny.page(2)
    answers = backend.answer([one], Slip.spec)

    same, other = (backend.scored([page], answers, Slip.spec)[0] for page in (one, two))
    texts = [[g.text for g in answer.generations] for answer in (*answers, same, other)]

    assert same == answers[0]
    assert texts[0] == texts[2]
    [(first, then)] = [
        (a.logprob, b.logprob)
        for x, y in zip(same.generations, other.generations, strict=True)
        for a, b in zip(x.tokens, y.tokens, strict=True)
        if a.text == b"2"
    ]
    assert math.exp(first) == pytest.approx(0.9)
    assert math.exp(then) == pytest.approx(0.001)
