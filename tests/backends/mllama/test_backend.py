"""The Mllama backend as the house sees it: whole answers, exact bytes, clear refusals."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from extractors.backends import Backend, open_backend
from extractors.backends.mllama.backend import MllamaBackend
from extractors.backends.mllama.grammar import GrammarSource
from extractors.backends.mllama.reference import generate_json, inputs_of
from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from extractors.errors import BackendUnavailable, ModelNotLoadable, OutOfMemory
from extractors.read import read_pages
from extractors.reading.prompts import json_answer
from extractors.types import FieldState, StopReason
from tests.backends.mllama import tiny

PAGES = [tiny.page(n) for n in range(1, 6)]


def test_a_page_becomes_a_reading_with_every_path(backend):
    """Every path of the document type is answered for, with tokens behind every value."""
    readings = read_pages(PAGES, Slip.spec, backend)
    assert [r.page for r in readings] == [1, 2, 3, 4, 5]
    for reading in readings:
        assert {"payee", "date", "number", "total", "currency"} <= {f.name for f in reading.fields}
        assert all(f.tokens for f in reading.fields if f.state is not FieldState.UNREADABLE)
        assert reading.fingerprint == backend.fingerprint
        assert reading.settings["grammar"] is True
    json.dumps(dict(readings[0].settings))


def test_the_backend_speaks_the_protocol(backend):
    """The protocol's attributes are all there."""
    assert isinstance(backend, Backend)
    assert (backend.canvas.tile_px, backend.canvas.max_tiles) == (tiny.TILE_PX, 4)


def test_a_grammar_keeps_every_answer_in_the_trained_form(backend):
    """Ended answers parse, have the keys in order, and are spelled with ', ' and ': ' and nothing
    more.
    """
    backend.max_new_tokens = 200
    answers = [
        g
        for a in backend.answer([tiny.page(n) for n in range(12)], Slip.spec)
        for g in a.generations
    ]
    ended = [g for g in answers if g.stop_reason is not StopReason.LENGTH]
    assert ended
    for generation in ended:
        answer = json.loads(generation.text)
        assert list(answer) == [f.name for f in Slip.spec.fields]
        skeleton = json_answer(Slip.spec, {k: [] if k == "items" else None for k in answer})
        assert json.dumps({k: [] if k == "items" else None for k in answer}) == skeleton


def test_without_a_grammar_the_model_may_say_anything(backend):
    """The setting turns it off, and answers that make no sense are fields without a value, not
    errors.
    """
    backend.grammar = False
    [reading] = read_pages(PAGES[:1], Slip.spec, backend)
    assert reading.settings["grammar"] is False
    assert {f.state for f in reading.fields} == {FieldState.UNREADABLE}


def test_tokens_spell_exactly_what_the_tokenizer_says(loaded):
    """Byte for byte: the pieces of any text, put together again, are that text, also in the middle
    of a character.
    """
    tokenizer = loaded.processor.tokenizer
    for text in (
        '{"total": "1,204.50"}',
        "Zoë Ünsal 株式会社 €",
        "\u0627\u0644\u0645",
        "tab\tnew\nline \\ 🙂",
    ):
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert b"".join(loaded.vocabulary.spelled[i] for i in ids) == text.encode()


def test_special_tokens_spell_nothing(loaded):
    """The end of a turn is evidence, but not part of the answer's text."""
    assert loaded.vocabulary.special_ids >= set(loaded.vocabulary.eos_ids)
    assert all(loaded.vocabulary.spelled[i] == b"" for i in loaded.vocabulary.special_ids)


def test_the_vocabulary_stops_where_lm_head_does(loaded):
    """The image token has no row in lm_head; masks and tables must not count it."""
    assert len(loaded.vocabulary) == loaded.lm_head.out_features == loaded.processor.image_token_id


def test_a_token_added_whole_is_spelled_literally_and_allowed_by_the_grammar(loaded):
    """The bundled model has whole skeletons as single tokens."""
    from extractors.backends.vocabulary import vocabulary_of

    tokens = tiny.tokenizer()
    tokens.add_tokens(['{"payee": ', ', "date": '])
    vocabulary = vocabulary_of(tokens, size=len(tokens), eos_ids=[])
    whole = tokens.convert_tokens_to_ids('{"payee": ')
    assert vocabulary.spelled[whole] == b'{"payee": '
    matcher = GrammarSource(vocabulary, tokens).matcher(Slip.spec)
    assert matcher.consume_token(whole)


def test_a_grammar_accepts_every_trained_answer(loaded):
    """What the model is trained to write must be what the grammar lets it write."""
    source = GrammarSource(loaded.vocabulary, loaded.processor.tokenizer)
    for truth in [*tiny.TRUTHS[:8], {"payee": 'A "quoted" \\ é 🙂 \u2028 \t', "items": []}]:
        ids = loaded.processor.tokenizer.encode(
            json_answer(Slip.spec, truth), add_special_tokens=False
        )
        matcher = source.matcher(Slip.spec)
        assert matcher.consume_tokens(ids), matcher.get_error()
        assert matcher.is_accepting()


def test_image_comes_first_and_the_template_starts_the_text_once(loaded):
    """Text before the image gets no cross-attention, and a second start of text would be one that
    nobody trained on.
    """
    ids = inputs_of(loaded, PAGES[:2], Invoice.spec)["input_ids"]
    tokenizer = loaded.processor.tokenizer
    assert (ids == tokenizer.bos_token_id).sum(dim=1).tolist() == [1, 1]
    text = tokenizer.decode(ids[0])
    assert text.index("<|image|>") < text.index("Read this")
    assert ids.shape[0] == 2


@pytest.mark.parametrize("limit", [1, 3])
def test_out_of_memory_halves_the_batch_and_goes_on(backend, monkeypatch, limit):
    """Memory that does not suffice for five pages is enough for fewer; no page is lost or read
    twice.
    """
    sizes = []

    def scarce(loaded, pages, spec, **options):
        sizes.append(len(pages))
        if len(pages) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate_json(loaded, pages, spec, **options)

    monkeypatch.setattr("extractors.backends.mllama.backend.generate_json", scarce)
    answers = backend.answer(PAGES, Slip.spec)
    assert [a.page for a in answers] == [1, 2, 3, 4, 5]
    assert sizes[0] == 5
    assert max(sizes[-2:]) <= limit
    assert backend.answer(PAGES, Slip.spec)
    assert sizes.count(5) == 1  # it remembers


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        (
            "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate"
            " memory: you tried to allocate 9 bytes."
        ),
    ],
)
def test_memory_that_runs_out_outside_of_torchs_allocator_halves_the_batch_too(
    backend, monkeypatch, words
):
    """Pinned memory, a library's workspace and the host's own have errors of their own."""

    def scarce(loaded, pages, spec, **options):
        if len(pages) > 2:
            raise RuntimeError(words)
        return generate_json(loaded, pages, spec, **options)

    monkeypatch.setattr("extractors.backends.mllama.backend.generate_json", scarce)
    assert [answer.page for answer in backend.answer(PAGES, Slip.spec)] == [1, 2, 3, 4, 5]


def test_what_goes_to_a_gpu_is_pinned_before(loaded, monkeypatch):
    """Every tensor of the batch, or moving it would wait."""
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: pinned.append(self.shape) or self)
    batch = inputs_of(replace(loaded, device=torch.device("cuda")), PAGES[:2], Slip.spec)
    assert len(pinned) == len(batch) >= 5


def test_a_page_that_does_not_fit_alone_is_an_error_of_its_own(backend, monkeypatch):
    """Nothing is left to halve; a retry on another machine may help."""

    def never(*_args, **_options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("extractors.backends.mllama.backend.generate_json", never)
    with pytest.raises(OutOfMemory, match="larger GPU"):
        backend.answer(PAGES, Slip.spec)


def test_a_fault_of_the_device_asks_for_a_retry(backend, monkeypatch):
    """A kernel that fails is not the document's fault."""

    def broken(*_args, **_options):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr("extractors.backends.mllama.backend.generate_json", broken)
    with pytest.raises(BackendUnavailable, match="restart"):
        backend.answer(PAGES, Slip.spec)


def test_the_fingerprint_knows_weights_and_dtype(checkpoint, tmp_path):
    """The same files give the same fingerprint anywhere; one changed byte of a weight, or another
    dtype, a different one.
    """
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    first = MllamaBackend(checkpoint, device="cpu").fingerprint
    assert MllamaBackend(copy, device="cpu").fingerprint == first
    assert MllamaBackend(copy, device="cpu", dtype="bfloat16").fingerprint != first
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert MllamaBackend(copy, device="cpu").fingerprint != first


def test_a_checkpoint_says_what_it_was_made_for(checkpoint, tmp_path):
    """A model that was trained on slips is out of its domain on invoices; one that says nothing
    takes everything.
    """
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    tiny.made_for(copy, "slip")
    assert MllamaBackend(copy, device="cpu").in_domain(Slip.spec)
    assert not MllamaBackend(copy, device="cpu").in_domain(Invoice.spec)
    assert MllamaBackend(checkpoint, device="cpu").in_domain(Invoice.spec)


def test_a_checkpoint_says_which_mode_it_reads_better_in(checkpoint, tmp_path):
    """That is the default; a mode that is set is taken, and json when nothing is said."""
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    tiny.made_for(copy, "slip", decode_mode="fields")
    assert MllamaBackend(copy, device="cpu").decode_mode == "fields"
    assert MllamaBackend(copy, device="cpu", decode_mode="json").decode_mode == "json"
    assert MllamaBackend(checkpoint, device="cpu").decode_mode == "json"


@pytest.mark.parametrize(
    "said",
    [
        '{"document_types": ["slip"], "decode_mode": "prose"}',
        '{"document_types": ["slip"], "decode_mode": ["fields"]}',
        '{"document_types": ["slip"], "decode_mode": ""}',
        '{"document_types": "slip"}',
        '["slip"]',
        "{}",
        "{",
    ],
)
def test_a_checkpoint_that_says_nonsense_of_itself_is_refused_with_the_mend(
    checkpoint, tmp_path, said
):
    """Not read as one that was made for everything."""
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    (copy / "surefield.json").write_text(said)
    with pytest.raises(ModelNotLoadable, match=r"Mend it|Set SUREFIELD_DECODE_MODE"):
        MllamaBackend(copy, device="cpu").answer(PAGES[:1], Slip.spec)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "does not load"),
        (
            lambda f: (f / "model.safetensors").write_bytes(
                (f / "model.safetensors").read_bytes()[:5000]
            ),
            "does not load",
        ),
        (lambda f: (f / "tokenizer.json").write_text("{"), "does not load"),
        (lambda f: (f / "config.json").unlink(), "config.json"),
        (lambda f: (f / "config.json").write_text('{"model_type": "llama"}'), "'llama' model"),
        (lambda f: shutil.rmtree(f), "no folder"),
    ],
    ids=[
        "no weights",
        "cut weights",
        "broken tokenizer",
        "no configuration",
        "another architecture",
        "no folder",
    ],
)
def test_a_damaged_checkpoint_is_refused_with_the_mend(checkpoint, tmp_path, damage, says):
    """Never random numbers in place of missing weights; the message says what to do."""
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    damage(copy)
    with pytest.raises(ModelNotLoadable, match=says):
        MllamaBackend(copy, device="cpu").answer(PAGES[:1], Slip.spec)


def test_missing_weights_are_never_filled_with_random_numbers(checkpoint, tmp_path):
    """transformers only warns about weights that a file lacks."""
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    weights = load_file(copy / "model.safetensors")
    weights.pop(next(name for name in weights if "cross_attn" in name))
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelNotLoadable, match="lacks 1 weights"):
        MllamaBackend(copy, device="cpu").answer(PAGES[:1], Slip.spec)


@pytest.mark.parametrize("options", [{"decode_mode": "prose"}, {"dtype": "int3"}])
def test_an_unknown_setting_names_the_known_ones(checkpoint, options):
    """A typing error in a setting is found when the backend is opened."""
    with pytest.raises(ModelNotLoadable, match="Choose one of"):
        MllamaBackend(checkpoint, **options)


def test_an_unknown_backend_names_the_known_ones():
    """The table of backends is the only list there is."""
    with pytest.raises(ModelNotLoadable, match="mllama, scripted"):
        open_backend("gpt")


def test_torch_is_not_imported_before_a_model_is_opened():
    """CPU workers import the reader and the scripted backend, and never torch."""
    code = (
        "import sys, extractors.read, extractors.backends.scripted, extractors.rendering.canvas,"
        " extractors.decision.scores; assert not {'torch', 'transformers', 'pymupdf'} &"
        " set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
