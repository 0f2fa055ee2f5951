"""The Python that has vLLM."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def python() -> Path:
    """Of an environment that ``setup.sh`` made."""
    named = os.environ.get("SUREFIELD_TEST_VLLM")
    if not named:
        pytest.skip(
            "SUREFIELD_TEST_VLLM names no environment with vLLM; make one with"
            " tests/backends/vllm/live/setup.sh"
        )
    return Path(named) / "bin" / "python"
