"""Slips read three times, and what is kept of them."""

import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.decision.field_evidence import FieldEvidence
from extractors.demo import three_readings
from extractors.demo.three_readings import Row, rows_of
from extractors.reading.looks import Agreement
from extractors.types import Canvas, FieldState

DOCUMENTS = 10


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(three_readings, "WHERE", tmp_path)
    return tmp_path


def backend(**changes):
    line = Line(truth={"total": "12.00", "items": [{"amount": "1.00"}]}, probability=0.9)
    return ScriptedBackend(lambda page, spec: line, canvas=Canvas(112, 1), **changes)


def read(reader, documents=DOCUMENTS):
    return list(rows_of(reader, documents=documents, seed=5, split="user"))


def test_what_was_kept_is_what_was_read(kept):
    """Every score is the same from what was written down."""
    reader = backend()
    first = read(reader)
    calls = len(reader.calls)
    again = read(reader)

    assert len(reader.calls) == calls  # nothing is read twice
    assert [row.scores for row in again] == [row.scores for row in first]
    assert [(row.path, row.text, row.truth, row.right, row.proven) for row in again] == [
        (row.path, row.text, row.truth, row.right, row.proven) for row in first
    ]
    assert [row.evidence.looks for row in again] == [row.evidence.looks for row in first]
    assert {tuple(look.agreement for look in row.evidence.looks) for row in first} == {
        (Agreement.SAME,) * 2 + (Agreement.HELD,) * 2
    }


def test_reading_goes_on_after_a_stop_in_the_middle_of_a_line(kept):
    """The line that was cut off is read again, and the others are not."""
    whole = read(backend())
    [path] = kept.iterdir()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], lines[-1][:40]]))

    reader = backend()
    assert [row.scores for row in read(reader)] == [row.scores for row in whole]
    assert len(reader.calls) == 5  # a reading, two looks, and two forced ones
    assert path.read_bytes() == b"".join(lines)


def test_fewer_documents_are_a_part_and_another_model_reads_anew(kept):
    read(backend())
    reader = backend()
    assert {row.document for row in read(reader, 4)} <= set(range(4))
    assert reader.calls == []
    read(backend(model="another"), 1)
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize(
    ("text", "truth", "absent", "rows_truly", "right"),
    [
        ("12.00", "12.00", False, False, True),
        ("12,00", "12.00", False, False, True),
        ("12.50", "12.00", False, False, False),
        ("12.00", None, False, False, False),
        (None, None, True, False, True),
        (None, "12.00", True, False, False),
        (None, None, True, True, False),
    ],
)
def test_right_is_what_would_be_stored(text, truth, absent, rows_truly, right):
    """The same characters or the same value; an absence where there is nothing; an empty list where
    there are no rows.
    """
    row = Row(
        document=0,
        level=0,
        path="total",
        absent=absent,
        text=text,
        truth=truth,
        rows_truly=rows_truly,
        evidence=FieldEvidence(state=FieldState.ABSENT if absent else FieldState.VALUE),
    )
    assert row.right is right
