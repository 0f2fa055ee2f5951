"""What people decided, held against what is read now."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from extractors.types import FieldState
from tests.review.test_corrections import ADA, EVE, LEASE, correct, outcome
from worker.pipeline import again
from worker.review import actions
from worker.review.carry import REASON, Earlier, Key, _key, carried_over
from worker.review.tables import Action
from worker.store.types import Decided, NewResult
from worker.tables.results import Outcome

THEN = datetime(2026, 5, 4, tzinfo=UTC)
Said = tuple[FieldState, str | None, Any, str | None]

EUR: Said = (FieldState.VALUE, "12.50 EUR", "12.50", "EUR")
USD: Said = (FieldState.VALUE, "$12.50", "12.50", "USD")
BARE: Said = (FieldState.VALUE, "12.50", "12.50", None)
SPELLED: Said = (FieldState.VALUE, "EUR 12,50", "12.50", "EUR")
OTHER: Said = (FieldState.VALUE, "13.50 EUR", "13.50", "EUR")
NOTHING: Said = (FieldState.VALUE, "12.5O", None, None)  # no value can be made of it
ELSE: Said = (FieldState.VALUE, "12.5o", None, None)
ABSENT: Said = (FieldState.ABSENT, None, None, None)
UNREADABLE: Said = (FieldState.UNREADABLE, None, None, None)


def decided(said: Said) -> Decided:
    state, text, value, currency = said
    return Decided(
        result_id=UUID(int=1),
        decision_id=1,
        answer_id=1,
        who="ada",
        action="correct",
        said_text=text,
        said_value=value,
        state=state,
        text=text,
        value=value,
        currency=currency,
        at=THEN,
    )


def key(said: Said) -> Key:
    return _key(*said)


def earlier(
    read: Said, said: Said | None, *, name: str = "total", ordinal: int = 0, **more: Any
) -> Earlier:
    return Earlier(
        **{
            "name": name,
            "ordinal": ordinal,
            "position": 0,
            "kind": "amount",
            "reason": "low_score",
            "removed_at": None,
            "read_ordinal": ordinal,
            "read": key(read),
            "decided": None if said is None else decided(said),
            "read_then": key(read),
            **more,
        }
    )


def reads(now: Said, *, name: str = "total", ordinal: int = 0, position: int = 0) -> NewResult:
    state, text, value, currency = now
    return NewResult(
        name=name,
        ordinal=ordinal,
        position=position,
        kind="amount",
        state=state,
        text=text,
        value=value,
        currency=currency,
        decision=Outcome.ACCEPTED,
        reason="value",
    )


def carried(results: list[NewResult], before: list[Earlier], **more: Any) -> list[NewResult]:
    return carried_over(results, before, **{"known": lambda name: True, **more})


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        (EUR, EUR, True),
        (EUR, SPELLED, True),
        (EUR, USD, False),
        (EUR, BARE, False),
        (BARE, EUR, False),
        (EUR, OTHER, False),
        (NOTHING, NOTHING, True),
        (NOTHING, ELSE, False),
        (NOTHING, EUR, False),
        (ABSENT, ABSENT, True),
        (ABSENT, UNREADABLE, False),
        (UNREADABLE, UNREADABLE, True),
        (UNREADABLE, ABSENT, False),
        (EUR, ABSENT, False),
        (ABSENT, EUR, False),
    ],
)
def test_a_decision_holds_where_the_same_is_read_again_or_what_the_person_said(
    then: Said, now: Said, same: bool
) -> None:
    """The same value of the same money; where something else is read, a person sees both."""
    elsewhere = (FieldState.VALUE, "99.00", "99.00", None)
    # the reading that a person decided on, and the decision itself
    for before in (earlier(then, elsewhere), earlier(elsewhere, then)):
        (one,) = carried([reads(now)], [before])

        assert one.earlier_id == UUID(int=1)
        # the answer that is made stays what is read; what was decided stands beside it
        assert (one.state, one.text) == now[:2]
        if same:
            assert one.carried == before.decided
            assert (one.decision, one.reason) == (Outcome.ACCEPTED, "value")
        else:
            assert one.carried is None
            assert (one.decision, one.reason) == (Outcome.REVIEW, REASON)
            assert before.decided is not None
            shown = {"who": "ada", "state": before.decided.state, "text": before.decided.text}
            assert one.details["decided"] == shown


def test_each_row_has_its_own_decision_and_what_nobody_decided_is_as_it_is_read() -> None:
    """A row that a person removed, and a field that the type has no more, carry nothing."""
    name = "items.amount"
    before = [
        earlier(EUR, OTHER, name=name, ordinal=1),
        earlier(EUR, OTHER, name=name, ordinal=2, removed_at=THEN),
        earlier(EUR, None, name=name, ordinal=0),
        earlier(EUR, OTHER, name="gone"),
    ]
    now = [reads(EUR, name=name, ordinal=at, position=at) for at in (0, 1, 2)]
    found = carried(now, before, known=lambda path: path != "gone")

    assert [(one.name, one.ordinal) for one in found] == [(name, 0), (name, 1), (name, 2)]
    assert [one.carried is not None for one in found] == [False, True, False]
    assert [one.earlier_id is not None for one in found] == [False, True, False]


def test_what_was_decided_and_is_not_read_any_more_waits_for_a_person() -> None:
    """In its place; what nobody had decided is gone."""
    before = [
        earlier(EUR, OTHER, name="net", position=1),
        earlier(EUR, None, name="tax", position=2),
    ]
    now = [reads(EUR, position=0), reads(EUR, name="date", position=2)]
    found = carried(now, before)

    assert [(one.name, one.position) for one in found] == [("total", 0), ("net", 1), ("date", 2)]
    missing = found[1]
    assert (missing.state, missing.was_read) == (FieldState.ABSENT, False)
    assert (missing.decision, missing.reason) == (Outcome.REVIEW, REASON)
    assert "13.50 EUR" in str(missing.details["message"])


@pytest.mark.parametrize("undone", [0, 1, 2])
def test_an_undo_ends_the_last_decision_and_the_one_before_it_is_carried_over(make_site, undone):
    """Of two decisions none, one or both are taken back before the document is read again."""
    site = make_site()
    document = site.read()
    for text in ("1.00", "2.00"):
        correct(site, document, "total", text=text)
    for _ in range(undone):
        actions.undo_last(ADA, site.house.rt, lease=LEASE)
    again.one(site.house.rt, document, again.Again.REREAD, by="person:eve")
    site.house.work()

    text, decision, _, by, _ = outcome(site, "total")
    stands = [("2.00", "reviewed", "ada"), ("1.00", "reviewed", "ada")]
    assert (text, decision, by) == [*stands, ("1,284.50", "accepted", None)][undone]


def test_an_undo_brings_the_currency_back(make_site):
    """A correction in another money, and what was read before it."""
    site = make_site()
    document = site.read()
    correct(site, document, "total", who=EVE, text="USD 1,284.50")
    query = "SELECT value, currency FROM results WHERE name = 'total'"
    assert site.house.rows(query) == [("1284.50", "USD")]
    actions.undo_last(EVE, site.house.rt, lease=LEASE)
    assert site.house.rows(query) == [("1284.50", None)]

    correct(site, document, "total", text="EUR 1.00")
    correct(site, document, "total", action=Action.ABSENT)
    assert site.house.rows(query) == [(None, None)]
    actions.undo_last(ADA, site.house.rt, lease=LEASE)
    assert site.house.rows(query) == [("1.00", "EUR")]
