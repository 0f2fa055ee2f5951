"""The backend against a real vLLM server on the CPU: ``pytest tests/vllm/live/vllm_live.py``.

Not collected by itself: the server's packages are 2.5 GB and live in an environment of their own, which ``setup.sh`` makes and
``SUREFIELD_VLLM`` names.
"""

import base64
import io
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from extractors import prompts
from extractors.backends.vllm import VllmBackend
from extractors.errors import ModelNotLoadable, RequestRefused
from extractors.read import read_pages
from extractors.types import Generation, PageImage, StopReason
from tests.vllm.conftest import SPEC

ROOT = Path(__file__).parents[3]
AGREES = 1e-4  # nats, float32 on both sides
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "TORCH_COMPILE_DISABLE": "1",  # or the first request for log-probabilities takes half a minute
}
FLAGS = (
    *("--served-model-name", "tiny", "--dtype", "float32", "--max-model-len", "1024", "--max-num-seqs", "4", "--enforce-eager"),
    *("--limit-mm-per-prompt", '{"image":1,"video":0}'),
    *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python that has vLLM."""
    named = os.environ.get("SUREFIELD_VLLM")
    if not named:
        pytest.skip("SUREFIELD_VLLM names no environment with vLLM; make one with tests/vllm/live/setup.sh")
    return Path(named) / "bin" / "python"


@pytest.fixture(scope="module")
def folder(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint."""
    made = tmp_path_factory.mktemp("checkpoint")
    subprocess.run([python, "-m", "tests.vllm.live.checkpoint", made], check=True, cwd=ROOT, env={**os.environ, **QUIET})
    return made


@pytest.fixture(scope="module")
def url(python: Path, folder: Path) -> Iterator[str]:
    """A server that serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", folder, "--host", "127.0.0.1", "--port", str(port), *FLAGS]
    environment = {**os.environ, **QUIET, "VLLM_CACHE_ROOT": str(folder / "cache")}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server, folder / "server.log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(health: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 400
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(health, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(1)
        else:
            return
    pytest.fail("the server did not start:\n" + log.read_text(errors="replace")[-3000:])


@pytest.fixture(scope="module")
def page() -> PageImage:
    """A page with a few words drawn on it."""
    image = Image.new("RGB", (224, 168), "white")
    ImageDraw.Draw(image).text((10, 10), "Invoice INV-2041\nTotal 1,284.50", fill="black")
    held = io.BytesIO()
    image.save(held, "PNG")
    return PageImage(number=1, width_px=224, height_px=168, width_pt=224.0, height_pt=168.0, png=held.getvalue())


def reference(python: Path, folder: Path, page: PageImage, *, text: str = "", ids: Sequence[int] = ()) -> dict[str, Any]:
    """What transformers says of the same answer to the same prompt."""
    asked = {
        "folder": str(folder),
        "image": base64.b64encode(page.png).decode(),
        "messages": prompts.messages(SPEC),
        "text": text,
        "ids": list(ids),
    }
    done = subprocess.run(
        [python, "-m", "tests.vllm.live.reference"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **QUIET},
    )
    said: dict[str, Any] = json.loads(done.stdout)
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

    assert [token.logprob for token in generation.tokens] == pytest.approx(expected["logprobs"], abs=AGREES)


@pytest.mark.parametrize("sampling", [{}, {"temperature": 0.7, "seed": 1}, {"repetition_penalty": 1.05}], ids=["greedy", "warm", "penalty"])
@pytest.mark.parametrize("grammar", [True, False])
def test_log_probabilities_read_back_equal_transformers(python, folder, url, page, sampling, grammar):
    """Whatever mask, temperature or penalty the answer was written under."""
    if not grammar and not sampling:
        pytest.skip("not read back")
    generation = read(url, page, grammar=grammar, tokenizer=folder, **sampling)

    expected = reference(python, folder, page, text=generation.text.decode())

    assert [token.token_id for token in generation.tokens] == expected["ids"]
    assert [token.logprob for token in generation.tokens] == pytest.approx(expected["logprobs"], abs=AGREES)


def test_with_and_without_the_tokenizer_the_same_is_said(folder, url, page):
    """The same bytes, and together the same log-probability."""
    exact, told = (read(url, page, grammar=False, tokenizer=tokenizer) for tokenizer in (folder, None))

    assert exact.text.decode("utf-8", "replace") == told.text.decode()
    assert sum(t.logprob for t in exact.tokens) == pytest.approx(sum(t.logprob for t in told.tokens), abs=AGREES)


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
