"""The content-addressed store."""

import io
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.blobs import Blobs
from worker.errors import BlobsUnavailable, MissingBlob

NAME = sha256(b"page").hexdigest()


@pytest.fixture(params=["folder", "file url", "object store"])
def blobs(request, tmp_path):
    url = {
        "folder": str(tmp_path),
        "file url": tmp_path.as_uri(),
        "object store": f"memory://{tmp_path.name}",
    }[request.param]
    return Blobs(url)


def files_under(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def test_what_was_stored_comes_back_under_its_sha256(blobs):
    """On every kind of store."""
    assert blobs.put(b"page") == NAME
    assert blobs.get(NAME) == b"page"
    assert blobs.exists(NAME)


@given(st.binary(max_size=2000))
def test_any_bytes_come_back_as_they_were(tmp_path_factory, data):
    """Empty ones too."""
    blobs = Blobs(tmp_path_factory.getbasetemp() / "any")
    assert blobs.get(blobs.put(data)) == data


def test_a_missing_blob_says_which_and_what_to_do(blobs):
    """A retry may help: a copy may still be on its way."""
    blobs.put(b"another")
    assert not blobs.exists(NAME)
    with pytest.raises(MissingBlob, match=f"{NAME}.*Restore it") as caught:
        blobs.get(NAME)
    assert caught.value.retry
    assert not caught.value.installation


@pytest.mark.parametrize("gone", [True, False])
def test_a_store_in_which_nothing_is_is_not_mounted(tmp_path, gone):
    """No blob is missing then: the folder of a mount that is away is empty, or not there."""
    folder = tmp_path / "blobs"
    if not gone:
        folder.mkdir()
    with pytest.raises(BlobsUnavailable, match="Mount it"):
        Blobs(folder).get(NAME)


def test_a_damaged_blob_is_noticed_and_healed_by_storing_it_again(tmp_path):
    """Bytes that are not the ones stored are never returned."""
    blobs = Blobs(tmp_path)
    blobs.put(b"page")
    (path,) = files_under(tmp_path)
    path.write_bytes(b"pagf")
    with pytest.raises(MissingBlob, match="damaged"):
        blobs.get(NAME)
    blobs.put(b"page")
    assert blobs.get(NAME) == b"page"


def test_the_same_bytes_are_stored_once(tmp_path):
    """The second time nothing is written."""
    blobs = Blobs(tmp_path)
    blobs.put(b"page")
    (path,) = files_under(tmp_path)
    before = path.stat().st_ino
    assert blobs.put(b"page") == NAME
    assert files_under(tmp_path) == [path]
    assert path.stat().st_ino == before


def test_blobs_lie_in_folders_that_stay_small(tmp_path):
    """Two levels of two hexadecimal digits."""
    Blobs(tmp_path).put(b"page")
    assert files_under(tmp_path) == [tmp_path / NAME[:2] / NAME[2:4] / NAME]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    """Neither half a blob nor a temporary file."""

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(BlobsUnavailable, match="No space left on device") as caught:
        Blobs(tmp_path).put(b"page")
    assert caught.value.retry
    assert files_under(tmp_path) == []


def test_a_store_that_cannot_be_reached_is_an_error_that_a_retry_may_mend(tmp_path):
    """Here: a file stands where the folder should be."""
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(BlobsUnavailable, match="Check its address"):
        Blobs(tmp_path / "store").put(b"page")


def test_many_threads_may_store_the_same_bytes_at_once(tmp_path):
    """Each sees the whole blob, and one is left."""
    blobs = Blobs(tmp_path)
    data = os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: blobs.put(data), range(32)))
    assert [blobs.get(name) for name in names] == [data]
    assert len(files_under(tmp_path)) == 1


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME[:-1], NAME[:-1] + "/"])
def test_only_a_sha256_names_a_blob(tmp_path, name):
    """A name from outside cannot leave the store."""
    with pytest.raises(MissingBlob, match="not the name of a blob"):
        Blobs(tmp_path).get(name)


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    """A worker may change its working directory later."""
    monkeypatch.chdir(tmp_path)
    blobs = Blobs("store")
    blobs.put(b"page")
    monkeypatch.chdir("/")
    assert blobs.get(NAME) == b"page"


def test_a_large_file_is_stored_without_being_held_in_memory(tmp_path):
    """Of 32 MB at most a few are in memory, the first time and when it is there already."""
    blobs, large = Blobs(tmp_path / "blobs"), tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(32 << 20)
    tracemalloc.start()
    try:
        with large.open("rb") as file:
            names = {blobs.put_file(file) for _ in range(2)}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert names == {sha256(bytes(32 << 20)).hexdigest()}
    assert peak < 8 << 20


def test_a_file_is_stored_from_its_beginning_on_every_kind_of_store(blobs):
    """Wherever its reader stands."""
    file = io.BytesIO(b"page")
    file.read()
    assert blobs.put_file(file) == NAME
    assert blobs.get(NAME) == b"page"


def test_all_blobs_are_listed_and_nothing_else(blobs):
    """With their sizes, and when they were stored."""
    began = datetime.now(UTC) - timedelta(seconds=5)
    names = {blobs.put(b"page"): 4, blobs.put(b"another page"): 12}
    found = {one.name: one for one in blobs.all()}

    assert {name: one.size for name, one in found.items()} == names
    assert all(
        began <= one.at <= datetime.now(UTC) + timedelta(seconds=5) for one in found.values()
    )


def test_what_is_no_blob_is_not_listed(tmp_path):
    """A half-written copy, or a file that somebody put there."""
    blobs = Blobs(tmp_path)
    blobs.put(b"page")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "aa").mkdir(exist_ok=True)
    (tmp_path / "aa" / ".new-1234").write_text("x")

    assert [one.name for one in blobs.all()] == [NAME]


def test_a_store_that_is_not_there_has_no_blobs(tmp_path):
    """It is made when the first comes."""
    assert list(Blobs(tmp_path / "none").all()) == []


def test_an_old_blob_is_removed_and_a_young_one_stays(blobs):
    """A row that names it may be on its way."""
    blobs.put(b"page")
    an_hour = timedelta(hours=1)

    assert not blobs.remove(NAME, before=datetime.now(UTC) - an_hour)
    assert blobs.exists(NAME)
    assert blobs.remove(NAME, before=datetime.now(UTC) + an_hour)
    assert not blobs.exists(NAME)
    assert not blobs.remove(NAME, before=datetime.now(UTC) + an_hour)


def test_bytes_that_come_again_are_young_again(tmp_path):
    """Else they could be removed between the store and the row of their second submission."""
    blobs = Blobs(tmp_path)
    blobs.put(b"page")
    (path,) = files_under(tmp_path)
    os.utime(path, (1_000_000, 1_000_000))
    blobs.put(b"page")

    assert not blobs.remove(NAME, before=datetime.now(UTC) - timedelta(hours=1))
