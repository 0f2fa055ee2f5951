"""The Python that has vLLM."""

import os
from pathlib import Path

import pytest

from tests.needed import cannot_run


@pytest.fixture(scope="session")
def python() -> Path:
    """Of an environment that ``setup.sh`` made."""
    named = os.environ.get("SUREFIELD_TEST_VLLM")
    if not named:
        cannot_run(
            "SUREFIELD_TEST_VLLM names no environment with vLLM. Make one:"
            " tests/backends/vllm/live/setup.sh FOLDER, or run: make test-vllm"
        )
    return Path(named) / "bin" / "python"
