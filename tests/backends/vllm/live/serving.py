"""Real vLLM servers on the CPU, started and stopped by the tests."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "TORCH_COMPILE_DISABLE": "1",  # or the first request for log-probabilities takes half a minute
}
FLAGS = ("--served-model-name", "tiny", "--dtype", "float32", "--enforce-eager")
STARTS_WITHIN_S = 400


@contextmanager
def serving(python: Path, model: Path, scratch: Path, *flags: str) -> Iterator[str]:
    """The base URL of a server of this checkpoint, for as long as it runs.

    scratch: a folder for its log and its cache
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        python,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        model,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    environment = {**os.environ, **QUIET, "VLLM_CACHE_ROOT": str(scratch / "cache")}
    with (scratch / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *FLAGS, *flags], stdout=log, stderr=subprocess.STDOUT, env=environment
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server, scratch / "server.log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(health: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(health, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(1)
        else:
            return
    pytest.fail("the server did not start:\n" + log.read_text(errors="replace")[-3000:])


def run(python: Path, module: str, *arguments: object, stdin: object = None) -> Any:
    """What a module of this folder, run by the server's own Python, writes as JSON; None when it
    writes nothing.
    """
    done = subprocess.run(
        [python, "-m", module, *map(str, arguments)],
        input=None if stdin is None else json.dumps(stdin),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **QUIET},
    )
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


def ask(url: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    """Status and body of a plain request, past all that our own client guards against."""
    request = urllib.request.Request(
        url + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
