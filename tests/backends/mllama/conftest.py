"""One toy checkpoint for all tests of this folder."""

from pathlib import Path

import pytest
import torch

from extractors.backends.mllama.backend import MllamaBackend
from extractors.backends.mllama.checkpoint import Loaded, load
from tests.backends.mllama import tiny


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def loaded(checkpoint: Path) -> Loaded:
    return load(checkpoint, device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture
def backend(checkpoint: Path, loaded: Loaded) -> MllamaBackend:
    """The reference: transformers' own generate.

    Shares the session's weights; everything else is its own.
    """
    opened = MllamaBackend(checkpoint, device="cpu", engine=False, max_new_tokens=60)
    opened.__dict__["loaded"] = loaded
    return opened
