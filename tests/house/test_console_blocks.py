"""What the docs tell people to type works as it is printed.

A block that cannot run here has a comment behind it that says why: ``<!-- not run: ... -->``.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```console\n(.*?)```\s*(<!-- not run: [^>]+ -->)?", re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def lines_of(block: str) -> list[str]:
    """The commands of a block, without their comments."""
    typed = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s+#.*$", "", line) for line in typed]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_runs_or_says_why_not(page, database_url, tmp_path):
    """In order, on a real Postgres."""
    environment = {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path / "state"),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    command = tmp_path / "surefield"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m worker "$@"\n')
    command.chmod(0o755)
    for block, why_not in BLOCK.findall(page.read_text("utf-8")):
        for line in [] if why_not else lines_of(block):
            done = subprocess.run(
                line,
                shell=True,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, (line, done.stderr[-600:])
