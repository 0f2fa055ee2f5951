"""The backend against a real vLLM server on the CPU: ``pytest
tests/backends/vllm/live/vllm_live.py``.

Not collected by itself: the server's packages are 2.5 GB and live in an environment of their own,
which ``setup.sh`` makes and ``SUREFIELD_TEST_VLLM`` names.
"""

import base64
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from extractors.backends.vllm.backend import VllmBackend
from extractors.errors import ModelNotLoadable, RequestRefused
from extractors.read import read_pages
from extractors.reading import prompts
from extractors.types import SERVED_CANVAS, Generation, PageImage, StopReason
from tests.backends.vllm.conftest import SPEC
from tests.backends.vllm.live.serving import ask, run, serving
from tests.pipeline.conftest import a_pdf, make_house, renderer  # noqa: F401  (fixtures)

AGREES = 1e-4  # nats, float32 on both sides
FLAGS = (
    *("--max-model-len", "2048", "--max-num-seqs", "4"),
    *("--limit-mm-per-prompt", '{"image":1,"video":0}'),
    *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def folder(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint."""
    made = tmp_path_factory.mktemp("checkpoint")
    run(python, "tests.backends.vllm.live.checkpoint", made)
    return made


@pytest.fixture(scope="module")
def url(python: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that serves it."""
    with serving(python, folder, tmp_path_factory.mktemp("server"), *FLAGS) as address:
        yield address


@pytest.fixture(scope="module")
def page() -> PageImage:
    """A page with a few words drawn on it."""
    image = Image.new("RGB", (224, 168), "white")
    ImageDraw.Draw(image).text((10, 10), "Invoice INV-2041\nTotal 1,284.50", fill="black")
    held = io.BytesIO()
    image.save(held, "PNG")
    return PageImage(
        number=1, width_px=224, height_px=168, width_pt=224.0, height_pt=168.0, png=held.getvalue()
    )


def reference(
    python: Path, folder: Path, page: PageImage, *, text: str = "", ids: Sequence[int] = ()
) -> dict[str, Any]:
    """What transformers says of the same answer to the same prompt."""
    image = base64.b64encode(page.png).decode()
    asked = {
        "folder": str(folder),
        "image": image,
        "messages": prompts.messages(SPEC),
        "text": text,
        "ids": list(ids),
    }
    said: dict[str, Any] = run(python, "tests.backends.vllm.live.reference", stdin=asked)
    return said


def read(url: str, page: PageImage, **options: Any) -> Generation:
    backend = VllmBackend("tiny", base_url=url, **{"max_tokens": 48, **options})
    (answer,) = backend.answer([page], SPEC)
    (generation,) = answer.generations
    return generation


def test_free_log_probabilities_equal_transformers(python, folder, url, page):
    """Greedy, no grammar: the numbers that come with the answer are the model's own."""
    generation = read(url, page, grammar=False, tokenizer=folder)

    expected = reference(python, folder, page, ids=[token.token_id for token in generation.tokens])

    assert [token.logprob for token in generation.tokens] == pytest.approx(
        expected["logprobs"], abs=AGREES
    )


@pytest.mark.parametrize(
    ("grammar", "sampling"),
    [
        (True, {}),
        (True, {"temperature": 0.7, "seed": 1}),
        (True, {"repetition_penalty": 1.05}),
        (False, {"temperature": 0.7, "seed": 1}),
        (False, {"repetition_penalty": 1.05}),
    ],
    ids=["masked", "masked and warm", "masked and penalised", "warm", "penalised"],
)
def test_log_probabilities_read_back_equal_transformers(
    python, folder, url, page, sampling, grammar
):
    """Whatever mask, temperature or penalty the answer was written under."""
    generation = read(url, page, grammar=grammar, tokenizer=folder, **sampling)

    expected = reference(python, folder, page, text=generation.text.decode())

    assert [token.token_id for token in generation.tokens] == expected["ids"]
    assert [token.logprob for token in generation.tokens] == pytest.approx(
        expected["logprobs"], abs=AGREES
    )


def test_with_and_without_the_tokenizer_the_same_is_said(folder, url, page):
    """The same bytes, and together the same log-probability."""
    exact, told = (
        read(url, page, grammar=False, tokenizer=tokenizer) for tokenizer in (folder, None)
    )

    assert exact.text.decode("utf-8", "replace") == told.text.decode()
    assert sum(t.logprob for t in exact.tokens) == pytest.approx(
        sum(t.logprob for t in told.tokens), abs=AGREES
    )


def test_an_answer_that_does_not_fit_is_cut_short(url, page):
    """Eight tokens are not enough for an object of three fields."""
    assert read(url, page, max_tokens=8).stop_reason is StopReason.LENGTH


def test_a_document_is_read_from_page_to_fields(url, page):
    """Every field of the type has a reading, and the run that made it a fingerprint."""
    backend = VllmBackend("tiny", base_url=url, max_tokens=200)

    (reading,) = read_pages([page], SPEC, backend)

    assert {field.name for field in reading.fields} >= {field.name for field in SPEC.fields}
    assert reading.fingerprint == VllmBackend("tiny", base_url=url).fingerprint
    assert reading.settings["backend"] == "vllm"


def test_what_can_never_succeed_is_final(url, page):
    """The server's own words arrive."""
    with pytest.raises(RequestRefused, match="max_model_len"):
        read(url, page, max_tokens=5000)
    with pytest.raises(ModelNotLoadable, match="does not exist"):
        VllmBackend("other", base_url=url).answer([page], SPEC)


def test_a_document_goes_all_the_way_from_a_file_to_rows(folder, url, make_house):
    """Submitted, rendered, read by the server, scored and routed: a model of random weights is
    believed nothing.
    """
    backend = VllmBackend("tiny", base_url=url, max_tokens=64, tokenizer=folder)
    house = make_house(backend=backend, canvas=lambda document_type: SERVED_CANVAS)
    document = house.submit(a_pdf(pages=2))

    house.work()

    assert house.status(document) == "in_review"
    (model,) = {row.model for row in house.rows("SELECT model FROM readings")}
    assert model == "tiny"
    assert house.rows("SELECT count(*) AS n FROM readings")[0].n == 2
    assert {row.decision for row in house.results(document).values()} == {"review"}


# ---- what the backend guards against, seen in the server itself


def chat(**options: Any) -> dict[str, Any]:
    return {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Is the value visible?"}],
        "max_tokens": 12,
        **options,
    }


def test_the_grammars_mask_is_in_the_servers_own_numbers(python, folder, url, page):
    """A choice forced upon the model is certain by the numbers that come with it, and was next to
    impossible by its own.
    """
    _, said = ask(
        url,
        "/chat/completions",
        chat(
            temperature=0,
            logprobs=True,
            top_logprobs=5,
            structured_outputs={"choice": ["yes", "no"]},
        ),
    )
    told = said["choices"][0]["logprobs"]["content"]

    assert sum(token["logprob"] for token in told) > -1.0
    generation = read(url, page, tokenizer=folder)
    assert math.fsum(token.logprob for token in generation.tokens[:8]) < -5.0


@pytest.mark.parametrize(
    "unknown",
    [{"guided_json": {"type": "object"}}, {"guided_choice": ["yes", "no"]}, {"no_such_field": 1}],
)
def test_fields_that_it_does_not_know_are_ignored_with_a_200(url, unknown):
    """Outdated spellings of a grammar among them: what comes back was written freely."""
    free = ask(url, "/chat/completions", chat(temperature=0))
    answered = ask(url, "/chat/completions", chat(temperature=0, **unknown))

    assert answered[0] == 200
    assert (
        answered[1]["choices"][0]["message"]["content"]
        == free[1]["choices"][0]["message"]["content"]
    )


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (
            {"structured_outputs": {"choice": ["a"]}, "response_format": {"type": "json_object"}},
            400,
        ),
        ({"logprobs": True, "top_logprobs": 21}, 400),
        ({"model": "other"}, 404),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": "file:///page.png"}}
                        ],
                    }
                ]
            },
            500,
        ),
    ],
    ids=["two grammars", "21 alternatives", "another model", "a file"],
)
def test_its_refusals_are_those_that_the_client_was_made_for(url, options, status):
    """One of them is a 500 that no second try mends."""
    answered, said = ask(url, "/chat/completions", chat(**options))

    assert answered == status
    assert said["error"]["message"]


def test_an_unknown_route_has_an_error_of_another_shape(url):
    """No ``error`` in it."""
    assert ask(url, "/nowhere", {}) == (404, {"detail": "Not Found"})
