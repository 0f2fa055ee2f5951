"""The README and the docs say what the code does."""

import re
from pathlib import Path

import pytest

from tests.house import generate
from worker.settings.table import markdown

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *DOCS]
WHERE = ROOT / "docs" / "where.md"
TO_COME = "to come"


def test_the_settings_table_is_the_one_the_code_prints():
    """`python -m tests.house.generate settings` writes it."""
    assert markdown() in (ROOT / "docs" / "reference.md").read_text("utf-8")


def test_the_docs_have_every_feature_of_the_combined_score():
    """`python -m tests.house.generate features` writes them."""
    page = (generate.DOCS / "confidence.md").read_text("utf-8")
    assert generate.between(page, "features") == generate.features()


def test_the_views_are_described_by_their_own_comments(database_url):
    """`python -m tests.house.generate views` writes them."""
    page = (ROOT / "docs" / "reporting.md").read_text("utf-8")
    assert generate.between(page, "views") == generate.views(database_url)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_a_page_names_exists(page):
    """Nobody types a command that is not there."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"make ([a-z]+(?:-[a-z]+)*)(?=[`\s])", page.read_text("utf-8")))
    assert named <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_and_file_that_a_page_links_exists(page):
    """No dead links."""
    linked = re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text("utf-8"))
    assert [link for link in linked if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page):
    """`surefield WORD` in a console block or in the text."""
    from worker.cli.app import app

    known = {command.name for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    named = set(re.findall(r"(?:\$ |`)surefield ([a-z][a-z-]*)", page.read_text("utf-8")))
    assert named <= known


def test_the_front_page_is_short():
    """Whoever meets the project reads it to its end."""
    assert len(README.read_text("utf-8").splitlines()) <= 130


def test_the_front_page_says_where_the_command_and_the_state_of_the_demo_are():
    """Nothing puts the command on the PATH, and the demo keeps its documents to itself."""
    from worker.settings import Settings

    page = README.read_text("utf-8")
    typed = re.findall(r"^\$ (\S*surefield)\b", page, re.MULTILINE)
    assert set(typed) == {".venv/bin/surefield"}
    assert f"`{Settings.model_fields['state_dir'].default / 'demo'}`" in page


def test_the_first_document_is_one_that_the_bundled_model_reads():
    """Its type is one that the model was made for."""
    from extractors.backends import BACKENDS, made_for

    (named,) = re.findall(r"surefield submit .*--type (\w+)", README.read_text("utf-8"))
    bundled = made_for(BACKENDS.options("mllama", {}))
    assert bundled is not None
    assert named in bundled


def test_every_model_that_the_front_page_names_has_its_size_and_licence():
    """Whoever chooses one knows what it takes, and whether they may."""
    page = README.read_text("utf-8")
    models = re.findall(r"`([\w.-]+/[\w.-]+-Instruct)`[^(]*\(([^)]*)\)", page)
    assert len(models) >= 2
    for name, about in models:
        assert re.search(r"\d+ GB", about), name
        assert re.search(r"Licen[cs]e|Apache", about), name
        assert ("European Union" in about) == ("Llama-3.2" in name)


def test_every_place_that_the_map_names_exists_unless_it_is_to_come():
    """An engineer finds where the next thing goes."""
    row = re.compile(r"^\| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$", re.MULTILINE)
    rows = row.findall(WHERE.read_text("utf-8"))
    assert len(rows) >= 15
    for _, path, how in rows:
        assert (ROOT / path).exists() or TO_COME in how, path


def test_what_is_to_come_is_named_in_the_map_alone():
    """No other page promises anything."""
    for page in PAGES:
        if page != WHERE:
            assert TO_COME not in page.read_text("utf-8"), page.name


def test_the_queries_of_the_reporting_page_run(database_url):
    """As they are printed."""
    import psycopg

    page = (ROOT / "docs" / "reporting.md").read_text("utf-8")
    queries = [
        query
        for block in re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
        for query in block.split(";")
        if query.strip()
    ]
    assert len(queries) >= 5
    with psycopg.connect(database_url.replace("postgresql+psycopg", "postgresql", 1)) as connection:
        for query in queries:
            connection.execute(query)
