"""A runtime whose every part is real: Postgres, blobs in a folder, the render child, and the
scripted backend for a model.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pymupdf
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.types import Canvas
from tests.factories import a_runtime
from worker.blobs import Blobs
from worker.intake import actions, sources
from worker.pipeline import flow
from worker.rendering.renderer import Renderer
from worker.roles.table import WORKER
from worker.runtime import Runtime
from worker.tables.documents import Status

TINY_CANVAS = Canvas(tile_px=64, max_tiles=2)
TRUTH: dict[str, Any] = {
    "payee": "Foo Ltd",
    "date": "03/04/2026",
    "number": "A-17",
    "total": "12.50",
    "currency": "EUR",
    "items": [],
}


def a_pdf(*lines: str, pages: int = 1, words: bool = True) -> bytes:
    """A small PDF that says these lines on every page, as text or without a text layer."""
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page(width=320, height=160)
        if words:
            for row, line in enumerate(
                lines or ("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR", f"page {number + 1}")
            ):
                page.insert_text((20, 30 + 20 * row), line)
    return document.tobytes()


@dataclass
class House:
    """The runtime, what it announced, and hands to move documents along."""

    rt: Runtime
    backend: ScriptedBackend
    workers: sessionmaker[Session]  # of the role that workers have
    announced: list[tuple[UUID, Status]] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)  # queues

    def submit(self, content: bytes, **request: Any) -> UUID:
        """Hand one file in."""
        plain = sources.Request(upstream="tests", document_type="slip", content=content)
        return actions.submit(replace(plain, **request), self.rt).document_id

    def work(self) -> None:
        """Answer every message until none is left, as workers would, and with their rights."""
        rt = replace(self.rt, sessions=self.workers)
        while self.announced or self.woken:
            if self.woken:
                flow.work(self.woken.pop(0), rt)
                continue
            document_id, status = self.announced.pop(0)
            if status in flow.STEP_AT:
                flow.STEP_AT[status].run(document_id, rt)

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """What a query says."""
        with self.rt.sessions() as session:
            return list(session.execute(text(sql), values))

    def status(self, document_id: UUID) -> str:
        """Where the document stands."""
        return str(
            self.rows("SELECT status FROM documents WHERE id = :id", id=document_id)[0].status
        )

    def results(self, document_id: UUID) -> dict[str, Any]:
        """The document's answer by field name (first row of a group)."""
        rows = self.rows(
            "SELECT * FROM results WHERE document_id = :id ORDER BY position DESC", id=document_id
        )
        return {row.name: row for row in rows}

    def everything(self) -> str:
        """All that the database holds about documents, for comparing before and after."""
        tables = (
            "documents",
            "document_events",
            "submissions",
            "pages",
            "readings",
            "fields",
            "candidates",
            "witnesses",
            "scores",
            "results",
            "review_items",
            "classifications",
        )
        return json.dumps(
            {
                name: [
                    list(map(str, row)) for row in self.rows(f"SELECT * FROM {name} ORDER BY id")
                ]
                for name in tables
            }
        )


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    """One warm render child for all tests of a process."""
    shared = Renderer()
    yield shared
    shared.close()


Make = Callable[..., House]


@pytest.fixture
def make_house(db: Any, as_role: Any, tmp_path: Path, renderer: Renderer) -> Make:
    """A house with these changes to its runtime and this to say for every page."""

    def make(said: Any = None, *, backend: ScriptedBackend | None = None, **changes: Any) -> House:
        answers = backend or ScriptedBackend(
            lambda page, spec: said if said is not None else Line(truth=TRUTH), canvas=TINY_CANVAS
        )
        announced: list[tuple[UUID, Status]] = []
        woken: list[str] = []
        plain = a_runtime(
            sessions=db,
            blobs=Blobs(tmp_path / "blobs"),
            renderer=lambda: renderer,
            canvas=lambda document_type: TINY_CANVAS,
            backend=lambda document_type: answers,
            announce=lambda document_id, status: announced.append((document_id, status)),
            wake=woken.append,
            lease=timedelta(seconds=30),
            backoff=timedelta(0),
        )
        rt = replace(plain, **changes)
        workers = as_role(WORKER)
        return House(rt=rt, backend=answers, workers=workers, announced=announced, woken=woken)

    return make


@pytest.fixture
def house(make_house: Make) -> House:
    """A house in which every page is a slip that the model is sure of."""
    return make_house()
