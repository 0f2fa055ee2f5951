"""What comes into a watched folder becomes a document once, and is put aside."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.pipeline.conftest import a_pdf, make_house, renderer  # noqa: F401  fixtures
from worker.blobs import Blobs
from worker.errors import BlobsUnavailable
from worker.intake import watching
from worker.intake.errors import TooManyWaiting
from worker.intake.watching import Watched


@pytest.fixture
def house(make_house):
    return make_house()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


def watched(house, folder: Path, **changes) -> Watched:
    return Watched(folder, house.rt, **{"upstream": "scanner", "document_type": "slip", **changes})


def names(folder: Path) -> list[str]:
    """What lies there, folders' contents included."""
    found = [one.relative_to(folder).as_posix() for one in folder.rglob("*") if not one.is_dir()]
    return sorted(found)


def came(house) -> list[tuple[str, str, str]]:
    found = house.rows(
        "SELECT upstream, filename, document_type FROM submissions ORDER BY filename"
    )
    return [tuple(one) for one in found]


def twice(one: Watched) -> dict[str, int]:
    """Two looks; what the second one did."""
    one.look()
    return dict(one.look())


def test_a_file_that_looks_the_same_twice_is_taken(house, folder: Path) -> None:
    """Once: then it lies aside."""
    (folder / "a.pdf").write_bytes(a_pdf("a"))
    one = watched(house, folder)
    assert dict(one.look()) == {"waiting": 1}
    assert dict(one.look()) == {"taken": 1}
    assert dict(one.look()) == {}
    assert names(folder) == ["taken/a.pdf"]
    assert came(house) == [("scanner", "a.pdf", "slip")]


def test_a_file_that_is_still_written_waits(house, folder: Path) -> None:
    """Longer, newer, another one of the same name, or empty."""
    path = folder / "a.pdf"
    one = watched(house, folder)
    pdf = a_pdf("a")
    for part in (b"", b"", pdf[:100], pdf[:200], pdf):
        path.write_bytes(part)
        assert dict(one.look()) == {"waiting": 1}
        assert part or dict(one.look()) == {"waiting": 1}  # whoever made it will write to it
    path.rename(folder / "b.pdf")
    assert dict(one.look()) == {"waiting": 1}
    assert came(house) == []
    assert dict(one.look()) == {"taken": 1}
    (document,) = house.rows("SELECT sha256 FROM documents")
    assert house.rt.blobs.get(document.sha256) == pdf


@pytest.mark.parametrize("name", [".a.pdf", "~$a.pdf", "a.pdf.part", "a.TMP", "a.crdownload"])
def test_names_of_unfinished_files_are_left_alone(house, folder: Path, name: str) -> None:
    (folder / name).write_bytes(a_pdf("a"))
    assert twice(watched(house, folder)) == {}
    assert names(folder) == [name]


def test_a_folder_with_a_types_name_says_the_type(house, folder: Path) -> None:
    """What lies in no such folder is told so, and what is done with is not looked at again."""
    for place in ("slip/a.pdf", "auto/b.pdf", "nonsense/c.pdf", "d.pdf", "taken/e.pdf"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(a_pdf(place))
    assert twice(watched(house, folder, document_type=None)) == {"taken": 2, "refused": 2}
    assert {(name, kind) for _, name, kind in came(house)} == {("a.pdf", "slip"), ("b.pdf", "auto")}
    assert names(folder) == [
        "refused/d.pdf",
        "refused/d.pdf.why.txt",
        "refused/nonsense/c.pdf",
        "refused/nonsense/c.pdf.why.txt",
        "taken/auto/b.pdf",
        "taken/e.pdf",
        "taken/slip/a.pdf",
    ]
    assert "--type" in (folder / "refused/d.pdf.why.txt").read_text()
    assert "unknown_document_type" in (folder / "refused/nonsense/c.pdf.why.txt").read_text()


def test_what_is_refused_lies_beside_its_reason_and_holds_nothing_up(
    house, folder: Path, tmp_path: Path
) -> None:
    """Too large, a link, a pipe; the good ones behind them are taken."""
    small = replace(house, rt=replace(house.rt, max_bytes=len(a_pdf("good")) + 100))
    (folder / "large.pdf").write_bytes(a_pdf("good") + b" " * 200)
    (tmp_path / "secret").write_text("secret")
    (folder / "link.pdf").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe.pdf")
    with open(folder / "good.pdf", "wb") as file:
        file.write(a_pdf("good"))
    done = twice(watched(small, folder))
    assert done == {"taken": 1, "refused": 3}
    assert "regular file" in (folder / "refused/pipe.pdf.why.txt").read_text()
    assert "too_large" in (folder / "refused/large.pdf.why.txt").read_text()
    assert "unreadable_file" in (folder / "refused/link.pdf.why.txt").read_text()
    assert (tmp_path / "secret").read_text() == "secret"


def test_the_same_name_with_other_bytes_is_another_document(house, folder: Path) -> None:
    """Both lie aside, neither over the other; the same bytes under another name are one, too."""
    one = watched(house, folder)
    for text in ("a", "b"):
        (folder / "scan.pdf").write_bytes(a_pdf(text))
        assert twice(one) == {"taken": 1}
    (folder / "copy.pdf").write_bytes(a_pdf("b"))
    assert twice(one) == {"taken": 1}
    assert names(folder / "taken") == ["copy.pdf", "scan (2).pdf", "scan.pdf"]
    assert len(house.rows("SELECT FROM documents")) == 3


def test_the_same_file_in_two_folders_is_a_document_of_each_type(house, folder: Path) -> None:
    """Neither is refused for the other."""
    pdf = a_pdf("a")
    for kind in ("slip", "receipt"):
        (folder / kind).mkdir()
        (folder / kind / "a.pdf").write_bytes(pdf)
    assert twice(watched(house, folder, document_type=None)) == {"taken": 2}
    assert {kind for _, _, kind in came(house)} == {"slip", "receipt"}


def test_a_file_that_was_taken_and_not_put_aside_is_the_same_document(
    house, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ended it between the two."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    (folder / "a.pdf").write_bytes(a_pdf("a"))
    first = watched(house, folder)
    first.look()
    with monkeypatch.context() as broken:
        broken.setattr(watching.os, "rename", dies)
        with pytest.raises(KeyboardInterrupt):
            first.look()
    assert names(folder) == ["a.pdf"]
    assert len(house.rows("SELECT FROM documents")) == 1
    assert twice(watched(house, folder)) == {"taken": 1}
    assert len(house.rows("SELECT FROM documents")) == 1


def test_while_blobs_are_away_files_stay_where_they_are(house, folder: Path, tmp_path) -> None:
    """And are taken when these are back, at once."""
    (folder / "a.pdf").write_bytes(a_pdf("a"))
    (tmp_path / "no folder").write_text("")
    away = replace(house, rt=replace(house.rt, blobs=Blobs(tmp_path / "no folder" / "blobs")))
    one = watched(away, folder)
    one.look()
    with pytest.raises(BlobsUnavailable):
        one.look()
    assert names(folder) == ["a.pdf"]
    (tmp_path / "no folder").unlink()
    assert dict(one.look()) == {"taken": 1}


def test_a_line_that_is_full_is_waited_for(house, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(a_pdf("a"))
    (folder / "b.pdf").write_bytes(a_pdf("b"))
    one = watched(replace(house, rt=replace(house.rt, max_waiting=1)), folder)
    one.look()
    with pytest.raises(TooManyWaiting):
        one.look()
    assert len(names(folder / "taken")) == 1


def test_a_name_that_is_no_text_is_taken(house, folder: Path) -> None:
    path = os.fsencode(folder) + b"/R\xe4chnung.pdf"
    with open(path, "wb") as file:
        file.write(a_pdf("a"))
    assert twice(watched(house, folder)) == {"taken": 1}
    assert [name for _, name, _ in came(house)] == ["R?chnung.pdf"]


def test_the_command_says_by_its_status_whether_something_was_refused(
    house, folder: Path, surefield
) -> None:
    """A misspelt type is said at once; and nothing else is touched then."""
    (folder / "a.pdf").write_bytes(a_pdf("a"))
    said = surefield("watch", str(folder), "--type", "slipp", "--once", fails=True)
    assert "slipp" in said
    assert names(folder) == ["a.pdf"]
    words = ("watch", str(folder), "--type", "slip", "--upstream", "x", "--once", "--every", "0.1")
    surefield(*words)
    assert came(house) == [("x", "a.pdf", "slip")]
    (folder / "b.pdf").symlink_to(folder / "a.pdf")
    surefield(*words, fails=True)


def test_a_watcher_that_is_killed_again_and_again_takes_each_file_once(
    house, folder: Path, database_url: str, tmp_path: Path
) -> None:
    """All of them are documents, all lie aside, and none came twice."""
    many = 60
    for number in range(many):
        (folder / f"{number}.pdf").write_bytes(a_pdf(f"file {number}"))
    environment = {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path / "state"),
    }
    words = [sys.executable, "-m", "worker", "watch", str(folder), "--type", "slip"]
    kills = 0
    aside = folder / "taken"
    give_up = time.monotonic() + 200
    while len(names(aside)) < many:
        assert time.monotonic() < give_up, names(folder)
        before = len(names(aside))
        process = subprocess.Popen([*words, "--every", "0.1"], env=environment)
        while len(names(aside)) < min(before + 15, many):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills >= 3
    assert len(house.rows("SELECT FROM documents")) == many
    assert {name for _, name, _ in came(house)} == {f"{number}.pdf" for number in range(many)}
