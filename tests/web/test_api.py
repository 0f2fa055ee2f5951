"""The HTTP door for upstream systems."""

import base64
import json
from uuid import uuid4

import pymupdf
import pytest

from tests.web.making import TRUTH, a_slip
from worker.accounts import store

PROBLEM = "application/problem+json"


def problem(answer, status: int, code: str) -> str:
    """The answer is this problem, as RFC 9457 has it; returns its words."""
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert (body["status"], body["code"], body["type"]) == (
        status,
        code,
        f"urn:surefield:problem:{code}",
    )
    assert body["title"]
    assert body["detail"]
    return str(body["detail"])


@pytest.fixture
def post(site):
    """Posts a multipart submission as the upstream ``erp``."""
    client, key = site.anybody(), site.key()

    def send(content=None, *, headers=None, **data):
        files = {"file": ("slip.pdf", a_slip() if content is None else content, "application/pdf")}
        return client.post(
            "/v1/documents",
            data={"document_type": "slip", **data},
            files=files,
            headers={**key, **(headers or {})},
        )

    send.client, send.key = client, key
    return send


def test_a_file_goes_in_as_multipart_and_comes_out_as_fields(site, post):
    """One request in, one request out: values with confidence and decision, and the pages."""
    answer = post(priority="3", metadata=json.dumps({"order": 7}))
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["location"] == body["url"]
    site.house.work()

    found = post.client.get(body["url"], headers=post.key)
    assert found.status_code == 200
    document = found.json()
    fields = {each["field"]: each for each in document["fields"]}
    assert (document["status"], document["filename"]) == ("in_review", "slip.pdf")
    assert (fields["total"]["text"], fields["total"]["value"], fields["total"]["decision"]) == (
        TRUTH["total"],
        "1284.50",
        "review",
    )
    assert fields["total"]["confidence"] == pytest.approx(0.41)
    assert fields["payee"]["decision"] == "accepted"
    image = post.client.get(document["pages"][0], headers=post.key)
    assert (image.status_code, image.content[:4]) == (200, b"\x89PNG")
    assert site.house.rows("SELECT priority FROM documents")[0].priority == 3


def test_a_file_goes_in_as_json(site, post):
    """For whom multipart is a burden."""
    body = {
        "document_type": "slip",
        "content_base64": base64.b64encode(a_slip()).decode(),
        "filename": "a.pdf",
    }
    assert post.client.post("/v1/documents", json=body, headers=post.key).status_code == 201


def _titled(pdf: bytes, title: str) -> bytes:
    """The same file with a title in large print."""
    with pymupdf.open(stream=pdf) as document:
        document[0].insert_text((250, 170), title, fontsize=17)
        return bytes(document.tobytes())


def test_a_file_may_come_without_a_type(site, post):
    """Its words say what it is."""
    body = post(_titled(a_slip(), "PAYMENT SLIP"), document_type="auto").json()
    site.house.work()
    document = post.client.get(body["url"], headers=post.key).json()
    assert (document["document_type"], document["status"]) == ("slip", "in_review")


def test_a_file_whose_words_do_not_say_what_it_is_waits_for_a_person(site, post):
    """Nothing of it is read meanwhile."""
    body = post(a_slip(words=False), document_type="auto").json()
    site.house.work()
    document = post.client.get(body["url"], headers=post.key).json()
    assert (document["document_type"], document["status"], document["fields"]) == (
        "auto",
        "needs_type",
        [],
    )


def test_the_same_key_gives_the_same_document_back(site, post):
    """201 the first time, 200 afterwards; other bytes under the same key are refused."""
    key = {"idempotency-key": "order 7"}
    slip = a_slip()
    first, second = post(slip, headers=key), post(slip, headers=key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["document_id"] == second.json()["document_id"]
    assert "Send a new key" in problem(
        post(a_slip({**TRUTH, "total": "1.00"}), headers=key), 409, "key_reused"
    )


def test_an_upstream_sees_its_own_documents_only(site, post):
    """Another's document is not there, and neither is the image of its page, which its owner
    gets.
    """
    url = post().json()["url"]
    site.house.work()
    other = site.key("other")
    for address in (url, f"{url}/pages/1.png"):
        assert post.client.get(address, headers=post.key).status_code == 200
        problem(post.client.get(address, headers=other), 404, "not_found")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer sf_nonsense"},
        {"authorization": "Basic abc"},
        {"authorization": "Bearer "},
    ],
)
def test_without_a_key_nothing_opens(site, headers):
    """401 says how to bring one."""
    client = site.anybody()
    for answer in (
        client.post("/v1/documents", headers=headers),
        client.get(f"/v1/documents/{uuid4()}", headers=headers),
    ):
        assert "surefield key add" in problem(answer, 401, "no_such_key")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_opens_nothing(site, post):
    """At once."""
    with site.house.rt.transaction() as tx:
        store.revoke_key(tx, store.keys(tx)[0].key_id)
    problem(post(), 401, "no_such_key")


def test_a_browser_that_is_signed_in_has_no_rights_at_the_door_of_programs(site):
    """Cookies do not count there, so no other site can make a browser submit."""
    problem(site.sign_in().client.post("/v1/documents", json={}), 401, "no_such_key")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"document_type": "slip"}, "invalid_submission"),
        ({"document_type": "slip", "content_base64": "?"}, "invalid_submission"),
        ({"document_type": "slip", "content_base64": "QQ==", "extra": 1}, "invalid_submission"),
        (
            {"document_type": "slip", "content_base64": "QQ==", "priority": 10},
            "invalid_submission",
        ),
        ({"document_type": "nonesuch", "content_base64": "QQ=="}, "unknown_document_type"),
        ([], "invalid_submission"),
        ("\ud800", "invalid_submission"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_with_words(site, post, body, code):
    """422, and nothing is stored."""
    answer = post.client.post(
        "/v1/documents",
        content=json.dumps(body),
        headers={**post.key, "content-type": "application/json"},
    )
    problem(answer, 422, code)
    assert site.house.rows("SELECT 1 FROM documents") == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"", "application/json", 422),
        (b"x", "text/plain", 415),
        (b"x", "multipart/form-data", 400),
        (b"x", "multipart/form-data; boundary=y", 400),
        (
            b"--y\r\nContent-Disposition: form-data; name=document_type\r\n\r\nslip\r\n--y--\r\n",
            "multipart/form-data; boundary=y",
            422,
        ),
    ],
)
def test_broken_bodies_are_the_senders_problem(post, content, kind, status):
    """Never a fault of ours."""
    answer = post.client.post(
        "/v1/documents", content=content, headers={**post.key, "content-type": kind}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


def test_a_file_that_is_too_large_is_refused_while_it_comes(make_site):
    """The rest is never read; the door stays open for the next."""
    site = make_site(changes={"max_bytes": 20_000})
    client, key = site.anybody(), site.key()
    read = []

    def endless():
        yield b'--y\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(1_000):
            read.append(1)
            yield b"x" * 10_000

    headers = {**key, "content-type": "multipart/form-data; boundary=y"}
    problem(client.post("/v1/documents", content=endless(), headers=headers), 413, "too_large")
    files = {"file": ("a", b"x" * 20_001)}
    problem(
        client.post("/v1/documents", data={"document_type": "slip"}, files=files, headers=key),
        413,
        "too_large",
    )
    files = {"file": ("a", b"x" * 20_000)}
    assert (
        client.post(
            "/v1/documents", data={"document_type": "slip"}, files=files, headers=key
        ).status_code
        == 201
    )


def test_an_upstream_may_have_only_so_many_uploads_in_flight(make_site):
    """Another upstream's still come in; and so does the next one when one is answered."""
    site = make_site(options={"uploads_at_once": 2})
    client, key = site.anybody(), site.key()
    turns = client.app.state.site.uploads
    sent = {
        "data": {"document_type": "slip"},
        "files": {"file": ("a.pdf", a_slip())},
        "headers": key,
    }
    with turns.of("other"), turns.of("other"), turns.of("erp"):
        with turns.of("erp"):
            said = problem(client.post("/v1/documents", **sent), 429, "too_many_uploads")
            assert "SUREFIELD_UPLOADS_AT_ONCE" in said
        assert client.post("/v1/documents", **sent).status_code == 201
        broken = {**sent, "files": {"file": ("a.pdf", b"")}, "data": {}}
        for _ in range(3):  # one that is refused gives its turn back
            assert client.post("/v1/documents", **broken).status_code == 422


def test_json_has_a_smaller_limit_since_it_is_held_in_memory(post):
    """And says how a larger file goes in."""

    def endless():
        yield b'{"document_type": "slip", "content_base64": "'
        for _ in range(100):
            yield b"QUJD" * 250_000

    headers = {**post.key, "content-type": "application/json"}
    assert "multipart" in problem(
        post.client.post("/v1/documents", content=endless(), headers=headers), 413, "too_large"
    )


def test_a_file_that_needs_the_disk_comes_out_as_it_went_in(site, post):
    """Larger than what is held in memory while it is read."""
    large = a_slip() + b"%" * 3_000_000
    post(large)
    row = site.house.rows("SELECT sha256, media_type FROM documents")[0]
    assert site.house.rt.blobs.get(row.sha256) == large
    assert row.media_type == "application/pdf"


def test_pages_that_are_not_there_are_not_found(post):
    """A page number out of range, or a document that is not rendered yet."""
    url = post().json()["url"]
    problem(post.client.get(f"{url}/pages/1.png", headers=post.key), 404, "not_found")
    assert post.client.get(f"{url}/pages/0.png", headers=post.key).status_code == 422
    problem(post.client.get("/v1/nothing", headers=post.key), 404, "not_found")
    problem(post.client.delete(url, headers=post.key), 405, "method_not_allowed")


def test_the_description_names_every_path_and_every_refusal(site):
    """OpenAPI, without the pages for people."""
    described = site.anybody().get("/v1/openapi.json").json()
    assert set(described["paths"]) == {
        "/v1/documents",
        "/v1/documents/{document_id}",
        "/v1/documents/{document_id}/pages/{number}.png",
        "/v1/documents/{document_id}/retry",
        "/v1/documents/{document_id}/cancel",
        "/v1/events",
        "/v1/questions",
        "/v1/questions/{question_id}/answer",
        "/v1/questions/{question_id}/link",
        "/v1/webhooks",
        "/v1/webhooks/{webhook_id}",
        "/v1/webhooks/{webhook_id}/rotate",
        "/v1/webhooks/{webhook_id}/replay",
        "/v1/webhooks/{webhook_id}/test",
        "/v1/webhooks/{webhook_id}/disable",
        "/v1/webhooks/{webhook_id}/enable",
    }
    post = described["paths"]["/v1/documents"]["post"]
    assert set(post["responses"]) == {
        *("200", "201", "400", "401", "403", "408", "409", "413", "415", "422", "429", "503")
    }
    assert set(post["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    assert all(
        PROBLEM in post["responses"][status]["content"] for status in ("401", "409", "413", "422")
    )


def test_a_failed_document_goes_on_with_its_password_under_the_same_key(site, post):
    """The answer says so; another time it changes nothing."""
    locked = pymupdf.open(stream=a_slip()).tobytes(
        encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="sesame", owner_pw="x"
    )
    key = {"idempotency-key": "locked"}
    url = post(locked, headers=key).json()["url"]
    site.house.work()
    failed = post.client.get(url, headers=post.key).json()
    assert (failed["status"], failed["error_code"]) == ("failed", "encrypted_pdf")

    again = post(locked, headers=key, password="sesame")
    assert (again.status_code, again.json()["created"], again.json()["reopened"]) == (
        200,
        False,
        True,
    )
    site.house.work()
    assert post.client.get(url, headers=post.key).json()["status"] == "in_review"
    assert not post(locked, headers=key, password="sesame").json()["reopened"]


def test_a_failed_document_is_tried_again(site, post):
    """By whoever sent it; one that goes on, and another's, cannot be."""
    body = post(b"%PDF-1.4 but nothing else").json()
    site.house.work()
    url = f"/v1/documents/{body['document_id']}/retry"
    assert post.client.post(url, headers=site.key("crm")).status_code == 404
    tried = post.client.post(url, headers=post.key)
    assert (tried.status_code, tried.json()["status"]) == (200, "submitted")
    problem(post.client.post(url, headers=post.key), 409, "not_failed")
    site.house.work()
    assert post.client.get(body["url"], headers=post.key).json()["status"] == "failed"
    told = site.house.rows("SELECT actor, stage FROM document_events WHERE from_status = 'failed'")
    assert [tuple(row) for row in told] == [("upstream:erp", "retry")]


def listed(post, **asked):
    answer = post.client.get("/v1/documents", headers=post.key, params=asked)
    assert answer.status_code == 200
    return answer.json()


def ids(found):
    return [one["document_id"] for one in found["documents"]]


def sent_as(post, key, **data):
    answer = post(a_slip({**TRUTH, "number": key}), headers={"idempotency-key": key}, **data)
    return answer.json()["document_id"]


def test_a_document_is_found_by_the_key_it_was_sent_under(post):
    """With what was attached, and where it stands."""
    sent_as(post, "a")
    wanted = sent_as(post, "b", metadata=json.dumps({"order": 7}))

    (one,) = listed(post, key="b")["documents"]
    assert (one["document_id"], one["key"], one["metadata"]) == (wanted, "b", {"order": 7})
    assert listed(post, key="c") == {"documents": [], "next": None}
    nul = post.client.get("/v1/documents", params={"key": "b\0"}, headers=post.key)
    problem(nul, 400, "invalid_text")  # no key says so


def test_documents_are_listed_by_status_type_and_time(site, post):
    """All that is asked for must fit."""
    first = sent_as(post, "a")
    site.house.work()
    second = sent_as(post, "b")
    at = {one["key"]: one["created_at"] for one in listed(post)["documents"]}

    assert ids(listed(post)) == [second, first]
    assert ids(listed(post, status="submitted")) == [second]
    assert ids(listed(post, status="in_review")) == [first]
    assert ids(listed(post, since=at["b"])) == [second]
    assert ids(listed(post, until=at["b"])) == [first]
    assert ids(listed(post, document_type="invoice")) == []
    assert ids(listed(post, document_type="slip", status="in_review", until=at["b"])) == [first]


def test_a_long_list_comes_in_pieces_and_none_twice(post):
    """What comes in meanwhile stands before it, and is no part of it."""
    sent = [sent_as(post, str(number)) for number in range(5)]
    seen, after = [], None
    while True:
        found = listed(post, limit=2, **({} if after is None else {"after": after}))
        seen += ids(found)
        after = found["next"]
        if after is None:
            break
        sent_as(post, f"meanwhile {len(seen)}")
    assert seen == sent[::-1]


def test_nobody_lists_anothers_documents(site, post):
    """Not even by their key."""
    site.read(upstream="shop", key="a")
    assert ids(listed(post)) == []
    assert ids(listed(post, key="a")) == []


@pytest.mark.parametrize(
    "after", ["x", "_", "2026-01-01_x", "2026-01-01_16b53d71-69fc-4d2a-811c-020641d56742"]
)
def test_a_place_that_is_none_is_refused(post, after):
    """It says what belongs there."""
    answer = post.client.get("/v1/documents", headers=post.key, params={"after": after})
    assert "next" in problem(answer, 422, "invalid_submission")


@pytest.mark.parametrize(
    ("one", "other"),
    [("order 7", '"order 7"'), ('say "x"', r'"say \"x\""'), ("a\\b", r'"a\\b"')],
)
def test_a_key_in_quotes_is_the_key_within_them(post, one, other):
    """As the IETF's text writes it."""
    slip = a_slip()
    first = post(slip, headers={"idempotency-key": one})
    second = post(slip, headers={"idempotency-key": other})

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["document_id"] == second.json()["document_id"]


@pytest.mark.parametrize("key", ['""', '"', '"a', 'a"'])
def test_a_quote_that_quotes_nothing_is_a_part_of_the_key(post, key):
    """It is taken as it is."""
    document = post(headers={"idempotency-key": key}).json()["document_id"]
    assert ids(listed(post, key=key)) == [document]
