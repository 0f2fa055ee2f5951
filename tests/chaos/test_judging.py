"""What is judged after a run: each thing that must not be is seen where it is."""

import json
from pathlib import Path

import pymupdf
import pytest

from tests.chaos.clients import PASSWORD, Refused, a_document, until_yes
from tests.chaos.findings import Finding, out_of_order
from tests.chaos.ledger import Ledger, read
from tests.chaos.model import ONE_IN, TRUTH, completion


def told(*said: tuple[str, int]) -> list[dict[str, object]]:
    """Messages as a receiver keeps them: the document, the event."""
    return [{"document": document, "event": event} for document, event in said]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ([], 0),
        ([("a", 1), ("a", 2)], 0),
        ([("a", 2), ("a", 1)], 1),
        ([("a", 3), ("a", 1), ("a", 2)], 2),
        ([("a", 2), ("b", 1)], 0),  # other documents pass
        ([("a", 1), ("a", 2), ("a", 1)], 0),  # it had come before: at least once
        ([("a", 2), ("a", 1), ("a", 1)], 1),
    ],
)
def test_what_comes_first_after_a_later_one_of_its_document_is_out_of_order(
    said: list[tuple[str, int]], wrong: int
) -> None:
    """Each once."""
    assert out_of_order(told(*said)) == wrong


def test_a_line_that_was_cut_is_no_line(tmp_path: Path) -> None:
    """Its process was killed in the middle: nothing was said to anybody yet."""
    path = tmp_path / "ledger"
    Ledger(path).write(key="a", yes=True)
    with path.open("ab") as file:
        file.write(b'{"key": "b", "ye')
    assert [one["key"] for one in read(path)] == ["a"]
    assert list(read(tmp_path / "none")) == []


def test_a_client_sends_until_the_other_side_says_yes(tmp_path: Path) -> None:
    """What was not answered is no yes, and a refusal is kept with its reason."""
    answers = [OSError("away"), OSError("away"), 7]

    def send() -> object:
        said = answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    path = tmp_path / "ledger"
    assert until_yes(send, Ledger(path), "k-1", until=float("inf")) == 7
    answers.append(Refused("409: no"))
    assert until_yes(send, Ledger(path), "k-2", until=float("inf")) is None
    assert [{**one} for one in read(path)] == [
        {"key": "k-1", "unanswered": "OSError"},
        {"key": "k-1", "unanswered": "OSError"},
        {"key": "k-1", "yes": True},
        {"key": "k-2", "refused": "409: no"},
    ]
    answers.append(OSError("away"))
    with pytest.raises(OSError, match="away"):
        until_yes(send, Ledger(path), "k-3", until=float("-inf"))


def test_no_two_documents_of_a_run_have_the_same_bytes() -> None:
    """Nor those of two clients or two runs."""
    made = [
        a_document(kind, n, seed) for kind in ("http", "raw") for n in (1, 2) for seed in (1, 2)
    ]
    assert len({one.pdf for one in made}) == len(made)


def test_some_documents_over_http_need_a_password() -> None:
    """And open with it."""

    locked = a_document("http", 0, 1)
    assert (locked.encrypted, a_document("http", 1, 1).encrypted) == (True, False)
    with pymupdf.open(stream=locked.pdf, filetype="pdf") as opened:
        assert opened.needs_pass
        assert opened.authenticate(PASSWORD)


def test_the_models_server_is_unsure_of_some_pages_and_of_the_same_ones_each_time() -> None:
    """So that people are asked about some documents in every run."""

    def sure(question: bytes) -> float:
        content = completion(question)["choices"][0]["logprobs"]["content"]
        return float(content[0]["logprob"])

    said = [sure(b"%d" % number) for number in range(200)]
    assert said == [sure(b"%d" % number) for number in range(200)]
    doubted = sum(one < -0.5 for one in said)
    assert 200 / ONE_IN / 2 < doubted < 2 * 200 / ONE_IN
    assert json.loads(completion(b"")["choices"][0]["message"]["content"]) == TRUTH


@pytest.mark.parametrize(("found", "goal", "holds"), [(0, 0, True), (1, 0, False), (60, 60, True)])
def test_a_finding_holds_up_to_its_goal(found: float, goal: float, holds: bool) -> None:
    """And no further."""
    assert Finding(what="x", found=found, goal=goal).holds is holds
