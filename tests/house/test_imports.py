"""What each process loads."""

import os
import subprocess
import sys

import pytest

LIGHT = (
    "worker.tasks",
    "worker.bootstrap",
    "worker.pipeline.flow",
    "worker.cli.app",
    "worker.web.app",
    "extractors.read",
    "extractors.backends",
    "extractors.documents",
)
FAKE = {"SUREFIELD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}  # never connected to


def loaded_by(module: str) -> set[str]:
    """Top-level packages in sys.modules of a fresh process that imports ``module``."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **FAKE},
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_a_cpu_process_never_loads_torch(module):
    """Rendering, scoring, routing and the command line run on a machine without torch, transformers
    or the model.
    """
    assert loaded_by(module) & {"torch", "transformers", "llguidance"} == set()


def test_a_cpu_worker_loads_no_client_of_a_model_server():
    """The HTTP client belongs to an extra that a CPU worker need not have."""
    assert loaded_by("worker.tasks") & {"httpx", "httpx2"} == set()


def test_the_worker_never_loads_the_pdf_library():
    """MuPDF works on strangers' bytes, so it lives in the render child alone."""
    assert loaded_by("worker.tasks") & {"pymupdf", "fitz"} == set()


def test_the_gpu_worker_loads_its_weights_no_earlier_than_its_first_page():
    """Starting the GPU worker is quick, and a model that cannot be loaded is a document's error,
    not a worker that will not start.
    """
    assert "torch" not in loaded_by("worker.gpu")
