"""The cross-encoder that transformers loads: its logits, its batches, and what it refuses to be."""

import json
import math
import shutil
from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification, AutoTokenizer, XLMRobertaModel

from extractors.errors import ModelNotLoadable, UnexpectedScores
from extractors.rerankers import Reranker, open_reranker, sigmoid
from extractors.rerankers.cross_encoder.reranker import CrossEncoder, _batches
from extractors.rerankers.known_pairs import KnownPair
from tests.rerankers.conftest import FOLDER
from tests.rerankers.passages import examples
from tests.rerankers.train import UNSEEN

PAIRS = [(one.query, one.passage) for one in islice(examples(UNSEEN + 1), 24)]
LONG = ("the invoice number", "Invoice number: A-1007 " * 200)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tiny checkpoint, to be damaged."""
    return Path(shutil.copytree(FOLDER, tmp_path / "copy"))


def test_it_is_a_reranker_among_the_others():
    """It is opened by its name, and nothing is loaded before the first pairs."""
    reranker = open_reranker("cross-encoder", model=str(FOLDER))

    assert isinstance(reranker, Reranker)
    assert reranker.relevance([]) == []


def test_every_logit_is_that_of_the_pair_alone(tiny):
    """Whatever it was batched and padded with: transformers says the same of each pair by itself,
    to a hundred-thousandth.
    """
    model = AutoModelForSequenceClassification.from_pretrained(FOLDER).eval()
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    with torch.inference_mode():
        alone = [
            model(**tokenizer(*pair, return_tensors="pt")).logits[0, 0].item() for pair in PAIRS
        ]

    judged = tiny.relevance(PAIRS)

    assert [one.logit for one in judged] == pytest.approx(alone, abs=1e-5)
    assert [one.score for one in judged] == pytest.approx(
        [1 / (1 + math.exp(-logit)) for logit in alone], abs=1e-5
    )


def test_the_order_of_the_pairs_does_not_matter(tiny):
    """They are sorted by length inside, and come back as they were given."""
    forwards, backwards = tiny.relevance(PAIRS), tiny.relevance(PAIRS[::-1])

    assert [one.logit for one in forwards] == pytest.approx(
        [one.logit for one in backwards[::-1]], abs=1e-5
    )


@given(st.lists(st.integers(1, 600), max_size=40), st.integers(1, 4_000))
def test_every_pair_is_in_one_batch_and_no_batch_is_too_large(lengths, batch_tokens):
    """Padding counts; a pair that is larger than a batch goes alone."""
    batches = list(_batches(lengths, 512, batch_tokens))

    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    for batch in batches:
        assert (
            len(batch) == 1
            or len(batch) * max(min(lengths[at], 512) for at in batch) <= batch_tokens
        )
    widths = [max(lengths[at] for at in batch) for batch in batches]
    assert widths == sorted(widths, reverse=True)


def test_a_pair_that_is_too_long_is_cut_and_says_so(tiny, caplog):
    """The passage's end is not seen; the others are whole."""
    judged = tiny.relevance([PAIRS[0], LONG])

    assert [one.truncated for one in judged] == [False, True]
    assert "pairs_truncated" in caplog.text


def test_the_longest_pair_is_the_models_own(tiny):
    """514 positions of RoBERTa's are 512 tokens: one more would be out of its table."""
    tiny.relevance([LONG])

    assert tiny._loaded.max_tokens == 512
    assert CrossEncoder(str(FOLDER), max_tokens=4_000)._loaded.max_tokens == 512


@given(st.floats(-800, 800), st.floats(-800, 800))
def test_a_higher_logit_is_never_a_lower_score(a, b):
    """For logits of any size, without an overflow."""
    low, high = sorted((a, b))

    assert 0.0 <= sigmoid(low) <= sigmoid(high) <= 1.0


# ---- what it is known by


def test_the_known_pairs_beside_the_weights_are_checked(copy):
    """Weights that do not give the logits they were saved with are other weights."""
    told = json.loads((copy / "surefield.json").read_text())
    told["known_pairs"][0]["logit"] += 1.0
    (copy / "surefield.json").write_text(json.dumps(told))

    with pytest.raises(UnexpectedScores, match="known pair"):
        CrossEncoder(str(copy)).relevance(PAIRS)


def test_without_known_pairs_the_order_of_two_plain_ones_is_checked(copy):
    """A head that was turned round finds the unrelated text more relevant."""
    (copy / "surefield.json").unlink()
    assert CrossEncoder(str(copy)).relevance(PAIRS)
    model = AutoModelForSequenceClassification.from_pretrained(copy)
    with torch.no_grad():
        model.classifier.out_proj.weight.neg_()
        model.classifier.out_proj.bias.neg_()
    model.save_pretrained(copy)

    with pytest.raises(UnexpectedScores, match="no less relevant"):
        CrossEncoder(str(copy)).relevance(PAIRS)


def test_known_pairs_that_cannot_be_read_name_the_file(copy):
    """Instead of passing for no known pairs."""
    (copy / "surefield.json").write_text('{"known_pairs": [{"question": "?"}]}')

    with pytest.raises(ModelNotLoadable, match=r"surefield\.json"):
        CrossEncoder(str(copy)).relevance(PAIRS)


def test_a_model_that_gives_no_number_is_refused():
    """NaN is no order and no score."""
    reranker = CrossEncoder(str(FOLDER), known=[KnownPair(query="a", passage="b", logit=math.nan)])

    with pytest.raises(UnexpectedScores):
        reranker.relevance(PAIRS)


# ---- what is no reranker


def test_an_encoder_without_a_head_is_refused(copy):
    """transformers would fill the head with random numbers, and warn."""
    XLMRobertaModel.from_pretrained(copy).save_pretrained(copy)

    with pytest.raises(ModelNotLoadable, match="embedding model"):
        CrossEncoder(str(copy)).relevance(PAIRS)


def test_a_classifier_of_several_labels_is_refused(copy):
    """It has no single logit."""
    AutoModelForSequenceClassification.from_pretrained(
        copy, num_labels=3, ignore_mismatched_sizes=True
    ).save_pretrained(copy)

    with pytest.raises(ModelNotLoadable, match="3 labels"):
        CrossEncoder(str(copy)).relevance(PAIRS)


def test_damaged_weights_are_refused(copy):
    """A download that was cut short."""
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:10_000])

    with pytest.raises(ModelNotLoadable, match="does not load"):
        CrossEncoder(str(copy)).relevance(PAIRS)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    """With what to do about it."""
    with pytest.raises(ModelNotLoadable, match="no folder"):
        CrossEncoder(str(tmp_path / "nowhere")).relevance(PAIRS)


def test_the_fingerprint_follows_weights_dtype_and_length(copy):
    """Scores of two fingerprints are never mixed."""
    same = CrossEncoder(str(FOLDER)).fingerprint
    others = {
        CrossEncoder(str(FOLDER), dtype="bfloat16").fingerprint,
        CrossEncoder(str(FOLDER), max_tokens=64).fingerprint,
    }
    model = AutoModelForSequenceClassification.from_pretrained(copy)
    with torch.no_grad():
        model.classifier.out_proj.bias.add_(1.0)
    model.save_pretrained(copy)

    assert CrossEncoder(str(FOLDER)).fingerprint == same
    assert same not in {*others, CrossEncoder(str(copy)).fingerprint}
    assert len(others) == 2
