"""Generated slips read three times each, and held against two moved pictures; kept, so that
reading goes on after a stop.

One row is one answer that a score decides: a value that the model gives, or an absence.  Its
evidence is kept, and scores are computed from that.  Rows are kept under the fingerprint of the
model, the decode mode and the seed; another model reads anew.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from extractors.backends import Backend, ScoresAnswers
from extractors.decision.field_evidence import FieldEvidence
from extractors.decision.scores import METHODS
from extractors.demo.evaluate import wanted
from extractors.demo.slips import Slip as Document
from extractors.demo.slips import Split, slips
from extractors.documents.slip import Slip
from extractors.normalise import Value, normalise
from extractors.read import hold_against, read_pages
from extractors.reading.looks import Agreement, Look, Place, compared, held
from extractors.rendering.moved import SHIFTS, moved
from extractors.rendering.pdf import open_file
from extractors.types import Alternative, FieldReading, FieldState, Opening, Reading, TokenTrace

WHERE = Path(".bench/confidence")
BATCH = 8  # documents


@dataclass(frozen=True, kw_only=True)
class Row:
    """One answer that a score decides."""

    document: int
    level: int
    path: str
    absent: bool
    text: str | None  # as read; None: nothing
    truth: str | None  # as printed
    rows_truly: bool  # of an empty list: whether the page has rows
    evidence: FieldEvidence

    @cached_property
    def scores(self) -> dict[str, float | None]:
        """By method."""
        return {name: method(self.evidence) for name, method in METHODS.items()}

    @property
    def right(self) -> bool:
        """What would be stored is true: the same characters, or the same value."""
        if self.absent or self.truth is None or self.text is None:
            return self.absent and self.truth is None and not self.rows_truly
        return self.text == self.truth or _value(self.path, self.text).agrees_with(
            _value(self.path, self.truth)
        )

    @property
    def proven(self) -> bool:
        """The type's own proofs about one reading hold: it means one thing, and what is required is
        there.
        """
        if self.absent:
            return not Slip.spec.field(self.path).required
        return _value(self.path, self.text or "").problem is None


@cache
def _value(path: str, text: str) -> Value:
    return normalise(text, Slip.spec.field(path), Slip.spec)


def rows_of(backend: Backend, *, documents: int, seed: int, split: Split) -> Iterator[Row]:
    """The rows of so many documents, in order; those that were read before are read back."""
    WHERE.mkdir(parents=True, exist_ok=True)
    name = f"{backend.fingerprint}-{backend.decode_mode}-{split}-{seed}.jsonl"
    path = WHERE / name
    known = _known(path)
    for rows in known[:documents]:
        yield from (_row(one, backend) for one in rows)
    batch: list[tuple[int, Document]] = []
    with path.open("a", encoding="utf-8") as file:
        for number, document in enumerate(slips(documents, seed, split=split)):
            if number < len(known):
                continue
            batch.append((number, document))
            if len(batch) == BATCH or number == documents - 1:
                for found in _read(batch, backend):
                    file.write(json.dumps([_kept(one) for one in found]) + "\n")
                    yield from found
                file.flush()
                batch = []


def _known(path: Path) -> list[list[dict[str, Any]]]:
    """The rows of each document that was read; a line that a stop cut off is taken out."""
    path.touch()
    lines = path.read_bytes().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]
    if len(whole) < len(lines):
        path.write_bytes(b"".join(whole))
    return [json.loads(line) for line in whole]


def _kept(row: Row) -> dict[str, Any]:
    """As JSON: of each token its log-probability and that of the likeliest one."""
    evidence = row.evidence
    opening = evidence.opening
    return {
        "document": row.document,
        "level": row.level,
        "path": row.path,
        "absent": row.absent,
        "text": row.text,
        "truth": row.truth,
        "rows_truly": row.rows_truly,
        "tokens": [[one.logprob, *(top.logprob for top in one.top[:1])] for one in evidence.tokens],
        "ends": evidence.ends,
        "opening": None if opening is None else [opening.taken, opening.other],
        "looks": [
            [one.agreement, one.text, one.weakest, one.joint] for one in evidence.looks or ()
        ],
    }


def _row(kept: dict[str, Any], backend: Backend) -> Row:
    tokens, ends, opening, looks = (
        kept.pop(name) for name in ("tokens", "ends", "opening", "looks")
    )
    evidence = FieldEvidence(
        state=FieldState.ABSENT if kept["absent"] else FieldState.VALUE,
        tokens=tuple(
            TokenTrace(
                token_id=0,
                text=b"",
                logprob=logprob,
                top=tuple(Alternative(0, b"", one) for one in best),
            )
            for logprob, *best in tokens
        ),
        ends=ends,
        opening=None if opening is None else Opening(taken=opening[0], other=opening[1]),
        fingerprint=backend.fingerprint,
        decode_mode=backend.decode_mode,
        looks=tuple(
            Look(agreement=Agreement(agreement), text=text, weakest=weakest, joint=joint)
            for agreement, text, weakest, joint in looks
        ),
    )
    return Row(**kept, evidence=evidence)


def _read(batch: list[tuple[int, Document]], backend: Backend) -> Iterator[list[Row]]:
    """The rows of each document of a batch."""
    pages, of = [], []
    for at, (_, document) in enumerate(batch):
        with open_file(document.pdf, max_pages=10, max_pixels=50_000_000) as file:
            for n in range(file.page_count):
                pages.append(file.page(n + 1).image(backend.canvas))
                of.append((at, n))
    readings = [read_pages(pages, Slip.spec, backend)]
    readings += [
        read_pages([moved(page, look) for page in pages], Slip.spec, backend)
        for look in range(1, len(SHIFTS) + 1)
    ]
    forced: list[list[Reading]] = []
    if isinstance(backend, ScoresAnswers):
        forced = [
            hold_against([moved(page, look) for page in pages], readings[0], Slip.spec, backend)
            for look in range(1, len(SHIFTS) + 1)
        ]
    rows: list[list[Row]] = [[] for _ in batch]
    for n, (at, page) in enumerate(of):
        number, document = batch[at]
        first, *others = (one[n] for one in readings)
        held_too = [one[n] for one in forced]
        rows[at] += _judged(number, document, first, others, held_too, document.truth[page])
    yield from rows


def _judged(
    number: int,
    document: Document,
    first: Reading,
    others: list[Reading],
    forced: list[Reading],
    truth: Any,
) -> Iterator[Row]:
    expected = wanted(truth)
    looks = compared(first.fields, [_by_place(one) for one in others], Slip.spec)
    beliefs = held(first.fields, [_by_place(one) for one in forced])
    for field in first.fields:
        place = (field.name, field.ordinal)
        if field.state is FieldState.UNREADABLE or not field.tokens:
            continue
        yield Row(
            document=number,
            level=document.level,
            path=field.name,
            absent=field.state is FieldState.ABSENT,
            text=field.text,
            truth=expected.get(place),
            rows_truly=any(name.startswith(f"{field.name}.") for name, _ in expected),
            evidence=replace(
                FieldEvidence.of(field, first), looks=(*looks[place], *beliefs[place])
            ),
        )


def _by_place(reading: Reading) -> dict[Place, FieldReading]:
    return {(field.name, field.ordinal): field for field in reading.fields}
