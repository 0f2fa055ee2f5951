"""A source in an object store: fetched from a real S3 server of this machine."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.request import Request, urlopen

import boto3
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from extractors.errors import UnreadableFile
from extractors.registry import missing
from tests.intake.sources.conftest import taken
from tests.pipeline.conftest import a_pdf
from worker.intake.errors import SourceNotAllowed, SourceUnavailable, TooLarge

PDF = a_pdf("from a store")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.client]:
    """A client of an S3 server with an empty bucket; the workers' client finds it, too."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    urlopen(Request(f"http://127.0.0.1:{port}/moto-api/reset", method="POST")).close()
    s3fs.S3FileSystem.clear_instance_cache()  # of a server before
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket")
    yield client
    server.stop()


@pytest.fixture
def house(make_house):
    made = make_house()
    return replace(made, rt=replace(made.rt, source_roots={"*": ("s3://bucket/in",)}))


def test_an_object_beneath_a_root_is_taken(house, store) -> None:
    """Whatever signs its name has."""
    for name in ("a.pdf", "b/what? #1 ü.pdf"):
        store.put_object(Bucket="bucket", Key=f"in/{name}", Body=PDF + name.encode())
        assert taken(house, f"s3://bucket/in/{name}") == PDF + name.encode()
    named = {row.filename for row in house.rows("SELECT filename FROM submissions")}
    assert named == {"a.pdf", "what? #1 ü.pdf"}


def test_an_object_that_came_after_it_was_asked_for_is_found(house, store) -> None:
    """Nothing of the first answer is remembered, nor what was listed before."""
    store.put_object(Bucket="bucket", Key="in/other.pdf", Body=PDF)
    assert s3fs.S3FileSystem().ls("bucket/in") == ["bucket/in/other.pdf"]
    with pytest.raises(UnreadableFile, match="not in its store"):
        taken(house, "s3://bucket/in/a.pdf")
    store.put_object(Bucket="bucket", Key="in/a.pdf", Body=PDF)
    assert taken(house, "s3://bucket/in/a.pdf") == PDF
    store.put_object(Bucket="bucket", Key="in/a.pdf", Body=PDF + b"again")
    assert taken(house, "s3://bucket/in/a.pdf") == PDF + b"again"


def test_what_lies_elsewhere_in_the_bucket_is_not_asked_for(house, store) -> None:
    store.put_object(Bucket="bucket", Key="out/a.pdf", Body=PDF)
    with pytest.raises(SourceNotAllowed):
        taken(house, "s3://bucket/out/a.pdf")


def test_an_object_that_is_too_large_is_refused(house, store) -> None:
    store.put_object(Bucket="bucket", Key="in/a.pdf", Body=b"%PDF" + b"x" * 997)
    small = replace(house, rt=replace(house.rt, max_bytes=1_000))
    with pytest.raises(TooLarge):
        taken(small, "s3://bucket/in/a.pdf")


def test_a_store_that_is_away_is_asked_again(house, store, monkeypatch) -> None:
    """It is nothing that the sender could mend."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(SourceUnavailable):
        taken(house, "s3://bucket/in/a.pdf")


@pytest.mark.skipif(not missing("gcsfs"), reason="gcsfs is installed")
def test_a_store_without_its_library_names_what_to_install(make_house) -> None:
    """Its queue waits: nothing of the submission is wrong."""
    made = make_house()
    house = replace(made, rt=replace(made.rt, source_roots={"*": ("gs://bucket",)}))
    with pytest.raises(SourceUnavailable, match=r"surefield\[gs\]"):
        taken(house, "gs://bucket/a.pdf")
