"""Text that no person types, at every door: it is answered, and never by an error of ours."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from worker.actor import Role
from worker.web.policy import ALWAYS

NUL, SURROGATE, NO_UTF8 = "a\x00b", b"\xed\xa0\x80", b"\xff\xfe"
TEXTS: dict[str, bytes] = {
    "nul": NUL.encode(),
    "surrogate": SURROGATE,
    "no utf-8": NO_UTF8,
    "long": b"x" * 5_000,
    "a number beyond all columns": b"9" * 30,
    "no number": b"-1e999",
    "markup": b"<script>'\"%s{{7*7}}",
}
USUAL = ("q", "document", "type", "older", "priority", "besides", "next")
DEEP = "[" * 5_000 + "]" * 5_000


def routes(site) -> Iterator[APIRoute]:
    """All of the site's, those of its routers with them."""
    left = list(site.app.routes)
    while left:
        one = left.pop()
        left += getattr(one, "routes", None) or getattr(
            getattr(one, "original_router", None), "routes", []
        )
        if isinstance(one, APIRoute):
            yield one


def told(site) -> dict[str, tuple[set[str], list[str], list[str]]]:
    """Path -> methods, names of its query and of its form."""
    found = {}
    for one in routes(site):
        query = [name.alias for name in one.dependant.query_params]
        body = [name.alias for name in one.dependant.body_params]
        found[one.path] = (one.methods or set(), query, body)
    return found


def fill(path: str, text: bytes) -> str:
    return re.sub(r"\{[^}]*\}", lambda _: quote(text), path)


def check(answer: Any, what: object) -> None:
    assert answer.status_code < 500, (what, answer.text[:300])
    assert ALWAYS.keys() <= answer.headers.keys(), what


@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_breaks_a_door(site, kind):
    """In the path, in the query, in a form and in JSON, signed in or with a key."""
    text = TEXTS[kind]
    site.read()
    client = site.sign_in("ada", Role.ADMIN).client
    key = site.key()
    paths = told(site)
    assert len(paths) > 40
    token = {"x-csrf-token": _token(client), **key}
    for path, (methods, query, body) in paths.items():
        if path in {"/sign-out", "/account"}:  # the session is needed still
            continue
        for method in methods - {"HEAD"}:
            for place in {fill(path, text), fill(path, str(uuid4()).encode())}:
                names = query[:9] or USUAL
                asked = f"{place}?{urlencode(dict.fromkeys(names, text))}"
                sent: dict[str, Any] = {"follow_redirects": False, "headers": token}
                if method in {"POST", "PUT", "PATCH"}:
                    form = urlencode(dict.fromkeys([*body, "name", "text", "csrf"], text))
                    sent["content"] = form.encode()
                    kind_ = "application/x-www-form-urlencoded"
                    sent["headers"] = {**token, "content-type": kind_}
                check(client.request(method, asked, **sent), (method, asked[:200]))
                if method in {"POST", "PUT", "PATCH"}:
                    said = dict.fromkeys([*body, "items", "rows", "x"], text.decode("latin-1"))
                    for content in (json.dumps(said).encode(), b'{"x": "' + text + b'"}'):
                        sent["content"] = content
                        sent["headers"] = {**token, "content-type": "application/json"}
                        check(client.request(method, asked, **sent), (method, asked[:200]))


def test_nothing_is_nested_so_deep_that_a_door_breaks(site):
    """As a body, and as the metadata of a form."""
    client = site.sign_in("ada", Role.ADMIN).client
    token = {"x-csrf-token": _token(client), **site.key()}
    for path, (methods, _, _) in told(site).items():
        for method in methods & {"POST", "PUT", "PATCH"}:
            for content in (DEEP, '{"a":' * 5_000 + "1" + "}" * 5_000, json.dumps({"items": NUL})):
                headers = {**token, "content-type": "application/json"}
                place = fill(path, str(uuid4()).encode())
                answer = client.request(method, place, content=content, headers=headers)
                check(answer, (method, path))
    files = {"file": ("a.pdf", b"%PDF-1.7")}
    for metadata in (DEEP, '{"a":' * 900 + "1" + "}" * 900, '{"a": "\\ud800"}', '{"a\\u0000": 1}'):
        form = {"document_type": "slip", "metadata": metadata}
        check(client.post("/v1/documents", files=files, data=form, headers=token), metadata[:20])


@pytest.mark.parametrize("header", ["cookie", "authorization", "host", "accept", "content-type"])
@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"x" * 3_000, b"surefield=\xed\xa0\x80", b"Bearer \xff"]
)
def test_no_header_breaks_a_door(site, header, text):
    """Nobody is signed in by it either."""
    client = site.anybody()
    for path in ("/review", "/v1/documents", "/sign-in", "/healthz", "/nowhere"):
        answer = client.get(path, headers={header: text}, follow_redirects=False)
        if path != "/healthz":  # it says whether workers run
            check(answer, (header, path))
        assert path not in {"/review", "/v1/documents"} or answer.status_code != 200


def test_an_error_of_ours_has_all_headers(site, monkeypatch):
    """It is the answer that nobody planned."""
    monkeypatch.setattr("worker.web.signin._form", lambda *_, **__: 1 / 0)
    client = type(site.anybody())(site.app, raise_server_exceptions=False)
    answer = client.get("/sign-in")
    assert answer.status_code == 500
    assert ALWAYS.keys() <= answer.headers.keys()


def _token(client) -> str:
    from worker.web.dependencies import csrf_of

    return csrf_of(client.cookies["surefield"])
