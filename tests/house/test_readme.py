"""The README says what the code does."""

import re
from pathlib import Path

from worker.settings.table import markdown

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_settings_table_is_the_one_the_code_prints():
    """`surefield settings --markdown` is pasted whole."""
    assert markdown() in README


def test_every_make_target_that_the_readme_names_exists():
    """Nobody types a command that is not there."""
    targets = re.findall(
        r"^([a-z-]+):", (Path(__file__).parents[2] / "Makefile").read_text(), re.MULTILINE
    )
    named = set(re.findall(r"make ([a-z-]+)", README))
    assert named <= set(targets)


def test_every_picture_and_file_that_the_readme_links_exists():
    """No dead links."""
    linked = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    missing = [link for link in linked if not (Path(__file__).parents[2] / link).exists()]
    assert missing == []
