"""The product's judgement of one document's answer, in memory: every step between an answer and a
decision, without a database.

A reader that is sure of every token answers; what is doubted is doubted by witnesses alone.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from extractors.decision.choose import choose
from extractors.decision.decide import Outcome, decide_all
from extractors.decision.policy import policy_of
from extractors.documents.types import DocumentType, FieldSpec, Kind
from extractors.evidence.conventions import conventions
from extractors.evidence.gather import PageEvidence, gather
from extractors.evidence.grounding import Grounding, ground
from extractors.evidence.witnesses import DENIES, DocumentEvidence, hear
from extractors.normalise import Value, normalise
from extractors.page.text import TEXT_LAYER, PageText
from extractors.rendering.einvoice import EInvoice
from extractors.rendering.findings import Finding
from extractors.types import FieldState, Word

SURE = 0.9995
NAMESPACE = UUID("6b0cf8f2-6f0b-4a0e-9d8f-0d6d1b7a9a10")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one value."""

    accepted: bool
    value: Value | None
    doubts: tuple[str, ...]  # codes
    denied_by: tuple[str, ...]  # witnesses


@dataclass(frozen=True)
class Paper:
    """One document: its type, the words of its pages, and the e-invoice in its file."""

    spec: DocumentType
    pages: Mapping[int, Sequence[Word]]
    einvoice: EInvoice | None = None
    source: str = TEXT_LAYER  # of the words
    findings: tuple[Finding, ...] = ()  # of rendering

    @cached_property
    def texts(self) -> dict[int, PageText]:
        return {number: PageText(words, source=self.source) for number, words in self.pages.items()}

    @cached_property
    def _known(
        self,
    ) -> dict[tuple[object, ...], tuple[Value, Grounding | None]]:
        return {}

    def judge(self, answers: Mapping[int, Mapping[str, Any]]) -> dict[tuple[str, int], Verdict]:
        """What becomes of each field and row, by name and ordinal.

        answers: page number -> field -> text as printed, None, or rows
        """
        document = self.evidence(answers)
        spec = document.type
        scores = {said.id: SURE for one in document.candidates for said in one.said}
        chosen = choose(spec, document.candidates, hear(document), scores)
        decisions = decide_all(chosen, spec, policy_of(spec, accept_at=0.7), in_domain=True)
        return {
            (row.name, row.ordinal): Verdict(
                accepted=decision.outcome is Outcome.ACCEPTED,
                value=row.value,
                doubts=tuple(doubt.code for doubt in decision.doubts),
                denied_by=tuple(
                    dict.fromkeys(one.witness for one in row.testimony if one.says is DENIES)
                ),
            )
            for row, decision in zip(chosen, decisions, strict=True)
        }

    def evidence(self, answers: Mapping[int, Mapping[str, Any]]) -> DocumentEvidence:
        """The document as witnesses see it, when its pages are read so."""
        spec = self._as_written(answers)
        given = [
            one for page, answer in answers.items() for one in self._evidence(spec, page, answer)
        ]
        return DocumentEvidence(
            type=spec,
            candidates=gather(spec, given, pages=self.texts),
            pages=self.texts,
            einvoice=self.einvoice,
            findings=self.findings,
        )

    def evidence_on(self, page: int, answer: Mapping[str, Any]) -> list[PageEvidence]:
        """What the reading of one page gives."""
        return self._evidence(self._as_written({page: answer}), page, answer)

    def _as_written(self, answers: Mapping[int, Mapping[str, Any]]) -> DocumentType:
        """The type with the decimal sign and the order of dates that the document proves."""
        said = [
            (field.kind, text)
            for answer in answers.values()
            for field, text in _texts(self.spec.fields, answer)
        ]
        return conventions(said, self.pages.values()).of(self.spec)

    def _evidence(
        self, spec: DocumentType, page: int, answer: Mapping[str, Any]
    ) -> list[PageEvidence]:
        found = []
        for field in spec.fields:
            said = answer.get(field.name)
            if field.kind is not Kind.GROUP:
                found.append(self._one(spec, page, field.name, 0, field, said))
                continue
            if not said:
                found.append(self._one(spec, page, field.name, 0, field, None))
            for ordinal, row in enumerate(said or ()):
                found += [
                    self._one(spec, page, f"{field.name}.{m.name}", ordinal, m, row.get(m.name))
                    for m in field.members
                ]
        return found

    def _one(
        self,
        spec: DocumentType,
        page: int,
        name: str,
        ordinal: int,
        field: FieldSpec,
        text: str | None,
    ) -> PageEvidence:
        value, grounding = (
            (None, None) if text is None else self.read(page, name, field, text, spec)
        )
        return PageEvidence(
            id=uuid5(NAMESPACE, json.dumps([page, name, ordinal])),
            page=page,
            name=name,
            ordinal=ordinal,
            state=FieldState.ABSENT if text is None else FieldState.VALUE,
            text=text,
            value=value,
            grounding=grounding,
        )

    def read(
        self,
        page: int,
        name: str,
        field: FieldSpec,
        text: str,
        spec: DocumentType | None = None,
    ) -> tuple[Value, Grounding | None]:
        """Value and places of a text; kept, since of each planted answer all but one are known."""
        spec = spec or self.spec
        key = page, name, text, spec.decimal, spec.day_first
        if key not in self._known:
            value = normalise(text, field, spec)
            grounding = ground(text, self.texts[page], field, spec, value=value)
            self._known[key] = value, grounding
        return self._known[key]


def _texts(
    fields: Sequence[FieldSpec], answer: Mapping[str, Any]
) -> Iterator[tuple[FieldSpec, str]]:
    for field in fields:
        said = answer.get(field.name)
        if isinstance(said, str):
            yield field, said
        for row in said or () if field.kind is Kind.GROUP else ():
            yield from _texts(field.members, row)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - half, middle + half
