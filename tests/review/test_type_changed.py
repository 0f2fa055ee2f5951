"""A document type changes while its documents wait: they are shown and decided as they were
read.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.web.making import a_slip
from worker.actor import Actor
from worker.pipeline.stages import render
from worker.review import actions
from worker.review.actions import Answer
from worker.review.tables import Action

NOTE = '''
from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel


class Note(DocumentModel, name="note", title="note", day_first=True):
    """A note."""

    payee: str | None = field.text("who is paid")
    total: str | None = field.amount("the amount to pay", required=True)
'''
CHANGES = {
    "renamed": lambda path: path.write_text(NOTE.replace("total:", "grand_total:")),
    "removed": lambda path: path.unlink(),
    "another kind": lambda path: path.write_text(NOTE.replace("field.amount", "field.boolean")),
    "broken": lambda path: path.write_text("not Python ("),
}


@pytest.fixture
def waiting(make_site, tmp_path):
    """A site whose note waits with its total, the item, and the file of the type."""
    folder = tmp_path / "types"
    folder.mkdir()
    (folder / "note.py").write_text(NOTE)
    site = make_site(doubts={"total": 0.41}, changes={"document_types_folder": folder})
    document = site.read(document_type="note")
    return site, document, site.items()["total"], folder / "note.py"


@pytest.fixture(params=sorted(CHANGES))
def changed(waiting, request):
    """The same, and the type has changed meanwhile."""
    site, document, item, path = waiting
    CHANGES[request.param](path)
    return site, document, item


def test_the_item_is_shown_on_the_page(changed):
    """On the review page, at its own address and on its document's page."""
    site, document, item = changed
    ada = site.sign_in()
    for url in ("/review", f"/review/items/{item}", f"/documents/{document}"):
        page = ada.get(url)
        assert page.status_code == 200, url
        assert "1,284.50" in page.text


def test_the_item_is_decided_on_the_page(changed):
    """By the kind that it had: an amount stays an amount."""
    site, _, item = changed
    assert site.sign_in().decide(item, "correct", "1,300.00").status_code == 200
    (decision,) = site.decisions()
    assert decision.value == "1300.00"


def test_a_text_is_parsed_as_the_kind_that_it_had(changed):
    """What the page says while somebody types."""
    site, _, item = changed
    said = site.sign_in().post(f"/review/items/{item}/parse", {"text": "1,300.00"})
    assert said.status_code == 200
    assert "1300.00" in said.text or "1,300.00" in said.text


def test_the_action_knows_the_version(changed):
    """Whatever the door."""
    site, document, item = changed
    answer = Answer(action=Action.CORRECT, text="7.50", seen=True)
    actions.decide(Actor("ada"), item, answer, site.house.rt)
    assert site.house.status(document) in {"reviewed", "in_review"}


def test_the_document_is_reported_over_http(changed):
    """With all of its fields."""
    site, document, _ = changed
    answer = site.anybody().get(f"/v1/documents/{document}", headers=site.key("tests"))
    assert answer.status_code == 200
    assert "total" in json.dumps(answer.json())


def test_the_command_line_shows_and_decides_it(changed, database_url, tmp_path):
    """List, show and decide."""
    _, document, item = changed
    environment = {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path / "state"),
        "SUREFIELD_DOCUMENT_TYPES": str(tmp_path / "types"),
    }
    commands = (
        ("review", "list"),
        ("show", str(document)),
        ("review", "decide", str(item), "--text", "7.50", "--seen"),
    )
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-m", "worker", *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )
        assert done.returncode == 0, (words, done.stderr)


def test_readings_results_and_items_name_the_version_they_were_made_under(waiting):
    """And the version is kept whole, as data."""
    site, _, _, _ = waiting
    rows = site.house.rows(
        "SELECT DISTINCT r.type_version FROM readings r UNION SELECT type_version FROM results"
        " UNION SELECT type_version FROM review_items UNION SELECT type_version FROM documents"
    )
    assert len(rows) == 1
    (version,) = site.house.rows("SELECT * FROM document_type_versions")
    assert (version.sha256, version.name) == (rows[0].type_version, "note")
    assert [each["name"] for each in version.definition["fields"]] == ["payee", "total"]


def test_pages_that_wait_are_read_under_the_version_that_was_pinned(make_site, tmp_path):
    """A type that changes between rendering and reading changes nothing for the document."""
    folder = tmp_path / "types"
    folder.mkdir()
    (folder / "note.py").write_text(NOTE)
    site = make_site(doubts={"total": 0.41}, changes={"document_types_folder": folder})
    document = site.house.submit(a_slip(), document_type="note")
    render.run(document, site.house.rt)
    (folder / "note.py").write_text(NOTE.replace("total:", "grand_total:"))
    site.house.announced.pop(0)
    site.house.work()
    assert set(site.house.results(document)) == {"payee", "total"}
