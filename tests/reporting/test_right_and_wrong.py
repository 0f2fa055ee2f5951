"""What the views call right: of fields that people decided, and of fields that were drawn."""

from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import a_document, run
from tests.factories import rows as ask
from worker.tables.documents import FINAL, Status

Sessions = sessionmaker[Session]

DECIDE = """
UPDATE public.results SET decision = 'reviewed', decided_at = now(),
    state = :state, text = :text, value = CAST(:value AS jsonb), currency = :currency,
    read_state = :read_state, read_text = :read_text, read_value = CAST(:read_value AS jsonb),
    read_currency = :read_currency, removed_at = CASE WHEN :removed THEN now() END
WHERE name = 'total'
"""
DRAW = """
INSERT INTO public.audits (result_id, document_id, rate, fingerprint, score, was_accepted, found,
    judged_by, judged_at)
SELECT id, document_id, :rate, :fingerprint, 0.9, :accepted, CAST(:found AS text),
    CASE WHEN CAST(:found AS text) IS NOT NULL THEN 'ada' END,
    CASE WHEN CAST(:found AS text) IS NOT NULL THEN now() END
FROM public.results WHERE name = 'total' AND document_id = :id
"""
AS_READ = {
    "state": "value",
    "text": "12.50",
    "value": '"12.50"',
    "currency": None,
    "read_state": "value",
    "read_text": "12.50",
    "read_value": '"12.50"',
    "read_currency": None,
    "removed": False,
}
ABSENT = {"state": "absent", "text": None, "value": None}
READ_ABSENT = {"read_state": "absent", "read_text": None, "read_value": None}


def drawn(
    db: Sessions,
    *,
    rate: float = 1.0,
    found: str | None = None,
    accepted: bool = True,
    fingerprint: str = "f",
) -> None:
    """A document that was accepted, whose total was drawn."""
    document = a_document(db, status=Status.ACCEPTED)
    run(
        db,
        DRAW,
        id=document.id,
        rate=rate,
        found=found,
        accepted=accepted,
        fingerprint=fingerprint,
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, "right"),
        ({"text": "12,50"}, "right"),  # another spelling of the value
        ({"value": '"13.50"'}, "wrong"),  # the same text, and another meaning
        ({"removed": True}, "wrong"),  # a row that the document does not have
        ({"state": "unreadable", "text": None, "value": None}, "illegible"),
        ({"state": "unreadable", **dict.fromkeys(("text", "value")), "removed": True}, "wrong"),
        ({"currency": "EUR", "read_currency": "EUR"}, "right"),
        ({"currency": "EUR"}, "right"),  # one of them does not say it
        ({"read_currency": "EUR"}, "right"),
        ({"currency": "EUR", "read_currency": "USD"}, "wrong"),
        ({"value": None, "read_value": None}, "right"),
        ({"value": None, "read_value": None, "text": "12,50"}, "wrong"),
        ({"value": None}, "right"),  # the text decides where one has no value
        ({"read_value": None, "text": "12,50"}, "wrong"),
        (ABSENT, "wrong"),
        (READ_ABSENT, "wrong"),
        (ABSENT | READ_ABSENT, "right"),
        ({"read_state": "unreadable", "read_value": None}, "wrong"),
    ],
)
def test_what_a_person_decided_says_whether_it_was_read_right(
    db: Sessions, changes: dict[str, Any], found: str
) -> None:
    """Audits and calibration say the same, but that what nobody can read is no case of an audit
    and what the machine could not read is none of its calibration.
    """
    drawn(db)
    run(db, DECIDE, **{**AS_READ, **changes})

    assert [row.found for row in ask(db, "SELECT found FROM reporting.audits")] == [found]
    counted = ask(db, "SELECT fields, fields_right FROM reporting.calibration WHERE fields > 0")
    unread = changes.get("read_state") == "unreadable"
    assert [tuple(row) for row in counted] == ([] if unread else [(1, int(found == "right"))])


@pytest.mark.parametrize(
    ("kept", "found"),
    [("right", "right"), ("illegible", "illegible"), ("wrong", None), (None, None)],
)
def test_of_a_field_that_is_accepted_the_audit_says_what_it_is(
    db: Sessions, kept: str | None, found: str | None
) -> None:
    """One that was found wrong and is accepted all the same had its correction taken back."""
    drawn(db, found=kept)
    assert [row.found for row in ask(db, "SELECT found FROM reporting.audits")] == [found]


def test_the_share_of_wrong_ones_weighs_by_how_likely_each_was_drawn(db: Sessions) -> None:
    """Of those that somebody judged; what waits or cannot be read is counted and says nothing."""
    for rate, found in ((0.5, "right"), (0.25, "right"), (0.1, None), (0.05, "illegible")):
        drawn(db, rate=rate, found=found)
    drawn(db, rate=0.2)
    run(db, DECIDE + " AND document_id = (SELECT document_id FROM public.audits WHERE rate = 0.2)",
        **AS_READ | {"value": '"13.50"'})  # fmt: skip
    drawn(db, rate=0.01, accepted=False)
    drawn(db, rate=0.5, fingerprint="g")

    known, unjudged = ask(
        db,
        "SELECT drawn, judged, wrong, illegible, not_judged, share_wrong, fingerprint"
        " FROM reporting.accepted_and_wrong ORDER BY fingerprint",
    )
    assert tuple(known[:5]) == (5, 3, 1, 1, 1)
    assert known.share_wrong == pytest.approx(5 / (2 + 4 + 5))
    assert tuple(unjudged) == (1, 0, 0, 0, 1, None, "g")


BASE = {"accepted", "needs_type", "needs_input", "in_review", "reviewed", "rejected", "failed"}
COUNTED = {
    "needs_type": "waiting",
    "needs_input": "waiting",
    "in_review": "waiting",
    "reviewed": "reviewed",
    "rejected": "rejected",
    "failed": "failed",
}


def test_a_document_is_in_the_base_of_the_share_once_it_needs_nobody_or_somebody(
    db: Sessions,
) -> None:
    """On its way it is in none; a file that was split is told by its parts."""
    a_document(db, status=Status.ACCEPTED)
    other = a_document(db, status=Status.ACCEPTED)
    for status in Status:
        run(
            db,
            "UPDATE public.documents SET status = :status, error_code = 'not_ours',"
            " error_message = 'x', finished_at = CASE WHEN :final THEN now() END WHERE id = :id",
            status=status,
            final=status in FINAL,
            id=other.id,
        )

        (row,) = ask(db, "SELECT * FROM reporting.straight_through")
        untouched = 2 if status == "accepted" else 1
        assert (row.documents, row.untouched) == (1 if status == "split" else 2, untouched), status
        assert row.straight_through == untouched / (2 if status in BASE else 1), status
        counts = {name for name in {*COUNTED.values(), "in_progress"} if getattr(row, name)}
        none = status in ("accepted", "split")
        assert counts == (set() if none else {COUNTED.get(status, "in_progress")}), status
