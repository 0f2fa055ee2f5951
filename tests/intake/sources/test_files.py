"""A path of an upstream leads to a regular file beneath an allowed folder, or nowhere."""

import os
from pathlib import Path

import pytest

from extractors.errors import UnreadableFile
from tests.pipeline.conftest import a_pdf
from worker.intake import actions, sources
from worker.intake.errors import SourceNotAllowed
from worker.intake.sources import files


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """An allowed folder with a file two folders down, and a secret beside it."""
    folder = tmp_path / "in"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "own.pdf").write_bytes(a_pdf("its own"))
    (tmp_path / "out" / "b").mkdir(parents=True)
    (tmp_path / "out" / "b" / "own.pdf").write_bytes(a_pdf("a secret"))
    return folder


@pytest.fixture
def send(make_house, inside):
    """Submit what lies at this path; the bytes that were stored."""
    house = make_house(source_roots={"*": (str(inside),)})

    def submit(source: Path | str) -> bytes:
        request = sources.Request(upstream="t", document_type="slip", source=str(source))
        document = actions.submit(request, house.rt).document_id
        (row,) = house.rows("SELECT sha256 FROM documents WHERE id = :id", id=document)
        return house.rt.blobs.get(row.sha256)

    return submit


def test_a_file_beneath_the_folder_is_taken(send, inside):
    """However deep it lies."""
    place = inside / "a" / "b" / "own.pdf"
    assert send(place) == place.read_bytes()


def test_a_link_in_the_middle_or_at_the_end_is_refused_wherever_it_leads(send, inside, tmp_path):
    """Who may write beneath the folder could let it lead elsewhere a moment later."""
    (inside / "in").symlink_to(inside / "a")
    (inside / "out").symlink_to(tmp_path / "out")
    (inside / "own.pdf").symlink_to(inside / "a" / "b" / "own.pdf")
    (inside / "round").symlink_to(inside / "round")
    for name in ("in/b/own.pdf", "out/b/own.pdf", "own.pdf", "round", "round/own.pdf"):
        with pytest.raises(SourceNotAllowed, match="symbolic link"):
            send(inside / name)


def test_a_folder_that_is_exchanged_meanwhile_leads_nowhere_else(
    send, inside, tmp_path, monkeypatch
):
    """Between any two steps: what is opened lies beneath the folder that was allowed."""
    opens, seen = os.open, []
    secret = (tmp_path / "out" / "b" / "own.pdf").read_bytes()

    def exchanged(path, flags, *args, **more):
        if path == "b" and not seen:
            seen.append(path)
            (inside / "a").rename(tmp_path / "was a")
            (inside / "a").symlink_to(tmp_path / "out")
        return opens(path, flags, *args, **more)

    monkeypatch.setattr(files.os, "open", exchanged)
    assert send(inside / "a" / "b" / "own.pdf") != secret
    assert seen
    with pytest.raises(SourceNotAllowed):
        send(inside / "a" / "b" / "own.pdf")


@pytest.mark.parametrize(
    "source",
    [
        "{root}/../out/b/own.pdf",
        "{root}/a/../../out/b/own.pdf",
        "a/b/own.pdf",
        "",
        "/",
        "{root}/a/..",
    ],
)
def test_no_way_up_and_no_way_from_elsewhere_is_taken(send, inside, source, monkeypatch):
    """Also where it would end beneath the folder."""
    monkeypatch.chdir(inside)
    with pytest.raises(SourceNotAllowed):
        send(source.format(root=inside))


@pytest.mark.parametrize("name", ["", "a", "a/b/", "pipe", "a/b/own.pdf/x"])
def test_what_is_no_file_is_said_so_at_once(send, inside, name):
    """The folder itself, one in it, a pipe, and what lies beneath a file."""
    os.mkfifo(inside / "pipe")
    with pytest.raises(UnreadableFile):
        send(f"{inside}/{name}")


def test_the_allowed_folder_may_itself_be_a_link(make_house, inside, tmp_path):
    """Whoever runs the installation made it; a path may name either."""
    link = tmp_path / "link"
    link.symlink_to(inside)
    house = make_house(source_roots={"*": (str(link),)})
    for root in (link, inside):
        request = sources.Request(
            upstream=root.name, document_type="slip", source=str(root / "a" / "b" / "own.pdf")
        )
        assert actions.submit(request, house.rt).created


def test_no_file_stays_open(send, inside):
    """Neither of a way that ended well nor of one that did not."""
    (inside / "link").symlink_to(inside / "a")
    here = Path("/proc/self/fd")
    send(inside / "a" / "b" / "own.pdf")  # the database's connections are open from here on
    before = len(list(here.iterdir()))
    for name in ("a/b/own.pdf", "link/b/own.pdf", "a/none/own.pdf", "a"):
        try:
            send(inside / name)
        except (SourceNotAllowed, UnreadableFile):
            continue
    assert len(list(here.iterdir())) == before
