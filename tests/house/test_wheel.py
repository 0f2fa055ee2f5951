"""What is shipped."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as users install it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def shipped(wheel: zipfile.ZipFile, folder: str) -> set[str]:
    """Names under a folder of the wheel."""
    return {name.removeprefix(folder) for name in wheel.namelist() if name.startswith(folder)}


def in_tree(folder: str, *endings: str) -> set[str]:
    """Files that git knows under a folder."""
    listed = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    return {name.removeprefix(folder) for name in listed if name.endswith(endings)}


def test_the_wheel_holds_every_migration_and_view(wheel):
    """An installed Surefield can bring a database up to date."""
    assert in_tree("migrations/", ".py", ".sql", ".ini") <= shipped(wheel, "migrations/")


def test_the_wheel_holds_the_bundled_model(wheel):
    """An installed Surefield reads offline."""
    weights = shipped(wheel, "extractors/demo/weights/")
    assert in_tree("extractors/demo/weights/", ".json", ".safetensors", ".jinja", ".md") <= weights
    assert any(name.endswith(".safetensors") for name in weights)


def test_the_wheel_holds_every_module_template_and_asset(wheel):
    """Nothing works only in a checkout."""
    endings = (".py", ".html", ".css", ".js", ".svg")
    assert in_tree("worker/", *endings) <= shipped(wheel, "worker/")
    assert in_tree("extractors/", ".py", ".json") <= shipped(wheel, "extractors/")


def test_the_wheel_has_no_tests_and_no_state(wheel):
    """Users do not install ours."""
    assert {name.partition("/")[0] for name in wheel.namelist() if ".dist-info" not in name} == {
        "extractors",
        "worker",
        "migrations",
    }
    assert sum(info.file_size for info in wheel.infolist()) < 40_000_000


def test_the_wheel_names_the_command(wheel):
    """`surefield` is on the path after an install."""
    entry = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "surefield = worker.cli:main" in wheel.read(entry).decode()
