"""Asking a reranking server: what is sent, what its answers become, and what is never believed."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from extractors.errors import BackendUnavailable, ModelNotLoadable, RequestRefused, UnexpectedScores
from extractors.rerankers import Reranker, open_reranker, sigmoid
from extractors.rerankers.known_pairs import KNOWN, KnownPair
from extractors.rerankers.server.reranker import STYLES, RerankServer
from tests.backends.vllm.server import Asked, Reply, Server, ok

# of a real vLLM 0.32.0 with a tiny random cross-encoder, word for word
RESPONSES = Path(__file__).parent / "responses"
QUERY = "What is the total of the invoice?"
LOGITS = {
    "The invoice total is 1,284.50 EUR.": -0.18050998449325562,
    "Maria Keller lives in Bern.": 0.2805240750312805,
    "A purchase order lists items.": 0.10881368815898895,
}
PAIRS = [(QUERY, passage) for passage in LOGITS]
# by that model
IN_ORDER = [
    KnownPair(query=QUERY, passage=p, logit=LOGITS[p])
    for p in sorted(LOGITS, key=lambda p: -LOGITS[p])
]

Opened = tuple[RerankServer, Server]


def recorded(name: str) -> Any:
    return json.loads((RESPONSES / f"{name}.json").read_text("utf-8"))


def refusal() -> Reply:
    """What the real server says of a pair that is too long."""
    said = recorded("score_toolong")
    return Reply(said["status"], json.dumps(said["body"]).encode())


@pytest.fixture
def serving() -> Iterator[Callable[..., Opened]]:
    """Opens a client on a server of its own."""
    with ExitStack() as open_things:

        def start(decide: Callable[[Asked], Reply], **options: Any) -> Opened:
            server = Server(decide=decide)
            url = open_things.enter_context(server.running())
            client = RerankServer(
                "tiny", base_url=url, **{"known": IN_ORDER, "pause_s": 0.01, **options}
            )
            open_things.callback(client.close)
            return client, server

        yield start


def as_vllm(asked: Asked) -> Reply:
    """The recorded answers, put together for whichever of the recorded passages are asked about."""
    scores = [LOGITS.get(passage, -3.0) for passage in asked.body["text_2"]]
    if asked.body.get("use_activation", True):
        scores = [sigmoid(score) for score in scores]
    body = recorded("score_noact")["body"]
    return ok(
        body
        | {
            "data": [
                {"index": at, "object": "score", "score": score} for at, score in enumerate(scores)
            ]
        }
    )


def as_tei(asked: Asked) -> Reply:
    """Text Embeddings Inference answers with a bare list, the best first."""
    scores = [
        LOGITS[text] if asked.body["raw_scores"] else sigmoid(LOGITS[text])
        for text in asked.body["texts"]
    ]
    ranked = sorted(
        ({"index": at, "score": score} for at, score in enumerate(scores)),
        key=lambda one: -one["score"],
    )
    return Reply(200, json.dumps(ranked).encode())


def as_jina(asked: Asked) -> Reply:
    """The recorded ``/rerank`` of vLLM, which has Jina's shape: the best first, documents and
    all.
    """
    told = {one["document"]["text"]: one for one in recorded("rerank")["body"]["results"]}
    here = [told[text] | {"index": at} for at, text in enumerate(asked.body["documents"])]
    return ok(
        recorded("rerank")["body"]
        | {"results": sorted(here, key=lambda one: -one["relevance_score"])}
    )


def test_it_is_a_reranker_among_the_others():
    """It is opened by its name, and speaks the one protocol."""
    assert isinstance(open_reranker("server", model="tiny", url="http://localhost:1/v1"), Reranker)
    with Server(decide=as_vllm).running() as url:
        reranker = RerankServer("tiny", base_url=url, known=IN_ORDER)

        assert [one.logit for one in reranker.relevance(PAIRS)] == list(LOGITS.values())


def test_an_unknown_reranker_names_those_there_are():
    """A slip of the pen in a setting is answered with the choices."""
    with pytest.raises(ModelNotLoadable, match="cross-encoder, server"):
        open_reranker("bm25")
    with pytest.raises(ModelNotLoadable, match="jina, score, tei"):
        RerankServer("tiny", style="cohere")


def test_neither_torch_nor_transformers_is_loaded():
    """The model runs elsewhere: whoever asks a server needs no more than HTTP."""
    modules = "extractors.rerankers.server.reranker, extractors.triage.rerank_pages"
    code = f"import sys, {modules}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert set(loaded) & {"torch", "transformers", "pymupdf"} == set()


@pytest.mark.parametrize(
    ("style", "decide"), [("score", as_vllm), ("tei", as_tei), ("jina", as_jina)]
)
def test_every_style_of_server_gives_the_same_logits(serving, style, decide):
    """Raw ones where they can be had, else those that the probabilities were made of; in the order
    of the pairs.
    """
    reranker, _ = serving(decide, style=style)

    judged = reranker.relevance([PAIRS[2], PAIRS[0], PAIRS[1]])

    assert [one.logit for one in judged] == pytest.approx(
        [LOGITS[PAIRS[at][1]] for at in (2, 0, 1)], abs=1e-6
    )
    assert not any(one.truncated for one in judged)


def test_the_recorded_scores_are_the_sigmoid_of_the_recorded_logits(serving):
    """The same three pairs were asked about with activation and without."""
    reranker, _ = serving(as_vllm)
    told = [one["score"] for one in recorded("score_text12")["body"]["data"]]

    assert [one.score for one in reranker.relevance(PAIRS)] == pytest.approx(told, abs=1e-6)


def test_raw_scores_are_asked_for_in_the_name_that_is_understood(serving):
    """An older name of the field is ignored with a 200, and probabilities would be taken for
    logits.
    """
    reranker, server = serving(as_vllm)
    reranker.relevance(PAIRS)

    assert server.asked[-1].path == "/v1/score"
    assert server.asked[-1].body == {
        "model": "tiny",
        "text_1": QUERY,
        "text_2": [p for _, p in sorted(PAIRS, key=lambda p: len(p[1]))],
        "use_activation": False,
    }


def test_pairs_of_one_query_are_asked_together_in_batches(serving):
    """One request for up to ``batch_pairs`` passages of a query, whatever order they came in."""
    reranker, server = serving(as_vllm, batch_pairs=4)
    reranker.relevance(PAIRS)
    before = len(server.asked)
    pairs = [(query, f"passage {n}") for n in range(6) for query in ("one", "two")]

    assert [one.logit for one in reranker.relevance(pairs)] == [-3.0] * 12
    batches = sorted((a.body["text_1"], len(a.body["text_2"])) for a in server.asked[before:])
    assert batches == [("one", 2), ("one", 4), ("two", 2), ("two", 4)]


def test_no_pairs_ask_nothing(serving):
    """Not even whether the server is there."""
    reranker, server = serving(as_vllm)

    assert reranker.relevance([]) == []
    assert server.asked == []


# ---- the known pair


def test_the_known_pair_is_asked_once(serving):
    """Before the first answer is believed, and not again."""
    reranker, server = serving(as_vllm)
    reranker.relevance(PAIRS[:1])
    first = len(server.asked)
    reranker.relevance(PAIRS[:1])

    # the known pairs, one of them both ways, and the pair itself
    assert (first, len(server.asked)) == (4, 5)


def test_a_server_that_ignores_what_it_is_asked_is_found_out(serving):
    """It answers probabilities where logits were asked for, with a 200; their order alone would not
    tell.
    """

    def deaf(asked: Asked) -> Reply:
        return as_vllm(Asked(asked.path, asked.headers, {**asked.body, "use_activation": True}))

    only_order = [KnownPair(query=one.query, passage=one.passage) for one in IN_ORDER]
    reranker, _ = serving(deaf, known=only_order)

    with pytest.raises(UnexpectedScores, match="sigmoid"):
        reranker.relevance(PAIRS)


def test_a_documented_model_that_scores_otherwise_is_refused(serving):
    """The model's card gives 5.26 and -8.19 for two pairs; a server that activates twice, or has
    other weights, does not.
    """
    reranker, _ = serving(as_vllm, known=KNOWN["BAAI/bge-reranker-v2-m3"])

    with pytest.raises(UnexpectedScores, match=r"instead of 5\.2617") as raised:
        reranker.relevance(PAIRS)
    assert raised.value.code == "unexpected_scores"
    assert isinstance(raised.value, ModelNotLoadable)


def test_a_model_that_orders_the_known_pair_wrongly_is_refused(serving):
    """That is what an embedding model with a head of random numbers does, half of the time."""
    reranker, _ = serving(
        as_vllm,
        known=list(reversed([KnownPair(query=one.query, passage=one.passage) for one in IN_ORDER])),
    )

    with pytest.raises(UnexpectedScores, match="no less relevant"):
        reranker.relevance(PAIRS)


def test_a_check_that_failed_is_made_again(serving):
    """Whoever mends the server need not restart the worker."""
    mended: list[bool] = []

    def decide(asked: Asked) -> Reply:
        return as_vllm(asked) if mended else Reply(503, b"")

    reranker, _ = serving(decide)
    with pytest.raises(BackendUnavailable):
        reranker.relevance(PAIRS)
    mended.append(True)

    assert len(reranker.relevance(PAIRS)) == 3


def test_raw_scores_of_a_server_of_probabilities_are_noticed(serving):
    """A score of 5.3 is no probability, so the style is wrong."""

    def raw(asked: Asked) -> Reply:
        return ok(
            {
                "results": [
                    {"index": at, "relevance_score": 5.3 - at}
                    for at, _ in enumerate(asked.body["documents"])
                ]
            }
        )

    reranker, _ = serving(raw, style="jina")

    with pytest.raises(UnexpectedScores, match="no probability"):
        reranker.relevance(PAIRS)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty_is_a_finite_logit(serving, probability):
    """A float32 sigmoid reaches 1 at a logit of 17; the evidence must stay a number."""

    def sure(asked: Asked) -> Reply:
        scores = [
            probability if text == "sure" else sigmoid(LOGITS[text])
            for text in asked.body["documents"]
        ]
        return ok(
            {
                "results": [
                    {"index": at, "relevance_score": score} for at, score in enumerate(scores)
                ]
            }
        )

    reranker, _ = serving(sure, style="jina")

    (one,) = reranker.relevance([("q", "sure")])

    assert math.isfinite(one.logit)
    assert one.score == pytest.approx(probability, abs=1e-6)


# ---- too long


def too_long(asked: Asked) -> Reply:
    """Refuses as the real server does, unless it may cut."""
    return (
        refusal()
        if "long" in asked.body["text_2"] and "truncate_prompt_tokens" not in asked.body
        else as_vllm(asked)
    )


def test_a_pair_that_is_too_long_is_cut_and_says_so(serving):
    """The server refuses the whole batch for it; the others are judged whole."""
    reranker, server = serving(too_long)

    judged = reranker.relevance([*PAIRS, (QUERY, "long")])

    assert [one.truncated for one in judged] == [False, False, False, True]
    assert [one.logit for one in judged] == [*LOGITS.values(), -3.0]
    assert [
        asked.body["text_2"] for asked in server.asked if "truncate_prompt_tokens" in asked.body
    ] == [["long"]]


def test_what_is_refused_for_another_reason_stays_refused(serving):
    """Cutting does not mend it, so the server's words arrive."""
    reranker, _ = serving(
        lambda asked: refusal() if "long" in asked.body["text_2"] else as_vllm(asked)
    )

    with pytest.raises(RequestRefused, match="maximum context length"):
        reranker.relevance([(QUERY, "long")])


# ---- what is no answer


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"data": []}',
        b'{"data": [{"index": 0, "score": 1.0}]}',
        (
            b'{"data": [{"index": 0, "score": NaN}, {"index": 1, "score": 1.0}, {"index": 2,'
            b' "score": 1.0}]}'
        ),
    ],
)
def test_something_else_at_the_address_is_noticed(serving, body):
    """No passage goes without a score, and none gets another's."""
    reranker, _ = serving(lambda asked: Reply(200, body))

    with pytest.raises(BackendUnavailable):
        reranker.relevance(PAIRS)


def test_an_unknown_route_is_a_setting_to_mend(serving):
    """A chat server has no ``/score``; its error has another shape than the others."""
    reranker, _ = serving(lambda asked: Reply(404, b'{"detail":"Not Found"}'))

    with pytest.raises(ModelNotLoadable, match="404"):
        reranker.relevance(PAIRS)


def test_the_fingerprint_tells_models_styles_and_revisions_apart():
    """Scores of two of them are never compared."""
    made = {
        RerankServer(model, style=style, revision=revision).fingerprint
        for model in ("a", "b")
        for style in STYLES
        for revision in ("", "2")
    }

    assert len(made) == 12
