"""Evidence before opinion: all that is observed is stored before anything is scored."""

import sys

import pytest

import extractors.evidence
from extractors.backends.scripted import Line, ScriptedBackend
from extractors.evidence import witnesses
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, a_pdf
from worker import store
from worker.pipeline import flow
from worker.pipeline.stages import ground, route, score
from worker.tables.documents import Status

WITNESS = '''
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.types import Box


@witness("{name}/1")
def the_witness(document: DocumentEvidence):
    """The total is another one, which stands on the page."""
    for total in document.values("total"):
        yield Testimony(
            of=total,
            says=DENIES,
            because="{name}",
            message="the label names 13.50",
            page=1,
            boxes=(Box(1, 2, 3, 4),),
            offers="13.50",
        )
'''


@pytest.fixture
def one_file_more(tmp_path, monkeypatch):
    """A witness in one further file of the evidence folder."""
    name = "label_says_otherwise"
    (tmp_path / f"{name}.py").write_text(WITNESS.format(name=name))
    monkeypatch.setattr(
        extractors.evidence, "__path__", [*extractors.evidence.__path__, str(tmp_path)]
    )
    witnesses.witnesses.cache_clear()
    yield name
    witnesses.WITNESSES.pop(f"{name}/1", None)
    sys.modules.pop(f"extractors.evidence.{name}", None)
    witnesses.witnesses.cache_clear()


def read(house, content=None):
    """Hand a document in and stop where its evidence is about to be made."""
    document = house.submit(a_pdf() if content is None else content)
    while house.status(document) != "extracted":
        document_id, status = house.announced.pop(0)
        flow.STEP_AT[status].run(document_id, house.rt)
    return document


def test_all_evidence_is_stored_before_anything_is_scored(house):
    """Values, places, candidates and what the witnesses say of them; no score and no result."""
    document = read(house)
    ground.run(document, house.rt)

    assert house.status(document) == "grounded"
    fields = house.rows("SELECT * FROM fields WHERE name = 'date'")
    assert [(row.value, row.value_problem, row.agreement) for row in fields] == [
        ("2026-04-03", None, "exact")
    ]
    (total,) = house.rows("SELECT * FROM candidates WHERE name = 'total'")
    assert (total.state, total.text, total.value, total.pages) == ("value", "12.50", "12.50", [1])
    heard = house.rows("SELECT * FROM witnesses WHERE candidate_id = :id", id=total.id)
    assert [(row.witness, row.says, row.page) for row in heard] == [("on-page/1", "agrees", 1)]
    assert house.rows("SELECT 1 FROM scores") == house.rows("SELECT 1 FROM results") == []


def test_two_pages_that_disagree_are_two_candidates(make_house):
    """Each is kept, with what speaks against it."""
    totals = {1: "12.50", 2: "13.50"}
    backend = ScriptedBackend(
        lambda page, spec: Line(truth={**TRUTH, "total": totals[page.number]}), canvas=TINY_CANVAS
    )
    house = make_house(backend=backend)
    document = house.submit(a_pdf("Foo Ltd A-17 03/04/2026 EUR", "12.50 or 13.50", pages=2))
    house.work()

    rows = house.rows(
        "SELECT * FROM reporting.witnesses WHERE document_id = :id AND field = 'total' AND"
        " says = 'denies' ORDER BY candidate",
        id=document,
    )
    assert [(row.text, row.code, row.chosen) for row in rows] == [
        ("12.50", "conflict", True),
        ("13.50", "conflict", False),
    ]


def test_a_value_is_made_and_looked_for_once_a_reading(make_house, monkeypatch):
    """Scoring and routing take what is stored."""
    seen = []
    for name in ("normalise", "ground"):
        real = getattr(ground, name)

        def counted(*args, _real=real, _name=name, **options):
            seen.append(_name)
            return _real(*args, **options)

        monkeypatch.setattr(ground, name, counted)
    house = make_house()
    house.submit(a_pdf())
    house.work()

    values = len(house.rows("SELECT 1 FROM fields WHERE text IS NOT NULL"))
    assert (seen.count("normalise"), seen.count("ground")) == (values, values)
    assert not any(hasattr(stage, name) for stage in (score, route) for name in set(seen))


def test_a_crash_in_the_middle_changes_nothing(house, monkeypatch):
    """All of the evidence, or none; and the next attempt makes it."""
    document = read(house)
    tables = ("fields", "pages", "candidates", "witnesses")
    before = [list(map(tuple, house.rows(f"SELECT * FROM {t} ORDER BY id"))) for t in tables]
    finish = store.documents.finish

    def crash(*_, **__):
        raise RuntimeError("killed")

    monkeypatch.setattr(store.documents, "finish", crash)
    ground.run(document, house.rt)
    after = [list(map(tuple, house.rows(f"SELECT * FROM {t} ORDER BY id"))) for t in tables]
    monkeypatch.setattr(store.documents, "finish", finish)
    ground.run(document, house.rt)

    assert after == before
    assert house.status(document) == "grounded"


def test_a_witness_is_added_in_one_file(one_file_more, house):
    """Nobody else names it: it is heard, stored with its place and offer, and outweighs a sure
    model.
    """
    document = house.submit(a_pdf())
    house.work()

    total = house.results(document)["total"]
    assert (total.decision, total.reason) == ("review", one_file_more)
    assert total.details["message"] == "the label names 13.50"
    (row,) = (
        row
        for row in house.rows("SELECT * FROM witnesses WHERE says = 'denies'")
        if row.witness == f"{one_file_more}/1"
    )
    assert row.offers == "13.50"
    assert (row.page, row.boxes) == (1, [[1, 2, 3, 4]])


def test_each_page_that_was_read_has_measures_of_its_picture(house):
    """Evidence that no decision uses yet."""
    house.submit(a_pdf())
    house.work()
    (page,) = house.rows("SELECT contrast, ink, sharpness FROM pages")

    assert 0 < page.contrast <= 1
    assert 0 < page.ink < 0.5
    assert 0 < page.sharpness <= 1


def test_every_stage_after_extract_can_run_without_the_model(house):
    """The evidence is what they stand on."""
    waiting = [step.at for step in flow.FLOW if step.queue == flow.CPU]

    assert waiting[-3:] == [Status.EXTRACTED, Status.GROUNDED, Status.SCORED]
