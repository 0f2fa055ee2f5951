"""The rules of who may import whom hold: a planted violation of each kind is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).parent / "lint-imports"

VIOLATIONS = {
    "a store that reads settings": ("worker/store/codec.py", "import worker.settings"),
    "a store that knows an area": ("worker/store/results.py", "import worker.review.store"),
    "an area that knows a door": ("worker/review/queue.py", "import worker.web.app"),
    "a stage that knows another": (
        "worker/pipeline/stages/score.py",
        "import worker.pipeline.stages.route",
    ),
    "a circle inside extractors": (
        "extractors/page/layout.py",
        "import extractors.triage.classify",
    ),
    "a circle inside a folder": ("extractors/page/geometry_planted.py", None),
    "a model that knows storage": ("extractors/reading/prompts.py", "import worker.db"),
    "torch in the evidence": ("extractors/evidence/gather.py", "import torch"),
    "pymupdf outside of rendering": ("extractors/page/text.py", "import pymupdf"),
    "an OCR library in the worker": ("worker/pipeline/stages/render.py", "import rapidocr"),
    "celery in a stage": ("worker/pipeline/stages/ground.py", "import celery"),
    "fastapi in an area": ("worker/review/actions.py", "import fastapi"),
    "argon2 in a door": ("worker/web/signin.py", "import argon2"),
    "a folder without a layer": ("worker/planted/__init__.py", None),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The packages and the rules, to plant into."""
    folder = tmp_path_factory.mktemp("rules")
    for package in ("extractors", "worker"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("weights", "*.pyc")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=240
    )


def test_without_a_plant_all_rules_hold(copy):
    """Or the tests below would prove nothing."""
    done = lint(copy)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("name", sorted(VIOLATIONS))
def test_a_planted_violation_is_found(copy, name):
    """One line is enough."""
    where, line = VIOLATIONS[name]
    path = copy / where
    before = path.read_text("utf-8") if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    if line is not None:
        path.write_text(f"{before or ''}\n{line}\n")
    elif where.endswith("__init__.py"):
        path.write_text("")
    else:
        path.write_text("import extractors.page.layout\n")
        layout = copy / "extractors/page/layout.py"
        kept = layout.read_text("utf-8")
        layout.write_text(f"{kept}\nimport extractors.page.geometry_planted\n")
    try:
        assert lint(copy).returncode != 0
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
        if line is None and not where.endswith("__init__.py"):
            layout.write_text(kept)
        if where == "worker/planted/__init__.py":
            path.parent.rmdir()
