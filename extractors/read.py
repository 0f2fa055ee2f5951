"""Pages + document type + backend -> readings: the whole story of extraction."""

from collections.abc import Sequence
from dataclasses import replace

from extractors.backends import Backend, ScoresAnswers
from extractors.documents.spec import DocumentType
from extractors.reading import prompts
from extractors.reading.answer_parser import fields_of
from extractors.types import PageAnswer, PageImage, Reading


def read_pages(pages: Sequence[PageImage], spec: DocumentType, backend: Backend) -> list[Reading]:
    """Every page's fields with their evidence, in the pages' order.

    Raises what the backend raises. An answer that makes no sense is no error: its fields are
    UNREADABLE, and a person looks.
    """
    answers = backend.answer(pages, spec) if pages else []
    assert [answer.page for answer in answers] == [page.number for page in pages], (
        "a backend answers every page, in order"
    )
    return [reading_of(answer, spec, backend) for answer in answers]


def hold_against(
    pages: Sequence[PageImage],
    readings: Sequence[Reading],
    spec: DocumentType,
    backend: ScoresAnswers,
) -> list[Reading]:
    """The same readings, each as the backend believes it of the page in its place.

    Raises what the backend raises.
    """
    answers = [reading.answer for reading in readings]
    scored = backend.scored(pages, answers, spec) if pages else []
    return [
        replace(reading, answer=answer, fields=fields_of(answer, spec), forced=True)
        for reading, answer in zip(readings, scored, strict=True)
    ]


def reading_of(answer: PageAnswer, spec: DocumentType, backend: Backend) -> Reading:
    """One answer, with the run that produced it."""
    return Reading(
        page=answer.page,
        document_type=spec.name,
        fields=fields_of(answer, spec),
        answer=answer,
        model=backend.model,
        fingerprint=backend.fingerprint,
        prompt_hash=prompts.prompt_hash(spec, answer.decode_mode),
        decode_mode=answer.decode_mode,
        in_domain=backend.in_domain(spec),
        settings=dict(backend.settings),
    )
