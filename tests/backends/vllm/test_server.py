"""Talking to a server: what is sent, what is tried again, and what its errors become."""

import base64
import inspect
import json
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from extractors.backends import Backend, open_backend
from extractors.backends.vllm.backend import VllmBackend
from extractors.errors import BackendUnavailable, ModelNotLoadable, RequestRefused
from extractors.reading import prompts
from extractors.types import PageImage
from tests.backends.vllm.conftest import SPEC, a_page
from tests.backends.vllm.server import Asked, Reply, Server, body_of, ok, recorded

FREE = recorded("raw_top0")


def test_it_is_a_backend_among_the_others():
    """It is opened by its name, and speaks the one protocol."""
    with Server(FREE).running() as url:
        backend = open_backend("vllm", model="tiny", server_url=url, grammar=False)

        assert isinstance(backend, Backend)
        assert [answer.page for answer in backend.answer([a_page(7)], SPEC)] == [7]


def test_neither_torch_nor_transformers_is_loaded():
    """The model runs elsewhere: whoever asks a server needs no more than HTTP."""
    code = (
        "import sys, extractors.backends.vllm; print(*{name.partition('.')[0] for name in"
        " sys.modules})"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert set(loaded) & {"torch", "transformers", "pymupdf"} == set()


def test_the_request_holds_the_page_and_the_prompt(replaying):
    """The page comes first, as for every other backend, and nothing is left to the server's
    defaults.
    """
    backend, server = replaying(FREE, grammar=False)
    backend.answer([a_page()], SPEC)

    (asked,) = server.asked
    image, text = asked.body["messages"][0]["content"]
    assert asked.path == "/v1/chat/completions"
    assert (
        base64.b64decode(image["image_url"]["url"].removeprefix("data:image/png;base64,"))
        == a_page().png
    )
    assert text == {"type": "text", "text": prompts.instruction(SPEC)}
    assert asked.body["model"] == "tiny"
    assert (asked.body["temperature"], asked.body["max_tokens"]) == (0.0, 1024)
    assert (asked.body["logprobs"], asked.body["top_logprobs"], asked.body["return_token_ids"]) == (
        True,
        6,
        True,
    )
    assert "response_format" not in asked.body


def test_a_grammar_is_asked_for_in_the_spelling_that_servers_know(replaying):
    """Old spellings are ignored with a 200, and two together are refused."""
    backend, server = replaying(recorded("raw_badschema"))
    with pytest.raises(RequestRefused, match="Grammar error"):
        backend.answer([a_page()], SPEC)

    body = server.asked[0].body
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["schema"] == prompts.answer_schema(SPEC)
    assert not {name for name in body if name.startswith("guided_") or name == "structured_outputs"}


def test_other_sampling_parameters_are_sent_and_written_down(replaying):
    """A sampled reading can be told from a greedy one for ever after."""
    sampling = {"temperature": 0.1, "top_p": 0.001, "repetition_penalty": 1.05, "seed": 3}
    backend, server = replaying(
        recorded("raw_toolong"), max_tokens=8192, top_logprobs=1, **sampling
    )
    with pytest.raises(RequestRefused):
        backend.answer([a_page()], SPEC)

    sent = server.asked[0].body
    assert sampling.items() <= sent.items()
    assert (sent["max_tokens"], sent["top_logprobs"]) == (8192, 2)
    assert {**sampling, "max_tokens": 8192, "top_logprobs": 1}.items() <= backend.settings.items()
    assert json.loads(json.dumps(backend.settings)) == backend.settings


def test_more_alternatives_than_servers_give_are_refused_at_once():
    """At 21 the server answers 400, after the page was sent."""
    with pytest.raises(ModelNotLoadable, match="19"):
        VllmBackend("tiny", top_logprobs=20)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("misc_bad_b64", "cannot identify image"),
        ("misc_two_images", "At most 1 image"),
        ("raw_toolong", "max_model_len"),
        ("raw_badschema", "Grammar error"),
        ("raw_top21", "max allowed: 20"),
    ],
)
def test_a_refused_request_is_not_sent_again(replaying, name, words):
    """It would be refused again; the server's own words say what to mend, and the page fails
    alone.
    """
    backend, server = replaying(recorded(name))

    with pytest.raises(RequestRefused, match=words) as raised:
        backend.answer([a_page()], SPEC)

    assert len(server.asked) == 1
    assert not raised.value.retry


@pytest.mark.parametrize(
    "reply",
    [
        recorded("misc_wrong_model"),
        Reply(404, b'{"detail":"Not Found"}'),
        Reply(401, b"{}"),
        Reply(403, b"no"),
    ],
    ids=["model", "route", "key", "forbidden"],
)
def test_a_server_that_does_not_serve_the_model_is_a_setting_to_mend(replaying, reply):
    """No page is at fault, and no second request would help."""
    backend, server = replaying(reply)

    with pytest.raises(ModelNotLoadable, match=str(reply.status)):
        backend.answer([a_page()], SPEC)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(replaying):
    """Overload passes; the answer that comes at last is taken."""
    backend, server = replaying(
        Reply(503, b""), Reply(429, b"{}", headers={"retry-after": "0"}), FREE, grammar=False
    )

    assert backend.answer([a_page()], SPEC)[0].generations[0].tokens
    assert len(server.asked) == 3


def test_a_server_that_stays_busy_is_unavailable(replaying):
    """After the attempts it was given, the pages go back and are read later."""
    backend, server = replaying(Reply(503, b""))

    with pytest.raises(BackendUnavailable, match="503"):
        backend.answer([a_page()], SPEC)
    assert len(server.asked) == 3


def test_an_internal_error_is_not_tried_again_at_once(replaying):
    """This server says 500 to some requests that can never succeed; whoever counts the attempts
    decides.
    """
    backend, server = replaying(
        Reply(
            500,
            b'{"error":{"message":"file://","type":"InternalServerError","param":null,"code":500}}',
        )
    )

    with pytest.raises(BackendUnavailable, match="file://"):
        backend.answer([a_page()], SPEC)
    assert len(server.asked) == 1


def test_a_slow_answer_is_not_asked_for_twice(replaying):
    """The server may be working on it still; a second copy would only add to its load."""
    backend, server = replaying(Reply(200, b"{}", after_s=1.0), timeout_s=0.1)

    with pytest.raises(BackendUnavailable, match="too long"):
        backend.answer([a_page()], SPEC)
    assert len(server.asked) == 1


def test_a_cold_server_has_time_for_its_first_answer():
    """It was seen to take 28 seconds for the first request that asks for log-probabilities."""
    assert inspect.signature(VllmBackend).parameters["timeout_s"].default >= 60


def test_nobody_at_the_address_is_unavailable():
    """The server may be starting: the pages are read later."""
    with socket.socket() as taken:
        # bound and not listening: nobody answers, and nobody else takes the port
        taken.bind(("127.0.0.1", 0))
        backend = VllmBackend(
            "tiny",
            base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1",
            pause_s=0.01,
            attempts=2,
        )

        with pytest.raises(BackendUnavailable, match="2 times"):
            backend.answer([a_page()], SPEC)


def test_what_is_no_address_is_said_at_once():
    """A forgotten scheme is found when the backend is opened, not at the first page."""
    with pytest.raises(ModelNotLoadable, match="http://"):
        VllmBackend("tiny", base_url="localhost:8000/v1")


@pytest.mark.parametrize(
    "body", [b"<html>welcome</html>", b"{}", b'{"model":"tiny","choices":[]}', b""]
)
def test_something_else_at_the_address_is_noticed(replaying, body):
    """A 200 of a proxy or of another service is no answer."""
    backend, _ = replaying(Reply(200, body))

    with pytest.raises(BackendUnavailable, match="no chat completion"):
        backend.answer([a_page()], SPEC)


def test_the_key_is_sent_and_never_shown(replaying):
    """It stands in the request's header, not in settings or errors."""
    backend, server = replaying(Reply(401, b"{}"), api_key="hush")
    with pytest.raises(ModelNotLoadable) as raised:
        backend.answer([a_page()], SPEC)

    assert server.asked[0].headers["authorization"] == "Bearer hush"
    assert "hush" not in str(raised.value) + str(dict(backend.settings))


def _by_page(asked: Asked) -> Reply:
    """Answers the earlier pages later; a page's number is the length of its image."""
    number = len(
        base64.b64decode(
            asked.body["messages"][0]["content"][0]["image_url"]["url"].partition(",")[2]
        )
    )
    body = body_of("raw_top0")
    body["choices"][0]["message"]["content"] = str(number)
    return Reply(200, json.dumps(body).encode(), after_s=0.02 * (10 - number))


def test_pages_are_asked_together_and_answered_in_their_order(replaying):
    """The server batches what it is asked at once, and may finish in any order."""
    backend, server = replaying(decide=_by_page, grammar=False)
    pages = [_sized(n) for n in range(1, 9)]

    answers = backend.answer(pages, SPEC)

    assert [answer.page for answer in answers] == list(range(1, 9))
    assert [answer.generations[0].text for answer in answers] == [
        str(n).encode() for n in range(1, 9)
    ]
    assert len(server.asked) == 8


def _sized(number: int) -> PageImage:
    return replace(a_page(number), png=b"x" * number)


def test_one_page_that_fails_fails_them_all(replaying):
    """Part of the pages is never given: whoever asked reads them one by one."""
    refused = recorded("misc_bad_b64")

    def decide(asked: Asked) -> Reply:
        return refused if len(server.asked) == 3 else FREE

    backend, server = replaying(decide=decide, grammar=False, batch_pages=1)

    with pytest.raises(RequestRefused):
        backend.answer([a_page(n) for n in range(1, 6)], SPEC)


def test_no_pages_ask_nothing(replaying):
    """An empty batch is answered without a word."""
    backend, server = replaying(FREE)

    assert backend.answer([], SPEC) == []
    assert server.asked == []


def test_the_fingerprint_follows_the_server(replaying):
    """What the server says of itself, asked for when it has said nothing yet, and never mixed with
    what it was before.
    """
    other = body_of("raw_top0") | {"system_fingerprint": "vllm-0.33.0-00000000"}
    backend, server = replaying(FREE, FREE, ok(other), grammar=False)

    before = backend.fingerprint
    backend.answer([a_page()], SPEC)
    same = backend.fingerprint
    backend.answer([a_page()], SPEC)
    after = backend.fingerprint

    assert before == same != after
    assert len(server.asked) == 3


def test_every_question_says_how_long_its_answer_may_be(replaying):
    """Without a limit this server writes until its context is full; the short question for the
    fingerprint is no exception.
    """
    backend, server = replaying(FREE, grammar=False)

    _ = backend.fingerprint
    backend.answer([a_page()], SPEC)

    assert [asked.body["max_tokens"] for asked in server.asked] == [1, 1024]


def test_a_revision_makes_another_fingerprint(replaying):
    """Servers that do not tell one set of weights from another leave it to the operator."""
    first, _ = replaying(FREE, revision="a")
    second, _ = replaying(FREE, revision="b")

    assert first.fingerprint != second.fingerprint


def test_it_is_at_home_with_the_types_it_was_made_for():
    """Without a list any document type is its own."""
    assert VllmBackend("tiny").in_domain(SPEC)
    assert VllmBackend("tiny", document_types=["form"]).in_domain(SPEC)
    assert not VllmBackend("tiny", document_types=["slip"]).in_domain(SPEC)
