"""What lies in a queue of Redis or Postgres is a message, with kombu's envelope or without."""

import base64
import json

import pytest

from worker.mailboxes.enveloped import opened

BODY = b'{"type": "slip"}'
TAG = {"delivery_tag": "1"}


def lies(body: object, **properties: object) -> bytes:
    return json.dumps({"body": body, "properties": {**TAG, **properties}}).encode()


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (BODY, BODY),
        (lies(BODY.decode()), BODY),
        (lies(base64.b64encode(BODY).decode(), body_encoding="base64"), BODY),
        (lies("é\ud800"), "é".encode() + b"\xed\xa0\x80"),
        (lies(None), b""),
        (b"", b""),
        (b"\xff", b"\xff"),
        (b"[" * 100_000, b"[" * 100_000),
        (lies(5), lies(5)),
        (lies("x", body_encoding="klingon"), lies("x", body_encoding="klingon")),
    ],
)
def test_the_body_is_what_its_sender_meant(raw, body):
    """What is no envelope that can be understood is the body itself."""
    assert opened(raw, "q", tag=7).body == body


def test_what_an_envelope_says_of_its_message_is_kept():
    """Where it is of the kind that it should be."""
    said = {"body": "x", "properties": TAG, "headers": {"task": "t"}, "content-type": "a/b"}
    found = opened(json.dumps({**said, "content-encoding": 5}).encode(), "q", tag=7, taken=3)
    assert (found.queue, found.tag, found.taken) == ("q", 7, 3)
    assert (found.headers, found.content_type, found.content_encoding) == (
        {"task": "t"},
        "a/b",
        None,
    )
