"""Two webhooks, two documents, two messages: what becomes of one, and not of the other."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import a_document, begin, rows, run
from worker.db import Tx
from worker.delivery import deliver, events, webhooks
from worker.delivery.deliver import AT_ONCE_EACH, Message
from worker.delivery.sending import Answer
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
URL = "https://example.com/hook"


def hook(db: Sessions, upstream: str = "tests", **more: Any) -> UUID:
    with begin(db) as tx:
        return webhooks.add(tx, upstream, URL, by="person:ada", **more)[0]


def told(db: Sessions, documents: int = 1, **submission: Any) -> list[UUID]:
    """Documents that wait for a person, and their events on the way."""
    made = [a_document(db, status=Status.IN_REVIEW, **submission).id for _ in range(documents)]
    with begin(db) as tx:
        events.publish(tx)
    return made


def take(db: Sessions) -> Message | None:
    with begin(db) as tx:
        return deliver.claim(tx, Path(os.environ["SUREFIELD_KEY_FILE"]))


def taken(db: Sessions) -> Message:
    message = take(db)
    assert message is not None
    return message


def everything(db: Sessions, table: str, name: str, of: Any) -> list[Any]:
    query = f"SELECT to_jsonb(t) FROM {table} AS t WHERE {name} = :of ORDER BY 1"
    return [row[0] for row in rows(db, query, of=of)]


ACTS: dict[str, Callable[[Tx, UUID], object]] = {
    "rotated": lambda tx, one: webhooks.rotate(tx, one),
    "switched off": lambda tx, one: webhooks.disable(tx, one, "for repair"),
    "removed": lambda tx, one: webhooks.remove(tx, one),
}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ACTS)
def test_what_is_done_with_one_webhook_is_not_done_with_the_other(
    db: Sessions, name: str, first: int
) -> None:
    """Of the same upstream and to the same address, each with a message that waits."""
    hooks = hook(db), hook(db)
    told(db)
    one, other = hooks[first], hooks[1 - first]
    tables = (("webhooks", "id"), ("deliveries", "webhook_id"))
    before = [everything(db, *each, other) for each in tables]
    was = everything(db, "webhooks", "id", one)
    with begin(db) as tx:
        ACTS[name](tx, one)

    assert [everything(db, *each, other) for each in tables] == before
    assert everything(db, "webhooks", "id", one) != was
    assert len(before[1]) == 1


def test_switching_one_on_again_does_not_begin_anew_for_the_other(db: Sessions) -> None:
    """Nor with what was delivered, or given up, or is off itself."""
    one, other = hook(db), hook(db)
    told(db, 3)
    states = ("waiting", "delivered", "given_up")
    for at in (one, other):
        ids = [row.id for row in rows(db, "SELECT id FROM deliveries WHERE webhook_id = :a", a=at)]
        for delivery, state in zip(ids, states, strict=True):
            run(
                db,
                f"UPDATE deliveries SET state = '{state}', attempts = 7, since = '2026-01-01',"
                f" delivered_at = CASE WHEN '{state}' = 'delivered' THEN now() END WHERE id = :id",
                id=delivery,
            )
    with begin(db) as tx:
        for at in (one, other):
            webhooks.disable(tx, at, "for repair")
    before = everything(db, "deliveries", "webhook_id", other)
    with begin(db) as tx:
        webhooks.enable(tx, one)

    assert everything(db, "deliveries", "webhook_id", other) == before
    assert everything(db, "webhooks", "id", other)[0]["state"] == "disabled"
    found = {row["state"]: row for row in everything(db, "deliveries", "webhook_id", one)}
    assert {state: row["attempts"] for state, row in found.items()} == {
        "waiting": 0,
        "delivered": 7,
        "given_up": 7,
    }
    assert not found["waiting"]["since"].startswith("2026-01-01")


@pytest.mark.parametrize(
    ("answer", "state", "webhook"),
    [
        (Answer(status=204), "delivered", "enabled"),
        (Answer(status=500), "waiting", "enabled"),
        (Answer(status=404), "waiting", "enabled"),
        (Answer(status=410), "waiting", "disabled"),
        (Answer(status=None, error="it does not answer"), "waiting", "enabled"),
    ],
)
def test_an_answer_settles_its_own_message(
    db: Sessions, answer: Answer, state: str, webhook: str
) -> None:
    """The same event to the other webhook, and another event to the same one, wait as before."""
    hooks = hook(db), hook(db)
    told(db, 2)
    message = taken(db)
    run(db, "UPDATE deliveries SET attempts = 1")
    rest = "SELECT to_jsonb(d) FROM deliveries AS d WHERE id <> :id ORDER BY id"
    before = rows(db, rest, id=message.delivery_id)
    with begin(db) as tx:
        deliver.settle(tx, message, answer)

    assert rows(db, rest, id=message.delivery_id) == before
    (now,) = everything(db, "deliveries", "id", message.delivery_id)
    assert (now["state"], now["lease_until"]) == (state, None)
    assert now["last_status"] == answer.status
    said = answer.error or f"HTTP {answer.status}"
    assert now["last_error"] == (None if state == "delivered" else said)
    assert (now["delivered_at"] is not None) == (state == "delivered")
    states = {each: everything(db, "webhooks", "id", each)[0]["state"] for each in hooks}
    other = hooks[0] if message.webhook_id == hooks[1] else hooks[1]
    assert (states[message.webhook_id], states[other]) == (webhook, "enabled")


@pytest.mark.parametrize(("hours", "status", "state"), [
    (71, 500, "waiting"), (73, 500, "given_up"), (73, 204, "delivered"),
])  # fmt: skip
def test_after_three_days_only_what_is_not_taken_is_given_up(
    db: Sessions, hours: int, status: int, state: str
) -> None:
    """A message that is taken late was taken."""
    hook(db)
    told(db)
    message = taken(db)
    run(db, "UPDATE deliveries SET since = now() - make_interval(hours => :h)", h=hours)
    with begin(db) as tx:
        deliver.settle(tx, message, Answer(status=status))
    assert [row.state for row in rows(db, "SELECT state FROM deliveries")] == [state]


@pytest.mark.parametrize(
    ("before", "goes"),
    [
        ("state = 'waiting', next_at = now() + interval '1 h'", False),
        ("lease_until = now() + interval '1 h'", False),
        ("state = 'delivered', delivered_at = now()", True),
        ("state = 'given_up'", True),
    ],
)
def test_a_later_event_goes_when_none_of_its_document_waits_before_it(
    db: Sessions, before: str, goes: bool
) -> None:
    """At the same webhook: what waits at another one, or of another document, is nothing to it."""
    one, other = hook(db), hook(db)
    told(db)
    run(
        db,
        "INSERT INTO events (document_event_id, document_id, upstream, key, kind, status, code,"
        " document_type, generation, at) SELECT document_event_id + 1000000, document_id,"
        " upstream, key, 'completed', 'reviewed', code, document_type, generation, at FROM events",
    )
    run(db, "INSERT INTO deliveries (webhook_id, event_id, document_id)"
        " SELECT :one, id, document_id FROM events WHERE kind = 'completed'", one=one)  # fmt: skip
    run(
        db,
        f"UPDATE deliveries SET {before} WHERE webhook_id = :one AND event_id ="
        " (SELECT id FROM events WHERE kind = 'in_review')",
        one=one,
    )
    found = [(each.webhook_id, each.told.kind) for each in iter(lambda: take(db), None)]
    assert ((one, "completed") in found) == goes
    assert (other, "in_review") in found


def test_a_webhook_has_three_messages_under_way_and_another_has_three_of_its_own(
    db: Sessions,
) -> None:
    """One whose lease ran out, or that was delivered, is not under way any more."""
    one, other = hook(db), hook(db)
    told(db, 5)
    found = [each.webhook_id for each in iter(lambda: take(db), None)]
    assert (found.count(one), found.count(other)) == (AT_ONCE_EACH, AT_ONCE_EACH)

    held = "SELECT id FROM deliveries WHERE webhook_id = :one AND lease_until > now()"
    first, second, _ = (row.id for row in rows(db, held, one=one))
    run(db, "UPDATE deliveries SET lease_until = now() - interval '1 s' WHERE id = :id", id=first)
    run(db, "UPDATE deliveries SET state = 'delivered', delivered_at = now() WHERE id = :id",
        id=second)  # fmt: skip
    again = [each.webhook_id for each in iter(lambda: take(db), None)]
    assert again == [one, one]


def test_an_old_secret_signs_while_its_day_lasts_and_for_its_webhook_alone(db: Sessions) -> None:
    """The newest comes first."""
    one, other = hook(db), hook(db)
    with begin(db) as tx:
        webhooks.rotate(tx, one)
    told(db, 2)
    found = {each.webhook_id: each for each in iter(lambda: take(db), None)}
    assert (len(found[one].secrets), len(found[other].secrets)) == (2, 1)
    new = found[one].secrets[0]

    over = "UPDATE webhooks SET old_secret_until = now() - interval '1 s' WHERE id = :one"
    run(db, over, one=one)
    run(db, "UPDATE deliveries SET lease_until = NULL, attempts = 0")
    again = {each.webhook_id: each for each in iter(lambda: take(db), None)}
    assert again[one].secrets == (new,)


def test_events_are_read_from_behind_one_on_of_one_upstream_and_of_some_types(
    db: Sessions,
) -> None:
    """Each of the three narrows what the others leave; never more than asked for."""
    mine = told(db, 2)
    told(db, 1, upstream="other")
    invoice = told(db, 1, document_type="invoice")

    def since(**asked: Any) -> list[UUID]:
        with begin(db) as tx:
            return [each.document_id for each in events.since(tx, **{"after": 0, **asked})]

    first = rows(db, "SELECT min(id) FROM events")[0][0]
    assert len(since()) == 4
    assert since(upstream="tests") == [*mine, *invoice]
    assert since(upstream="tests", types=["slip"]) == mine
    assert since(types=[]) == []
    assert since(upstream="tests", after=first) == [mine[1], *invoice]
    assert since(upstream="tests", after=first, limit=1) == [mine[1]]
    assert since(upstream="nobody") == []
