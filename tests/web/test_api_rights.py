"""What a key may, what is told of a value, and how a sender takes a document back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.web.making import a_slip
from tests.web.test_api import post as post  # a fixture
from tests.web.test_api import problem
from worker.accounts import store
from worker.delivery import events
from worker.pipeline.stages import extract, render
from worker.web import turns
from worker.web.turns import Rates, TooManyRequests


@pytest.fixture
def key_for(site) -> Callable[..., dict[str, str]]:
    """The headers of a key of the upstream ``erp``."""

    def make(**rights: Any) -> dict[str, str]:
        with site.house.rt.transaction() as tx:
            return {"authorization": f"Bearer {store.make_key(tx, 'erp', **rights)}"}

    return make


def test_a_key_for_some_types_sends_no_other(site, post, key_for):
    """Nothing of the file is kept; ``auto`` could become any type."""
    invoices = key_for(document_types=["invoice"])
    for document_type in ("slip", "auto"):
        answer = post(headers=invoices, document_type=document_type)
        assert "It is for: invoice" in problem(answer, 403, "forbidden")
    assert site.house.rows("SELECT 1 FROM documents") == []
    assert list(site.house.rt.blobs.all()) == []
    assert post(headers=key_for(document_types=["invoice", "slip"])).status_code == 201


def test_a_key_for_some_types_sees_no_other(site, post, key_for):
    """By none of the doors; what concerns all documents it may not ask for."""
    document = post().json()["document_id"]
    site.house.work()
    with site.house.rt.transaction() as tx:
        events.publish(tx)
    seen, unseen = key_for(document_types=["slip"]), key_for(document_types=["invoice"])
    get = post.client.get
    paths = (f"/v1/documents/{document}", f"/v1/documents/{document}/pages/1.png")
    for path in paths:
        assert (get(path, headers=seen).status_code, get(path, headers=unseen).status_code) == (
            200,
            404,
        )
    for door in ("retry", "cancel"):
        answer = post.client.post(f"/v1/documents/{document}/{door}", headers=unseen)
        assert answer.status_code == 404
    for path, name in (("/v1/documents", "documents"), ("/v1/events", "events")):
        assert len(get(path, headers=seen).json()[name]) > 0
        assert get(path, headers=unseen).json()[name] == []
    assert "all document types" in problem(get("/v1/webhooks", headers=seen), 403, "forbidden")
    assert get("/v1/webhooks", headers=post.key).status_code == 200


def test_a_key_makes_so_many_requests_a_minute(post, key_for):
    """The next is told when to come; another key is not held up."""
    headers = key_for(per_minute=2)
    assert [post.client.get("/v1/documents", headers=headers).status_code for _ in range(2)] == [
        200,
        200,
    ]
    answer = post.client.get("/v1/documents", headers=headers)
    problem(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 30
    assert post.client.get("/v1/documents", headers=key_for(per_minute=2)).status_code == 200
    assert post.client.get("/v1/documents", headers=post.key).status_code == 200


def test_requests_that_are_left_come_back_evenly(monkeypatch):
    """Half a minute's after half a minute, and never more than a minute's."""
    now = 1000.0
    monkeypatch.setattr(turns.time, "monotonic", lambda: now)
    rates, key = Rates(), uuid4()

    def is_taken() -> bool:
        try:
            rates.count(key, 10)
        except TooManyRequests:
            return False
        return True

    def left() -> int:
        return next(number for number in range(100) if not is_taken())

    assert left() == 10
    now += 30
    assert left() == 5
    now += 3600
    assert left() == 10
    with pytest.raises(TooManyRequests) as refused:
        rates.count(key, 10)
    assert refused.value.wait_s == 6


@pytest.mark.parametrize(
    ("rights", "says"),
    [
        ({"per_minute": 0}, "requests a minute"),
        ({"per_minute": 1_000_001}, "requests a minute"),
        ({"document_types": []}, "leave them out"),
    ],
)
def test_a_key_that_may_nothing_is_not_made(key_for, rights, says):
    """The error says what is taken."""
    with pytest.raises(store.InvalidPerson, match=says):
        key_for(**rights)


def test_what_speaks_for_a_value_is_told_where_it_is_asked_for(site, post):
    """Its place as shares of the page, its tokens, its witnesses, its scores."""
    url = post().json()["url"]
    site.house.work()
    plain = post.client.get(url, headers=post.key).json()
    assert {each["evidence"] for each in plain["fields"]} == {None}

    asked = post.client.get(url, params={"evidence": "true"}, headers=post.key).json()
    fields = {each["field"]: each for each in asked["fields"]}
    total = fields["total"]["evidence"]
    assert total["page"] == 1
    assert total["box_source"] == "text-layer"
    for box in total["boxes"]:
        assert all(0 < at < 1 for at in box)
        assert box[0] < box[2]
        assert box[1] < box[3]
    spelled = "".join(token["text"] for token in total["tokens"])
    assert fields["total"]["text"] in spelled
    assert all(token["logprob"] <= 0 for token in total["tokens"])
    assert ("on-page/1", "agrees") in {(one["witness"], one["says"]) for one in total["witnesses"]}
    assert fields["total"]["confidence"] in total["scores"].values()
    assert fields["total"]["method"] in total["scores"]
    assert {k: v for k, v in fields["total"].items() if k != "evidence"} == {
        k: v for k, v in next(f for f in plain["fields"] if f["field"] == "total").items()
        if k != "evidence"
    }  # fmt: skip


def test_a_document_that_waits_is_cancelled_and_nothing_more_is_done(site, post):
    """No stage takes it, its password is forgotten, and its sender is told once."""
    body = post(password="sesame", headers={"idempotency-key": "k"}).json()
    document = body["document_id"]
    for _ in range(2):  # the second time it is so already
        answer = post.client.post(f"/v1/documents/{document}/cancel", headers=post.key)
        assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
        assert answer.json()["error_code"] == "cancelled"
    site.house.work()
    assert site.house.rows("SELECT 1 FROM pages") == []
    assert site.house.rows("SELECT 1 FROM secrets") == []
    with site.house.rt.transaction() as tx:
        events.publish(tx)
        (told,) = events.since(tx, after=0)
    assert (told.type, told.code) == ("document.rejected", "cancelled")
    (row,) = site.house.rows("SELECT actor FROM document_events WHERE to_status = 'rejected'")
    assert row.actor == "upstream:erp"


def test_the_same_key_does_not_bring_a_cancelled_document_back(site, post):
    """Whoever cancelled meant it; a new key is a new document."""
    slip = a_slip()
    first = post(slip, headers={"idempotency-key": "k"}).json()["document_id"]
    post.client.post(f"/v1/documents/{first}/cancel", headers=post.key)
    again = post(slip, headers={"idempotency-key": "k"}).json()
    assert (again["document_id"], again["created"], again["reopened"]) == (first, False, False)
    assert post(slip, headers={"idempotency-key": "k2"}).json()["created"]


def test_a_cancelled_document_asks_nobody(site, post):
    """What waited for a person is closed, and is not taken back by one."""
    document = post().json()["document_id"]
    site.house.work()
    assert len(site.items(UUID(document))) == 2
    ada = site.sign_in("ada")
    post.client.post(f"/v1/documents/{document}/cancel", headers=post.key)
    assert site.items(UUID(document)) == {}
    assert "Its sender cancelled it" in ada.client.get(f"/documents/{document}").text
    undo = ada.post(f"/documents/{document}/verdict", {"verdict": "undo", "seen": "true"})
    assert undo.status_code == 409
    assert site.house.status(UUID(document)) == "rejected"


def test_an_earlier_verdict_does_not_bring_a_cancelled_document_back(site, post):
    """A person had called it another type before its sender took it back."""
    document = post().json()["document_id"]
    site.house.work()
    ada = site.sign_in("ada")
    other = {"verdict": "other_type", "type": "invoice", "seen": "true"}
    assert ada.post(f"/documents/{document}/verdict", other).status_code < 400
    cancelled = post.client.post(f"/v1/documents/{document}/cancel", headers=post.key)
    assert cancelled.json()["error_code"] == "cancelled"
    undo = ada.post(f"/documents/{document}/verdict", {"verdict": "undo", "seen": "true"})
    assert undo.status_code == 409
    assert site.house.status(UUID(document)) == "rejected"


def test_what_has_come_to_rest_stays(make_site):
    """An accepted document is in other systems already."""
    site = make_site()
    client, key = site.anybody(), site.key()
    files = {"file": ("slip.pdf", a_slip(), "application/pdf")}
    sent = client.post("/v1/documents", data={"document_type": "slip"}, files=files, headers=key)
    document = sent.json()["document_id"]
    site.house.work()
    assert site.house.status(UUID(document)) == "accepted"
    answer = client.post(f"/v1/documents/{document}/cancel", headers=key)
    assert "stays as it is" in problem(answer, 409, "at_rest")
    assert site.house.status(UUID(document)) == "accepted"


def test_nobody_cancels_anothers_document(site, post):
    """It is not there."""
    document = post().json()["document_id"]
    answer = post.client.post(f"/v1/documents/{document}/cancel", headers=site.key("other"))
    problem(answer, 404, "not_found")
    assert site.house.status(UUID(document)) == "submitted"


def test_a_worker_that_was_at_it_saves_nothing(site, post, monkeypatch):
    """Its claim is gone when it comes back with what it read."""
    document = UUID(post().json()["document_id"])
    house = site.house
    house.announced.clear()
    house.woken.clear()
    render.run(document, house.rt)
    answered = house.backend.answer

    def cancelled_meanwhile(pages, spec):
        post.client.post(f"/v1/documents/{document}/cancel", headers=post.key)
        return answered(pages, spec)

    monkeypatch.setattr(house.backend, "answer", cancelled_meanwhile, raising=False)
    extract.run(document, house.rt)
    assert house.status(document) == "rejected"
    assert house.rows("SELECT 1 FROM results") == []


LATER = datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_of_equal_priority_the_sooner_deadline_goes_first(site, post):
    """It is kept, and told apart from none."""
    for name, deadline in (("none", None), ("late", LATER), ("soon", LATER - timedelta(days=1))):
        more = {} if deadline is None else {"deadline": deadline.isoformat()}
        assert post(headers={"idempotency-key": name}, **more).status_code == 201
    order = "SELECT s.key FROM documents d JOIN submissions s ON s.document_id = d.id"
    by = site.house.rows(f"{order} ORDER BY d.priority DESC, d.deadline, d.turn")
    assert [row.key for row in by] == ["soon", "late", "none"]
    problem(post(deadline="2030-01-01T12:00:00"), 422, "invalid_submission")  # no offset


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"priority": "7"}, "priority"),
        ({"deadline": LATER.isoformat()}, "deadline"),
        ({"metadata": '{"a": 2}'}, "metadata"),
        ({"metadata": '{"a": 2}', "priority": "0"}, "priority, metadata"),
        ({"document_type": "invoice"}, "document type"),
    ],
)
def test_the_same_key_with_another_word_is_refused_and_the_word_is_named(post, other, named):
    """The first document stays as it was sent."""
    slip, key = a_slip(), {"idempotency-key": "k"}
    said = {"metadata": '{"a": 1, "b": [1.0, null, "ä"]}', "priority": "5"}
    assert post(slip, headers=key, **said).status_code == 201
    assert post(slip, headers=key, **said).status_code == 200
    assert f"other {named} (" in problem(
        post(slip, headers=key, **{**said, **other}), 409, "key_reused"
    )
    assert post(slip, headers=key, **said).status_code == 200


def test_who_chose_no_key_sends_the_same_file_again_with_other_words(post):
    """The bytes and the type are the key then."""
    slip = a_slip()
    first = post(slip, priority="2").json()
    again = post(slip, priority="7", metadata='{"a": 1}')
    assert (again.status_code, again.json()["document_id"]) == (200, first["document_id"])


def test_metadata_is_the_same_however_it_is_written(post):
    """Order and spaces say nothing; NUL comes back as it was kept."""
    slip, key = a_slip(), {"idempotency-key": "k"}
    assert post(slip, headers=key, metadata='{"a": 1, "b": "x\\u0000y"}').status_code == 201
    assert post(slip, headers=key, metadata='{ "b":"x\\u0000y","a":1 }').status_code == 200
