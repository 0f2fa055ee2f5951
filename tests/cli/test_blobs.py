"""What the store holds and nobody needs."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.test_commands import surefield as surefield  # a fixture
from tests.delivery.conftest import make_house, make_site, renderer, site  # noqa: F401  fixtures
from tests.pipeline.conftest import House, Make, a_pdf
from worker.blobs import Blobs


@pytest.fixture
def store(tmp_path: Path) -> Blobs:
    """The one that commands of this state folder use."""
    return Blobs(tmp_path / "blobs")


def aged(store: Blobs, *names: str) -> None:
    for path in Path(store.url).rglob("*"):
        if path.is_file() and (not names or path.name in names):
            os.utime(path, (1_000_000, 1_000_000))


def a_document(make_house: Make, store: Blobs) -> House:
    """One that was read, with its file and its pages in that store."""
    made = make_house()
    house = replace(made, rt=replace(made.rt, blobs=store))
    house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    return house


def test_only_what_no_document_names_is_removed(make_house, store, surefield):
    """The file and the pages of a document stay, however old they are."""
    a_document(make_house, store)
    needed = {one.name for one in store.all()}
    orphan = store.put(b"a submission that was refused")
    aged(store)
    assert len(needed) >= 2

    assert surefield("blobs", "--unreferenced").startswith("1 blobs that no document names")
    assert "1 removed" in surefield("blobs", "--unreferenced", "--remove")
    assert {one.name for one in store.all()} == needed
    assert not store.exists(orphan)
    assert surefield("blobs", "--unreferenced").startswith("0 blobs")


def test_a_young_one_is_left_alone(db, store, surefield):
    """Its row may be on the way; how young is said."""
    store.put(b"a submission that comes in just now")

    said = surefield("blobs", "--unreferenced", "--remove", "--older-than", "1")
    assert said.startswith("0 blobs that no document names, older than 1 h")
    assert surefield("blobs").startswith("1 blobs, 0.0 MB")


@pytest.mark.parametrize(
    "words", [("--remove",), ("--unreferenced", "--remove", "--older-than", "0.5")]
)
def test_nothing_is_removed_by_mistake(db, store, surefield, words):
    """Neither all of it, nor what was stored a moment ago."""
    store.put(b"a file")
    aged(store)
    surefield("blobs", *words, fails=True)

    assert len(list(store.all())) == 1
