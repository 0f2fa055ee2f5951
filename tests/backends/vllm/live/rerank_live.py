"""The reranker against a real vLLM server on the CPU.

It serves a cross-encoder of random weights with the tokenizer of the tests' own one, whose heads of
16 are too narrow for vLLM's attention on a CPU: the first request would end the server.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForSequenceClassification

from extractors.errors import ModelNotLoadable, UnexpectedScores
from extractors.rerankers.cross_encoder.reranker import CrossEncoder
from extractors.rerankers.known_pairs import ANY, KnownPair, known_pairs
from extractors.rerankers.server.reranker import RerankServer
from extractors.triage.rerank_pages import RefinedSelect
from tests.backends.vllm.live.serving import ask, serving
from tests.benchmarks import selection
from tests.factories import render_limits
from tests.pipeline.conftest import TINY_CANVAS, make_house, renderer  # noqa: F401
from tests.pipeline.long import a_long_pdf, a_type_file, told
from tests.rerankers.conftest import FOLDER
from tests.rerankers.passages import examples
from tests.rerankers.train import UNSEEN

AGREES = 1e-5  # of a score, float32 on both sides
PAIRS = [(one.query, one.passage) for one in islice(examples(UNSEEN + 2), 40)]
LONG = ("the invoice number", "Invoice number: A-1007 " * 200)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of two heads of 32."""
    made = tmp_path_factory.mktemp("cross-encoder")
    config = XLMRobertaConfig.from_pretrained(FOLDER, num_attention_heads=2)
    torch.manual_seed(1)
    model = XLMRobertaForSequenceClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    model.save_pretrained(made)
    AutoTokenizer.from_pretrained(FOLDER).save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def url(python: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that serves it."""
    scratch = tmp_path_factory.mktemp("server")
    with serving(
        python,
        folder,
        scratch,
        "--runner",
        "pooling",
        "--max-model-len",
        "512",
        "--max-num-seqs",
        "8",
    ) as address:
        yield address


@pytest.fixture(scope="module")
def known(folder: Path) -> list[KnownPair]:
    """What it says of two pairs, by transformers, the more relevant first."""
    judged = CrossEncoder(str(folder), device="cpu", known=()).relevance(
        [(one.query, one.passage) for one in ANY]
    )
    pairs = [
        KnownPair(query=one.query, passage=one.passage, logit=its.logit)
        for one, its in zip(ANY, judged, strict=True)
    ]
    return sorted(pairs, key=lambda pair: -(pair.logit or 0.0))


@pytest.fixture(scope="module")
def here(folder: Path, known: list[KnownPair]) -> CrossEncoder:
    """The same weights, by transformers."""
    return CrossEncoder(str(folder), device="cpu", known=known)


@pytest.fixture(scope="module")
def there(url: str, known: list[KnownPair]) -> Callable[..., RerankServer]:
    """A client of the server, of any style."""

    def opened(style: str = "score") -> RerankServer:
        return RerankServer("tiny", base_url=url, style=style, known=known)

    return opened


@pytest.mark.parametrize("style", ["score", "jina"])
def test_scores_equal_transformers(here, there, style):
    """Through either route, to a hundred-thousandth; the logits too where raw ones can be had."""
    expected, judged = here.relevance(PAIRS), there(style).relevance(PAIRS)

    assert [one.score for one in judged] == pytest.approx(
        [one.score for one in expected], abs=AGREES
    )
    if style == "score":
        assert [one.logit for one in judged] == pytest.approx(
            [one.logit for one in expected], abs=1e-4
        )


def test_a_pair_that_is_too_long_is_cut_alike(here, there):
    """The server refuses it at first; cut, both see the same tokens, and both say so."""
    expected, judged = here.relevance([LONG, PAIRS[0]]), there().relevance([LONG, PAIRS[0]])

    assert [one.truncated for one in judged] == [one.truncated for one in expected] == [True, False]
    assert [one.score for one in judged] == pytest.approx(
        [one.score for one in expected], abs=AGREES
    )


def test_a_long_document_is_sorted_alike(here, there):
    """From its words to the pages that are kept."""
    one = selection.document(15, fewest=1)
    keep = selection.kept_of(one)

    chosen = RefinedSelect(there())(one.pages, one.spec, keep)

    assert chosen == RefinedSelect(here)(one.pages, one.spec, keep)
    assert len(chosen.kept) == keep


def test_a_long_document_goes_all_the_way_with_the_servers_opinion(
    here,
    there,
    make_house,
    tmp_path,
):
    """From a file to rows: pages ranked with the server's help, and beside each value the logit
    that transformers gives its line.
    """
    (tmp_path / "long.py").write_text(a_type_file(5))
    reranker = there()
    house = make_house(
        backend=told(TINY_CANVAS, head=3, foot=27),
        document_types_folder=tmp_path,
        limits=render_limits(max_pages=50, view_dpi=36),
        reranker=lambda: reranker,
    )
    document = house.submit(a_long_pdf(30, foot=27), document_type="long_slip")

    house.work()

    assert house.status(document) == "accepted"
    assert {row.ranked_by for row in house.rows("SELECT ranked_by FROM pages")} == {
        f"words/1+{reranker.fingerprint}"
    }
    judged = {
        row.name: row.relevance
        for row in house.rows("SELECT name, relevance FROM fields WHERE relevance IS NOT NULL")
    }
    (number,) = here.relevance([("number: A-17", "Slip number: A-17")])
    assert judged["number"] == pytest.approx(number.logit, abs=1e-4)
    assert judged.keys() == {"payee", "date", "number", "total", "currency"}


def test_an_older_name_of_the_activation_is_ignored_with_a_200(url):
    """Probabilities come back where logits were asked for; a style that asked so would be found
    out.
    """
    body = {"model": "tiny", "text_1": PAIRS[0][0], "text_2": PAIRS[0][1]}

    scores = [
        ask(url, "/score", {**body, **flag})[1]["data"][0]["score"]
        for flag in ({}, {"activation": False}, {"use_activation": False})
    ]

    assert scores[0] == scores[1] != scores[2]


def test_other_weights_than_the_known_ones_are_found_out(url):
    """A model documented with other scores is not this one."""
    other = RerankServer("tiny", base_url=url, known=known_pairs("BAAI/bge-reranker-v2-m3"))

    with pytest.raises(UnexpectedScores):
        other.relevance(PAIRS)


def test_a_model_that_is_not_served_is_a_setting_to_mend(url):
    """By the server's own words."""
    with pytest.raises(ModelNotLoadable, match="does not exist"):
        RerankServer("other", base_url=url).relevance(PAIRS)
