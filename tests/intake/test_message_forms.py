"""What a message may look like, and what each argument becomes."""

import base64
import hashlib
import json

import pytest

from worker.intake.errors import InvalidSubmission
from worker.intake.messages import (
    TASK,
    Malformed,
    UnknownTask,
    arguments_of,
    content_of_parcel,
    letter_of,
    letter_of_parcel,
    plain,
    request_of,
)
from worker.intake.types import PRIORITY
from worker.mailboxes.types import Parcel

SAID = {"type": "slip"}
CELERY = {"task": TASK}


def parcel(body, **more):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Parcel(queue="q", body=body, tag=None, **more)


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (SAID, {}, ([], SAID)),
        ({}, {}, ([], {})),
        # Celery's first protocol: its task and arguments in the body
        ({"task": TASK, "kwargs": SAID}, {}, ([], SAID)),
        ({"task": TASK, "args": [1], "kwargs": SAID}, {}, ([1], SAID)),
        ({"task": TASK, "args": None, "kwargs": None}, {}, ([], {})),
        # its second: the task in a header, and two or three things in the body
        ([[], SAID], CELERY, ([], SAID)),
        ([[1], SAID, {"callbacks": None}], CELERY, ([1], SAID)),
    ],
)
@pytest.mark.parametrize("encoding", [None, "", "utf-8", "UTF-8", "us-ascii", "binary"])
def test_arguments_are_a_json_object_or_what_celery_makes_of_it(body, headers, expected, encoding):
    """In whatever name the encoding comes."""
    got = arguments_of(parcel(body, headers=headers, content_encoding=encoding))

    assert (list(got[0]), got[1]) == expected


@pytest.mark.parametrize(
    ("body", "more", "error"),
    [
        (SAID, {"content_encoding": "utf-16"}, Malformed),
        (b"\xff", {}, Malformed),
        (b"{", {}, Malformed),
        (b"[" * 100_000, {}, Malformed),
        ([1, 2], {}, Malformed),
        ("slip", {}, Malformed),
        (SAID, {"headers": CELERY}, Malformed),
        ([[]], {"headers": CELERY}, Malformed),
        ([[], {}, {}, {}], {"headers": CELERY}, Malformed),
        ([{}, {}], {"headers": CELERY}, Malformed),
        ([[], []], {"headers": CELERY}, Malformed),
        ({"task": TASK, "args": {"a": 1}}, {}, Malformed),
        ({"task": TASK, "kwargs": [1]}, {}, Malformed),
        ({"task": "other", "kwargs": {}}, {}, UnknownTask),
        ([[], {}], {"headers": {"task": "other"}}, UnknownTask),
    ],
)
def test_another_message_is_refused_and_its_letter_has_its_whole_body(body, more, error):
    """The arguments are unknown, so the letter names no task and no key."""
    sent = parcel(body, **more)

    with pytest.raises(error) as raised:
        arguments_of(sent)

    letter = letter_of_parcel(sent, "erp", raised.value)
    assert (letter.task, letter.key, letter.upstream, letter.code) == (
        None, None, "erp", error.code
    )  # fmt: skip
    assert (letter.size, letter.digest) == (
        len(sent.body), hashlib.sha256(sent.body).hexdigest()
    )  # fmt: skip
    kept = json.loads(content_of_parcel(sent))
    assert base64.b64decode(kept["body_base64"]) == sent.body


def test_a_message_that_can_be_read_is_kept_with_its_arguments():
    """And with what the broker said about it."""
    sent = parcel([[1], SAID], headers=CELERY, content_type="application/json")

    assert json.loads(content_of_parcel(sent)) == {
        "queue": "q",
        "args": [1],
        "kwargs": SAID,
        "headers": CELERY,
        "content_type": "application/json",
        "content_encoding": None,
    }


@pytest.mark.parametrize("args", [(), (1,)])
def test_the_plain_form_of_a_message_says_the_same(args):
    """Arguments without a name have no place in it: they go in Celery's first protocol."""
    got = arguments_of(parcel(plain(args, SAID)))

    assert (tuple(got[0]), got[1]) == (args, SAID)


@pytest.mark.parametrize(
    ("said", "upstream", "becomes"),
    [
        (None, None, "queue"),
        ("erp", None, "erp"),
        (None, "erp", "erp"),
        ("erp", "erp", "erp"),
        ("sap", "erp", None),
        ("queue", "erp", None),
    ],
)
def test_a_queue_says_whose_a_document_is(said, upstream, becomes):
    """A message may repeat it, and name no other; on the queue of before it has the word."""
    given = SAID if said is None else {**SAID, "upstream": said}

    if becomes is None:
        with pytest.raises(InvalidSubmission, match="documents of erp alone"):
            request_of((), given, upstream=upstream)
    else:
        assert request_of((), given, upstream=upstream).upstream == becomes


def test_every_argument_has_its_place_in_the_request():
    """What is left out is what an HTTP request without it would have."""
    full = {
        "type": "slip",
        "source": "/in/a.pdf",
        "content_base64": base64.b64encode(b"%PDF").decode(),
        "key": "k",
        "priority": 0,
        "password": "p",
        "metadata": {"a": 1},
    }
    got, least = request_of((), full, clear_passwords=True), request_of((), SAID)

    assert (got.document_type, got.source, got.content, got.key) == (
        "slip", "/in/a.pdf", b"%PDF", "k"
    )  # fmt: skip
    assert (got.priority, got.password, got.metadata) == (0, "p", {"a": 1})
    assert (least.source, least.content, least.key) == (None, None, None)
    assert (least.priority, least.password, least.metadata) == (PRIORITY, None, {})
    assert request_of((), {**SAID, "content_base64": ""}).content == b""


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((1,), SAID, "keyword arguments only"),
        ((), {1: 2}, "names of a submission's arguments are not text"),
        ((), {}, "type: Field required."),
        ((), {**SAID, "colour": "red", "shade": "dark"}, "There is an unknown argument. Send"),
        ((), {**SAID, "priority": "high"}, "priority: "),
    ],
)
def test_what_is_wrong_with_arguments_is_said_without_their_values(args, kwargs, says):
    """An unknown one is not even named: its name may be a value."""
    with pytest.raises(InvalidSubmission) as raised:
        request_of(args, kwargs)

    assert says in str(raised.value)
    assert not {"colour", "red", "shade", "high"} & set(str(raised.value).split())


@pytest.mark.parametrize(
    ("kwargs", "task", "upstream", "key"),
    [
        ({}, None, None, None),
        ({"upstream": "erp", "key": "k"}, TASK, "erp", "k"),
        ({"upstream": 1, "key": ["k"]}, TASK, None, None),
    ],
)
def test_a_letter_names_what_the_arguments_name_in_words(kwargs, task, upstream, key):
    """A number is no name."""
    letter = letter_of((), kwargs, InvalidSubmission("no"))

    assert (letter.task, letter.upstream, letter.key) == (task, upstream, key)
    assert (letter.code, letter.message) == ("invalid_submission", "no")
    assert letter.size == len(json.dumps([[], kwargs], separators=(",", ":")))


def test_a_letter_of_a_fault_of_ours_quotes_nothing():
    """The text of an exception may hold the message's values."""
    letter = letter_of((), SAID, ValueError("slip"))

    assert (letter.code, letter.message) == (
        "internal", "ValueError. The worker's log has more."
    )  # fmt: skip
