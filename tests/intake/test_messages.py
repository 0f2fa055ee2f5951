"""A submission over a queue: what its message may say, and what becomes of it when it may not."""

import base64
import os
import resource
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.pipeline.conftest import a_pdf
from worker.blobs import Blobs, name_of
from worker.db import is_passing
from worker.errors import BlobsUnavailable
from worker.intake import actions, dead_letters, messages, sources
from worker.intake.errors import InboxUnavailable, InvalidSubmission, SourceUnavailable
from worker.intake.outages import is_outage, until_it_passes
from worker.tasks import _take_in as take_in


def arguments(**more: Any) -> dict[str, Any]:
    content = base64.b64encode(a_pdf()).decode()
    return {"type": "slip", "upstream": "erp", "key": "k-1", "content_base64": content, **more}


def letters(house: Any) -> list[dead_letters.Kept]:
    with house.rt.transaction() as tx:
        return dead_letters.letters(tx)


def test_a_right_message_becomes_a_document_and_no_letter(house):
    """The second time it is the same document."""
    said = arguments()
    for _ in range(2):
        take_in((), said, house.rt)

    assert len(house.rows("SELECT id FROM documents")) == 1
    assert letters(house) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"priority": "5"}, "priority"),
        ({"priority": 2.5}, "priority"),
        ({"priority": True}, "priority"),
        ({"metadata": ["x"]}, "metadata"),
        ({"type": None}, "type"),
        ({"colour": "red"}, "unknown argument"),
        ({"content_base64": "!"}, "base64"),
        ({"source": "/etc/passwd"}, "exactly one"),
    ],
)
def test_a_wrong_argument_is_named_and_quoted_nowhere(house, wrong, says):
    """Each is a dead letter with its upstream and key, and there is no document."""
    rt = replace(house.rt, clear_passwords=True)
    take_in((), arguments(password="hush-hush", **wrong), rt)

    (letter,) = letters(house)
    assert says in letter.message
    assert (letter.code, letter.upstream, letter.key) == ("invalid_submission", "erp", "k-1")
    assert "hush" not in f"{letter}"
    assert house.rows("SELECT id FROM documents") == []


def test_positional_arguments_are_refused_in_words(house):
    """A list says nothing about what is what."""
    with pytest.raises(InvalidSubmission, match="keyword arguments only"):
        messages.request_of(["slip"], {})


def test_the_same_refusal_again_is_counted_and_not_repeated(house):
    """One row, two times."""
    said = arguments(colour="red")
    for _ in range(2):
        take_in((), said, house.rt)

    (letter,) = letters(house)
    assert letter.times == 2
    assert letter.last_at >= letter.first_at


def test_a_refusal_that_comes_again_is_the_last_one_and_was_lately(house):
    """However long ago it came first: whoever looks at what was put aside lately sees it."""
    old, other = arguments(colour="red"), arguments(colour="blue", key="k-2")
    take_in((), old, house.rt)
    with house.rt.transaction() as tx:
        long_ago = "now() - interval '3 d'"
        tx.session.execute(
            text(f"UPDATE dead_letters SET first_at = {long_ago}, last_at = {long_ago}")
        )
        assert dead_letters.count(tx, since=timedelta(days=1)) == 0
    take_in((), other, house.rt)
    assert [one.key for one in letters(house)] == ["k-2", "k-1"]

    take_in((), old, house.rt)

    assert [(one.key, one.times) for one in letters(house)] == [("k-1", 2), ("k-2", 1)]
    with house.rt.transaction() as tx:
        assert dead_letters.count(tx, since=timedelta(days=1)) == 2


def test_a_key_used_for_other_bytes_is_a_letter_and_the_document_stays(house):
    """The upstream can look up what became of its second message."""
    take_in((), arguments(), house.rt)
    other = base64.b64encode(a_pdf("something else")).decode()
    take_in((), arguments(content_base64=other), house.rt)

    (letter,) = letters(house)
    assert letter.code == "key_reused"
    assert len(house.rows("SELECT id FROM documents")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "k-1", "type": "invoice"},
        {"key": "k-1"},
        {"key": ""},
        {"priority": 11},
        {"metadata": {"a": "x" * 70_000}},
        {"upstream": ""},
    ],
)
def test_what_is_refused_leaves_no_bytes(house, wrong):
    """Nobody fills the store with what becomes no document; the same again leaves none either."""
    take_in((), arguments(), house.rt)
    before = {one.name for one in house.rt.blobs.all()}
    other = base64.b64encode(a_pdf("another one")).decode()
    for _ in range(2):
        take_in((), arguments(content_base64=other, **wrong), house.rt)

    (letter,) = letters(house)
    assert {one.name for one in house.rt.blobs.all()} == {*before, letter.sealed}


def test_a_source_that_is_written_to_meanwhile_is_the_document_that_was_stored(
    house, tmp_path, monkeypatch
):
    """Its row names bytes that are there."""
    source = tmp_path / "a.pdf"
    source.write_bytes(a_pdf())

    def written_to_meanwhile(file: Any) -> str:
        name = name_of(file)
        with source.open("ab") as more:
            more.write(b"\n% more")
        return name

    monkeypatch.setattr("worker.intake.actions.name_of", written_to_meanwhile)
    rt = replace(house.rt, source_roots={"*": (str(tmp_path),)})
    take_in((), arguments(content_base64=None, source=str(source)), rt)

    (document,) = house.rows("SELECT sha256 FROM documents")
    assert [one.name for one in rt.blobs.all()] == [document.sha256]


def test_blobs_that_are_away_are_no_reason_to_refuse(house, tmp_path):
    """The message is not done: the error goes back to whoever holds it, and no letter is written;
    when the blobs are back, it becomes a document.
    """
    away = tmp_path / "no folder"
    away.write_text("a file stands where the folder should")
    broken = house.rt.__class__(**{**_values(house.rt), "blobs": Blobs(str(away))})
    with pytest.raises(BlobsUnavailable):
        take_in((), arguments(), broken)
    assert letters(house) == []

    take_in((), arguments(), house.rt)
    assert len(house.rows("SELECT id FROM documents")) == 1


def test_a_database_that_takes_no_writes_is_no_reason_to_refuse(house):
    """A server whose disk is full is often set to read only: nothing could be written down then,
    neither the document nor why it is none.
    """
    (name,) = house.rows("SELECT current_database() AS name")
    for switch, documents in (("on", 0), ("off", 1)):
        with house.rt.transaction() as tx:
            tx.session.execute(text("SET TRANSACTION READ WRITE"))
            tx.session.execute(
                text(f"ALTER DATABASE {name.name} SET default_transaction_read_only = {switch}")
            )
        house.rt.sessions.kw["bind"].dispose()
        for said in (arguments(), arguments(key="k-2", colour="red")):
            if switch == "on":
                with pytest.raises((DBAPIError, InboxUnavailable)) as raised:
                    take_in((), said, house.rt)
                assert is_outage(raised.value)
            else:
                take_in((), said, house.rt)
        assert len(house.rows("SELECT id FROM documents")) == documents
        assert len(letters(house)) == documents


def test_a_refusal_that_cannot_be_written_down_is_not_done(house):
    """Whatever the reason is: the worker is newer than the tables, for example. It goes back, and
    becomes a letter when there is a place for it.
    """
    wrong = arguments(colour="red")
    with house.rt.transaction() as tx:
        tx.session.execute(text("ALTER TABLE dead_letters RENAME TO elsewhere"))
    with pytest.raises(InboxUnavailable) as raised:
        take_in((), wrong, house.rt)
    assert is_outage(raised.value)

    with house.rt.transaction() as tx:
        tx.session.execute(text("ALTER TABLE elsewhere RENAME TO dead_letters"))
    take_in((), wrong, house.rt)
    assert [one.code for one in letters(house)] == ["invalid_submission"]


@pytest.mark.parametrize(
    "error",
    [
        errors.DiskFull,
        errors.OutOfMemory,
        errors.IoError,
        errors.QueryCanceled,
        errors.AdminShutdown,
        errors.ReadOnlySqlTransaction,
    ],
)
def test_what_the_server_lacks_is_an_outage(error):
    """No document is to blame, and the same statement works when the server has it again."""
    assert is_passing(DBAPIError("insert", {}, error("")))


def _values(rt: Any) -> dict[str, Any]:
    return {name: getattr(rt, name) for name in rt.__dataclass_fields__}


def test_a_fault_of_ours_is_a_letter_too(house):
    """It would come back for ever otherwise; its text is not quoted."""
    broken = house.rt.__class__(**{**_values(house.rt), "max_bytes": "many"})
    take_in((), arguments(), broken)

    (letter,) = letters(house)
    assert letter.code == "internal"
    assert "TypeError" in letter.message


def test_work_is_done_again_while_an_outage_lasts_and_not_after(house):
    """It ends with what the last attempt raised; a refusal ends it at once."""
    tries = []

    def passes() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise BlobsUnavailable("away")
        return "done"

    assert until_it_passes(passes, patience=timedelta(seconds=5)) == "done"
    assert len(tries) == 3

    def refuses() -> None:
        tries.append(1)
        raise InvalidSubmission("no")

    with pytest.raises(InvalidSubmission):
        until_it_passes(refuses, patience=timedelta(seconds=5))
    assert len(tries) == 4

    def stays_away() -> None:
        raise BlobsUnavailable("away")

    with pytest.raises(BlobsUnavailable):
        until_it_passes(stays_away, patience=timedelta(0))


def test_a_broken_rule_of_the_database_is_no_outage():
    """Or the message would come back for ever."""
    error = IntegrityError("insert", {}, Exception())
    assert not is_passing(error)
    assert not is_outage(error)
    assert is_outage(OSError(28, "No space left on device"))


def test_a_source_that_is_no_regular_file_is_refused_at_once(house, tmp_path: Path):
    """A pipe that nobody writes to would hold the worker for ever."""
    os.mkfifo(tmp_path / "pipe")
    rt = house.rt.__class__(**{**_values(house.rt), "source_roots": {"*": (str(tmp_path),)}})
    for name in ("pipe", ".", "nul\0.pdf"):
        take_in((), arguments(source=str(tmp_path / name), content_base64=None), rt)

    assert {one.code for one in letters(house)} == {"unreadable_file", "source_not_allowed"}
    assert house.rows("SELECT id FROM documents") == []


def test_a_file_without_a_byte_beside_a_source_is_one_too_many(house, tmp_path: Path):
    """Whichever of the two is meant, nobody guesses."""
    (tmp_path / "a.pdf").write_bytes(a_pdf())
    rt = house.rt.__class__(**{**_values(house.rt), "source_roots": {"*": (str(tmp_path),)}})
    take_in((), arguments(source=str(tmp_path / "a.pdf"), content_base64=""), rt)

    (letter,) = letters(house)
    assert (letter.code, "exactly one" in letter.message) == ("invalid_submission", True)
    assert house.rows("SELECT id FROM documents") == []


def test_a_machine_without_free_files_is_no_reason_to_refuse_a_source(house, tmp_path: Path):
    """The file is there and right; it becomes a document when the machine has recovered."""
    (tmp_path / "a.pdf").write_bytes(a_pdf())
    rt = house.rt.__class__(**{**_values(house.rt), "source_roots": {"*": (str(tmp_path),)}})
    said = arguments(source=str(tmp_path / "a.pdf"), content_base64=None)
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with suppress(OSError):  # until there are no more
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(SourceUnavailable) as raised:
            take_in((), said, rt)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        for each in held:
            os.close(each)
    assert is_outage(raised.value)
    assert letters(house) == []

    take_in((), said, rt)
    assert len(house.rows("SELECT id FROM documents")) == 1


def test_a_request_shows_neither_its_password_nor_its_bytes():
    """It stands in tracebacks and logs."""
    shown = repr(
        sources.Request(
            upstream="erp", document_type="slip", content=b"%PDF-secret", password="hunter2"
        )
    )
    said = {"content_base64": "c2VjcmV0", "source": "/in/x", "metadata": {"a": "hush"}}
    shown += repr(messages.SubmissionMessage(type="slip", password="hunter2", **said))
    assert "hunter2" not in shown
    assert "%PDF" not in shown
    assert not any(told in shown for told in ("c2VjcmV0", "/in/x", "hush"))


def test_a_submission_that_names_no_priority_has_the_usual_one(house):
    """Others go before it, and behind it."""
    plain, urgent = house.submit(a_pdf("a")), house.submit(a_pdf("b"), priority=9)
    rows = house.rows("SELECT id, priority FROM documents")
    assert {row.id: row.priority for row in rows} == {plain: 4, urgent: 9}


@pytest.mark.parametrize(("depth", "refused"), [(100, False), (101, True), (900, True)])
@pytest.mark.parametrize("kind", [list, dict])
def test_metadata_is_nested_a_hundred_deep_at_most(house, depth, refused, kind):
    """The object itself counts; more would break whoever reads it."""
    inner: Any = 1
    for _ in range(depth - 1):
        inner = [inner] if kind is list else {"a": inner}
    request = sources.Request(
        upstream="erp", document_type="slip", content=a_pdf(), metadata={"a": inner}
    )
    if refused:
        with pytest.raises(InvalidSubmission, match="100 deep"):
            actions.submit(request, house.rt)
    else:
        assert actions.submit(request, house.rt).created
