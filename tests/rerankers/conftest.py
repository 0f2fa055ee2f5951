"""The tiny cross-encoder, and long documents made of lines."""

from pathlib import Path

import pytest

from extractors.rerankers.cross_encoder.reranker import CrossEncoder

FOLDER = Path(__file__).parent / "tiny"  # trained by tests/rerankers/train.py


@pytest.fixture(scope="session")
def tiny() -> CrossEncoder:
    """Loaded once, on the CPU."""
    return CrossEncoder(str(FOLDER), device="cpu")
