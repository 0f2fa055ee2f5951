"""What a message may look like, on a queue that is an upstream's own."""

import json

import pytest

from worker.intake.errors import InvalidSubmission
from worker.intake.messages import (
    TASK,
    Malformed,
    UnknownTask,
    arguments_of,
    content_of_parcel,
    letter_of_parcel,
    plain,
    request_of,
)
from worker.mailboxes.types import Parcel

SAYS = {"type": "slip", "key": "k-1", "source": "/a"}
SECRET = "hush-hush"


def parcel(body: bytes | object, **more) -> Parcel:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Parcel(queue="q", body=sent, tag=1, **more)


@pytest.mark.parametrize(
    "sent",
    [
        parcel(SAYS),
        parcel(SAYS, content_type="text/plain", content_encoding="UTF-8"),
        parcel([[], SAYS, {"chain": None}], headers={"task": TASK, "id": "1"}),
        parcel([[], SAYS], headers={"task": TASK}),
        parcel({"task": TASK, "id": "1", "args": [], "kwargs": SAYS, "retries": 0}),
        parcel({"task": TASK, "args": None, "kwargs": SAYS}),
    ],
)
def test_plain_json_and_both_of_celerys_protocols_say_the_same(sent):
    """Whatever the content type says, or forgets to say."""
    assert arguments_of(sent) == ([], SAYS)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (parcel(b""), "no JSON"),
        (parcel(b"\xff\xfe"), "no JSON"),
        (parcel(b"[" * 100_000), "no JSON"),
        (parcel(b'{"type": "slip"'), "no JSON"),
        (parcel(b"1" * 10_000), "no JSON"),
        (parcel(SAYS, content_encoding="gzip"), "encoding"),
        (parcel([]), "no JSON object"),
        (parcel(None), "no JSON object"),
        (parcel(7), "no JSON object"),
        (parcel("text"), "no JSON object"),
        (parcel(SAYS, headers={"task": TASK}), "promises"),
        (parcel([[]], headers={"task": TASK}), "promises"),
        (parcel([[], SAYS, {}, {}], headers={"task": TASK}), "promises"),
        (parcel([SAYS, []], headers={"task": TASK}), "no JSON object"),
        (parcel([[], None], headers={"task": TASK}), "no JSON object"),
        (parcel({"task": TASK, "args": 5}), "no JSON object"),
        (parcel({"task": TASK, "kwargs": [5]}), "no JSON object"),
    ],
)
def test_what_cannot_be_read_says_why(sent, says):
    """In words for whoever sent it, without what it held."""
    with pytest.raises(Malformed, match=says):
        arguments_of(sent)


@pytest.mark.parametrize("task", ["surefield.render", "surefield.work", 7, None, ["x"]])
@pytest.mark.parametrize("by", ["header", "body"])
def test_another_task_is_none_that_an_upstream_may_ask_for(task, by):
    """A wake-up among submissions is refused, too."""
    sent = (
        parcel([[], SAYS, {}], headers={"task": task})
        if by == "header"
        else parcel({"task": task, "kwargs": SAYS})
    )
    with pytest.raises(UnknownTask):
        arguments_of(sent)


@pytest.mark.parametrize("said", [{}, {"upstream": "erp"}])
def test_whose_it_is_is_the_queues_word(said):
    """A message that says the same says nothing new."""
    assert request_of([], {**SAYS, **said}, upstream="erp").upstream == "erp"


@pytest.mark.parametrize("upstream", ["crm", "queue", "", "ERP"])
def test_a_message_that_names_another_upstream_is_refused(upstream):
    """Nobody hands in for somebody else."""
    with pytest.raises(InvalidSubmission, match="takes documents of erp alone"):
        request_of([], {**SAYS, "upstream": upstream}, upstream="erp")


def test_a_dead_letter_names_the_body_as_it_was_sent():
    """By its digest, which its sender can make; and the key it had."""
    sent = parcel({**SAYS, "password": SECRET})
    letter = letter_of_parcel(sent, "erp", InvalidSubmission("no"))
    assert (letter.upstream, letter.key, letter.size) == ("erp", "k-1", len(sent.body))
    assert (letter.queue, letter.task, letter.code) == ("q", TASK, "invalid_submission")
    assert SECRET not in f"{letter}{sent}"


def test_the_whole_message_is_kept_to_be_sealed():
    """One that can be read, to be sent again; of another one every byte."""
    kept = json.loads(content_of_parcel(parcel(SAYS)))
    assert json.loads(plain(kept["args"], kept["kwargs"])) == SAYS
    assert arguments_of(parcel(plain([5], SAYS))) == ([5], SAYS)

    broken = json.loads(content_of_parcel(parcel(b"\xff", headers={"x": object()})))
    assert broken["body_base64"] == "/w=="
