"""Migrations taken back and applied again while the database is full of documents at every place of
the flow.
"""

from alembic import command
from sqlalchemy import create_engine

from extractors.backends.scripted import Line, ScriptedBackend
from tests.factories import render_limits
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, a_pdf
from tests.pipeline.long import NOTHING, SAID, a_long_pdf, a_type_file
from tests.pipeline.test_types import INVOICE, LETTER, PROSE, RECEIPT, a_paper
from tests.pipeline.test_types import TRUTH as INVOICE_TRUTH
from worker.migrate import alembic_config, migrate

FIRST = "0001_first_tables"


def said(page, spec):
    if spec.name == "long_slip":
        return Line(truth={3: SAID["head"], 27: SAID["foot"]}.get(page.number, NOTHING))
    return Line(
        truth=TRUTH if spec.name == "slip" else INVOICE_TRUTH if spec.name == "invoice" else {}
    )


def test_a_full_database_goes_back_to_the_first_schema_and_forth_again(
    make_house, database_url, tmp_path
):
    """No row stands in the way, no document is lost, and what was accepted stays so."""
    (tmp_path / "long.py").write_text(a_type_file(5))
    backend, limits = (
        ScriptedBackend(said, canvas=TINY_CANVAS),
        render_limits(max_pages=200, view_dpi=36),
    )
    house = make_house(backend=backend)
    long_house = make_house(backend=backend, document_types_folder=tmp_path, limits=limits)
    house.submit(a_pdf())
    house.submit(b"no PDF at all")
    for pages in ((INVOICE,), (LETTER,), (INVOICE, PROSE, RECEIPT)):
        house.submit(a_paper(*pages), document_type="auto")
    house.work()
    long_house.submit(a_long_pdf(30, foot=27), document_type="long_slip")
    long_house.work()
    waiting = long_house.submit(a_long_pdf(20, foot=17), document_type="long_slip")
    house.submit(a_paper(RECEIPT, INVOICE), document_type="auto")
    before = {row.id: row.status for row in house.rows("SELECT id, status FROM documents")}
    assert {"accepted", "failed", "needs_type", "split", "submitted"} <= set(before.values())

    engine = create_engine(database_url)
    with engine.connect() as connection:
        config = alembic_config(connection)
        command.downgrade(config, FIRST)
    engine.dispose()
    migrate(database_url)

    after = {row.id: row.status for row in house.rows("SELECT id, status FROM documents")}
    assert after.keys() == before.keys()
    assert [
        id for id, status in before.items() if status == "accepted" and after[id] != "accepted"
    ] == []
    assert after[waiting] == "submitted"
