"""A house that asks senders, and what its tests look at."""

from typing import Any
from uuid import UUID

import pymupdf

from extractors.backends.scripted import Line
from extractors.documents import Ask
from tests.pipeline.conftest import TRUTH, House, Make, a_pdf
from worker.questions import store
from worker.questions.types import Asked
from worker.tables.questions import QuestionState

PASSWORD = "open sesame"
EVERYTHING = frozenset(Ask)
LACKING = Line(truth={**TRUTH, "total": None})  # a slip without its required total


def locked(words: str = "Foo Ltd A-17 03/04/2026 12.50 EUR") -> bytes:
    """A PDF that opens with the password alone."""
    encryption = pymupdf.PDF_ENCRYPT_AES_256
    content: bytes = pymupdf.open(stream=a_pdf(words)).tobytes(
        encryption=encryption, user_pw=PASSWORD, owner_pw="x"
    )
    return content


def an_asking_house(make_house: Make, said: Any = None, **changes: Any) -> House:
    """A house whose policy is to ask the sender whatever a sender may know."""
    return make_house(said, **{"ask_sender": EVERYTHING, **changes})


def sent(house: House, content: bytes, **request: Any) -> UUID:
    """A document that was worked on until it rests."""
    document = house.submit(content, **request)
    house.work()
    return document


def questions(house: House, document: UUID, state: QuestionState | None = None) -> list[Asked]:
    """What was asked about a document, the oldest first."""
    with house.rt.transaction() as tx:
        return store.listed(tx, document_id=document, state=state)


def the_question(house: House, document: UUID) -> Asked:
    """The one question that is open."""
    (one,) = questions(house, document, QuestionState.OPEN)
    return one


def moves(house: House, document: UUID) -> list[tuple[str, str | None, str]]:
    """Where a document went, why and by whom."""
    query = "SELECT to_status, code, actor FROM document_events WHERE document_id = :id ORDER BY id"
    return [tuple(row) for row in house.rows(query, id=document)]
