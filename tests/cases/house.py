"""The product around a case: Postgres, blobs, every stage in its order, and a reader who is sure.

Nothing is left out but the model, whose answers the case gives, and for pages that the case
describes by their words the renderer.
"""

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.errors import SurefieldError
from extractors.page.ocr.engines import chosen, open_recogniser
from extractors.page.ocr.types import Recogniser
from extractors.rendering.findings import Finding
from extractors.types import (
    Canvas,
    Generation,
    PageAnswer,
    PageImage,
    StopReason,
    TokenTrace,
    Word,
)
from tests.cases.declared import declare
from tests.cases.drawn import CANVAS, DrawnPages
from tests.factories import a_runtime
from worker import store
from worker.blobs import Blobs
from worker.db import open_engine, open_sessions
from worker.embedded.postgres import EmbeddedPostgres
from worker.intake import actions, sources
from worker.migrate import migrate
from worker.pipeline import flow
from worker.rendering.renderer import Renderer
from worker.runtime import Runtime, no_recogniser
from worker.tables.documents import Status

LOGPROB = math.log(0.99)  # of every token: these are faults that models make with certainty
_STEPS = 20  # more than any document takes


@dataclass(frozen=True, slots=True)
class Ended:
    """How a document ended, and what came of each of its values by path."""

    status: str
    error: str | None  # of a failed document: code and message
    outcomes: Mapping[str, Mapping[str, Any]]
    findings: tuple[Finding, ...] = ()  # what rendering said of the file


class SureReader:
    """A backend that answers what the case says, every token at 0.99."""

    model = "case"
    fingerprint = "case"
    decode_mode = "json"
    canvas: Canvas = CANVAS
    batch_pages = 8
    settings: Mapping[str, object] = {"backend": "case"}

    def __init__(self, answers: Mapping[int, PageAnswer]) -> None:
        self._answers = answers

    def in_domain(self, spec: DocumentType) -> bool:
        return True

    def answer(self, pages: Sequence[PageImage], spec: DocumentType) -> list[PageAnswer]:
        nothing = answered(written({}, spec.fields))
        return [
            replace(self._answers.get(page.number, nothing), page=page.number) for page in pages
        ]


def answered(raw: str, *, stop: str = "end") -> PageAnswer:
    """An answer in one generation, a token a byte."""
    data = raw.encode("utf-8", "surrogatepass")
    tokens = [
        TokenTrace(token_id=1, text=data[at : at + 1], logprob=LOGPROB) for at in range(len(data))
    ]
    tokens.append(TokenTrace(token_id=2, text=b"", logprob=LOGPROB))
    generation = Generation(tokens=tuple(tokens), stop_reason=StopReason(stop))
    return PageAnswer(page=1, generations=(generation,), decode_mode="json")


def served(raw: str, account: Sequence[Sequence[Any]]) -> PageAnswer:
    """An answer as a server accounts for it: [token, logprob, bytes or null] each."""
    from extractors.backends.vllm import tokens as spelled
    from extractors.backends.vllm.wire import Completion

    content = [
        {
            "token": token,
            "logprob": logprob,
            "bytes": data,
            "top_logprobs": [{"token": token, "logprob": logprob, "bytes": data}],
        }
        for token, logprob, data in account
    ]
    choice = {
        "message": {"content": raw},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }
    completion = Completion.model_validate({"model": "m", "choices": [choice]})
    said = raw.encode()
    steps = spelled.without_ending(spelled.chosen_steps(completion, None), said)
    traces = spelled.traces(steps, said, top=1, exact=False)
    generation = Generation(tokens=traces, stop_reason=StopReason.END)
    return PageAnswer(page=1, generations=(generation,), decode_mode="json")


def written(said: Mapping[str, Any], fields: Sequence[FieldSpec]) -> str:
    """What a model writes: every field in its order, null for those that the case leaves out."""

    def whole(fields: Sequence[FieldSpec], values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            field.name: [whole(field.members, row) for row in values.get(field.name) or []]
            if field.members
            else values.get(field.name)
            for field in fields
        }

    return json.dumps(whole(fields, said), ensure_ascii=False)


class House:
    """One installation that judges one case after the other."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        folder: Path,
        renderer: Renderer,
        recogniser: Recogniser | None,
    ) -> None:
        self._numbers = count(1)
        self._folder = folder
        self._renderer = renderer
        self._rt = a_runtime(
            sessions=sessions,
            blobs=Blobs(folder / "blobs"),
            renderer=lambda: renderer,
            canvas=lambda document_type: CANVAS,
            recogniser=lambda: recogniser,
        )

    def declared(self, *given: str | Mapping[str, Any]) -> list[DocumentType]:
        """The types of a case; the stages know them from here on.

        Raises Refused.
        """
        folder = self._folder / f"types{next(self._numbers)}"  # never the same file twice
        folder.mkdir()
        self._rt = replace(self._rt, document_types_folder=folder)
        return [declare(each, folder) for each in given]

    def read(
        self,
        spec: DocumentType,
        pages: Mapping[int, Sequence[Word]],
        answers: Mapping[int, PageAnswer],
    ) -> Ended:
        """A document of these pages, read so."""
        said = {
            number: b"".join(each.text for each in answer.generations).decode("utf-8", "replace")
            for number, answer in answers.items()
        }
        drawn = cast(Renderer, DrawnPages(pages, said))
        # the case says which words there are: none may be seen besides
        rt = replace(self._rt, renderer=lambda: drawn, recogniser=no_recogniser)
        return self._through(rt, b"%PDF- a case's pages", spec.name, answers)

    def read_file(self, content: bytes, document_type: str, answers: Mapping[int, str]) -> Ended:
        """A file, read so."""
        given = {number: answered(raw) for number, raw in answers.items()}
        return self._through(self._rt, content, document_type, given)

    def _through(
        self, rt: Runtime, content: bytes, name: str, answers: Mapping[int, PageAnswer]
    ) -> Ended:
        reader = SureReader(answers)
        rt = replace(rt, backend=lambda document_type: reader)
        request = sources.Request(
            upstream="cases",
            key=str(next(self._numbers)),  # the same file may come twice, read otherwise
            document_type=name,
            content=content,
        )
        try:
            document = actions.submit(request, rt).document_id
        except SurefieldError as error:  # refused at the door
            return Ended("refused", f"{error.code}: {error}", {})
        for _ in range(_STEPS):
            status = self._status(document)
            if status not in flow.STEP_AT:
                break
            flow.STEP_AT[status].run(document, rt)
        return self._ended(document)

    def _status(self, document: UUID) -> Status:
        return Status(self._row("SELECT status FROM documents WHERE id = :id", document).status)

    def _row(self, sql: str, document: UUID) -> Any:
        with self._rt.sessions() as session:
            return session.execute(text(sql), {"id": document}).one()

    def _ended(self, document: UUID) -> Ended:
        row = self._row("SELECT * FROM documents WHERE id = :id", document)
        with self._rt.transaction() as tx:
            evidence = store.evidence.evidence_of(tx, document)
            findings = store.rendering.findings_of(tx, document)
            sql = "SELECT * FROM results WHERE document_id = :id ORDER BY position"
            results = tx.session.execute(text(sql), {"id": document}).all()
        boxes = {field.field_id: field.boxes for field in evidence}
        outcomes = {_path(result): _outcome(result, boxes) for result in results}
        error = f"{row.error_code}: {row.error_message}" if row.error_code else None
        return Ended(str(row.status), error, outcomes, findings)


def _path(result: Any) -> str:
    head, _, member = result.name.partition(".")
    return f"{head}[{result.ordinal}].{member}" if member else str(result.name)


def _outcome(result: Any, boxes: Mapping[UUID, Sequence[Any]]) -> dict[str, Any]:
    if result.decision != "accepted":
        return {"doubt": result.reason, "text": result.text}
    if result.state == "absent":
        return {"absent": True}
    outcome = {"value": result.value, "text": result.text}
    if result.currency:
        outcome["currency"] = result.currency
    if lit := boxes.get(result.field_id):
        last = lit[-1]
        outcome["box"] = [round(v, 1) for v in (last.x0, last.y0, last.x1, last.y1)]
    return outcome


@contextmanager
def a_house(sessions: sessionmaker[Session]) -> Iterator[House]:
    """A house on a migrated database."""
    with (
        tempfile.TemporaryDirectory(prefix="surefield-cases-") as folder,
        closing(Renderer()) as renderer,
    ):
        recogniser = open_recogniser(chosen(None))  # the best that is installed
        try:
            yield House(sessions, Path(folder), renderer, recogniser)
        finally:
            if recogniser is not None:
                recogniser.close()


@contextmanager
def a_house_of_its_own() -> Iterator[House]:
    """A house with a database server that ends with it."""
    with tempfile.TemporaryDirectory(prefix="surefield-cases-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        try:
            url = server.start("cases")
            migrate(url)
            engine = open_engine(url)
            with a_house(open_sessions(engine)) as house:
                yield house
            engine.dispose()
        finally:
            server.stop()
