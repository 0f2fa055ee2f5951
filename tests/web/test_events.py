"""The HTTP door for what became of documents: events, and webhooks."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.delivery.conftest import receive as receive  # a fixture
from tests.delivery.conftest import send_all, try_all
from tests.web.test_api import problem
from worker.delivery import events


@pytest.fixture
def erp(site):
    """A client with the key of the upstream ``erp``."""
    client = site.anybody()
    client.headers.update(site.key())
    return client


def sent(site, upstream="erp"):
    return site.read(upstream=upstream, key=str(uuid4()))


def test_events_are_read_from_where_one_stopped(site, erp):
    """None is missed, and none comes twice."""
    first = sent(site)
    said = erp.get("/v1/events").json()
    assert [one["data"]["document_id"] for one in said["events"]] == [str(first)]
    assert said["events"][0]["type"] == "document.in_review"

    assert erp.get("/v1/events", params={"after": said["after"]}).json() == {
        "events": [],
        "after": said["after"],
    }
    second = sent(site)
    more = erp.get("/v1/events", params={"after": said["after"]}).json()
    assert [one["data"]["document_id"] for one in more["events"]] == [str(second)]


def test_a_long_list_comes_in_pieces(site, erp):
    """Each names where the next begins."""
    documents = [str(sent(site)) for _ in range(3)]
    after, seen = 0, []
    while True:
        said = erp.get("/v1/events", params={"after": after, "limit": 1}).json()
        if not said["events"]:
            break
        seen += [one["data"]["document_id"] for one in said["events"]]
        after = said["after"]
    assert seen == documents


def test_nobody_reads_what_became_of_anothers_documents(site, erp):
    """A key opens its own."""
    sent(site, upstream="shop")
    assert erp.get("/v1/events").json()["events"] == []


def test_without_a_key_nothing_is_told(site):
    """Neither events nor webhooks."""
    anybody, body = site.anybody(), {"url": "https://a.example"}
    for method, path in (
        ("GET", "/v1/events"),
        ("GET", "/v1/webhooks"),
        ("POST", "/v1/webhooks"),
        ("DELETE", f"/v1/webhooks/{uuid4()}"),
        ("POST", f"/v1/webhooks/{uuid4()}/rotate"),
        ("POST", f"/v1/webhooks/{uuid4()}/replay"),
        ("POST", f"/v1/webhooks/{uuid4()}/test"),
        ("POST", f"/v1/webhooks/{uuid4()}/disable"),
        ("POST", f"/v1/webhooks/{uuid4()}/enable"),
    ):
        problem(anybody.request(method, path, json=body), 401, "no_such_key")


def test_a_webhook_is_made_told_and_removed(site, erp, receive):
    """Its secret is told once, and verifies what comes."""
    receiver = receive()
    made = erp.post("/v1/webhooks", json={"url": receiver.url, "events": ["in_review"]})
    assert made.status_code == 201
    secret, webhook = made.json()["secret"], made.json()["webhook_id"]
    assert secret.startswith("whsec_")
    (listed,) = erp.get("/v1/webhooks").json()
    assert (listed["url"], listed["events"], listed["state"]) == (
        receiver.url,
        ["in_review"],
        "enabled",
    )
    assert "secret" not in listed

    sent(site)
    send_all(site.house.rt)
    assert [one["type"] for one in receiver.verified(secret)] == ["document.in_review"]
    assert erp.delete(f"/v1/webhooks/{webhook}").status_code == 204
    assert erp.get("/v1/webhooks").json() == []


def test_a_secret_is_rotated_and_events_are_replayed(site, erp, receive):
    """With the upstream's own key."""
    receiver = receive()
    webhook = erp.post("/v1/webhooks", json={"url": receiver.url}).json()["webhook_id"]
    sent(site)
    send_all(site.house.rt)
    new = erp.post(f"/v1/webhooks/{webhook}/rotate").json()["secret"]
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = erp.post(f"/v1/webhooks/{webhook}/replay", json={"since": since})

    assert answer.status_code == 202
    receiver.got.clear()
    send_all(site.house.rt)
    assert len(receiver.verified(new)) == 1


def test_a_webhook_is_tried_once_and_says_what_came_back(site, erp, receive):
    """Also a disabled one, and signed; a second trial forgets the first."""
    receiver = receive(lambda n: 204 if n == 1 else 500)
    made = erp.post("/v1/webhooks", json={"url": receiver.url}).json()
    path = f"/v1/webhooks/{made['webhook_id']}"
    erp.post(f"{path}/disable", json={})
    for status in (204, 500):
        assert erp.post(f"{path}/test").status_code == 202
        said = erp.get("/v1/webhooks").json()[0]["test"]
        assert said == {"waits": True, "at": None, "status": None, "error": None}
        assert try_all(site.house.rt) == 1
        said = erp.get("/v1/webhooks").json()[0]["test"]
        assert (said["waits"], said["status"], said["error"]) == (False, status, None)
    assert try_all(site.house.rt) == 0
    assert [one["type"] for one in receiver.verified(made["secret"])] == ["webhook.test"] * 2
    assert receiver.bodies()[0]["data"] == {"upstream": "erp"}


def test_a_trial_whose_receiver_is_away_says_so(site, erp):
    made = erp.post("/v1/webhooks", json={"url": "http://127.0.0.1:1/x"}).json()["webhook_id"]
    erp.post(f"/v1/webhooks/{made}/test")
    try_all(site.house.rt)
    said = erp.get("/v1/webhooks").json()[0]["test"]
    assert said["status"] is None
    assert "refused" in said["error"]


def test_a_disabled_webhook_is_told_nothing_until_it_is_enabled(site, erp, receive):
    """What waited before goes on then; who disabled it, and why, is kept."""
    receiver = receive()
    made = erp.post("/v1/webhooks", json={"url": receiver.url}).json()["webhook_id"]
    before = sent(site)
    with site.house.rt.transaction() as tx:
        events.publish(tx)
    assert erp.post(f"/v1/webhooks/{made}/disable", json={"because": "moving"}).status_code == 204
    (listed,) = erp.get("/v1/webhooks").json()
    assert (listed["state"], listed["waiting"]) == ("disabled", 1)
    assert listed["disabled_because"] == "upstream:erp: moving"
    sent(site)
    send_all(site.house.rt)
    assert receiver.got == []
    assert erp.post(f"/v1/webhooks/{made}/enable").status_code == 204
    send_all(site.house.rt)
    assert [one["data"]["document_id"] for one in receiver.bodies()] == [str(before)]
    assert erp.get("/v1/webhooks").json()[0]["disabled_because"] is None


def test_anothers_webhook_is_not_there(site, erp):
    """To nobody but its owner."""
    made = erp.post("/v1/webhooks", json={"url": "https://example.org/x"}).json()["webhook_id"]
    shop = site.anybody()
    shop.headers.update(site.key("shop"))

    assert shop.get("/v1/webhooks").json() == []
    problem(shop.delete(f"/v1/webhooks/{made}"), 404, "not_found")
    problem(shop.post(f"/v1/webhooks/{made}/rotate"), 404, "not_found")
    body = {"since": datetime.now(UTC).isoformat()}
    problem(shop.post(f"/v1/webhooks/{made}/replay", json=body), 404, "not_found")
    for button in ("test", "disable", "enable"):
        problem(shop.post(f"/v1/webhooks/{made}/{button}", json={}), 404, "not_found")
    (mine,) = erp.get("/v1/webhooks").json()
    assert (mine["state"], mine["test"]) == ("enabled", None)


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ftp://example.org/"},
        {"url": "https://user:secret@example.org/"},
    ],
)
def test_an_address_that_cannot_be_told_is_refused(erp, body):
    """It says which would do."""
    said = problem(erp.post("/v1/webhooks", json=body), 422, "invalid_webhook")
    assert "secret@" not in said


def test_an_upstream_has_so_many_webhooks_and_no_more(erp):
    """One that makes them in a loop stops itself."""
    for number in range(20):
        made = erp.post("/v1/webhooks", json={"url": f"https://example.org/{number}"})
        assert made.status_code == 201
    problem(erp.post("/v1/webhooks", json={"url": "https://example.org/x"}), 422, "invalid_webhook")
