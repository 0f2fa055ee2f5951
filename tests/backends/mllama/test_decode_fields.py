"""The fields decode mode through the backend: what is fed, where values end, what comes out."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.backends.mllama.backend import MllamaBackend
from extractors.backends.mllama.inputs import openings_of, skeleton_of
from extractors.backends.mllama.value_end import ValueEnd
from extractors.backends.vocabulary import vocabulary_of
from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from extractors.read import read_pages
from extractors.reading.prompts import field_answer, field_prefix
from extractors.types import FieldState, StopReason
from tests.backends.mllama import tiny

PAGES = [tiny.page(n) for n in range(1, 4)]


@pytest.fixture
def engine(checkpoint, loaded) -> MllamaBackend:
    opened = MllamaBackend(
        checkpoint, device="cpu", decode_mode="fields", max_new_tokens=60, field_tokens=24
    )
    opened.__dict__["loaded"] = loaded
    return opened


def test_every_field_gets_a_generation_of_its_own(engine):
    """One object of one key each, its skeleton marked as fed, in the document type's order."""
    for reading in read_pages(PAGES, Slip.spec, engine):
        assert reading.decode_mode == "fields"
        assert len(reading.answer.generations) == len(Slip.spec.fields)
        for spec, generation in zip(Slip.spec.fields, reading.answer.generations, strict=True):
            assert generation.text.startswith(field_prefix(spec.name).encode().rstrip())
            forced = [t.forced for t in generation.tokens]
            assert forced == sorted(forced, reverse=True)
            assert any(forced)
            assert not all(forced)


def test_a_field_that_spends_its_budget_is_cut_short_alone(engine):
    """Its neighbours keep their values."""
    engine.field_tokens = 2
    readings = [f for r in read_pages(PAGES, Slip.spec, engine) for f in r.fields]
    cut = [
        f
        for f in readings
        if f.stop_reason is StopReason.LENGTH and "." not in f.name and f.name != "items"
    ]
    assert all(
        f.state is FieldState.UNREADABLE and f.problem == "truncated"
        for f in cut
        if f.text is not None
    )
    assert any(f.state is FieldState.ABSENT for f in readings)


def test_both_modes_are_asked_the_same_but_hash_apart(engine, backend):
    """A reading tells which mode made it."""
    [a], [b] = (read_pages(PAGES[:1], Slip.spec, b) for b in (engine, backend))
    assert a.fingerprint == b.fingerprint
    assert a.prompt_hash != b.prompt_hash
    json.dumps([dict(a.settings), dict(b.settings)])


@pytest.mark.parametrize("spec", [Slip.spec, Invoice.spec], ids=lambda s: s.name)
def test_skeletons_are_what_training_would_split_them_into(spec):
    """The tokens fed are the first tokens of every trained answer about the field, whatever its
    value.
    """
    tokens = tiny.tokenizer()
    for field in spec.fields:
        skeleton = skeleton_of(field, tokens)
        assert skeleton
        for value in (None, "x", "12", "é") if not field.members else ([], [{"description": "x"}]):
            trained = tokens.encode(
                field_answer(spec, {field.name: value}, field.name), add_special_tokens=False
            )
            assert tuple(trained[: len(skeleton)]) == skeleton


def test_a_value_may_open_only_as_the_grammar_of_answers_says():
    """A quote or null for a field, a bracket for a group; the space that was not fed comes with
    it.
    """
    tokens = tiny.tokenizer()
    vocabulary = vocabulary_of(tokens, size=len(tokens), eos_ids=[])
    for name in ("total", "items"):
        field = Slip.spec.field(name)
        opened = [
            s
            for s, ok in zip(
                vocabulary.spelled, openings_of(field, b" ", vocabulary).tolist(), strict=True
            )
            if ok
        ]
        assert opened
        assert all(s.startswith((b' "', b" n", b" [")) for s in opened)
        assert all(s.startswith(b" [") for s in opened) is (name == "items")


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.text(max_size=5),
)
def test_a_value_ends_with_its_last_byte_and_not_before(value, after):
    """Quotes, escapes and brackets inside of strings end nothing."""
    printed = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    end = ValueEnd()
    endings = [
        n
        for n, byte in enumerate(printed + after.encode("utf-8", "surrogatepass"))
        if not end.ended and end.feed(bytes([byte]))
    ]
    assert endings[:1] == [len(printed) - 1]


def test_a_number_ends_with_what_follows_it():
    """Nothing else can tell that no digit comes."""
    end = ValueEnd()
    assert not end.feed(b" 12.50")
    assert end.feed(b",")


def test_a_machine_without_llguidance_reads_in_fields_mode_and_says_what_json_mode_lacks(
    checkpoint,
):
    """A GPU machine may have torch and transformers and little else."""
    code = f"""
import sys
for name in ("llguidance", "pymupdf", "sqlalchemy", "celery", "babel"):
    sys.modules[name] = None
from extractors.backends.mllama.backend import MllamaBackend
from extractors.documents.slip import Slip
from extractors.errors import ModelNotLoadable
from extractors.read import read_pages
from tests.backends.mllama import tiny
pages = [tiny.page(1)]
options = dict(device="cpu", field_tokens=8, max_new_tokens=8)
[reading] = read_pages(pages, Slip.spec, 
    MllamaBackend({str(checkpoint)!r}, decode_mode="fields", **options))
assert len(reading.answer.generations) == 6
assert read_pages(pages, Slip.spec, MllamaBackend({str(checkpoint)!r}, grammar=False, **options))
try:
    read_pages(pages, Slip.spec, MllamaBackend({str(checkpoint)!r}, **options))
except ModelNotLoadable as error:
    assert "llguidance" in str(error)
else:
    raise AssertionError("json mode needs a grammar")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
